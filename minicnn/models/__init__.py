"""The architectures, each in a file that is also an account of its paper; and what a model is, as a table or in use."""

from .classifier import Classifier
from .lenet import lenet5
from .picture import style_of
from .registry import create, names
from .resnet_cifar import resnet20, resnet32, resnet44, resnet56, resnet110
from .small_cnn import small_cnn
from .summary import summary
from .vgg_small import vgg_small
