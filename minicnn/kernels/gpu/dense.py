"""The dense layer on a GPU: one matrix product each for y, dx and dw, on the operands as they lie. The multipliers bound it.

A ReLU behind it is computed as the bias is added: that launch and that way over memory are there anyway.
"""

from math import prod

import cupy

from .. import array
from .gemm import gemm
from .memory import computable
from .pointwise import relu_in_place


def linear(x, w, b):
    """y[n,o] = b[o] + Σ_i x[n,i] · w[o,i], where n counts all leading axes."""
    if not computable(x, w, b):
        return array.linear(x, w, b)
    y = cupy.empty((*x.shape[:-1], w.shape[0]), x.dtype)
    gemm(_flat(x), w.T, _flat(y))                                           # (N, O) = (N, I) @ (I, O)
    if b is not None:
        y += b
    return y


def linear_relu(x, w, b):
    """y[n,o] = max(b[o] + Σ_i x[n,i] · w[o,i], 0)"""
    return relu_in_place(linear(x, w, None), b) if computable(x, w, b) else array.linear_relu(x, w, b)


def linear_dx(dy, w):
    """dx[n,i] = Σ_o dy[n,o] · w[o,i]"""
    if not computable(dy, w):
        return array.linear_dx(dy, w)
    dx = cupy.empty((*dy.shape[:-1], w.shape[1]), dy.dtype)
    gemm(_flat(dy), w, _flat(dx))                                           # (N, I) = (N, O) @ (O, I)
    return dx


def linear_dw(dy, x):
    """dw[o,i] = Σ_n dy[n,o] · x[n,i]"""
    if not computable(dy, x):
        return array.linear_dw(dy, x)
    dw = cupy.empty((dy.shape[-1], x.shape[-1]), x.dtype)
    gemm(_flat(dy).T, _flat(x), dw)                                         # (O, I) = (O, N) @ (N, I)
    return dw


def _flat(x):
    """(…, I) -> (N, I)"""
    return x.reshape(prod(x.shape[:-1]), x.shape[-1])
