"""The kernels as array code: they run on any array module, without a loop over pixels.

Activations have the shape (N, C, H, W) but may lie in memory in any order; what is made here lies channels-last, (N, H, W, C) in
memory behind an NCHW view, so that a convolution is a matrix product without copies on its output side.
"""

from math import prod

import numpy as np

from ..arrays import add_at, as_strided, module_of
from .array_pointwise import (  # noqa: F401, these are such kernels, too
    add, add_relu, batch_moments, batch_norm, batch_norm_add, batch_norm_add_relu, batch_norm_add_relu_dx, batch_norm_dx,
    batch_norm_relu, batch_norm_relu_dx, batch_norm_sums, batch_statistics, cat, channel_sums, follow, prepared, relu, relu_dx,
)
from .philox import dropout_mask  # noqa: F401, one of these kernels
from .inference import PreparedConv2d  # noqa: F401, the same

COLUMN_BYTES = 8 << 20          # im2col works on as many images at a time as fit here: the columns stay in the cache


# Layout ------------------------------------------------------------------------------------------------------------------


def _channels_last(x):
    """(N, C, H, W) -> a view (N, H, W, C)."""
    return x.transpose(0, 2, 3, 1)


def _channels_first(x):
    """(N, H, W, C) -> a view (N, C, H, W)."""
    return x.transpose(0, 3, 1, 2)


def _padded(x, window, value=0):
    """Images (N, C, H, W) in a new array (N, HP, WP, C), padded or cropped to what the windows touch."""
    rows, columns = window.pads[2:]
    n, c, h, w = x.shape
    out = module_of(x).full((n, *window.reach, c), value, x.dtype)
    inside = out[:, rows[0] : h + rows[0] + min(rows[1], 0), columns[0] : w + columns[0] + min(columns[1], 0)]
    inside[...] = _channels_last(x)[:, : inside.shape[1], : inside.shape[2]]
    return out


def _unpadded(x, window):
    """The transpose of `_padded`: (N, HP, WP, C) -> (N, C, H, W), zero where no window came."""
    rows, columns = window.pads[2:]
    h, w = window.size
    out = np.zeros((x.shape[0], h, w, x.shape[3]), x.dtype, like=x)
    inside = x[:, rows[0] : rows[0] + h, columns[0] : columns[0] + w]
    out[:, : inside.shape[1], : inside.shape[2]] = inside
    return _channels_first(out)


def _steps(window):
    """For each kernel position, the slices of the padded rows and columns that it meets, one per output pixel."""
    (kh, kw), (sh, sw), (dh, dw), (p, q) = window.kernel, window.stride, window.dilation, window.output
    for i in range(kh):
        for j in range(kw):
            yield i, j, slice(i * dh, i * dh + (p - 1) * sh + 1, sh), slice(j * dw, j * dw + (q - 1) * sw + 1, sw)


# Convolution -------------------------------------------------------------------------------------------------------------


def conv2d(x, w, b, window, groups):
    """y[n,o,p,q] = b[o] + Σ_{c,i,j} w[o,c,i,j] · x[n,c,p·s+i·d-pad,q·s+j·d-pad]: im2col, then a matrix product."""
    padded, weights = _padded(x, window), _weight_matrices(w, groups)
    y = np.empty((x.shape[0], *window.output, w.shape[0]), x.dtype, like=x)
    for part in _parts(padded, window):
        columns = _im2col(padded[part], window, groups)                    # (G, N·P·Q, K)
        y[part] = _join_groups(columns @ weights, y[part].shape)           # (G, N·P·Q, O/G) = (G, N·P·Q, K) @ (G, K, O/G)
    if b is not None:
        y += b
    return _channels_first(y)


