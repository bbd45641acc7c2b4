"""Channels split, processed apart, and shuffled together again."""
# ruff: noqa: UP008, UP031, B020 (written as people write it)
import torch
import torch.nn as nn
import torch.nn.functional as F


class ShuffleBlock(nn.Module):
    def __init__(self, groups=2):
        super(ShuffleBlock, self).__init__()
        self.groups = groups

    def forward(self, x):
        '''Channel shuffle: [N,C,H,W] -> [N,g,C/g,H,W] -> [N,C/g,g,H,W] -> [N,C,H,W]'''
        N, C, H, W = x.size()
        g = self.groups
        return x.view(N, g, C // g, H, W).permute(0, 2, 1, 3, 4).reshape(N, C, H, W)


class SplitBlock(nn.Module):
    def __init__(self, ratio):
        super(SplitBlock, self).__init__()
        self.ratio = ratio

    def forward(self, x):
        c = int(x.size(1) * self.ratio)
        return x[:, :c, :, :], x[:, c:, :, :]


class BasicBlock(nn.Module):
    def __init__(self, channels, split_ratio=0.5):
        super(BasicBlock, self).__init__()
        self.split = SplitBlock(split_ratio)
        half = int(channels * split_ratio)
        self.branch = nn.Sequential(
            nn.Conv2d(half, half, 1, bias=False), nn.BatchNorm2d(half), nn.ReLU(True),
            nn.Conv2d(half, half, 3, padding=1, groups=half, bias=False), nn.BatchNorm2d(half),
            nn.Conv2d(half, half, 1, bias=False), nn.BatchNorm2d(half), nn.ReLU(True))
        self.shuffle = ShuffleBlock()

    def forward(self, x):
        x1, x2 = self.split(x)
        return self.shuffle(torch.cat([x1, self.branch(x2)], 1))


class DownBlock(nn.Module):
    def __init__(self, in_channels, out_channels):
        super(DownBlock, self).__init__()
        mid = out_channels // 2
        self.left = nn.Sequential(nn.Conv2d(in_channels, in_channels, 3, 2, 1, groups=in_channels), nn.Conv2d(in_channels, mid, 1))
        self.right = nn.Conv2d(in_channels, mid, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(out_channels)

    def forward(self, x):
        out = torch.cat((self.left(x), self.right(x)), dim=1)
        a, b = out.chunk(2, dim=1)
        out = torch.stack([a, b], dim=2).transpose(1, 2).contiguous().view(out.shape)
        return F.relu(self.norm(out), inplace=True)


class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.conv1 = nn.Conv2d(3, 8, kernel_size=1, bias=False)
        self.layers = nn.Sequential(BasicBlock(8), DownBlock(8, 12), BasicBlock(12), BasicBlock(12), DownBlock(12, 16))
        self.linear = nn.Linear(16, 10)

    def forward(self, x):
        out = self.layers(self.conv1(x))
        out = F.max_pool2d(out, 3, stride=2, padding=1)
        out = out.view(out.size(0), out.size(1), -1).max(dim=2)[0]
        return self.linear(out)


def build():
    return Net()


INPUT = (2, 3, 16, 16)
