"""The residual networks for CIFAR: 20 to 110 layers.

He, Zhang, Ren & Sun, "Deep residual learning for image recognition", CVPR 2016, section 4.2. What was new: layers learn
what to add to their input, y = x + F(x), so that the gradient has a way around each of them and depth stops hurting.

    stage     layers (6n + 2 in all)        output (32x32 images)
    conv1     conv 3x3 + BN + ReLU          16 x 32 x 32
    layer1    n blocks of two conv 3x3      16 x 32 x 32
    layer2    n blocks, first with stride 2 32 x 16 x 16
    layer3    n blocks, first with stride 2 64 x  8 x  8
              average over the image, dense 10

Where a block changes the shape, its shortcut is the paper's option A, which has no parameters: every second pixel of
the input, and zeros for the new channels.
"""

from .. import nn
from ..errors import BadValue
from ..nn import functional as F
from .resnet import initialise


def conv3x3(in_channels, out_channels, stride=1):
    return nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)


class Block(nn.Module):
    """y = relu(shortcut(x) + F(x)), where F is two convolutions."""

    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.conv1 = conv3x3(in_channels, out_channels, stride)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = conv3x3(out_channels, out_channels)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.stride, self.new_channels = stride, out_channels - in_channels

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.shortcut(x) + self.bn2(self.conv2(y)))

    def shortcut(self, x):
        if self.stride > 1:
            x = x[:, :, :: self.stride, :: self.stride]
        return F.pad(x, (0, 0, 0, 0, 0, self.new_channels)) if self.new_channels else x


def stage(in_channels, out_channels, blocks, stride):
    first = Block(in_channels, out_channels, stride)
    return nn.Sequential(first, *[Block(out_channels, out_channels) for _ in range(blocks - 1)])


class ResNetCIFAR(nn.Module):
    """6n + 2 layers in three stages of n blocks."""

    def __init__(self, depth, num_classes=10, in_channels=3):
        super().__init__()
        if depth % 6 != 2 or depth < 8:
            raise BadValue(f"depth must be 6n + 2 (8, 14, 20, ...), got {depth}")
        self.input_shape = in_channels, 32, 32
        n = depth // 6
        self.conv1 = conv3x3(in_channels, 16)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = stage(16, 16, n, stride=1)
        self.layer2 = stage(16, 32, n, stride=2)
        self.layer3 = stage(32, 64, n, stride=2)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(64, num_classes)
        self.apply(initialise)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.fc(self.avgpool(x).flatten(1))


def resnet20(num_classes=10, in_channels=3):
    """A residual network of 20 layers. Takes (N, in_channels, H, W), gives logits (N, num_classes)."""
    return ResNetCIFAR(20, num_classes, in_channels)


def resnet32(num_classes=10, in_channels=3):
    """A residual network of 32 layers."""
    return ResNetCIFAR(32, num_classes, in_channels)


def resnet44(num_classes=10, in_channels=3):
    """A residual network of 44 layers."""
    return ResNetCIFAR(44, num_classes, in_channels)


def resnet56(num_classes=10, in_channels=3):
    """A residual network of 56 layers."""
    return ResNetCIFAR(56, num_classes, in_channels)


def resnet110(num_classes=10, in_channels=3):
    """A residual network of 110 layers."""
    return ResNetCIFAR(110, num_classes, in_channels)
