"""Adaptive pooling on a GPU: cell p of P reaches from row ⌊p·H/P⌋ to ⌈(p+1)·H/P⌉, so row h lies in cells ⌊h·P/H⌋ to ⌈(h+1)·P/H⌉ - 1.

A thread for each output pixel, and backwards one for each input pixel. Bounded by memory.
"""

import cupy
import numpy as np

from .. import array
from .memory import FLOATS, images_like, per_image_parts, swapped
from .windows import INPUT_PIXEL, OUTPUT_PIXEL

_SIZES = "int32 images, int32 H, int32 W, int32 P, int32 Q"

# Its cell has rows first_h .. end_h - 1.
_CELL = OUTPUT_PIXEL + """
    const int first_h = (long long)p * H / P, end_h = ((long long)(p + 1) * H + P - 1) / P;
    const int first_v = (long long)q * W / Q, end_v = ((long long)(q + 1) * W + Q - 1) / Q;
"""

# It lies in the cells first_p .. end_p - 1.
_PIXEL = INPUT_PIXEL + """
    const int first_p = (long long)h * P / H, end_p = ((long long)(h + 1) * P + H - 1) / H;
    const int first_q = (long long)v * Q / W, end_q = ((long long)(v + 1) * Q + W - 1) / W;
    T sum = 0;
"""

_average = cupy.ElementwiseKernel(
    "raw T x, " + _SIZES, "T y", _CELL + """
    T sum = 0;
    for (int h = first_h; h < end_h; h++)
        for (int v = first_v; v < end_v; v++) {
            const ptrdiff_t pixel[] = {image, c, h, v};
            sum += x[pixel];
        }
    y = sum / (T)((end_h - first_h) * (end_v - first_v));
    """, "minicnn_adaptive_average")

_average_dx = cupy.ElementwiseKernel(
    "raw T dy, " + _SIZES, "T dx", _PIXEL + """
    for (int p = first_p; p < end_p; p++)
        for (int q = first_q; q < end_q; q++) {
            const int rows = ((long long)(p + 1) * H + P - 1) / P - (long long)p * H / P;
            const int columns = ((long long)(q + 1) * W + Q - 1) / Q - (long long)q * W / Q;
            const ptrdiff_t pixel[] = {image, c, p, q};
            sum += dy[pixel] / (T)(rows * columns);
        }
    dx = sum;
    """, "minicnn_adaptive_average_dx")

_winners = cupy.ElementwiseKernel(
    "raw T x, " + _SIZES, "int64 winner", _CELL + """
    T best = 0;
    winner = -1;
    for (int h = first_h; h < end_h; h++)
        for (int v = first_v; v < end_v; v++) {
            const ptrdiff_t pixel[] = {image, c, h, v};
            const T value = x[pixel];
            if (winner < 0 || value > best || value != value && best == best) {     // the first of equal ones, or of NaNs
                best = value;
                winner = (long long)h * W + v;
            }
        }
    """, "minicnn_adaptive_winners")

_max_dx = cupy.ElementwiseKernel(
    "raw T dy, raw int64 winners, " + _SIZES, "T dx", _PIXEL + """
    for (int p = first_p; p < end_p; p++)
        for (int q = first_q; q < end_q; q++) {
            const ptrdiff_t pixel[] = {image, c, p, q};
            if (winners[pixel] == (long long)h * W + v) sum += dy[pixel];
        }
    dx = sum;
    """, "minicnn_adaptive_max_dx")


def adaptive_avg_pool2d(x, rows, columns):
    """y[p,q] = the mean of cell (p, q); of the averaging matrices (P, H) and (Q, W), only the sizes are looked at."""
    if not _computable(x, len(rows), len(columns)):
        return array.adaptive_avg_pool2d(x, rows, columns)
    return _pooled(_average, [x], (len(rows), len(columns)), x.dtype)


def adaptive_avg_pool2d_dx(dy, rows, columns):
    """Each pixel gets dy over the cell's size from every cell that it lies in."""
    if not _computable(dy, *dy.shape[2:]):
        return array.adaptive_avg_pool2d_dx(dy, rows, columns)
    return _spread(_average_dx, [dy], (rows.shape[1], columns.shape[1]))


def adaptive_winners(x, output):
    """The place h·W + v of the first largest pixel of each cell: (N, C, P, Q), int64."""
    if not _computable(x, *output):
        return array.adaptive_winners(x, output)
    return _pooled(_winners, [x], tuple(output), np.int64)


def adaptive_max_pool2d_dx(dy, winners, size):
    """dx = dy at each cell's winner, added up where cells share it."""
    if not _computable(dy, *dy.shape[2:]):
        return array.adaptive_max_pool2d_dx(dy, winners, size)
    return _spread(_max_dx, [dy, winners], size)


def _computable(x, *output):
    return x.dtype in FLOATS and x.size > 0 and min(output) > 0


def _pooled(kernel, images, output, dtype):
    """`kernel` for each output pixel."""
    x = images[0]
    y = images_like((*x.shape[:2], *output), dtype)
    for part in per_image_parts(len(x), max(x[0].size, y[0].size)):
        kernel(*[a[part] for a in images], len(x[part]), *x.shape[2:], *output, swapped(y[part]))
    return y


def _spread(kernel, images, size):
    """`kernel` for each input pixel."""
    dy = images[0]
    dx = images_like((*dy.shape[:2], *size), dy.dtype)
    for part in per_image_parts(len(dy), max(dy[0].size, dx[0].size)):
        kernel(*[a[part] for a in images], len(dy[part]), *size, *dy.shape[2:], swapped(dx[part]))
    return dx
