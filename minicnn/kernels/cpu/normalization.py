"""Batch norm, ReLU and sums on the CPU: shapes and coefficients are made ready here, the loops are in `pointwise.py`."""

from functools import lru_cache

import numpy as np

from .. import array
from ..threads import get_num_threads
from . import pointwise
from .launch import launch
from .memory import LINE, computable, contiguous, empty
from .plan import record
from .vector import MACHINE

LARGE = 3 << 20         # bytes
SMALL = 1 << 13         # elements: for fewer, NumPy is done before threads would have begun
CHOICES = 1 << 12       # the same where NumPy chooses element by element, which it is slow at: 9 µs for 4096, 50 for 8192
ALONE = 1 << 16         # elements: for fewer, one thread is done with what goes on element by element before another has begun


def _pixels(x):
    """(N, C, ...) -> (pixels, C), contiguous: a view where x lies channels-last already, else a copy."""
    return contiguous(x.transpose(0, *range(2, x.ndim), 1)).reshape(-1, x.shape[1])


def _images(pixels, shape):
    """(pixels, C) -> a view (N, C, ...)."""
    return pixels.reshape(shape[0], *shape[2:], shape[1]).transpose(0, -1, *range(1, len(shape) - 1))


def _ours(x, *others, least=SMALL):
    return x.ndim > 1 and x.size >= least and computable(x, *others)


# Batch norm -------------------------------------------------------------------------------------------------------------------


def batch_moments(x):
    """Mean and (biased) variance of each channel, over all other axes."""
    if not _ours(x):
        return array.batch_moments(x)
    pixels = _pixels(x)
    total, square = _sums_of_threads(pointwise.moments, pixels) / len(pixels)
    return (total + pixels[0]).astype(x.dtype), np.maximum(square - total * total, 0).astype(x.dtype)


def _sums_of_threads(kernel, pixels, *more):
    """The two sums of a kernel over all threads, (2, C), in float64."""
    threads, channels = get_num_threads(), pixels.shape[1]
    results = empty((threads, 2, channels), pixels.dtype)
    scratch = empty((threads, 2, MACHINE.lanes(pixels.itemsize)), pixels.dtype)
    launch(kernel, record(rows=len(pixels), channels=channels), pixels, *more, results, scratch)
    return results.sum(0, dtype=np.float64)


def batch_norm(x, w, b, mean, rstd):
    """y = w · (x - mean) · rstd + b"""
    if not _ours(x, w, b, mean, rstd):
        return array.batch_norm(x, w, b, mean, rstd)
    return _scale_shift(x, *_affine(w, b, mean, rstd), np.nan)


def batch_norm_relu(x, w, b, mean, rstd):
    """y = max(w · (x - mean) · rstd + b, 0)"""
    if not _ours(x, w, b, mean, rstd):
        return array.batch_norm_relu(x, w, b, mean, rstd)
    return _scale_shift(x, *_affine(w, b, mean, rstd), 0)


def _affine(w, b, mean, rstd):
    """Scale and shift of batch norm as y = x · scale + shift."""
    scale = rstd if w is None else w * rstd
    return scale, -mean * scale if b is None else b - mean * scale


def _scale_shift(x, scale, shift, floor):
    pixels = _pixels(x)
    y = empty(pixels.shape, x.dtype)
    numbers = record(rows=len(pixels), channels=len(scale), past=_table_past_caches(y))
    launch(pointwise.scale_shift, numbers, pixels, _rows(scale, shift, floor), y)
    return _images(y, x.shape)


def _past_caches(y):
    """Whether a result is too large for the second-level caches, and can be written in whole vectors to multiples of their size."""
    return y.nbytes >= LARGE and y.shape[-1] % MACHINE.lanes(y.itemsize) == 0 and y.ctypes.data % MACHINE.bytes == 0


def _table_past_caches(y):
    """The same for a table, whose vectors are not written one after the other: then each must be a line, for half a line is read."""
    return MACHINE.bytes == LINE and _past_caches(y)


def _rows(*vectors):
    """Vectors (C,), and numbers for all channels, one below the other."""
    table = np.empty((len(vectors), len(vectors[0])), vectors[0].dtype)
    for row, vector in zip(table, vectors):
        row[...] = vector
    return table