def conv2d_dx(dy, w, window, groups):
    """dx[n,c,h,v] = Σ w[o,c,i,j] · dy[n,o,p,q] over the windows that saw the pixel: a matrix product, then col2im."""
    c = w.shape[1] * groups
    dx = np.zeros((dy.shape[0], *window.reach, c), dy.dtype, like=dy)
    weights = _weight_matrices(w, groups).transpose(0, 2, 1)
    for part in _parts(dx, window):
        rows = _split_groups(_channels_last(dy[part]), groups)             # (G, N·P·Q, O/G)
        _col2im(dx[part], rows @ weights, window)                          # (G, N·P·Q, K) = (G, N·P·Q, O/G) @ (G, O/G, K)
    return _unpadded(dx, window)


def conv2d_dw(dy, x, window, groups):
    """dw[o,c,i,j] = Σ_{n,p,q} x[n,c,p·s+i·d-pad,q·s+j·d-pad] · dy[n,o,p,q]: one matrix product with the columns."""
    padded = _padded(x, window)
    (kh, kw), c, o = window.kernel, x.shape[1] // groups, dy.shape[1]
    dw = np.zeros((groups, kh * kw * c, o // groups), dy.dtype, like=dy)
    for part in _parts(padded, window):
        columns = _im2col(padded[part], window, groups).transpose(0, 2, 1)
        dw += columns @ _split_groups(_channels_last(dy[part]), groups)    # (G, K, O/G) = (G, K, N·P·Q) @ (G, N·P·Q, O/G)
    return dw.reshape(groups, kh, kw, c, o // groups).transpose(0, 4, 3, 1, 2).reshape(o, c, kh, kw)


def _parts(padded, window):
    """Slices of the batch whose columns take about COLUMN_BYTES."""
    n, c = padded.shape[0], padded.shape[3]
    image = window.kernel[0] * window.kernel[1] * c * window.output[0] * window.output[1] * padded.itemsize
    size = max(COLUMN_BYTES // max(image, 1), 1)
    return [slice(start, min(start + size, n)) for start in range(0, n, size)]


def _im2col(padded, window, groups):
    """Every window as a row: (N, HP, WP, C) -> (G, N·P·Q, KH·KW·C/G)."""
    (n, _, _, c), (kh, kw) = padded.shape, window.kernel
    (sh, sw), (dh, dw), (p, q) = window.stride, window.dilation, window.output
    a, b, e, f = padded.strides
    shape = (groups, n, p, q, kh, kw, c // groups)
    strides = (f * (c // groups), a, b * sh, e * sw, b * dh, e * dw, f)
    return as_strided(padded, shape, strides).reshape(groups, n * p * q, -1)


def _col2im(dx, columns, window):
    """Add every row of columns (G, N·P·Q, KH·KW·C/G) back where its window lay in dx (N, HP, WP, C)."""
    (n, _, _, c), (kh, kw), groups = dx.shape, window.kernel, columns.shape[0]
    columns = columns.reshape(groups, n, *window.output, kh, kw, c // groups)
    for i, j, rows, cols in _steps(window):
        target = dx[:, rows, cols]
        target += np.moveaxis(columns[..., i, j, :], 0, 3).reshape(target.shape)


def _weight_matrices(w, groups):
    """Weights (O, C/G, KH, KW) -> (G, KH·KW·C/G, O/G), in the order of the columns."""
    o, c, kh, kw = w.shape
    return w.reshape(groups, o // groups, c, kh, kw).transpose(0, 3, 4, 2, 1).reshape(groups, kh * kw * c, o // groups)


def _split_groups(y, groups):
    """(N, P, Q, O) -> (G, N·P·Q, O/G)."""
    return y.reshape(-1, groups, y.shape[3] // groups).transpose(1, 0, 2)


def _join_groups(y, shape):
    """(G, N·P·Q, O/G) -> (N, P, Q, O)."""
    return y.transpose(1, 0, 2).reshape(shape)


# Pooling -----------------------------------------------------------------------------------------------------------------


def max_pool2d(x, window):
    """The largest pixel of each window, and its number i·KW + j in the window; the first one where several are equal."""
    padded = _padded(x, window, -np.inf)
    y = module_of(x).full((x.shape[0], *window.output, x.shape[1]), -np.inf, x.dtype)
    winners = np.empty(y.shape, np.int32, like=x)
    winners[...] = np.asarray(first_inside(window), like=x)[:, :, None]
    for i, j, rows, columns in _steps(window):
        pixels = padded[:, rows, columns]
        better = (pixels > y) | np.isnan(pixels)                           # a NaN wins, and no number wins over it
        np.copyto(y, pixels, where=better)
        np.copyto(winners, np.int32(i * window.kernel[1] + j), where=better & ~_outside(window, i, j, x))
    return _channels_first(y), _channels_first(winners)


def max_pool2d_relu(x, window):
    """The largest pixel of each window, but at least 0; and its number, or -1 where all are below 0 and none passes a gradient."""
    y, winners = max_pool2d(x, window)
    return relu(y), np.where(y <= 0, np.int32(-1), winners)


def _outside(window, i, j, like):
    """(P, Q, 1), True where kernel position (i, j) falls on padding."""
    inside = [(np.arange(n) * s + k * d >= before) & (np.arange(n) * s + k * d < before + size)
              for n, s, k, d, (before, _), size in zip(window.output, window.stride, (i, j), window.dilation, window.padding,
                                                       window.size)]
    return np.asarray(~np.logical_and.outer(*inside)[:, :, None], like=like)


def first_inside(window):
    """For each output pixel (P, Q), the number of the first kernel position that falls inside the image."""
    first = [np.maximum(-((np.arange(n) * s - before) // d), 0)
             for n, s, d, (before, _) in zip(window.output, window.stride, window.dilation, window.padding)]
    return np.add.outer(first[0] * window.kernel[1], first[1])


def max_pool2d_dx(dy, winners, window):
    """dx = dy at each window's winner, added up where windows share it."""
    dx = np.zeros((dy.shape[0], *window.reach, dy.shape[1]), dy.dtype, like=dy)
    dy, winners = _channels_last(dy), _channels_last(winners)
    for i, j, rows, columns in _steps(window):
        dx[:, rows, columns] += dy * (winners == i * window.kernel[1] + j)
    return _unpadded(dx, window)


def avg_pool2d(x, window, divisor):
    """The sum of each window over the divisor: a number, or one for each output pixel (P, Q)."""
    padded = _padded(x, window)
    y = np.zeros((x.shape[0], *window.output, x.shape[1]), x.dtype, like=x)
    for _, _, rows, columns in _steps(window):
        y += padded[:, rows, columns]
    return _channels_first(y) / divisor


def avg_pool2d_dx(dy, window, divisor):
    """Each pixel gets dy / divisor from every window that saw it."""
    share = _channels_last(dy / divisor)
    dx = np.zeros((dy.shape[0], *window.reach, dy.shape[1]), dy.dtype, like=dy)
    for _, _, rows, columns in _steps(window):
        dx[:, rows, columns] += share
    return _unpadded(dx, window)


# Adaptive pooling: cell i of P covers the pixels ⌊i·H/P⌋ .. ⌈(i+1)·H/P⌉ - 1 ---------------------------------------------


def cells(length, count):
    """The (start, end) of each of `count` cells that cover `length` pixels; neighbours may share one."""
    return [(i * length // count, -(-(i + 1) * length // count)) for i in range(count)]


def adaptive_avg_pool2d(x, rows, columns):
    """y = R x Cᵀ, where rows R (P, H) and columns C (Q, W) are averaging matrices."""
    return rows @ x @ columns.T


def adaptive_avg_pool2d_dx(dy, rows, columns):
    """dx = Rᵀ dy C"""
    return rows.T @ dy @ columns


def adaptive_winners(x, output):
    """The place h·W + v of the first largest pixel of each cell: (N, C, P, Q), int64."""
    n, c, h, w = x.shape
    winners = np.empty((n, c, *output), np.int64, like=x)
    for p, (top, bottom) in enumerate(cells(h, output[0])):
        for q, (left, right) in enumerate(cells(w, output[1])):
            best = x[:, :, top:bottom, left:right].reshape(n, c, (bottom - top) * (right - left)).argmax(2)
            winners[:, :, p, q] = (top + best // (right - left)) * w + left + best % (right - left)
    return winners


def adaptive_max_pool2d_dx(dy, winners, size):
    """dx = dy at each cell's winner, added up where cells share it."""
    n, c, count = *dy.shape[:2], dy.shape[2] * dy.shape[3]
    dx = np.zeros((n * c, size[0] * size[1]), dy.dtype, like=dy)
    add_at(dx, (np.arange(n * c, like=dy)[:, None].astype(np.int64), winners.reshape(n * c, count)), dy.reshape(n * c, count))
    return dx.reshape(n, c, *size)


# The dense layer -----------------------------------------------------------------------------------------------------------


def linear(x, w, b):
    """y[n,o] = b[o] + Σ_i x[n,i] · w[o,i], where n counts all leading axes."""
    y = x @ w.T                                                            # (…, O) = (…, I) @ (I, O)
    return y if b is None else y + b


def linear_relu(x, w, b):
    """y[n,o] = max(b[o] + Σ_i x[n,i] · w[o,i], 0)"""
    return relu(linear(x, w, b))


def linear_dx(dy, w):
    """dx[n,i] = Σ_o dy[n,o] · w[o,i]"""
    return dy @ w                                                          # (…, I) = (…, O) @ (O, I)


def linear_dw(dy, x):
    """dw[o,i] = Σ_n dy[n,o] · x[n,i]"""
    n = prod(dy.shape[:-1])
    dy, x = dy.reshape(n, dy.shape[-1]), x.reshape(n, x.shape[-1])
    return dy.T * x if n == 1 else dy.T @ x                                # (O, I) = (O, N) @ (N, I)


def matmul(x, y):
    """The matrix product over the last two axes; the others broadcast."""
    return np.matmul(x, y)


def einsum(equation, *operands):
    """The sum over all letters that are missing on the right of the arrow."""
    return np.einsum(equation, *operands, optimize=True)


# Softmax cross-entropy of class indices ------------------------------------------------------------------------------------


def softmax_cross_entropy(x, labels, ignore_index):
    """losses[n] = log Σ_k exp x[n,k] - x[n, label n], 0 where label n is `ignore_index`; p = softmax(x) over the classes.

    Also Σ losses, and how many labels are not `ignore_index`.
    """
    shifted = x - x.max(1, keepdims=True)                                  # softmax stays the same, and exp cannot overflow
    p = np.exp(shifted)
    total = p.sum(1, keepdims=True)
    known, places = _places(labels, x)
    losses = np.where(known, np.log(total[:, 0]) - shifted[places], np.where(labels == ignore_index, 0, np.nan))
    losses = np.where(labels == ignore_index, 0, losses).astype(x.dtype)
    return losses, p / total, losses.sum(), np.count_nonzero(labels != ignore_index)


def softmax_cross_entropy_dx(dy, p, labels, ignore_index):
    """dx[n,k] = dy[n] · (p[n,k] - [k = label n]), 0 where label n is `ignore_index`; dy may be one number, for all n."""
    known, places = _places(labels, p)
    dx = p.copy()
    dx[places] -= known
    return np.where((labels == ignore_index)[:, None], 0, dx * dy.reshape(-1, 1))


def _places(labels, x):
    """Which labels are classes, and the index of each example's class in x (N, K)."""
    known = (labels >= 0) & (labels < x.shape[1])
    return known, (np.arange(len(labels), like=x), np.where(known, labels, 0))
