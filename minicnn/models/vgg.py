"""The VGG networks: 11 to 19 layers, with and without batch normalization.

Simonyan & Zisserman, "Very deep convolutional networks for large-scale image recognition", ICLR 2015, table 1. What was new: nothing
but 3x3 convolutions. Two of them in a row see as much as one of 5x5, three as much as one of 7x7, with fewer weights and more
nonlinearities between (section 2.3); and depth alone, from 11 to 19 layers, was shown to lower the error.

    stage                                           output (224x224 images)
                        vgg11  vgg13  vgg16  vgg19
    conv 3x3, 64            1      2      2      2    64 x 224 x 224    then pool 2x2
    conv 3x3, 128           1      2      2      2   128 x 112 x 112    then pool 2x2
    conv 3x3, 256           2      2      3      4   256 x  56 x  56    then pool 2x2
    conv 3x3, 512           2      2      3      4   512 x  28 x  28    then pool 2x2
    conv 3x3, 512           2      2      3      4   512 x  14 x  14    then pool 2x2
    average to 7x7                                   512 x   7 x   7    no change at 224x224; it lets images have any size
    dense, twice, with dropout                       4096
    dense                                            1000

Each convolution (in the `_bn` forms, its batch normalization) and each dense layer but the last is followed by ReLU. The first dense
layer alone has 102.8 million parameters.
"""

from .. import nn
from ..errors import BadValue
from .weights import with_weights

WIDTHS = (64, 128, 256, 512, 512)
DEPTHS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}       # configurations A, B, D, E


class VGG(nn.Module):
    """Five stages of 3x3 convolutions and three dense layers; `state_dict` keys are torchvision's."""

    def __init__(self, features, num_classes=1000, init_weights=True, dropout=0.5):
        super().__init__()
        self.input_shape = features[0].in_channels, 224, 224
        self.features = features
        self.avgpool = nn.AdaptiveAvgPool2d((7, 7))
        self.classifier = nn.Sequential(
            nn.Linear(512 * 7 * 7, 4096), nn.ReLU(True), nn.Dropout(dropout),
            nn.Linear(4096, 4096), nn.ReLU(True), nn.Dropout(dropout),
            nn.Linear(4096, num_classes),
        )
        if init_weights:
            self.apply(initialise)

    def forward(self, x):
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


def make_layers(depth, batch_norm=False, in_channels=3):
    """The convolutions of the network with so many layers, as one Sequential. Raises BadValue for a depth that is not in the paper."""
    if depth not in DEPTHS:
        raise BadValue(f"VGG has {', '.join(map(str, DEPTHS))} layers, not {depth}")
    layers, channels = [], in_channels
    for width, count in zip(WIDTHS, DEPTHS[depth]):
        for _ in range(count):
            layers += [nn.Conv2d(channels, width, 3, padding=1), *([nn.BatchNorm2d(width)] if batch_norm else []), nn.ReLU(inplace=True)]
            channels = width
        layers.append(nn.MaxPool2d(2, stride=2))
    return nn.Sequential(*layers)


def initialise(module):
    """He et al., "Delving deep into rectifiers", ICCV 2015, for convolutions; small normal numbers for dense layers; biases 0."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    elif isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, 0, 0.01)
    if isinstance(module, (nn.Conv2d, nn.Linear)):
        nn.init.zeros_(module.bias)


def _builder(depth, batch_norm):
    """The function that builds the network with so many layers."""

    def build(*, weights=None, progress=True, num_classes=1000, dropout=0.5, init_weights=True, in_channels=3):
        fresh = init_weights and weights is None
        return with_weights(VGG(make_layers(depth, batch_norm, in_channels), num_classes, fresh, dropout), weights, num_classes)

    build.__name__ = build.__qualname__ = f"vgg{depth}" + "_bn" * batch_norm
    build.__doc__ = f"""{sum(DEPTHS[depth])} convolutions of 3x3{', each with batch normalization,' * batch_norm} and three dense layers.

    weights   a file of parameters (see `models.load_weights`), or None: freshly initialised
    progress  for torchvision's sake; nothing is downloaded

    Takes (N, in_channels, H, W), H and W at least 32; gives logits (N, num_classes).
    """
    return build


vgg11, vgg13, vgg16, vgg19 = (_builder(depth, False) for depth in DEPTHS)
vgg11_bn, vgg13_bn, vgg16_bn, vgg19_bn = (_builder(depth, True) for depth in DEPTHS)
