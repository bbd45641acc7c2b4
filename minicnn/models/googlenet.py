"""GoogLeNet, the first Inception network, with its auxiliary heads.

Szegedy et al., "Going deeper with convolutions", CVPR 2015, table 1. What was new: modules that look at their input through windows of
several sizes at once, with 1x1 convolutions that lower the number of channels before each costly window (section 4); and two small
classifiers in the middle of the network, which bring the gradient to the lower layers and are taken away after training (section 5).

    layer                            output (224x224 images)
    conv1    7x7, stride 2             64 x 112 x 112
             pool 3x3, stride 2        64 x  56 x  56
    conv2    1x1                       64 x  56 x  56
    conv3    3x3                      192 x  56 x  56
             pool 3x3, stride 2       192 x  28 x  28
    inception3a, 3b                   256, 480 x 28 x 28
             pool 3x3, stride 2       480 x  14 x  14
    inception4a to 4e                 512, 512, 512, 528, 832 x 14 x 14      aux1 after 4a, aux2 after 4d
             pool 2x2, stride 2       832 x   7 x   7
    inception5a, 5b                   832, 1024 x 7 x 7
             average over the image, dropout, dense  1000

    an inception module, from its input to the channels of four branches one after the other:
        1x1  |  1x1 then 3x3  |  1x1 then 3x3  |  pool 3x3 then 1x1

The third branch is the paper's 5x5. It has 3x3 here because torchvision's has, and with it all weights that there are: a slip there,
kept ever since. Like torchvision's, and unlike the paper's, every convolution is followed by batch normalization.
"""

from collections import namedtuple

from .. import nn
from ..elementary.joining import cat, stack
from ..nn import functional as F
from .weights import with_weights

GoogLeNetOutputs = namedtuple("GoogLeNetOutputs", ["logits", "aux_logits2", "aux_logits1"])

MODULES = {         # channels: input | 1x1 | 1x1, 3x3 | 1x1, 3x3 | behind the pooling
    "3a": (192, 64, 96, 128, 16, 32, 32), "3b": (256, 128, 128, 192, 32, 96, 64),
    "4a": (480, 192, 96, 208, 16, 48, 64), "4b": (512, 160, 112, 224, 24, 64, 64), "4c": (512, 128, 128, 256, 24, 64, 64),
    "4d": (512, 112, 144, 288, 32, 64, 64), "4e": (528, 256, 160, 320, 32, 128, 128),
    "5a": (832, 256, 160, 320, 32, 128, 128), "5b": (832, 384, 192, 384, 48, 128, 128),
}
# Mean and deviation of each channel, by which images mostly are normalised; networks of other libraries take -1..1 (`transform_input`).
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


class BasicConv2d(nn.Module):
    """relu(BN(conv(x)))"""

    def __init__(self, in_channels, out_channels, **options):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, bias=False, **options)
        self.bn = nn.BatchNorm2d(out_channels, eps=0.001)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)), inplace=True)


class Inception(nn.Module):
    """Four branches side by side: (N, in_channels, H, W) -> (N, ch1x1 + ch3x3 + ch5x5 + pool_proj, H, W)."""

    def __init__(self, in_channels, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj):
        super().__init__()
        self.branch1 = BasicConv2d(in_channels, ch1x1, kernel_size=1)
        self.branch2 = nn.Sequential(BasicConv2d(in_channels, ch3x3red, kernel_size=1),
                                     BasicConv2d(ch3x3red, ch3x3, kernel_size=3, padding=1))
        self.branch3 = nn.Sequential(BasicConv2d(in_channels, ch5x5red, kernel_size=1),
                                     BasicConv2d(ch5x5red, ch5x5, kernel_size=3, padding=1))
        self.branch4 = nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1, ceil_mode=True),
                                     BasicConv2d(in_channels, pool_proj, kernel_size=1))

    def forward(self, x):
        return cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], 1)


class InceptionAux(nn.Module):
    """A classifier in the middle of the network: (N, in_channels, H, W) -> (N, num_classes)."""

    def __init__(self, in_channels, num_classes, dropout=0.7):
        super().__init__()
        self.conv = BasicConv2d(in_channels, 128, kernel_size=1)
        self.fc1 = nn.Linear(2048, 1024)
        self.fc2 = nn.Linear(1024, num_classes)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        x = self.conv(F.adaptive_avg_pool2d(x, (4, 4))).flatten(1)
        return self.fc2(self.dropout(F.relu(self.fc1(x), inplace=True)))


