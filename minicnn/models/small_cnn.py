"""A small convolutional network with batch normalization, for images of any size: what `minicnn train` trains.

    layer                                     output (8x8 images)
    conv 3x3, batch norm, ReLU: twice         24 x 8 x 8
    pool 2x2                                  24 x 4 x 4
    conv 3x3, batch norm, ReLU: twice         48 x 4 x 4
    average over the whole image              48
    dense                                     10

Two 3x3 layers see as much as one 5x5 layer, with fewer weights and one more nonlinearity (Simonyan & Zisserman, "Very
deep convolutional networks", ICLR 2015, section 2.3); the average over the image in place of large dense layers is from Lin, Chen
& Yan, "Network in network", ICLR 2014, section 3.2.
"""

from .. import nn
from .blocks import conv_bn_relu


class SmallCNN(nn.Module):
    """Two stages of two convolutions, the second with twice as many channels; one dense layer."""

    def __init__(self, num_classes=10, in_channels=1, width=24):
        super().__init__()
        self.input_shape = (in_channels, 32, 32) if in_channels == 3 else (in_channels, 28, 28)
        self.features = nn.Sequential(
            *conv_bn_relu(in_channels, width), *conv_bn_relu(width, width), nn.MaxPool2d(2),
            *conv_bn_relu(width, 2 * width), *conv_bn_relu(2 * width, 2 * width),
        )
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.classifier = nn.Linear(2 * width, num_classes)

    def forward(self, x):
        return self.classifier(self.flatten(self.avgpool(self.features(x))))


def small_cnn(num_classes=10, in_channels=1, width=24):
    """Four convolutions with batch normalization, for images of any size.

    width  channels of the first stage

    Takes (N, in_channels, H, W), H and W at least 2; gives logits (N, num_classes).
    """
    return SmallCNN(num_classes, in_channels, width)
