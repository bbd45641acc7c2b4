"""Batch norm, ReLU and sums on the CPU: shapes and coefficients are made ready here, the loops are in `pointwise.py`."""

from functools import lru_cache

import numpy as np

from .. import array
from ..threads import threads_for
from . import pointwise
from .launch import launch
from .memory import LINE, computable, contiguous, empty
from .plan import record
from .vector import MACHINE

LARGE = 3 << 20         # bytes
SMALL = 1 << 13         # elements: for fewer, NumPy is done before threads would have begun
CHOICES = 1 << 12       # the same where NumPy chooses element by element, which it is slow at: 9 µs for 4096, 50 for 8192
ALONE = 1 << 16         # elements: for fewer, one thread is enough for what goes on element by element


def _pixels(x):
    """(N, C, ...) -> (pixels, C), contiguous: a view where x lies channels-last already, else a copy."""
    rows = x.transpose(0, 2, 3, 1) if x.ndim == 4 else x.transpose(0, *range(2, x.ndim), 1)
    return contiguous(rows).reshape(-1, x.shape[1])


def _images(pixels, shape):
    """(pixels, C) -> a view (N, C, ...)."""
    if len(shape) == 4:
        n, c, h, w = shape
        return pixels.reshape(n, h, w, c).transpose(0, 3, 1, 2)
    return pixels.reshape(shape[0], *shape[2:], shape[1]).transpose(0, -1, *range(1, len(shape) - 1))


def _ours(x, *others, least=0):
    return x.ndim > 1 and x.size >= least and computable(x, *others)


def _large(x, *others):
    return _ours(x, *others, least=SMALL)


# Batch norm -------------------------------------------------------------------------------------------------------------------


def batch_moments(x):
    """Mean and (biased) variance of each channel, over all other axes."""
    if not _ours(x) or x.size == x.shape[1]:
        return array.batch_moments(x)
    mean, rstd = batch_statistics(x, None, None, 0, 0)
    return mean, np.square(1 / rstd)


def batch_statistics(x, running_mean, running_var, momentum, eps):
    """Mean and 1/√(variance + eps) of each channel; the running statistics, if any, follow in place."""
    if not _ours(x, running_mean, running_var) or x.size == x.shape[1] or not _can_be_written(running_mean, running_var):
        return array.batch_statistics(x, running_mean, running_var, momentum, eps)
    pixels, threads, channels = _pixels(x), _threads(x), x.shape[1]
    sums, found = empty((2 * threads, channels), x.dtype), np.empty(2 * channels + 2, x.dtype)
    found[-2], found[-1] = eps, momentum
    nothing = found[:0]
    floats = pixels, sums, found, nothing if running_mean is None else running_mean, nothing if running_var is None else running_var
    numbers = record(rows=len(pixels), channels=channels)
    launch(pointwise.moments, numbers, *floats, threads=threads)
    if threads > 1:
        launch(pointwise.finish_moments, numbers, *floats, threads=1)
    return found[:channels], found[channels:-2]


def _can_be_written(*vectors):
    """Whether a kernel can write to them where they lie."""
    return all(v is None or v.flags.c_contiguous and v.flags.writeable for v in vectors)


def _threads(x):
    return threads_for(x.size, ALONE)


def batch_norm(x, w, b, mean, rstd):
    """y = w · (x - mean) · rstd + b"""
    if not _ours(x, w, b, mean, rstd):
        return array.batch_norm(x, w, b, mean, rstd)
    return _scale_shift(x, w, b, mean, rstd, False)


def batch_norm_relu(x, w, b, mean, rstd):
    """y = max(w · (x - mean) · rstd + b, 0)"""
    if not _ours(x, w, b, mean, rstd):
        return array.batch_norm_relu(x, w, b, mean, rstd)
    return _scale_shift(x, w, b, mean, rstd, True)


def batch_norm_add(x, w, b, plus, mean, rstd):
    """y = w · (x - mean) · rstd + b + plus"""
    if not _ours(x, plus, w, b, mean, rstd):
        return array.batch_norm_add(x, w, b, plus, mean, rstd)
    return _scale_shift(x, w, b, mean, rstd, False, _pixels(plus))


def batch_norm_add_relu(x, w, b, plus, mean, rstd):
    """y = max(w · (x - mean) · rstd + b + plus, 0)"""
    if not _ours(x, plus, w, b, mean, rstd):
        return array.batch_norm_add_relu(x, w, b, plus, mean, rstd)
    return _scale_shift(x, w, b, mean, rstd, True, _pixels(plus))


def _scale_shift(x, w, b, mean, rstd, cut, *plus):
    pixels = _pixels(x)
    y = empty(pixels.shape, x.dtype)
    numbers = record(rows=len(pixels), channels=pixels.shape[1], past=_table_past_caches(y), cut=cut)
    launch(pointwise.scale_shift, numbers, pixels, _table(w, b, mean, rstd), y, *plus, threads=_threads(x))
    return _images(y, x.shape)


