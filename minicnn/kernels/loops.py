"""The kernels as plain loops, for reading: one line for each index of the formula. Thousands of times slower than the rest."""

import numpy as np


def relu(x):
    """max(x, 0)"""
    y = np.empty_like(x)
    for index in np.ndindex(x.shape):
        y[index] = x[index] if x[index] > 0 else 0
    return y


def relu_dx(dy, y):
    """dy where y > 0"""
    dx = np.empty_like(dy)
    for index in np.ndindex(dy.shape):
        dx[index] = dy[index] if y[index] > 0 else 0
    return dx
