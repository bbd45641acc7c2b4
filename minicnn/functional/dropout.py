"""Dropout: in training, each element is zeroed with probability p, and the rest is scaled by 1/(1-p) to keep the mean.

Source: Srivastava et al., Dropout: a simple way to prevent neural networks from overfitting, JMLR 2014.
"""

import numpy as np

from .. import arrays
from ..autograd.operation import Layer


def dropout_definition(x, *, mask, p):
    """y = x · mask / (1 - p); all of x is dropped where p = 1."""
    return x * mask.astype(x.dtype) * _scale(p)


def dropout_forward(x, *, mask, p):
    return x * mask * _scale(p, x.dtype), (mask, p)


def dropout_backward(dy, saved, needed):
    """y is linear in x: what was zeroed gets no gradient, what was scaled gets it scaled."""
    mask, p = saved
    return (dy * mask * _scale(p, dy.dtype),)


def _scale(p, dtype=float):
    return np.dtype(dtype).type(0.0 if p == 1 else 1 / (1 - p))


dropout = Layer("Dropout", dropout_forward, dropout_backward, dropout_definition)


def draw_mask(shape, p, like, generator=None):
    """A bool array, True (kept) with probability 1 - p, on the device of `like`."""
    stream = (generator or arrays.default_generator).numpy
    keep = stream.random(shape, np.float32) >= p
    return arrays.to_device(keep, arrays.device_of(like))
