"""A small VGG with batch normalization, for 32x32 images.

Simonyan & Zisserman, "Very deep convolutional networks for large-scale image recognition", ICLR 2015. What was new:
nothing but 3x3 convolutions, in stages of equal size, the channels doubled where pooling halves the image.

    layer                               output (32x32 images)
    conv 3x3 + BN + ReLU: twice          32 x 32 x 32
    pool 2x2                             32 x 16 x 16
    conv 3x3 + BN + ReLU: twice          64 x 16 x 16
    pool 2x2                             64 x  8 x  8
    conv 3x3 + BN + ReLU: twice         128 x  8 x  8
    pool 2x2                            128 x  4 x  4
    dense                                10
"""

from .. import nn, shapes
from ..errors import ShapeError
from .blocks import conv_bn_relu

STAGES = (32, 64, 128)          # channels


class VGGSmall(nn.Module):
    """Three stages of two convolutions and a pooling; one dense layer."""

    def __init__(self, num_classes=10, in_channels=3, image_size=32):
        super().__init__()
        self.input_shape = in_channels, *shapes.pair(image_size, "image_size", least=1)
        layers, channels = [], in_channels
        for width in STAGES:
            layers += [*conv_bn_relu(channels, width), *conv_bn_relu(width, width), nn.MaxPool2d(2)]
            channels = width
        height, width = _pooled(image_size)
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Flatten(), nn.Linear(channels * height * width, num_classes))

    def forward(self, x):
        return self.classifier(self.features(x))


def _pooled(image_size):
    """(height, width) after three halvings."""
    size = tuple(n // 2 ** len(STAGES) for n in shapes.pair(image_size, "image_size"))
    if min(size) < 1:
        raise ShapeError(f"vgg_small halves the image {len(STAGES)} times: image_size must be at least 8, got {image_size}")
    return size


def vgg_small(num_classes=10, in_channels=3, image_size=32):
    """Six convolutions with batch normalization in three stages.

    image_size  the height and width in pixels, or the pair; at least 8

    Takes (N, in_channels, H, W), gives logits (N, num_classes).
    """
    return VGGSmall(num_classes, in_channels, image_size)
