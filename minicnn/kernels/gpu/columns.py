"""im2col and its transpose on a GPU: columns[(c,i,j), (n,p,q)] = x[n, c, p·s + i·d - pad, q·s + j·d - pad], 0 outside of the image.

Both are bounded by memory. Neighbouring threads have neighbouring q (or v), so that what they write, and at stride 1 what they read,
lies side by side.
"""

from math import prod

import cupy

from .memory import by_channel, pixels
from .windows import GEOMETRY, INPUT_PIXEL, each_window, geometry

_im2col = cupy.ElementwiseKernel(
    "raw T x, int32 images, " + GEOMETRY, "raw T columns",
    """
    // Thread i is one output pixel of one channel: i = c·M + m, where m = (image·P + p)·Q + q counts all M output pixels.
    const unsigned M = (unsigned)images * P * Q, thread = i, c = thread / M, m = thread % M;
    const int q = m % Q, p = m / Q % P, image = m / Q / P;
    size_t place = (size_t)c * KH * KW * M + m;                         // row (c, 0, 0) of the columns; the next row is M further
    for (int a = 0; a < KH; a++) {
        const int h = p * sh + a * dh - top;
        for (int b = 0; b < KW; b++, place += M) {
            const int v = q * sw + b * dw - left;
            const ptrdiff_t pixel[] = {image, (ptrdiff_t)c, h, v};
            columns[place] = 0 <= h && h < H && 0 <= v && v < W ? x[pixel] : (T)0;
        }
    }
    """, "minicnn_im2col")

_col2im = cupy.ElementwiseKernel(
    "raw T columns, int32 images, " + GEOMETRY, "T dx", INPUT_PIXEL + """
    const unsigned M = (unsigned)images * P * Q;
    T sum = 0;
    """ + each_window("""
            sum += columns[((size_t)(c * KH + a) * KW + b) * M + ((unsigned)image * P + p) * Q + q];
    """) + "dx = sum;", "minicnn_col2im")


def is_identity(window):
    """Whether the columns are the image itself: kernel 1x1, stride 1, no padding."""
    return window.kernel == window.stride == (1, 1) and window.padding == ((0, 0), (0, 0)) and window.output == window.size


def im2col(x, window):
    """(N, C, H, W) -> (C·KH·KW, N·P·Q)."""
    if is_identity(window):
        return by_channel(x)
    n, c = x.shape[:2]
    columns = cupy.empty((c * prod(window.kernel), n * pixels(window)), x.dtype)
    _im2col(x, n, *geometry(window), columns, size=c * columns.shape[1])
    return columns


def col2im(columns, dx, window):
    """Add up (C·KH·KW, N·P·Q) in dx, given as (C, N, H, W): every pixel gets the sum of what windows have for it."""
    _col2im(columns, dx.shape[1], *geometry(window), dx)
