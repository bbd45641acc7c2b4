"""The architectures, each in a file that is also an account of its paper; and what a model is, as a table or in use."""

from .alexnet import AlexNet, alexnet
from .classifier import Classifier
from .efficientnet import EfficientNet, efficientnet_lite0
from .googlenet import GoogLeNet, GoogLeNetOutputs, googlenet
from .lenet import lenet5
from .picture import style_of
from .registry import create, names
from .resnet import ResNet, resnet18, resnet34, resnet50, resnet101, resnet152
from .resnet_cifar import resnet20, resnet32, resnet44, resnet56, resnet110
from .small_cnn import small_cnn
from .summary import summary
from .transfer import blocks_of, features, find_head, freeze, layerwise_lr, replace_head, unfreeze
from .vgg import VGG, vgg11, vgg11_bn, vgg13, vgg13_bn, vgg16, vgg16_bn, vgg19, vgg19_bn
from .vgg_small import vgg_small
from .weights import load_weights
