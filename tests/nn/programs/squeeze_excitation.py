"""Channels weighed by what the whole image says; swish activations; a stochastic depth that is switched off."""
# ruff: noqa: UP008, UP031, B020 (written as people write it)
import torch
import torch.nn as nn
import torch.nn.functional as F


def swish(x):
    return x * x.sigmoid()


def drop_connect(x, drop_ratio):
    keep_ratio = 1.0 - drop_ratio
    mask = torch.empty([x.shape[0], 1, 1, 1], dtype=x.dtype, device=x.device)
    mask.bernoulli_(keep_ratio)
    x.div_(keep_ratio)
    x.mul_(mask)
    return x


class SE(nn.Module):
    def __init__(self, planes, reduced):
        super(SE, self).__init__()
        self.se1 = nn.Conv2d(planes, reduced, kernel_size=1, bias=True)
        self.se2 = nn.Conv2d(reduced, planes, kernel_size=1, bias=True)

    def forward(self, x):
        w = F.adaptive_avg_pool2d(x, (1, 1))
        w = swish(self.se1(w))
        w = self.se2(w).sigmoid()
        return x * w


class Block(nn.Module):
    def __init__(self, in_planes, planes, kernel_size, stride, drop_rate=0.):
        super(Block, self).__init__()
        self.expand = nn.Conv2d(in_planes, 2 * planes, kernel_size=1, bias=False)
        self.bn1 = nn.BatchNorm2d(2 * planes)
        self.depthwise = nn.Conv2d(2 * planes, 2 * planes, kernel_size=kernel_size, stride=stride,
                                   padding=(1 if kernel_size == 3 else 2), groups=2 * planes, bias=False)
        self.bn2 = nn.BatchNorm2d(2 * planes)
        self.se = SE(2 * planes, max(1, planes // 4))
        self.project = nn.Conv2d(2 * planes, planes, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm2d(planes)
        self.drop_rate = drop_rate
        self.has_skip = (stride == 1) and (in_planes == planes)

    def forward(self, x):
        out = swish(self.bn1(self.expand(x)))
        out = swish(self.bn2(self.depthwise(out)))
        out = self.bn3(self.project(self.se(out)))
        if self.has_skip:
            if self.training:
                out = drop_connect(out, self.drop_rate)
            out = out + x
        return out


class Net(nn.Module):
    def __init__(self, cfg, num_classes=10):
        super(Net, self).__init__()
        self.cfg = cfg
        self.conv1 = nn.Conv2d(3, 8, kernel_size=3, stride=1, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        blocks = [Block(*sizes) for sizes in zip(cfg['in_planes'], cfg['planes'], cfg['kernel_size'], cfg['stride'])]
        self.layers = nn.Sequential(*blocks)
        self.linear = nn.Linear(cfg['planes'][-1], num_classes)

    def forward(self, x):
        out = swish(self.bn1(self.conv1(x)))
        out = self.layers(out)
        out = F.adaptive_avg_pool2d(out, 1)
        out = out.view(out.size(0), -1)
        dropout_rate = self.cfg['dropout_rate']
        if self.training and dropout_rate > 0:
            out = F.dropout(out, p=dropout_rate)
        return self.linear(out)


def build():
    return Net({'in_planes': [8, 8, 12], 'planes': [8, 12, 12], 'kernel_size': [3, 5, 3], 'stride': [1, 2, 1],
                'dropout_rate': 0.0})


INPUT = (2, 3, 12, 12)