def batch_norm_dx(dy, x, w, mean, rstd):
    """dx, dw, db where mean and rstd were computed from x itself; the derivation is in functional/normalization.py."""
    if not _ours(dy, x, w, mean, rstd):
        return array.batch_norm_dx(dy, x, w, mean, rstd)
    return _gradients(dy, x, w, None, mean, rstd, np.nan)


def batch_norm_relu_dx(dy, x, w, b, mean, rstd):
    """As `batch_norm_dx`, where a ReLU follows: only the dy of what is above 0 counts."""
    if not _ours(dy, x, w, b, mean, rstd):
        return array.batch_norm_relu_dx(dy, x, w, b, mean, rstd)
    return _gradients(dy, x, w, b, mean, rstd, 0)


def _gradients(dy, x, w, b, mean, rstd, floor):
    dy_pixels, pixels = _pixels(dy), _pixels(x)
    scale, shift = _affine(w, b, mean, rstd)
    db, dw = _sums(dy_pixels, pixels, mean, rstd, scale, shift, floor)
    slope = -scale * rstd * dw / len(pixels)
    offset = -scale * db / len(pixels) - slope * mean
    dx = empty(pixels.shape, x.dtype)
    launch(pointwise.scale_both, record(rows=len(pixels), channels=len(scale), past=_table_past_caches(dx)), dy_pixels, pixels,
           _rows(scale, slope, offset, shift, floor), dx)
    return _images(dx, x.shape), dw, db


def batch_norm_sums(dy, x, mean, rstd):
    """db = Σ dy and dw = Σ dy · (x - mean) · rstd."""
    if not _ours(dy, x, mean, rstd):
        return array.batch_norm_sums(dy, x, mean, rstd)
    return _sums(_pixels(dy), _pixels(x), mean, rstd, rstd, mean, np.nan)


def _sums(dy, x, mean, rstd, scale, shift, floor):
    db, dw = _sums_of_threads(pointwise.sums, dy, x, _rows(mean, scale, shift, floor))
    return db.astype(dy.dtype), (dw * rstd).astype(dy.dtype)


def channel_sums(x):
    """Σ x of each channel, over all other axes."""
    return _sums_of_threads(pointwise.totals, _pixels(x))[0].astype(x.dtype) if _ours(x) else array.channel_sums(x)


# ReLU and sums, whatever the axes mean ----------------------------------------------------------------------------------------


def relu(x):
    """max(x, 0)"""
    return _by_element(pointwise.relu_loop, x) if _ours(x) else array.relu(x)


def relu_dx(dy, y):
    """dy where y > 0"""
    return _by_element(pointwise.relu_dx_loop, y, dy) if _ours(dy, y, least=CHOICES) else array.relu_dx(dy, y)


def add(x, y):
    """x + y, of one shape"""
    return _by_element(pointwise.add_loop, x, y) if _ours(x, y) and x.shape == y.shape else array.add(x, y)


def add_relu(x, y):
    """max(x + y, 0), of one shape"""
    return _by_element(pointwise.add_relu_loop, x, y) if _ours(x, y) and x.shape == y.shape else array.add_relu(x, y)


def _by_element(kernel, like, *others):
    """Run a kernel over arrays of one shape, in the order in which the first one lies in memory."""
    threads = 1 if like.size < ALONE else None
    if all(a.flags.c_contiguous for a in (like, *others)):
        result = empty(like.shape, like.dtype)
        launch(kernel, record(past=_past_caches(result)), *others, like, result, threads=threads)
        return result
    order, back = _order_in_memory(like.strides)
    flat = [contiguous(a.transpose(order)) for a in (*others, like)]
    result = empty(flat[0].shape, like.dtype)
    launch(kernel, record(past=_past_caches(result)), *flat, result, threads=threads)
    return result.transpose(back)


@lru_cache(maxsize=4096)
def _order_in_memory(strides):
    """The axes, that with the longest steps first; and the order that brings them back."""
    order = sorted(range(len(strides)), key=lambda axis: -strides[axis])
    return order, sorted(range(len(order)), key=order.__getitem__)