class GoogLeNet(nn.Module):
    """Nine inception modules; `state_dict` keys are torchvision's. 6,624,904 parameters, with auxiliary heads 13,004,888.

    In training with auxiliary heads it gives GoogLeNetOutputs, to be trained by
    loss(logits) + 0.3 · (loss(aux_logits1) + loss(aux_logits2)); else logits (N, num_classes).
    """

    def __init__(self, num_classes=1000, aux_logits=True, transform_input=False, init_weights=True, dropout=0.2, dropout_aux=0.7,
                 in_channels=3):
        super().__init__()
        self.input_shape = in_channels, 224, 224
        self.aux_logits, self.transform_input = aux_logits, transform_input
        self.conv1 = BasicConv2d(in_channels, 64, kernel_size=7, stride=2, padding=3)
        self.maxpool1 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.conv2 = BasicConv2d(64, 64, kernel_size=1)
        self.conv3 = BasicConv2d(64, 192, kernel_size=3, padding=1)
        self.maxpool2 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.inception3a, self.inception3b = (Inception(*MODULES[name]) for name in ("3a", "3b"))
        self.maxpool3 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.inception4a, self.inception4b, self.inception4c, self.inception4d, self.inception4e = (
            Inception(*MODULES[name]) for name in ("4a", "4b", "4c", "4d", "4e"))
        self.maxpool4 = nn.MaxPool2d(2, stride=2, ceil_mode=True)
        self.inception5a, self.inception5b = (Inception(*MODULES[name]) for name in ("5a", "5b"))
        self.aux1 = InceptionAux(512, num_classes, dropout_aux) if aux_logits else None
        self.aux2 = InceptionAux(528, num_classes, dropout_aux) if aux_logits else None
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(1024, num_classes)
        if init_weights:
            self.apply(initialise)

    def forward(self, x):
        x = in_other_libraries_range(x) if self.transform_input else x
        x = self.maxpool1(self.conv1(x))
        x = self.maxpool2(self.conv3(self.conv2(x)))
        x = self.maxpool3(self.inception3b(self.inception3a(x)))
        x = self.inception4a(x)
        aux1 = self._auxiliary(self.aux1, x)
        x = self.inception4d(self.inception4c(self.inception4b(x)))
        aux2 = self._auxiliary(self.aux2, x)
        x = self.maxpool4(self.inception4e(x))
        x = self.inception5b(self.inception5a(x))
        logits = self.fc(self.dropout(self.avgpool(x).flatten(1)))
        return GoogLeNetOutputs(logits, aux2, aux1) if self.training and self.aux_logits else logits

    def _auxiliary(self, head, x):
        return head(x) if head is not None and self.training else None


def in_other_libraries_range(x):
    """Undo the normalization by ImageNet's mean and deviation, (N, 3, H, W), and make the images lie in -1..1."""
    return stack([x[:, i] * (std / 0.5) + (mean - 0.5) / 0.5 for i, (mean, std) in enumerate(zip(*IMAGENET))], 1)


def initialise(module):
    """Normal numbers of deviation 0.01, cut off at 2, for convolutions and dense layers, as in torchvision."""
    if isinstance(module, (nn.Conv2d, nn.Linear)):
        nn.init.trunc_normal_(module.weight, mean=0.0, std=0.01, a=-2, b=2)


def googlenet(*, weights=None, progress=True, num_classes=1000, aux_logits=True, transform_input=False, init_weights=True, dropout=0.2,
              dropout_aux=0.7, in_channels=3):
    """Nine inception modules and two auxiliary heads, the network of 2014.

    weights     a file of parameters (see `models.load_weights`), or None: freshly initialised
    progress    for torchvision's sake; nothing is downloaded
    aux_logits  whether there are auxiliary heads

    Takes (N, in_channels, H, W), H and W at least 15; gives logits (N, num_classes), in training with auxiliary heads GoogLeNetOutputs.
    """
    fresh = init_weights and weights is None
    model = GoogLeNet(num_classes, aux_logits, transform_input, fresh, dropout, dropout_aux, in_channels)
    return with_weights(model, weights, num_classes, unused=() if aux_logits else ("aux1.", "aux2."))
