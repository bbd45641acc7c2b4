"""Grouped convolutions with a cardinality, widths that are kept in the module, and both kinds of group statistics."""
# ruff: noqa: UP008, UP031, B020 (written as people write it)
import torch
from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    def __init__(self, in_planes, cardinality, width, stride):
        super().__init__()
        group_width = cardinality * width
        self.body = nn.Sequential()
        self.body.add_module("reduce", nn.Conv2d(in_planes, group_width, 1, bias=False))
        self.body.add_module("norm", nn.GroupNorm(cardinality, group_width))
        self.body.add_module("act", nn.SiLU())
        self.body.add_module("split", nn.Conv2d(group_width, group_width, 3, stride, 1, groups=cardinality, bias=False))
        self.body.add_module("bn", nn.BatchNorm2d(group_width))
        self.body.add_module("expand", nn.Conv2d(group_width, 2 * group_width, 1))
        self.shortcut = nn.Identity() if stride == 1 and in_planes == 2 * group_width \
            else nn.Conv2d(in_planes, 2 * group_width, 1, stride)

    def forward(self, x):
        return F.silu(self.body(x) + self.shortcut(x))


class Net(nn.Module):
    def __init__(self, cardinality=4, width=2):
        super().__init__()
        self.cardinality, self.width, self.in_planes = cardinality, width, 8
        self.stem = nn.Conv2d(3, 8, 3, padding="same", padding_mode="reflect")
        self.norm = nn.InstanceNorm2d(8, affine=True)
        self.layer1 = self._layer(2, 1)
        self.layer2 = self._layer(1, 2)
        self.scale = nn.Parameter(torch.full((1, 1, 1), 0.5))
        self.register_buffer("mean", torch.tensor([0.49, 0.48, 0.44]).view(1, 3, 1, 1))
        self.fc = nn.Linear(self.in_planes, 10, bias=False)

    def _layer(self, count, stride):
        blocks = []
        for i in range(count):
            blocks += [Block(self.in_planes, self.cardinality, self.width, stride if i == 0 else 1)]
            self.in_planes = 2 * self.cardinality * self.width
        self.width *= 2
        return nn.Sequential(*blocks)

    def forward(self, x):
        x = self.norm(self.stem(x - self.mean))
        x = self.layer2(self.layer1(x)) * self.scale
        return self.fc(x.mean([2, 3]))


def build():
    return Net()


INPUT = (2, 3, 12, 12)
