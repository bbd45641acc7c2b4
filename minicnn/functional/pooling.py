"""Pooling: each output pixel (p, q) is the largest, or the mean, of a window of the image, channel by channel.

Plain pooling slides a window of fixed size; adaptive pooling cuts the image into P x Q cells, the cell p reaching from row
⌊p·H/P⌋ to row ⌈(p+1)·H/P⌉, so that any image size gives the same output size.
"""

from functools import lru_cache

import numpy as np

from .. import arrays
from ..autograd.operation import Layer
from ..elementary.arithmetic import where
from ..elementary.indexing import gather
from ..elementary.windows import pad, windows
from ..kernels import of
from ..kernels.array import cells
from ..tensor import wrap

# Max pooling -------------------------------------------------------------------------------------------------------------


def max_pool2d_definition(x, *, window):
    """The pixel at the first of the largest places of each window."""
    seen = windows(pad(x, window.pads, value=-np.inf), window)              # (N, C, KH, KW, P, Q)
    n, c, kh, kw, p, q = seen.shape
    _, winners = of(x.array).max_pool2d(x.array, window)                    # (N, C, P, Q): which one is a constant
    places = wrap(winners.astype(np.int64).reshape(n, c, 1, p, q))
    return gather(seen.reshape(n, c, kh * kw, p, q), 2, places).squeeze(2)


def max_pool2d_forward(x, *, window):
    y, winners = of(x).max_pool2d(x, window)
    return y, (winners, window)


def max_pool2d_backward(dy, saved, needed):
    """y changes with its window's largest pixel alone, the first one where several are equal: that pixel gets dy.

    A pixel that wins several overlapping windows gets the sum.
    """
    winners, window = saved
    return (of(dy).max_pool2d_dx(dy, winners, window),)


max_pool2d = Layer("MaxPool", max_pool2d_forward, max_pool2d_backward, max_pool2d_definition)


def winner_indices(winners, window):
    """The winners' places in the image as h·W + v, int64: what PyTorch returns with return_indices=True."""
    kw, (sh, sw), (dh, dw) = window.kernel[1], window.stride, window.dilation
    (top, _), (left, _) = window.padding
    winners = winners.astype(np.int64)
    rows = np.arange(window.output[0], like=winners)[:, None] * sh - top + winners // kw * dh
    columns = np.arange(window.output[1], like=winners) * sw - left + winners % kw * dw
    return rows * window.size[1] + columns


# Average pooling ---------------------------------------------------------------------------------------------------------


def avg_pool2d_definition(x, *, window, divisor):
    """The sum of each window over the divisor: a number, or one for each output pixel (P, Q)."""
    divisor = wrap(divisor) if arrays.is_array(divisor) else divisor
    return windows(pad(x, window.pads), window).sum((2, 3)) / divisor


def avg_pool2d_forward(x, *, window, divisor):
    return of(x).avg_pool2d(x, window, divisor), (window, divisor)


def avg_pool2d_backward(dy, saved, needed):
    """y[p,q] = Σ x / divisor[p,q], so each pixel gets dy / divisor from every window that saw it."""
    window, divisor = saved
    return (of(dy).avg_pool2d_dx(dy, window, divisor),)


avg_pool2d = Layer("AveragePool", avg_pool2d_forward, avg_pool2d_backward, avg_pool2d_definition)


def divisors(window, count_include_pad, like):
    """What each output pixel's sum is divided by, (P, Q): its window's pixels, cut off at the edge of the padding or image."""
    return _divisors(window, count_include_pad, like.dtype, arrays.module_of(like))


@lru_cache(maxsize=256)                     # or each step would bring the table to the GPU anew
def _divisors(window, count_include_pad, dtype, module):
    counts = []
    for n, size, k, s, (before, after) in zip(window.output, window.size, window.kernel, window.stride, window.padding):
        start = np.arange(n) * s - before
        end = np.minimum(start + k, size + after)
        counts.append(end - start if count_include_pad else np.minimum(end, size) - np.maximum(start, 0))
    table = np.multiply.outer(*counts).astype(dtype)
    return table.dtype.type(table.flat[0]) if (table == table.flat[0]).all() else module.asarray(table)


# Power-average pooling: between the sum (p = 1) and the maximum (p → ∞) -------------------------------------------------------


