"""LeNet-5, the network that read bank cheques.

LeCun, Bottou, Bengio & Haffner, "Gradient-based learning applied to document recognition", Proceedings of the IEEE 86,
1998, section II.B. What was new: local receptive fields, shared weights and subsampling, trained end to end on pixels.

    layer               output (28x28 images)
    conv 5x5, pad 2       6 x 28 x 28       the padding makes of 28x28 the paper's 32x32
    pool 2x2              6 x 14 x 14
    conv 5x5             16 x 10 x 10
    pool 2x2             16 x  5 x  5
    dense               120
    dense                84
    dense                10

As everywhere today, ReLU stands for the paper's scaled tanh, the maximum for its trained average, a full second
convolution for its table of connections, and softmax with cross-entropy for its radial basis functions.
"""

from .. import nn, shapes


class LeNet5(nn.Module):
    """Two convolutions with pooling, three dense layers; 61,706 parameters for 28x28 grey images and ten classes."""

    def __init__(self, num_classes=10, in_channels=1, image_size=28):
        super().__init__()
        self.input_shape = in_channels, *shapes.pair(image_size, "image_size", least=1)
        self.features = nn.Sequential(
            nn.Conv2d(in_channels, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Linear(_count_features(in_channels, image_size), 120), nn.ReLU(),
            nn.Linear(120, 84), nn.ReLU(),
            nn.Linear(84, num_classes),
        )

    def forward(self, x):
        return self.classifier(self.features(x))


def _count_features(in_channels, image_size):
    """How many numbers the last pooling gives for one image; ShapeError where an image is smaller than 12x12."""
    shape = (1, in_channels, *shapes.pair(image_size, "image_size", least=1))
    shape = shapes.max_pool2d(shapes.conv2d(shape, (6, in_channels, 5, 5), padding=2), 2)
    _, channels, height, width = shapes.max_pool2d(shapes.conv2d(shape, (16, 6, 5, 5)), 2)
    return channels * height * width


def lenet5(num_classes=10, in_channels=1, image_size=28):
    """Two convolutions and three dense layers, the network of 1998.

    image_size  the height and width in pixels, or the pair; at least 12

    Takes (N, in_channels, H, W), gives logits (N, num_classes).
    """
    return LeNet5(num_classes, in_channels, image_size)
