"""The kernels as array code: they run on any array module, without a loop over pixels."""

import numpy as np


def relu(x):
    """max(x, 0)"""
    return np.maximum(x, 0)


def relu_dx(dy, y):
    """dy where y > 0"""
    return dy * (y > 0)
