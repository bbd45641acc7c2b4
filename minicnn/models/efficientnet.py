"""EfficientNet-Lite0: depthwise convolutions between thin layers, for telephones. 4.7 million parameters, a ResNet-50's accuracy.

Tan & Le, "EfficientNet: rethinking model scaling for convolutional neural networks", ICML 2019, table 1 (network B0, which a search
has found among blocks of this kind); the block is that of Sandler et al., "MobileNetV2: inverted residuals and linear bottlenecks",
CVPR 2018. The Lite form (Google, 2020) leaves out what integer hardware does badly: squeeze-and-excitation goes, ReLU6 takes the place
of swish, and stem and head keep their widths in the larger networks.

    stage                                        blocks   output (224x224 images)
    conv 3x3, stride 2 + BN + ReLU6                         32 x 112 x 112
    MBConv, expansion 1, 3x3                        1       16 x 112 x 112
    MBConv, expansion 6, 3x3, stride 2              2       24 x  56 x  56
    MBConv, expansion 6, 5x5, stride 2              2       40 x  28 x  28
    MBConv, expansion 6, 3x3, stride 2              3       80 x  14 x  14
    MBConv, expansion 6, 5x5                        3      112 x  14 x  14
    MBConv, expansion 6, 5x5, stride 2              4      192 x   7 x   7
    MBConv, expansion 6, 3x3                        1      320 x   7 x   7
    conv 1x1 + BN + ReLU6                                 1280 x   7 x   7
    average over the image, dropout, dense                1000

An MBConv block widens its input e-fold by a 1x1 convolution, looks around in each channel by itself (a depthwise convolution has
1/channels of the weights of a full one), and narrows it again without a nonlinearity, which would lose information where there are
few channels. Between blocks, where the shortcuts are, there is little to keep: the residual is inverted.

The weights came from TensorFlow, whose padding "SAME" puts the odd pixel of a stride of 2 behind the image, not before it. Stochastic
depth, which drops whole blocks in training (the paper's section 5.2), is left out.
"""

from .. import nn
from ..nn import functional as F
from .resnet import initialise
from .weights import with_weights

STAGES = (                      # expansion, kernel size, stride of the first block, channels, blocks
    (1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3), (6, 5, 1, 112, 3), (6, 5, 2, 192, 4), (6, 3, 1, 320, 1),
)
STEM, HEAD = 32, 1280


class SameConv2d(nn.Conv2d):
    """A convolution with TensorFlow's padding "SAME": ceil(size / stride) pixels come out, and of an odd margin more is behind."""

    def forward(self, input):
        sides = [margin for size, k, s in zip(input.shape[:1:-1], self.kernel_size[::-1], self.stride[::-1])
                 for margin in same_margin(size, k, s)]
        return super().forward(F.pad(input, sides) if any(sides) else input)


def same_margin(size, kernel, stride):
    """(before, behind) along one axis."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def convolution(ins, outs, kernel=1, stride=1, groups=1):
    """Without a bias: a normalization follows. Padding "SAME", which with a stride of 1 is the same on all sides."""
    if stride > 1:
        return SameConv2d(ins, outs, kernel, stride, groups=groups, bias=False)
    return nn.Conv2d(ins, outs, kernel, padding=kernel // 2, groups=groups, bias=False)


def normalization(channels):
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


class MBConv(nn.Module):
    """y = project(relu6(depthwise(relu6(expand(x))))), plus x where the shape stays; each convolution with its normalization."""

    def __init__(self, ins, outs, expansion, kernel, stride):
        super().__init__()
        width = ins * expansion
        if expansion > 1:
            self._expand_conv, self._bn0 = convolution(ins, width), normalization(width)
        self._depthwise_conv, self._bn1 = convolution(width, width, kernel, stride, groups=width), normalization(width)
        self._project_conv, self._bn2 = convolution(width, outs), normalization(outs)
        self._act = nn.ReLU6(inplace=True)
        self.expands, self.has_shortcut = expansion > 1, stride == 1 and ins == outs

    def forward(self, x):
        y = self._act(self._bn0(self._expand_conv(x))) if self.expands else x
        y = self._act(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        return y + x if self.has_shortcut else y


class EfficientNet(nn.Module):
    """The stem, sixteen blocks, the head; `state_dict` keys are those of the PyTorch packages that carry its trained weights."""

    def __init__(self, num_classes=1000, dropout=0.2, in_channels=3):
        super().__init__()
        self.input_shape = in_channels, 224, 224
        self._conv_stem, self._bn0 = convolution(in_channels, STEM, 3, stride=2), normalization(STEM)
        self._blocks = nn.ModuleList(blocks())
        self._conv_head, self._bn1 = convolution(STAGES[-1][3], HEAD), normalization(HEAD)
        self._act = nn.ReLU6(inplace=True)
        self._avgpool, self._dropout = nn.AdaptiveAvgPool2d(1), nn.Dropout(dropout)
        self._fc = nn.Linear(HEAD, num_classes)
        self.apply(initialise)

    def forward(self, x):
        x = self._act(self._bn0(self._conv_stem(x)))
        for block in self._blocks:
            x = block(x)
        x = self._act(self._bn1(self._conv_head(x)))
        return self._fc(self._dropout(self._avgpool(x).flatten(1)))


def blocks():
    """Yield the MBConv blocks of all stages; the first of each changes the shape."""
    ins = STEM
    for expansion, kernel, stride, outs, count in STAGES:
        for i in range(count):
            yield MBConv(ins, outs, expansion, kernel, 1 if i else stride)
            ins = outs


def efficientnet_lite0(*, weights=None, progress=True, num_classes=1000, dropout=0.2, in_channels=3):
    """EfficientNet-Lite0, sixteen blocks of depthwise convolutions.

    weights   a file of parameters (see `models.load_weights`), or None: freshly initialised
    progress  for torchvision's sake; nothing is downloaded

    Takes (N, in_channels, H, W), made for 224x224; gives logits (N, num_classes). 4,652,008 parameters for 1000 classes.
    """
    return with_weights(EfficientNet(num_classes, dropout, in_channels), weights, num_classes)
