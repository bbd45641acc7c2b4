"""Branches of different receptive fields side by side, joined by their channels; local response normalization before."""
# ruff: noqa: UP008, UP031, B020 (written as people write it)
from collections import OrderedDict

import torch
import torch.nn as nn


class Inception(nn.Module):
    def __init__(self, in_planes, n1x1, n3x3red, n3x3, n5x5red, n5x5, pool_planes):
        super(Inception, self).__init__()
        self.b1 = self._conv(in_planes, n1x1, 1)
        self.b2 = nn.Sequential(self._conv(in_planes, n3x3red, 1), self._conv(n3x3red, n3x3, 3))
        self.b3 = nn.Sequential(*self._conv(in_planes, n5x5red, 1), *self._conv(n5x5red, n5x5, 3), *self._conv(n5x5, n5x5, 3))
        self.b4 = nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), self._conv(in_planes, pool_planes, 1))

    @staticmethod
    def _conv(in_planes, planes, kernel):
        return nn.Sequential(nn.Conv2d(in_planes, planes, kernel_size=kernel, padding=kernel // 2), nn.BatchNorm2d(planes),
                             nn.ReLU(True))

    def forward(self, x):
        return torch.cat([self.b1(x), self.b2(x), self.b3(x), self.b4(x)], 1)


class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.pre_layers = nn.Sequential(OrderedDict([
            ('conv', nn.Conv2d(3, 12, kernel_size=3, padding=1)), ('lrn', nn.LocalResponseNorm(5, alpha=0.1)),
            ('relu', nn.ReLU(True))]))
        self.a3 = Inception(12, 4, 4, 8, 2, 4, 4)
        self.b3 = Inception(20, 4, 6, 8, 2, 4, 4)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1, ceil_mode=True)
        self.avgpool = nn.AvgPool2d(7, stride=1, count_include_pad=False)
        self.linear = nn.Linear(20, 10)

    def forward(self, x):
        out = self.a3(self.pre_layers(x))
        out = self.b3(self.maxpool(out))
        out = self.avgpool(out)
        out = out.reshape(out.shape[0], -1)
        return self.linear(out)


def build():
    return Net()


INPUT = (2, 3, 13, 13)
