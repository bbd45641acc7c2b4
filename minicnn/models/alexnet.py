"""AlexNet, the network that won ImageNet in 2012 and made everybody else use convolutions.

Krizhevsky, Sutskever & Hinton, "ImageNet classification with deep convolutional neural networks", NIPS 2012; the widths are those of
Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014, as in torchvision. What was new: ReLU in place
of tanh (section 3.1), dropout (4.2), pooling windows that overlap (3.4), much augmentation (4.1), and two GPUs to train it.

    layer                           output (224x224 images)
    conv 11x11, stride 4, pad 2      64 x 55 x 55
    pool 3x3, stride 2               64 x 27 x 27
    conv 5x5, pad 2                 192 x 27 x 27
    pool 3x3, stride 2              192 x 13 x 13
    conv 3x3                        384 x 13 x 13
    conv 3x3                        256 x 13 x 13
    conv 3x3                        256 x 13 x 13
    pool 3x3, stride 2              256 x  6 x  6
    average to 6x6                  256 x  6 x  6   no change at 224x224; it lets images have any size
    dense, twice, with dropout     4096
    dense                          1000

Each convolution and each dense layer but the last is followed by ReLU. 58.6 of the 61.1 million parameters are in the dense layers,
90 % of the multiply-adds in the convolutions. The paper's local response normalization is left out, as in the later paper.
"""

from .. import nn
from .weights import with_weights


class AlexNet(nn.Module):
    """Five convolutions, three dense layers; `state_dict` keys are torchvision's. 61,100,840 parameters for 1000 classes."""

    def __init__(self, num_classes=1000, dropout=0.5, in_channels=3):
        super().__init__()
        self.input_shape = in_channels, 224, 224
        self.features = nn.Sequential(
            nn.Conv2d(in_channels, 64, 11, stride=4, padding=2), nn.ReLU(inplace=True), nn.MaxPool2d(3, stride=2),
            nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(inplace=True), nn.MaxPool2d(3, stride=2),
            nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(inplace=True),
            nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(inplace=True),
            nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(3, stride=2),
        )
        self.avgpool = nn.AdaptiveAvgPool2d((6, 6))
        self.classifier = nn.Sequential(
            nn.Dropout(dropout), nn.Linear(256 * 6 * 6, 4096), nn.ReLU(inplace=True),
            nn.Dropout(dropout), nn.Linear(4096, 4096), nn.ReLU(inplace=True),
            nn.Linear(4096, num_classes),
        )

    def forward(self, x):
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


def alexnet(*, weights=None, progress=True, num_classes=1000, dropout=0.5, in_channels=3):
    """Five convolutions and three dense layers, the network of 2012.

    weights   a file of parameters (see `models.load_weights`), or None: freshly initialised
    progress  for torchvision's sake; nothing is downloaded

    Takes (N, in_channels, H, W), H and W at least 63; gives logits (N, num_classes).
    """
    return with_weights(AlexNet(num_classes, dropout, in_channels), weights, num_classes)
