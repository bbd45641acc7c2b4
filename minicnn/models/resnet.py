"""The residual networks for ImageNet: 18 to 152 layers. (Those for CIFAR are in `resnet_cifar.py`.)

He, Zhang, Ren & Sun, "Deep residual learning for image recognition", CVPR 2016, table 1. What was new: a block learns what to add to
its input, y = relu(x + F(x)), so that the gradient has a way around each block, and a network of 152 layers still trains.

    stage                                     output (224x224 images)
    conv1    conv 7x7, stride 2 + BN + ReLU     64 x 112 x 112
             pool 3x3, stride 2                 64 x  56 x  56
    layer1   blocks of width  64                64 · e x 56 x 56
    layer2   blocks of width 128, stride 2     128 · e x 28 x 28
    layer3   blocks of width 256, stride 2     256 · e x 14 x 14
    layer4   blocks of width 512, stride 2     512 · e x  7 x  7
             average over the image, dense    1000

                  block        e    blocks in each stage
    resnet18      basic        1    2 2  2 2
    resnet34      basic        1    3 4  6 3
    resnet50      bottleneck   4    3 4  6 3
    resnet101     bottleneck   4    3 4 23 3
    resnet152     bottleneck   4    3 8 36 3

A basic block is two 3x3 convolutions. A bottleneck is a 1x1 convolution that lowers the number of channels, a 3x3, and a 1x1 that
raises it e-fold: deeper at equal cost (section 4.1, "Deeper bottleneck architectures"). Where a stage changes the shape, the first
block's shortcut is a 1x1 convolution (option B). As in torchvision, a bottleneck has its stride in the 3x3 convolution, not in the
first 1x1, which would look at a quarter of its input only ("ResNet v1.5").
"""

from .. import nn
from .weights import with_weights


class BasicBlock(nn.Module):
    """y = relu(shortcut(x) + F(x)), F two convolutions of 3x3."""

    expansion = 1

    def __init__(self, inplanes, planes, stride=1, downsample=None, groups=1, base_width=64):
        super().__init__()
        self.conv1 = conv3x3(inplanes, planes, stride)
        self.bn1 = nn.BatchNorm2d(planes)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = conv3x3(planes, planes)
        self.bn2 = nn.BatchNorm2d(planes)
        self.downsample, self.stride = downsample, stride

    def forward(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return self.relu(y + (x if self.downsample is None else self.downsample(x)))


class Bottleneck(nn.Module):
    """y = relu(shortcut(x) + F(x)), F convolutions of 1x1, 3x3 and 1x1. `groups` and `base_width` make ResNeXt and wide ResNet of it."""

    expansion = 4

    def __init__(self, inplanes, planes, stride=1, downsample=None, groups=1, base_width=64):
        super().__init__()
        width = int(planes * (base_width / 64)) * groups
        self.conv1 = conv1x1(inplanes, width)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = conv3x3(width, width, stride, groups)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = conv1x1(width, planes * self.expansion)
        self.bn3 = nn.BatchNorm2d(planes * self.expansion)
        self.relu = nn.ReLU(inplace=True)
        self.downsample, self.stride = downsample, stride

    def forward(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return self.relu(y + (x if self.downsample is None else self.downsample(x)))


def conv3x3(in_planes, out_planes, stride=1, groups=1):
    return nn.Conv2d(in_planes, out_planes, 3, stride=stride, padding=1, groups=groups, bias=False)


def conv1x1(in_planes, out_planes, stride=1):
    return nn.Conv2d(in_planes, out_planes, 1, stride=stride, bias=False)


class ResNet(nn.Module):
    """Four stages of residual blocks; `state_dict` keys are torchvision's.

    block               BasicBlock or Bottleneck
    layers              how many blocks each of the four stages has
    zero_init_residual  let every block begin as the identity: the scale of its last normalization starts at 0
    """

    def __init__(self, block, layers, num_classes=1000, zero_init_residual=False, groups=1, width_per_group=64, in_channels=3):
        super().__init__()
        self.input_shape = in_channels, 224, 224
        self.inplanes, self.groups, self.base_width = 64, groups, width_per_group
        self.conv1 = nn.Conv2d(in_channels, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1 = self._stage(block, 64, layers[0])
        self.layer2 = self._stage(block, 128, layers[1], stride=2)
        self.layer3 = self._stage(block, 256, layers[2], stride=2)
        self.layer4 = self._stage(block, 512, layers[3], stride=2)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(512 * block.expansion, num_classes)
        self.apply(initialise)
        if zero_init_residual:
            self.apply(start_as_identity)

    def _stage(self, block, planes, blocks, stride=1):
        """Blocks of one width; only the first changes the shape."""
        outs, downsample = planes * block.expansion, None
        if stride != 1 or self.inplanes != outs:
            downsample = nn.Sequential(conv1x1(self.inplanes, outs, stride), nn.BatchNorm2d(outs))
        first = block(self.inplanes, planes, stride, downsample, self.groups, self.base_width)
        self.inplanes = outs
        return nn.Sequential(first, *(block(outs, planes, groups=self.groups, base_width=self.base_width) for _ in range(blocks - 1)))

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(self.avgpool(x).flatten(1))


def initialise(module):
    """He et al., "Delving deep into rectifiers", ICCV 2015: variances that neither grow nor shrink with depth."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


def start_as_identity(module):
    """Goyal et al., "Accurate, large minibatch SGD", 2017, section 5.1: F(x) = 0 at the beginning."""
    if isinstance(module, (BasicBlock, Bottleneck)):
        nn.init.zeros_((module.bn3 if isinstance(module, Bottleneck) else module.bn2).weight)


def _builder(depth, block, layers):
    """The function that builds the network with so many layers."""

    def build(*, weights=None, progress=True, num_classes=1000, zero_init_residual=False, groups=1, width_per_group=64, in_channels=3):
        model = ResNet(block, layers, num_classes, zero_init_residual, groups, width_per_group, in_channels)
        return with_weights(model, weights, num_classes)

    build.__name__ = build.__qualname__ = f"resnet{depth}"
    build.__doc__ = f"""A residual network of {depth} layers: {sum(layers)} {'basic blocks' if block is BasicBlock else 'bottlenecks'}.

    weights   a file of parameters (see `models.load_weights`), or None: freshly initialised
    progress  for torchvision's sake; nothing is downloaded

    Takes (N, in_channels, H, W), gives logits (N, num_classes).
    """
    return build


resnet18 = _builder(18, BasicBlock, (2, 2, 2, 2))
resnet34 = _builder(34, BasicBlock, (3, 4, 6, 3))
resnet50 = _builder(50, Bottleneck, (3, 4, 6, 3))
resnet101 = _builder(101, Bottleneck, (3, 4, 23, 3))
resnet152 = _builder(152, Bottleneck, (3, 8, 36, 3))
