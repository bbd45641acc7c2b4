"""Configurations: for every operation and every optimizer, the inputs and options at which it is proven."""

from . import activation, conv, linear_dropout, loss, normalization, optimizers, pooling, resize_padding
from .case import CASES, Case, Surface, of
from .optimizers import OptimizerCase
