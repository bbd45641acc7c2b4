"""Dropout: in training, each element is zeroed with probability p, and the rest is scaled by 1/(1-p) to keep the mean.

Source: Srivastava et al., Dropout: a simple way to prevent neural networks from overfitting, JMLR 2014.
"""

import numpy as np

from .. import arrays
from ..autograd.operation import Layer
from ..kernels import of


def dropout_definition(x, *, mask, p):
    """y = x · mask / (1 - p); all of x is dropped where p = 1."""
    return x * mask.astype(x.dtype) * _scale(p)


def dropout_forward(x, *, mask, p):
    return _masked(x, mask, p), (mask, p)


def dropout_backward(dy, saved, needed):
    """y is linear in x: what was zeroed gets no gradient, what was scaled gets it scaled."""
    mask, p = saved
    return (_masked(dy, mask, p),)


def _masked(x, mask, p):
    y = x * mask
    y *= _scale(p, x.dtype)
    return y


def _scale(p, dtype=float):
    return np.dtype(dtype).type(0.0 if p == 1 else 1 / (1 - p))


dropout = Layer("Dropout", dropout_forward, dropout_backward, dropout_definition)


def draw_mask(shape, p, like, generator=None):
    """A bool array, True (kept) with probability 1 - p, on the device of `like`.

    The random stream gives one key of 64 bits; which elements it keeps is a function of the key and their positions, the same on every
    device and for every number of threads (see kernels/philox.py).
    """
    stream = (generator or arrays.default_generator).numpy
    key = int(stream.integers(2**64, dtype=np.uint64))
    return of(like).dropout_mask(key, tuple(shape), p, like)