def _past_caches(y):
    """Whether a result is too large for the second-level caches, and can be written in whole vectors to multiples of their size."""
    return y.nbytes >= LARGE and y.shape[-1] % MACHINE.lanes(y.itemsize) == 0 and y.ctypes.data % MACHINE.bytes == 0


def _table_past_caches(y):
    """The same for a table, whose vectors are not written one after the other: then each must be a line, for half a line is read."""
    return MACHINE.bytes == LINE and _past_caches(y)


def _table(w, b, mean, rstd, threads=0):
    """The vectors (C,) one below the other, and two more rows for each thread."""
    table = np.empty((pointwise.GIVEN + 2 * threads, len(mean)), mean.dtype)
    table[0] = 1 if w is None else w
    table[1] = 0 if b is None else b
    table[2], table[3] = mean, rstd
    return table


def batch_norm_dx(dy, x, w, mean, rstd):
    """dx, dw, db where mean and rstd were computed from x itself; the derivation is in functional/normalization.py."""
    if not _ours(dy, x, w, mean, rstd):
        return array.batch_norm_dx(dy, x, w, mean, rstd)
    return _gradients(dy, x, w, None, mean, rstd)


def batch_norm_relu_dx(dy, x, w, b, mean, rstd):
    """As `batch_norm_dx`, where a ReLU follows: only the dy of what is above 0 counts."""
    if not _ours(dy, x, w, b, mean, rstd):
        return array.batch_norm_relu_dx(dy, x, w, b, mean, rstd)
    return _gradients(dy, x, w, b, mean, rstd, cut=True)


def batch_norm_add_relu_dx(dz, z, x, w, mean, rstd):
    """dx, dw, db as `batch_norm_dx`, from the dz of what is above 0 in z; and that itself, the gradient of what was added."""
    if not _ours(dz, z, x, w, mean, rstd):
        return array.batch_norm_add_relu_dx(dz, z, x, w, mean, rstd)
    g = empty((x.size // x.shape[1], x.shape[1]), x.dtype)
    return *_gradients(dz, x, w, None, mean, rstd, kept=(_pixels(z), g)), _images(g, x.shape)


def _gradients(dy, x, w, b, mean, rstd, cut=False, kept=()):
    """kept: what tells where the ReLU cut, and where to put what it lets through."""
    dy, pixels, threads = _pixels(dy), _pixels(x), _threads(x)
    table, dx, gradients = _table(w, b, mean, rstd, threads), empty(pixels.shape, x.dtype), np.empty((2, x.shape[1]), x.dtype)
    numbers = record(rows=len(pixels), channels=pixels.shape[1], past=_table_past_caches(dx), cut=cut)
    launch(pointwise.sums, numbers, dy, pixels, table, *kept, threads=threads)
    launch(pointwise.scale_both, numbers, kept[1] if kept else dy, pixels, table, dx, gradients, threads=threads)
    return _images(dx, x.shape), *gradients


def batch_norm_sums(dy, x, mean, rstd):
    """db = Σ dy and dw = Σ dy · (x - mean) · rstd."""
    if not _ours(dy, x, mean, rstd):
        return array.batch_norm_sums(dy, x, mean, rstd)
    pixels, threads = _pixels(x), _threads(x)
    table = _table(None, None, mean, rstd, threads)
    launch(pointwise.sums, record(rows=len(pixels), channels=pixels.shape[1]), _pixels(dy), pixels, table, threads=threads)
    db, dw = _added_up(table[pointwise.GIVEN :])
    return db.astype(x.dtype), (dw * rstd).astype(x.dtype)


def channel_sums(x):
    """Σ x of each channel, over all other axes."""
    if not _large(x):
        return array.channel_sums(x)
    pixels, threads = _pixels(x), _threads(x)
    results = empty((2 * threads, pixels.shape[1]), x.dtype)
    launch(pointwise.totals, record(rows=len(pixels), channels=pixels.shape[1]), pixels, results, threads=threads)
    return _added_up(results)[0].astype(x.dtype)


def _added_up(sums):
    """The two sums of all threads, (2, C), in float64."""
    return sums.reshape(-1, 2, sums.shape[1]).sum(0, dtype=np.float64)


# ReLU and sums, whatever the axes mean ----------------------------------------------------------------------------------------


def relu(x):
    """max(x, 0)"""
    return _by_element(pointwise.relu_loop, x) if _large(x) else array.relu(x)


def relu_dx(dy, y):
    """dy where y > 0"""
    return _by_element(pointwise.relu_dx_loop, y, dy) if _ours(dy, y, least=CHOICES) else array.relu_dx(dy, y)


def add(x, y):
    """x + y, of one shape"""
    return _by_element(pointwise.add_loop, x, y) if _large(x, y) and x.shape == y.shape else array.add(x, y)


def add_relu(x, y):
    """max(x + y, 0), of one shape"""
    return _by_element(pointwise.add_relu_loop, x, y) if _large(x, y) and x.shape == y.shape else array.add_relu(x, y)


def _by_element(kernel, like, *others):
    """Run a kernel over arrays of one shape, in the order in which the first one lies in memory."""
    threads = _threads(like)
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