def lp_pool2d_definition(x, *, window, divisor, p):
    """(Σ xᵖ / divisor)^(1/p) over each window; 0, with gradient 0, where the sum is 0."""
    total = avg_pool2d_definition(x**p, window=window, divisor=divisor)
    return where(total == 0, 0.0, where(total == 0, 1.0, total) ** (1 / p))


def lp_pool2d_forward(x, *, window, divisor, p):
    """The divisor is how much of a window lies in the image: 1, or less where ceil_mode lets it reach beyond."""
    y = of(x).avg_pool2d(x**p, window, divisor) ** (1 / p)
    return y, (x, y, window, divisor, p)


def lp_pool2d_backward(dy, saved, needed):
    """With s = Σ xᵖ / divisor and y = s^(1/p), dy/ds = s^(1/p - 1) / p = y^(1-p) / p and ds/dx = p·x^(p-1) / divisor. So

        dx = x^(p-1) · Σ dy·y^(1-p) / divisor    over the windows that saw the pixel; those with y = 0 give nothing
    """
    x, y, window, divisor, p = saved
    share = np.where(y == 0, 0, dy * np.where(y == 0, 1, y) ** (1 - p))
    return (x ** (p - 1) * of(dy).avg_pool2d_dx(share, window, divisor),)


lp_pool2d = Layer("LpPool", lp_pool2d_forward, lp_pool2d_backward, lp_pool2d_definition)


# Adaptive pooling --------------------------------------------------------------------------------------------------------


def averaging_matrix(length, count, like):
    """(count, length): row i holds 1/(cell length) over cell i."""
    return _averaging_matrix(length, count, like.dtype, arrays.module_of(like))


@lru_cache(maxsize=256)
def _averaging_matrix(length, count, dtype, module):
    matrix = np.zeros((count, length), dtype)
    for row, (start, end) in zip(matrix, cells(length, count)):
        row[start:end] = 1 / (end - start)
    return module.asarray(matrix)


def adaptive_avg_pool2d_definition(x, *, rows, columns):
    """y = R x Cᵀ: averages over rows, then over columns."""
    return wrap(rows) @ x @ wrap(columns).T


def adaptive_avg_pool2d_forward(x, *, rows, columns):
    """rows (P, H) and columns (Q, W) are averaging matrices."""
    return of(x).adaptive_avg_pool2d(x, rows, columns), (rows, columns)


def adaptive_avg_pool2d_backward(dy, saved, needed):
    """y[p,q] = Σ_{h,v} R[p,h]·x[h,v]·C[q,v] is linear in x: dx = Rᵀ dy C."""
    rows, columns = saved
    return (of(dy).adaptive_avg_pool2d_dx(dy, rows, columns),)


adaptive_avg_pool2d = Layer("AdaptiveAveragePool", adaptive_avg_pool2d_forward, adaptive_avg_pool2d_backward,
                            adaptive_avg_pool2d_definition)


def adaptive_winners(x, output):
    """The place h·W + v of the first largest pixel of each cell: (N, C, P, Q), int64."""
    return of(x).adaptive_winners(x, output)


def adaptive_max_pool2d_definition(x, *, winners):
    """The pixels at the winners' places."""
    n, c, p, q = winners.shape
    planes = x.reshape(n, c, x.shape[2] * x.shape[3])
    return gather(planes, 2, wrap(winners.reshape(n, c, p * q))).reshape(n, c, p, q)


def adaptive_max_pool2d_forward(x, *, winners):
    n, c, p, q = winners.shape
    y = np.take_along_axis(x.reshape(n, c, x.shape[2] * x.shape[3]), winners.reshape(n, c, p * q), 2)
    return y.reshape(n, c, p, q), (winners, x.shape)


def adaptive_max_pool2d_backward(dy, saved, needed):
    """As for max pooling: dy goes to each cell's winner; cells may share a pixel, which then gets the sum."""
    winners, shape = saved
    return (of(dy).adaptive_max_pool2d_dx(dy, winners, shape[2:]),)


adaptive_max_pool2d = Layer("AdaptiveMaxPool", adaptive_max_pool2d_forward, adaptive_max_pool2d_backward,
                            adaptive_max_pool2d_definition)
