"""Convolution on the CPU: shapes and weights are made ready here, the loops are in `direct.py`."""

from math import gcd
from typing import NamedTuple

import numpy as np

from .. import array
from ..threads import get_num_threads
from .direct import correlate, correlate_weights
from .launch import launch
from .memory import channels_first, channels_last, computable, empty
from .plan import plan


def conv2d(x, w, b, window, groups):
    """y[n,o,p,q] = b[o] + Σ_{c,i,j} w[o,c,i,j] · x[n,c,p·s+i·d-pad,q·s+j·d-pad]"""
    if not computable(x, w, b):
        return array.conv2d(x, w, b, window, groups)
    y = empty((len(x), *window.output, len(w)), x.dtype)
    cut = _forward_plan(x, len(w), window, groups)
    _correlate(channels_last(x), _grouped(w, groups), b, y, cut)
    return channels_first(y)


def conv2d_dw(dy, x, window, groups):
    """dw[o,c,i,j] = Σ_{n,p,q} x[n,c,p·s+i·d-pad,q·s+j·d-pad] · dy[n,o,p,q]"""
    if not computable(dy, x):
        return array.conv2d_dw(dy, x, window, groups)
    threads, outs = get_num_threads(), dy.shape[1]
    cut = _forward_plan(x, outs, window, groups)
    sums = empty((threads, *cut.weight_shape), x.dtype)
    buffers, wides = empty((threads, cut.buffer), x.dtype), empty((threads, cut.wide), x.dtype)
    launch(correlate_weights, cut.record(), channels_last(x), channels_last(dy), sums, buffers, wides)
    return _unpacked(sums.sum(0), cut)


def _forward_plan(x, outs, window, groups):
    """The plan by which y is computed from x, and dw from both."""
    n, c, h, w = x.shape
    (p, q), before = window.output, (window.padding[0][0], window.padding[1][0])
    if window.kernel == window.stride == (1, 1) and before == (0, 0) and (p, q) == (h, w) and n >= get_num_threads():
        h, w, p, q = 1, h * w, 1, p * q                     # pixels do not see each other: an image is one long row
    return plan((n, h, w, c), x.itemsize, get_num_threads(), groups=groups, outs=outs // groups, kernel=window.kernel,
                stride=window.stride, dilation=window.dilation, before=before, output=(p, q),
                y_steps=(0, p * q * outs, q * outs, outs))


def _correlate(x, weights, bias, y, cut):
    """Pack the weights (G, O/G, C/G, KH, KW) and run the loops."""
    buffers = empty((get_num_threads(), cut.buffer), x.dtype)
    launch(correlate, cut.record(), x, _packed(weights, cut), _packed_bias(bias, cut, x.dtype), y, buffers)


# The gradient of the input ------------------------------------------------------------------------------------------------


class _Phase(NamedTuple):
    """Along one axis, every `stride`-th pixel of dx, from `first` on: a correlation of dy with a part of the kernel, reversed."""

    first: int
    count: int          # pixels
    taps: slice         # the part of the kernel
    kernel: int         # its length; 0 where no window lays a tap on these pixels
    dilation: int
    before: int


def _phases(size, kernel, stride, dilation, before):
    """Pixel h = first + i·stride gets tap k from the window at (h + before - k·dilation) / stride, where that is whole."""
    step = stride // gcd(stride, dilation)
    for first in range(min(stride, size)):
        taps = [k for k in range(kernel) if (first + before - k * dilation) % stride == 0]
        if taps:
            offset = (first + before - taps[-1] * dilation) // stride
            part = slice(taps[-1], taps[0] - 1 if taps[0] else None, -step)
            yield _Phase(first, -(-(size - first) // stride), part, len(taps), dilation // gcd(stride, dilation), -offset)


def conv2d_dx(dy, w, window, groups):
    """dx[n,c,h,v] = Σ w[o,c,i,j] · dy[n,o,p,q] over the windows that saw the pixel.

    The pixels whose windows lie alike, every s-th in each direction, are a convolution of dy with stride 1: s x s phases.
    """
    if not computable(dy, w):
        return array.conv2d_dx(dy, w, window, groups)
    rows, columns = (list(_phases(*axis)) for axis in zip(window.size, window.kernel, window.stride, window.dilation,
                                                          (before for before, _ in window.padding)))
    whole = len(rows) * len(columns) == min(window.stride[0], window.size[0]) * min(window.stride[1], window.size[1])
    dx = (empty if whole else np.zeros)((len(dy), *window.size, w.shape[1] * groups), dy.dtype)
    dy, weights = channels_last(dy), _grouped(w, groups).transpose(0, 2, 1, 3, 4)
    for row in rows:
        for column in columns:
            _correlate(dy, weights[:, :, :, row.taps, column.taps], None, dx, _phase_plan(dy, dx, row, column, window, groups))
    return channels_first(dx)


def _phase_plan(dy, dx, row, column, window, groups):
    """The plan by which one phase of dx is computed from dy."""
    n, h, w, c = dx.shape
    size, output, before = dy.shape, (row.count, column.count), (row.before, column.before)
    if (row.kernel, column.kernel, window.stride, before) == (1, 1, (1, 1), (0, 0)) and size[1:3] == (h, w) and n >= get_num_threads():
        size, output, h, w = (n, 1, h * w, size[3]), (1, h * w), 1, h * w
    (sh, sw), first = window.stride, (row.first * w + column.first) * c
    return plan(size, dy.itemsize, get_num_threads(), groups=groups, outs=c // groups, kernel=(row.kernel, column.kernel),
                stride=(1, 1), dilation=(row.dilation, column.dilation), before=before, output=output,
                y_steps=(first, h * w * c, sh * w * c, sw * c))


# Weights in the order in which the tiles read them -------------------------------------------------------------------------


def _grouped(w, groups):
    """(O, C/G, KH, KW) -> (G, O/G, C/G, KH, KW)."""
    return w.reshape(groups, len(w) // groups, *w.shape[1:])


def _packed(weights, cut):
    """(G, O/G, C/G, KH, KW) -> (G, blocks, KH, KW, C/G, block), with zeros for the channels that the last block lacks."""
    groups, outs, depth, kh, kw = weights.shape
    filled = cut.blocks * cut.block
    if outs < filled:
        weights, given = np.zeros((groups, filled, depth, kh, kw), weights.dtype), weights
        weights[:, :outs] = given
    blocks = weights.reshape(groups, cut.blocks, cut.block, depth, kh, kw)
    packed = empty(cut.weight_shape, weights.dtype)
    packed[...] = blocks.transpose(0, 1, 4, 5, 3, 2)
    return packed


def _packed_bias(bias, cut, dtype):
    """(O,) -> (G · blocks · block,); zeros for None."""
    packed = np.zeros((cut.groups, cut.blocks * cut.block), dtype)
    if bias is not None:
        packed[:, : cut.outs] = bias.reshape(cut.groups, cut.outs)
    return packed.reshape(-1)


def _unpacked(sums, cut):
    """(G, blocks, KH, KW, C/G, block) -> (O, C/G, KH, KW)."""
    blocks = sums.transpose(0, 1, 5, 4, 2, 3).reshape(cut.groups, cut.blocks * cut.block, cut.depth, cut.kernel_h, cut.kernel_w)
    return np.ascontiguousarray(blocks[:, : cut.outs]).reshape(-1, cut.depth, cut.kernel_h, cut.kernel_w)
