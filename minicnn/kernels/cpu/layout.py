"""Copies that bring images into another order in memory: threads share out the pixels. Memory bounds them."""

from .. import array
from ...arrays import as_strided
from .launch import launch
from .memory import FLOATS, LARGE, channels_first, channels_last, computable, empty
from .plan import record


def copy_rows(source, target, _a, _b, _c, _whole, plans, thread, threads):
    """target[r, to : to + C] = source[r, :C]; rows of source are `line` apart, rows of target `outs`."""
    plan = plans[0]
    for r in range(thread * plan.rows // threads, (thread + 1) * plan.rows // threads):
        row, out = source[r * plan.width : r * plan.width + plan.channels], target[r * plan.outs + plan.left :]
        for c in range(len(row)):
            out[c] = row[c]


def copy_planes(source, target, _a, _b, _c, _whole, plans, thread, threads):
    """target[n, p, c] = source[n, c, p]: N images of C channels, a band of pixels p for each thread."""
    plan = plans[0]
    first, end = thread * plan.rows // threads, (thread + 1) * plan.rows // threads
    for n in range(plan.images):
        for c in range(plan.channels):
            start = (n * plan.channels + c) * plan.rows
            plane, out = source[start + first : start + end], target[(n * plan.rows + first) * plan.channels + c :]
            for p in range(len(plane)):
                out[p * plan.channels] = plane[p]


def channels_last_copy(x):
    """(N, H, W, C) in the order of its axes, from a view that lies otherwise."""
    y = empty(x.shape, x.dtype)
    n, h, w, c = x.shape
    if x.dtype not in FLOATS or x.size < LARGE:
        y[...] = x
    elif x.transpose(0, 3, 1, 2).flags.c_contiguous:
        launch(copy_planes, record(images=n, rows=h * w, channels=c), x.transpose(0, 3, 1, 2), y)
    elif _is_table(x):
        _copy_table(x, y, 0)
    else:
        y[...] = x
    return y


def _is_table(x):
    """Whether the pixels of (N, H, W, C) lie at equal distances, the channels of each beside each other."""
    n, h, w, c = x.strides
    return c == x.itemsize and w >= x.shape[3] * c and w % c == 0 and h == w * x.shape[2] and n == h * x.shape[1]


def _copy_table(x, y, first):
    """y[..., first : first + C] = x, for tables of pixels."""
    rows, channels, line = x.size // x.shape[3], x.shape[3], x.strides[2] // x.itemsize
    flat = as_strided(x, ((rows - 1) * line + channels,), (x.itemsize,))
    launch(copy_rows, record(rows=rows, channels=channels, width=line, outs=y.shape[3], left=first), flat, y)


def cat(xs, axis):
    """Arrays joined along an axis; images along their channels, if all lie channels-last, stay so."""
    x = xs[0]
    sizes = {(len(x), *x.shape[2:]) for x in xs}
    if axis != 1 or x.ndim != 4 or len(sizes) > 1 or sum(x.size for x in xs) < LARGE or not computable(*xs):
        return array.cat(xs, axis)
    last = [x.transpose(0, 2, 3, 1) for x in xs]
    if not all(map(_is_table, last)):
        return array.cat(xs, axis)
    y, first = empty((*last[0].shape[:3], sum(x.shape[1] for x in xs)), x.dtype), 0
    for x in last:
        _copy_table(x, y, first)
        first += x.shape[3]
    return channels_first(y)


def prepared(x):
    """Images as the convolutions read them, so that forward and backward need not each bring them into order."""
    return channels_first(channels_last(x)) if x.ndim == 4 and computable(x) else x
