"""Pre-activation residual blocks; the shortcut exists only where it is needed, which `hasattr` asks."""
# ruff: noqa: UP008, UP031, B020 (written as people write it)
import torch.nn as nn
import torch.nn.functional as F


class PreActBlock(nn.Module):
    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(in_planes)
        self.conv1 = nn.Conv2d(in_planes, planes, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        if stride != 1 or in_planes != planes:
            self.shortcut = nn.Sequential(nn.Conv2d(in_planes, planes, 1, stride, bias=False))

    def forward(self, x):
        out = F.leaky_relu(self.bn1(x), 0.1, inplace=True)
        shortcut = self.shortcut(out) if hasattr(self, 'shortcut') else x
        out = self.conv1(out)
        out = self.conv2(F.leaky_relu(self.bn2(out), 0.1))
        out += shortcut
        return out


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, padding=1)
        self.blocks = nn.ModuleList([PreActBlock(6, 6), PreActBlock(6, 12, 2), PreActBlock(12, 12), PreActBlock(12, 18, 2)])
        self.bn = nn.BatchNorm2d(18, momentum=0.01)
        self.pool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(18, 10)

    def forward(self, x):
        x = self.conv(x)
        for i, block in enumerate(self.blocks):
            x = block(x) if i % 2 == 0 else block(x).clamp(min=-5)
        x = self.pool(self.bn(x).relu_()).squeeze(-1).squeeze(-1)
        return F.log_softmax(self.fc(x), dim=1)


def build():
    return Net()


INPUT = (2, 3, 16, 16)
