"""Each block adds to one part of the channels and appends to the other."""
# ruff: noqa: UP008, UP031, B020 (written as people write it)
import torch
import torch.nn as nn
import torch.nn.functional as F


class Bottleneck(nn.Module):
    def __init__(self, last_planes, in_planes, out_planes, dense_depth, stride, first_layer):
        super().__init__()
        self.out_planes, self.dense_depth = out_planes, dense_depth
        self.conv1 = nn.Conv2d(last_planes, in_planes, kernel_size=1, bias=False)
        self.bn1 = nn.BatchNorm2d(in_planes)
        self.conv2 = nn.Conv2d(in_planes, in_planes, kernel_size=3, stride=stride, padding=1, groups=4, bias=False)
        self.bn2 = nn.BatchNorm2d(in_planes)
        self.conv3 = nn.Conv2d(in_planes, out_planes + dense_depth, kernel_size=1, bias=False)
        self.shortcut = nn.Sequential()
        if first_layer:
            self.shortcut = nn.Sequential(nn.Conv2d(last_planes, out_planes + dense_depth, 1, stride=stride, bias=False))

    def forward(self, x):
        out = F.gelu(self.bn1(self.conv1(x)))
        out = F.mish(self.bn2(self.conv2(out)))
        out = self.conv3(out)
        x = self.shortcut(x)
        d = self.out_planes
        return torch.tanh(torch.cat([x[:, :d, :, :] + out[:, :d, :, :], x[:, d:, :, :], out[:, d:, :, :]], 1))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.last_planes = 8
        self.conv1 = nn.Conv2d(3, 8, 3, 1, 1)
        self.layer1 = self._make_layer(8, 6, 2, 4, 1)
        self.layer2 = self._make_layer(8, 10, 2, 2, 2)
        self.up = nn.ConvTranspose2d(self.last_planes, 4, 2, stride=2)
        self.linear = nn.Linear(4, 10)

    def _make_layer(self, in_planes, out_planes, num_blocks, dense_depth, stride):
        layers = []
        for i in range(num_blocks):
            layers.append(Bottleneck(self.last_planes, in_planes, out_planes, dense_depth, stride if i == 0 else 1, i == 0))
            self.last_planes = out_planes + (i + 2) * dense_depth
        return nn.Sequential(*layers)

    def forward(self, x):
        out = self.layer2(self.layer1(self.conv1(x)))
        out = F.interpolate(self.up(out), scale_factor=0.5, mode='bilinear', align_corners=False)
        return self.linear(F.adaptive_max_pool2d(out, 1).flatten(1))


def build():
    return Net()


INPUT = (2, 3, 8, 8)
