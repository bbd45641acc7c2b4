"""The piece that most networks since 2015 are made of: convolution, batch normalization, ReLU."""

from .. import nn


def conv_bn_relu(in_channels, out_channels):
    """Three layers that keep the image's size. The bias is left to the normalization, which would cancel it.

    Ioffe & Szegedy, "Batch normalization", ICML 2015, section 3.2.
    """
    return [
        nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(),
    ]
