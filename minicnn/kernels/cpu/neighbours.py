"""Convolution to few channels: neighbouring pixels of y are taken for channels of one wider pixel, so that they fill the vectors.

    y[n, p, g·T + t, o] = Y[n, p, g, (t,o)] = Σ_{c,i,j} W[(t,o), c, i, j] · x[n, c, p·s + i·d - pad, g·T·s + j - pad]
    W[(t,o), c, i, j + t·s] = w[o, c, i, j], and 0 elsewhere

In memory, y is Y: channels-last, T pixels of O channels are one of T·O. So this is the direct algorithm with other weights and another
window, KW + (T-1)·s wide, that takes T·s pixels at a step. T - 1 of its columns are multiplied for nothing, but 1 of 4 lanes or less
is empty: for 6 channels, 5 columns and 16 lanes T = 4 takes half to three quarters of the time. The gradient of W holds that of w T
times, for every T-th pixel of y: dw is their sum.

Where x is infinite or not a number, so is 0 · x, and up to T - 1 pixels of y beside those that see it are not numbers either.
"""

from functools import lru_cache

import numpy as np

from .plan import TILES, cost, cost_of_pixels
from .tile import MAX_VECTORS, PAIRS
from .vector import MACHINE

BEGINNING = 60          # cycles that a tile takes besides its products
GAIN = 0.9              # of the time, at most, that it takes without: the rest may be spent on the weights


def together(depth, outs, window, groups, itemsize, cycles):
    """T, by the (estimated) cycles of a pass: 1 where it does not pay."""
    if groups > 1 or window.dilation[1] > 1 or 2 * outs > MACHINE.lanes(itemsize) * MAX_VECTORS:
        return 1
    return _best(depth, outs, window.kernel, window.stride[1], window.output[1], MACHINE.lanes(itemsize), cycles)


@lru_cache(maxsize=1024)
def _best(depth, outs, kernel, stride, columns, lanes, cycles):
    counts = [count for count in range(2, columns + 1) if columns % count == 0 and count * outs <= MAX_VECTORS * lanes]
    took = {count: cycles(depth * (kernel[1] + (count - 1) * stride), count * outs, columns // count, kernel[0], lanes)
            for count in (1, *counts)}
    best = min(took, key=took.get)
    return best if took[best] < GAIN * took[1] else 1


def of_pixels(run, outs, columns, kernel_rows, lanes):
    """Cycles for a row of y, in whichever tiles it goes best."""
    def cycles(kind, vectors):
        steps = run + run % 2 if kind == PAIRS else run
        tiles = -(-columns // MACHINE.rows(vectors))
        return cost_of_pixels(kind, vectors, columns, outs, lanes) * steps * kernel_rows + tiles * BEGINNING
    return min(cycles(*tile) for tile in TILES)


def of_weights(run, outs, columns, kernel_rows, lanes):
    """Cycles that the gradient of the weights takes for a row of dy."""
    sides = (run, outs), (outs, run)
    return columns * kernel_rows * min(cost(*side, vectors, lanes) for side in sides for vectors in range(1, MAX_VECTORS + 1))


def wide(window, count):
    """The window on `count` pixels at a time."""
    (kernel_h, kernel_w), (down, across), (p, q) = window.kernel, window.stride, window.output
    return window._replace(kernel=(kernel_h, kernel_w + (count - 1) * across), stride=(down, count * across), output=(p, q // count))


def weights(w, window, count):
    """W (T·O, C, KH, KW + (T-1)·s)"""
    o, c, h, v = w.shape
    found = np.zeros((count * o, c, h, v + (count - 1) * window.stride[1]), w.dtype)
    _copies(found, w.shape, window, count)[...] = w
    return found


def summed(dw, window, count):
    """The gradient of w from that of W."""
    return _copies(dw, (len(dw) // count, dw.shape[1], *window.kernel), window, count).sum(0)


def _copies(wide, shape, window, count):
    """(T, O, C, KH, KW): the places of w in W, as a view."""
    start = len(wide) // count * wide.strides[0] + window.stride[1] * wide.itemsize
    return np.ndarray((count, *shape), wide.dtype, wide, 0, (start, *wide.strides))
