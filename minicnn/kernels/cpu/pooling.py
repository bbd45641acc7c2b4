"""Pooling on the CPU: shapes are made ready here, the loops are in `windows.py`."""

from functools import lru_cache

import numpy as np

from .. import array
from ..threads import threads_for
from . import windows
from .launch import launch
from .memory import channels_first, channels_last, computable, empty
from .plan import record

ALONE = 1 << 15         # pixels of x, times its channels: for fewer, one thread is enough


@lru_cache(maxsize=4096)
def _numbers(n, c, window, cut=False):
    """The record of numbers for the loops."""
    (h, w), (kh, kw), (sh, sw), (dh, dw), (p, q) = window.size, window.kernel, window.stride, window.dilation, window.output
    (top, _), (left, _) = window.padding
    apart = dh == dw == 1 and kh <= sh and kw <= sw
    covered = apart and (kh, kw) == (sh, sw) and (top, left) == (0, 0) and (p * sh, q * sw) == (h, w)
    squares = apart and (kh, kw) == (2, 2) and (top, left) == (0, 0) and (p - 1) * sh + 2 <= h and (q - 1) * sw + 2 <= w
    return record(images=n, height=h, width=w, channels=c, kernel_h=kh, kernel_w=kw, stride_h=sh, stride_w=sw, dilation_h=dh,
                  dilation_w=dw, rows=p, columns=q, top=top, left=left, apart=apart, covered=covered, squares=squares, cut=cut)


def _outputs(x, window, dtype):
    return empty((len(x), *window.output, x.shape[1]), dtype)


def _inputs(dy, window):
    return empty((len(dy), *window.size, dy.shape[1]), dy.dtype)


def max_pool2d(x, window):
    """The largest pixel of each window, and its number i·KW + j in the window; the first one where several are equal."""
    return _max_pool2d(x, window, False) if computable(x) else array.max_pool2d(x, window)


def max_pool2d_relu(x, window):
    """The largest pixel of each window, but at least 0; and its number, or -1 where all are below 0 and none passes a gradient."""
    return _max_pool2d(x, window, True) if computable(x) else array.max_pool2d_relu(x, window)


def _max_pool2d(x, window, cut):
    y, winners = _outputs(x, window, x.dtype), _outputs(x, window, np.int32)
    launch(windows.max_pool, _numbers(*x.shape[:2], window, cut), channels_last(x), y, whole=winners.reshape(-1),
           threads=threads_for(x.size, ALONE))
    return channels_first(y), channels_first(winners)


def max_pool2d_dx(dy, winners, window):
    """dx = dy at each window's winner, added up where windows share it."""
    if not computable(dy):
        return array.max_pool2d_dx(dy, winners, window)
    dx = _inputs(dy, window)
    launch(windows.max_pool_dx, _numbers(*dy.shape[:2], window), channels_last(dy), dx, whole=channels_last(winners).reshape(-1),
           threads=threads_for(dx.size, ALONE))
    return channels_first(dx)


def avg_pool2d(x, window, divisor):
    """The sum of each window over the divisor: a number, or one for each output pixel (P, Q)."""
    if not computable(x):
        return array.avg_pool2d(x, window, divisor)
    y = _outputs(x, window, x.dtype)
    launch(windows.sum_pool, _numbers(*x.shape[:2], window), channels_last(x), y, threads=threads_for(x.size, ALONE))
    return channels_first(y) / divisor


def avg_pool2d_dx(dy, window, divisor):
    """Each pixel gets dy / divisor from every window that saw it."""
    if not computable(dy):
        return array.avg_pool2d_dx(dy, window, divisor)
    share, dx = dy / divisor, _inputs(dy, window)
    launch(windows.sum_pool_dx, _numbers(*dy.shape[:2], window), channels_last(share), dx, threads=threads_for(dx.size, ALONE))
    return channels_first(dx)
