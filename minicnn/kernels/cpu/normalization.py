"""Batch norm and ReLU on the CPU: shapes and coefficients are made ready here, the loops are in `pointwise.py`."""

import numpy as np

from .. import array
from ..threads import get_num_threads
from . import pointwise
from .launch import launch
from .memory import computable
from .plan import record

SMALL = 1 << 12         # elements: for fewer, NumPy is done before threads would have begun


def _pixels(x):
    """(N, C, ...) -> (pixels, C), contiguous: a view where x lies channels-last already, else a copy."""
    return np.ascontiguousarray(np.moveaxis(x, 1, -1)).reshape(-1, x.shape[1])


def _images(pixels, shape):
    """(pixels, C) -> a view (N, C, ...)."""
    return np.moveaxis(pixels.reshape(shape[0], *shape[2:], shape[1]), -1, 1)


def _ours(x, *others):
    return x.ndim > 1 and x.size >= SMALL and computable(x, *others)


def batch_moments(x):
    """Mean and (biased) variance of each channel, over all other axes."""
    if not _ours(x):
        return array.batch_moments(x)
    pixels = _pixels(x)
    (mean, spread), rows = _by_threads(pointwise.moments, pixels), _rows_of_threads(len(pixels))
    together = (mean * rows).sum(0) / len(pixels)
    variance = (spread + rows * np.square(mean - together)).sum(0) / len(pixels)
    return together.astype(x.dtype), variance.astype(x.dtype)


def _by_threads(kernel, pixels, *more):
    """The two results of each thread, (2, threads, C), in float64."""
    threads, channels = get_num_threads(), pixels.shape[1]
    results, scratch = (np.empty((threads, 2, channels), pixels.dtype) for _ in range(2))
    launch(kernel, record(rows=len(pixels), channels=channels), pixels, *more, results, scratch)
    return results.transpose(1, 0, 2).astype(np.float64)


def _rows_of_threads(rows):
    """How many rows each thread took, (threads, 1)."""
    threads = get_num_threads()
    return np.diff(np.arange(threads + 1) * rows // threads)[:, None]


def batch_norm(x, w, b, mean, rstd):
    """y = w · (x - mean) · rstd + b"""
    if not _ours(x, w, b, mean, rstd):
        return array.batch_norm(x, w, b, mean, rstd)
    pixels = _pixels(x)
    scale = rstd if w is None else w * rstd
    shift = -mean * scale if b is None else b - mean * scale
    y = np.empty_like(pixels)
    launch(pointwise.scale_shift, record(rows=len(pixels)), pixels, scale, shift, y)
    return _images(y, x.shape)


def batch_norm_dx(dy, x, w, mean, rstd):
    """dx, dw, db where mean and rstd were computed from x itself; the derivation is in functional/normalization.py."""
    if not _ours(dy, x, w, mean, rstd):
        return array.batch_norm_dx(dy, x, w, mean, rstd)
    dy_pixels, pixels = _pixels(dy), _pixels(x)
    db, dw = _sums(dy_pixels, pixels, mean, rstd)
    scale, m = rstd if w is None else w * rstd, len(pixels)
    slope = -scale * rstd * dw / m
    coefficients = np.stack([scale, slope, -scale * db / m - slope * mean])
    dx = np.empty_like(pixels)
    launch(pointwise.scale_both, record(rows=m, channels=pixels.shape[1]), dy_pixels, pixels, coefficients, dx)
    return _images(dx, x.shape), dw, db


def batch_norm_sums(dy, x, mean, rstd):
    """db = Σ dy and dw = Σ dy · (x - mean) · rstd."""
    if not _ours(dy, x, mean, rstd):
        return array.batch_norm_sums(dy, x, mean, rstd)
    return _sums(_pixels(dy), _pixels(x), mean, rstd)


def _sums(dy, x, mean, rstd):
    db, dw = _by_threads(pointwise.sums, dy, x, mean).sum(1)
    return db.astype(dy.dtype), (dw * rstd).astype(dy.dtype)


def relu(x):
    """max(x, 0)"""
    if not _ours(x):
        return array.relu(x)
    pixels = _pixels(x)
    y = np.empty_like(pixels)
    launch(pointwise.relu_loop, record(), pixels, y)
    return _images(y, x.shape)


def relu_dx(dy, y):
    """dy where y > 0"""
    if not _ours(dy, y):
        return array.relu_dx(dy, y)
    pixels = _pixels(dy)
    dx = np.empty_like(pixels)
    launch(pointwise.relu_dx_loop, record(), pixels, _pixels(y), dx)
    return _images(dx, dy.shape)
