"""ReLU, sums and joins on a GPU, each one way over memory, which bounds them; the results lie in memory as the first operand does."""

import cupy

from .. import array
from .memory import computable, elementwise, memory_order

_relu = cupy.ElementwiseKernel("T x", "T y", "y = x <= 0 ? (T)0 : x", "minicnn_relu")                 # a NaN stays one
_relu_dx = cupy.ElementwiseKernel("T y, T dy", "T dx", "dx = y <= 0 ? (T)0 : dy", "minicnn_relu_dx")
_add = cupy.ElementwiseKernel("T x, T y", "T z", "z = x + y", "minicnn_add")
_add_relu = cupy.ElementwiseKernel("T x, T y", "T z", "const T sum = x + y; z = sum <= 0 ? (T)0 : sum", "minicnn_add_relu")


def relu(x):
    """max(x, 0)"""
    return elementwise(_relu, x) if computable(x) else array.relu(x)


def relu_dx(dy, y):
    """dy where y > 0, or NaN"""
    return elementwise(_relu_dx, y, dy) if _alike(dy, y) else array.relu_dx(dy, y)


def add(x, y):
    """x + y"""
    return elementwise(_add, x, y) if _alike(x, y) else x + y


def add_relu(x, y):
    """max(x + y, 0)"""
    return elementwise(_add_relu, x, y) if _alike(x, y) else relu(x + y)


def relu_in_place(y, plus=None):
    """y = max(y, 0), or max(y + plus, 0) with what broadcasts to y, such as a bias. Returns y."""
    return _relu(y, y) if plus is None else _add_relu(y, plus, y)


def _alike(x, y):
    return isinstance(x, cupy.ndarray) and computable(x, y) and x.shape == y.shape


def cat(xs, axis):
    """Arrays joined along an axis, lying in memory as the first does."""
    if not all(isinstance(x, cupy.ndarray) and x.ndim == xs[0].ndim for x in xs) or not xs[0].ndim:
        return array.cat(xs, axis)
    order = memory_order(xs[0])
    y = cupy.concatenate([x.transpose(order) for x in xs], order.index(axis % xs[0].ndim))
    return y.transpose(sorted(range(y.ndim), key=order.__getitem__))
