"""The architectures by name, for the command line and for files that say which network their weights belong to."""

import inspect
from numbers import Integral

from ..errors import BadType, BadValue
from .alexnet import alexnet
from .efficientnet import efficientnet_lite0
from .googlenet import googlenet
from .lenet import lenet5
from .resnet import resnet18, resnet34, resnet50, resnet101, resnet152
from .resnet_cifar import resnet20, resnet32, resnet44, resnet56, resnet110
from .small_cnn import small_cnn
from .vgg import vgg11, vgg11_bn, vgg13, vgg13_bn, vgg16, vgg16_bn, vgg19, vgg19_bn
from .vgg_small import vgg_small

BUILDERS = {
    builder.__name__: builder
    for builder in (
        small_cnn, lenet5, vgg_small, resnet20, resnet32, resnet44, resnet56, resnet110,
        alexnet, vgg11, vgg13, vgg16, vgg19, vgg11_bn, vgg13_bn, vgg16_bn, vgg19_bn,
        resnet18, resnet34, resnet50, resnet101, resnet152, googlenet, efficientnet_lite0,
    )
}


# What the published weights were trained with where it is not ImageNet's mean and deviation: (mean, std) in 0..1, for each channel.
NORMALIZATION = {"efficientnet_lite0": ([127 / 255] * 3, [128 / 255] * 3)}


def names():
    """The names that `create` knows."""
    return list(BUILDERS)


def builder(name):
    """The function that builds a named model; BadValue says which names there are."""
    if not isinstance(name, str) or name not in BUILDERS:
        raise BadValue(f"unknown model {name!r}; the models are {', '.join(BUILDERS)}")
    return BUILDERS[name]


def create(name, **arguments):
    """The named model, freshly initialised, `create("lenet5", num_classes=3)`, or with `weights="file.pth"` where it takes such.

    Raises BadValue for an unknown name or a number below 1, and BadType for an argument that this model does not take.
    """
    build = builder(name)
    accepted = inspect.signature(build).parameters
    for argument in arguments:
        if argument not in accepted:
            raise BadType(f"{name} has no argument {argument!r}; it takes {', '.join(accepted)}")
        if _is_size(accepted[argument].default):
            check_sizes(argument, arguments[argument])
    return build(**arguments)


def _is_size(default):
    """Whether a parameter with this default takes a whole number, or several."""
    return isinstance(default, tuple) or isinstance(default, int) and not isinstance(default, bool)


def check_sizes(name, value):
    """Refuse what is not a whole number of at least 1, or several of them."""
    sizes = value if isinstance(value, (tuple, list)) else [value]
    if not sizes or any(isinstance(n, bool) or not isinstance(n, Integral) or n < 1 for n in sizes):
        raise BadValue(f"{name} must be a whole number of at least 1, got {value!r}")


def arguments_for(name, in_channels, image_size, num_classes):
    """The arguments with which the named model fits images (in_channels, *image_size) and so many classes."""
    offered = {"num_classes": num_classes, "in_channels": in_channels, "image_size": image_size}
    accepted = inspect.signature(builder(name)).parameters
    return {argument: value for argument, value in offered.items() if argument in accepted}


def usual_input(name):
    """The input shape (C, H, W) that a model is made for when nothing else is said."""
    defaults = {key: parameter.default for key, parameter in inspect.signature(builder(name)).parameters.items()}
    side = 224 if "weights" in defaults else defaults.get("image_size", 32 if defaults["in_channels"] == 3 else 28)
    return defaults["in_channels"], side, side


def about(name):
    """The first sentence of a model's documentation."""
    return inspect.getdoc(builder(name)).split(".\n")[0].split(". ")[0].rstrip(".")
