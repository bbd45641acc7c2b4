"""Configurations: for every operation and every optimizer, the inputs and options at which it is proven."""

from . import conv, pooling, normalization, activation, linear_dropout, fused, loss, resize_padding, optimizers
from .case import CASES, Case, Surface, of
from .optimizers import OptimizerCase


def operations():
    """The names of all operations and optimizers that have configurations, in the order of the files above."""
    return list(dict.fromkeys(case.operation for case in CASES))
