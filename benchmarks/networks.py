"""The networks that are compared, each written once: `build(t)` makes it of minicnn's layers or of PyTorch's, by what t is.

Those that minicnn has itself (`minicnn.models`) carry the same names here and there, layer by layer, so that weights can be copied;
minicnn then runs its own. None has dropout: the losses of two libraries could not be compared with it.
"""

from typing import NamedTuple


class Network(NamedTuple):
    """A network: how it is built, its images (C, H, W), and what it is."""

    build: object
    images: tuple
    about: str


def small_cnn(t, in_channels=1, width=24):
    nn = t.nn

    class SmallCNN(nn.Module):
        def __init__(self):
            super().__init__()
            self.features = nn.Sequential(
                *conv_bn_relu(nn, in_channels, width), *conv_bn_relu(nn, width, width), nn.MaxPool2d(2),
                *conv_bn_relu(nn, width, 2 * width), *conv_bn_relu(nn, 2 * width, 2 * width))
            self.avgpool, self.classifier = nn.AdaptiveAvgPool2d(1), nn.Linear(2 * width, 10)

        def forward(self, x):
            return self.classifier(self.avgpool(self.features(x)).flatten(1))

    return SmallCNN()


def conv_bn_relu(nn, inputs, outputs):
    return [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]


def in_two_parts(nn, features, classifier):
    """Features, then a classifier of what they flatten to."""
    class TwoParts(nn.Module):
        def __init__(self):
            super().__init__()
            self.features, self.classifier = nn.Sequential(*features), nn.Sequential(nn.Flatten(), *classifier)

        def forward(self, x):
            return self.classifier(self.features(x))

    return TwoParts()


def lenet5(t):
    nn = t.nn
    return in_two_parts(
        nn,
        [nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2)],
        [nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)])


def vgg_small(t):
    nn, layers = t.nn, []
    for inputs, outputs in ((3, 32), (32, 64), (64, 128)):
        layers += [*conv_bn_relu(nn, inputs, outputs), *conv_bn_relu(nn, outputs, outputs), nn.MaxPool2d(2)]
    return in_two_parts(nn, layers, [nn.Linear(128 * 4 * 4, 10)])


def resnet20(t):
    nn, F = t.nn, t.nn.functional

    def conv3x3(inputs, outputs, stride=1):
        return nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)

    class Block(nn.Module):
        def __init__(self, inputs, outputs, stride):
            super().__init__()
            self.conv1, self.bn1 = conv3x3(inputs, outputs, stride), nn.BatchNorm2d(outputs)
            self.conv2, self.bn2 = conv3x3(outputs, outputs), nn.BatchNorm2d(outputs)
            self.stride, self.more = stride, outputs - inputs

        def forward(self, x):
            y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
            if self.stride > 1:
                x = x[:, :, :: self.stride, :: self.stride]
            return F.relu(y + (F.pad(x, (0, 0, 0, 0, 0, self.more)) if self.more else x))

    class ResNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.bn1, before = conv3x3(3, 16), nn.BatchNorm2d(16), 16
            for stage, (channels, stride) in enumerate(((16, 1), (32, 2), (64, 2)), 1):
                blocks = Block(before, channels, stride), Block(channels, channels, 1), Block(channels, channels, 1)
                setattr(self, f"layer{stage}", nn.Sequential(*blocks))
                before = channels
            self.avgpool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(64, 10)

        def forward(self, x):
            x = self.layer3(self.layer2(self.layer1(F.relu(self.bn1(self.conv1(x))))))
            return self.fc(self.avgpool(x).flatten(1))

    return ResNet()


def alexnet(t):
    """Krizhevsky, Sutskever & Hinton, NeurIPS 2012, in one tower; its dense layers cut from 4096 to 1024, as the images are."""
    nn = t.nn
    features = [nn.Conv2d(3, 64, 11, stride=4, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2),
                nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2),
                nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(), nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(),
                nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2)]
    return in_two_parts(nn, features, [nn.Linear(256, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 10)])


def googlenet_block(t):
    """Inception (3a) of Szegedy et al., CVPR 2015, table 1; the average over the image and a dense layer make it a network."""
    nn = t.nn

    class Inception(nn.Module):
        def __init__(self):
            super().__init__()
            self.one = nn.Sequential(nn.Conv2d(192, 64, 1), nn.ReLU())
            self.three = nn.Sequential(nn.Conv2d(192, 96, 1), nn.ReLU(), nn.Conv2d(96, 128, 3, padding=1), nn.ReLU())
            self.five = nn.Sequential(nn.Conv2d(192, 16, 1), nn.ReLU(), nn.Conv2d(16, 32, 5, padding=2), nn.ReLU())
            self.pooled = nn.Sequential(nn.MaxPool2d(3, 1, 1), nn.Conv2d(192, 32, 1), nn.ReLU())

        def forward(self, x):
            return t.cat([self.one(x), self.three(x), self.five(x), self.pooled(x)], 1)

    return nn.Sequential(Inception(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(256, 10))


def vgg11(t):
    """Simonyan & Zisserman, ICLR 2015, column A, for images of 32x32: one dense layer is left of three."""
    nn, layers, before = t.nn, [], 3
    for channels in (64, "pool", 128, "pool", 256, 256, "pool", 512, 512, "pool", 512, 512, "pool"):
        if channels == "pool":
            layers.append(nn.MaxPool2d(2))
        else:
            layers += [nn.Conv2d(before, channels, 3, padding=1), nn.ReLU()]
            before = channels
    return in_two_parts(nn, layers, [nn.Linear(512, 10)])


def mlp(t):
    nn = t.nn
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))


NETWORKS = {
    "lenet5": Network(lenet5, (1, 28, 28), "LeNet-5"),
    "vgg_small": Network(vgg_small, (3, 32, 32), "small VGG with batch norm"),
    "resnet20": Network(resnet20, (3, 32, 32), "ResNet-20"),
    "alexnet": Network(alexnet, (3, 64, 64), "AlexNet-like"),
    "googlenet_block": Network(googlenet_block, (192, 28, 28), "GoogLeNet block"),
    "vgg11": Network(vgg11, (3, 32, 32), "VGG-11"),
    "mlp": Network(mlp, (1, 28, 28), "MLP 784-512-512-10"),
    "small_cnn": Network(small_cnn, (1, 8, 8), "the small network that `minicnn train` trains"),
}


SMALLER = ("alexnet", "vgg11")          # than the networks of the same names in `minicnn.models`, which are for 224x224 images


def ours(name):
    """minicnn's own network of this name where it has one of the same layers, else the one written here."""
    import minicnn
    from minicnn import models

    return models.create(name) if name in models.names() and name not in SMALLER else NETWORKS[name].build(minicnn)
