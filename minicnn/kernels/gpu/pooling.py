"""Pooling on a GPU: a thread for each output pixel, and backwards one for each input pixel, which gathers from the windows that saw it.

Bounded by memory: neighbouring threads have neighbouring pixels of a row.
"""

import cupy
import numpy as np

from .. import array
from .memory import FLOATS, images_like, per_image_parts, swapped
from .windows import GEOMETRY, INPUT_PIXEL, OUTPUT_PIXEL, each_pixel, each_window, geometry

_max_pool = cupy.ElementwiseKernel(
    "raw T x, int32 images, int32 cut, " + GEOMETRY, "T y, int32 winner", OUTPUT_PIXEL + """
    T best = -(T)__int_as_float(0x7f800000);                            // -∞
    int place = -1;                                                     // the winner's number in the window, a·KW + b
    """ + each_pixel("""
            const ptrdiff_t pixel[] = {image, c, h, v};
            const T value = x[pixel];
            if (place < 0 || value > best || value != value) {          // the first of equal ones; a NaN wins over all
                best = value;
                place = a * KW + b;
            }
    """) + """
    if (cut && best <= 0) { best = 0; place = -1; }                     // a ReLU came first: nothing of this window passes a gradient
    y = best;
    winner = place;
    """, "minicnn_max_pool")

_max_pool_dx = cupy.ElementwiseKernel(
    "raw T dy, raw int32 winners, int32 images, " + GEOMETRY, "T dx", INPUT_PIXEL + "T sum = 0;" + each_window("""
            const ptrdiff_t pixel[] = {image, c, p, q};
            if (winners[pixel] == a * KW + b) sum += dy[pixel];
    """) + "dx = sum;", "minicnn_max_pool_dx")

_avg_pool = cupy.ElementwiseKernel(
    "raw T x, T divisor, int32 images, " + GEOMETRY, "T y", OUTPUT_PIXEL + "T sum = 0;" + each_pixel("""
            const ptrdiff_t pixel[] = {image, c, h, v};
            sum += x[pixel];
    """) + "y = sum / divisor;", "minicnn_avg_pool")

_avg_pool_dx = cupy.ElementwiseKernel(
    "raw T share, int32 images, " + GEOMETRY, "T dx", INPUT_PIXEL + "T sum = 0;" + each_window("""
            const ptrdiff_t pixel[] = {image, c, p, q};
            sum += share[pixel];
    """) + "dx = sum;", "minicnn_avg_pool_dx")


def max_pool2d(x, window):
    """The largest pixel of each window, and its number i·KW + j in the window; the first one where several are equal."""
    return _largest(x, window, 0) if _computable(x) else array.max_pool2d(x, window)


def max_pool2d_relu(x, window):
    """The largest pixel of each window, but at least 0; and its number, or -1 where all are below 0 and none passes a gradient."""
    return _largest(x, window, 1) if _computable(x) else array.max_pool2d_relu(x, window)


def _largest(x, window, cut):
    y, winners = (images_like((*x.shape[:2], *window.output), dtype) for dtype in (x.dtype, np.int32))
    for part in _parts(x, y):
        _max_pool(x[part], len(x[part]), cut, *geometry(window), swapped(y[part]), swapped(winners[part]))
    return y, winners


def max_pool2d_dx(dy, winners, window):
    """dx = dy at each window's winner, added up where windows share it."""
    if not _computable(dy):
        return array.max_pool2d_dx(dy, winners, window)
    dx = images_like((*dy.shape[:2], *window.size), dy.dtype)
    for part in _parts(dy, dx):
        _max_pool_dx(dy[part], winners[part], len(dy[part]), *geometry(window), swapped(dx[part]))
    return dx


def avg_pool2d(x, window, divisor):
    """The sum of each window over the divisor: a number, or one for each output pixel (P, Q)."""
    if not _computable(x):
        return array.avg_pool2d(x, window, divisor)
    y = images_like((*x.shape[:2], *window.output), x.dtype)
    divisor = divisor.astype(x.dtype, copy=False) if isinstance(divisor, cupy.ndarray) else float(divisor)
    for part in _parts(x, y):
        _avg_pool(x[part], divisor, len(x[part]), *geometry(window), swapped(y[part]))
    return y


def avg_pool2d_dx(dy, window, divisor):
    """Each pixel gets dy / divisor from every window that saw it."""
    if not _computable(dy):
        return array.avg_pool2d_dx(dy, window, divisor)
    dx, share = images_like((*dy.shape[:2], *window.size), dy.dtype), dy / divisor
    for part in _parts(dy, dx):
        _avg_pool_dx(share[part], len(dy[part]), *geometry(window), swapped(dx[part]))
    return dx


def _computable(x):
    return x.dtype in FLOATS and x.size > 0


def _parts(*images):
    """Slices of the batch, so that no launch has more threads than 32 bits count."""
    return per_image_parts(len(images[0]), max(x[0].size for x in images))
