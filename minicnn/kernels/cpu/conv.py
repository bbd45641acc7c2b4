"""Convolution on the CPU: which algorithm, and what the direct one needs; its loops are in `direct.py`."""

from functools import lru_cache
from math import prod

import numpy as np

from .. import algorithms, array
from ..threads import get_num_threads, threads_for
from . import depthwise, few_pixels, im2col, neighbours, spread, winograd
from .direct import correlate, correlate_weights, pack, unpack
from .launch import launch
from .memory import SLACK, channels_first, channels_last, computable, contiguous, empty, with_slack
from .phases import all_seen, phases
from .plan import plan, weights_plan
from .vector import MACHINE

FEW_WEIGHTS = 1 << 13   # for fewer, one thread is enough to bring them into order


def conv2d(x, w, b, window, groups):
    """y[n,o,p,q] = b[o] + Σ_{c,i,j} w[o,c,i,j] · x[n,c,p·s+i·d-pad,q·s+j·d-pad]"""
    if not computable(x, w, b):
        return array.conv2d(x, w, b, window, groups)
    if depthwise.applies(x.shape[1], groups):
        return depthwise.conv2d(x, w, b, window)
    if special := _special(len(x), window.output, x.shape[1], len(w), window, groups, x.dtype):
        return special.conv2d(x, w, b, window)
    y = empty((len(x), *window.output, len(w)), x.dtype)
    _correlate(channels_last(x), *made_ready(x, w, b, window, groups), y)
    return channels_first(y)


def made_ready(x, w, b, window, groups):
    """(w, b, plan) of the direct algorithm: of some neighbouring pixels at once, where that is faster."""
    count = neighbours.together(w.shape[1], len(w), window, groups, x.itemsize, neighbours.of_pixels)
    if count > 1:
        w, b = neighbours.weights(w, window, count), None if b is None else np.concatenate([b] * count)
        window = neighbours.wide(window, count)
    return contiguous(w), b, _forward_plan(x.shape, x.itemsize, get_num_threads(), len(w), window, groups)


def conv2d_dw(dy, x, window, groups):
    """dw[o,c,i,j] = Σ_{n,p,q} x[n,c,p·s+i·d-pad,q·s+j·d-pad] · dy[n,o,p,q]"""
    if not computable(dy, x):
        return array.conv2d_dw(dy, x, window, groups)
    if depthwise.applies(x.shape[1], groups):
        return depthwise.conv2d_dw(dy, x, window)
    if special := _special(len(x), window.output, x.shape[1], dy.shape[1], window, groups, x.dtype):
        return special.conv2d_dw(dy, x, window)
    count = neighbours.together(x.shape[1], dy.shape[1], window, groups, x.itemsize, neighbours.of_weights)
    outs, wide = count * dy.shape[1], neighbours.wide(window, count)
    cut = weights_plan(_forward_plan(x.shape, x.itemsize, get_num_threads(), outs, wide, groups), x.itemsize)
    dw = empty((outs, cut.depth, *wide.kernel), x.dtype)
    sums = empty((get_num_threads(), cut.sums), x.dtype)
    buffers = empty((get_num_threads(), cut.buffer + SLACK // x.itemsize), x.dtype)
    x = channels_last(x)
    launch(correlate_weights, cut.record(), x if cut.padded else with_slack(x), with_slack(channels_last(dy)), sums, buffers)
    launch(unpack, cut.record(), sums, dw, threads=threads_for(dw.size, FEW_WEIGHTS))
    return dw if count == 1 else neighbours.summed(dw, window, count)


def algorithm(images, channels, outs, window, groups, dtype):
    """By which algorithm y is computed: "depthwise", "winograd", "few pixels" or "direct"."""
    if depthwise.applies(channels, groups):
        return "depthwise"
    special = _special(images, window.output, channels, outs, window, groups, dtype)
    return "direct" if special is None else special.__name__.rpartition(".")[2].replace("_", " ")


def _special(*sizes):
    """The module of what is faster here than the direct algorithm, or None."""
    return _choice(algorithms.allowed["winograd"], *sizes)


@lru_cache(maxsize=4096)
def _choice(_allowed, images, tiled, channels, outs, window, groups, dtype):
    """The same, made once for each case. Winograd's algorithm would cut images of the size `tiled` into tiles."""
    by_winograd = winograd.pays(images, tiled, channels, outs, window, groups, dtype)
    if few_pixels.pays(images, window, outs * channels * prod(window.kernel), groups, by_winograd):
        return few_pixels
    return winograd if by_winograd else None


@lru_cache(maxsize=4096)
def _forward_plan(size, itemsize, threads, outs, window, groups):
    """The plan by which y is computed from x of size (N, C, H, W), and dw from both."""
    n, c, h, w = size
    (p, q), before = window.output, (window.padding[0][0], window.padding[1][0])
    if window.kernel == window.stride == (1, 1) and before == (0, 0) and (p, q) == (h, w) and n >= threads:
        h, w, p, q = 1, h * w, 1, p * q                     # pixels do not see each other: an image is one long row
    depth, taps = c // groups, window.kernel[0] * window.kernel[1]
    return plan((n, h, w, c), itemsize, threads, groups=groups, outs=outs // groups, kernel=window.kernel,
                stride=window.stride, dilation=window.dilation, before=before, output=(p, q),
                y_steps=(0, p * q * outs, q * outs, outs),
                w_steps=(0, outs // groups * depth * taps, depth * taps, taps, window.kernel[1], 1))


def _correlate(x, w, bias, cut, y):
    """Pack the weights and run the loops."""
    run(x, packed_weights(w, cut), packed_bias(bias, cut, x.dtype), cut, y)


def run(x, packed, bias, cut, y):
    """The loops, with weights and bias that are packed."""
    buffers = empty((get_num_threads(), cut.buffer), x.dtype)
    launch(correlate, cut.record(), x, packed, bias, y, buffers)


def packed_weights(w, cut):
    """The weights in the order in which the loops of this plan read them."""
    packed = empty((cut.packed,), w.dtype)
    launch(pack, cut.record(), w, packed, threads=threads_for(w.size, FEW_WEIGHTS))
    return packed


def packed_bias(bias, cut, dtype):
    """(O,) -> (G · blocks · block,); zeros for None."""
    packed = np.zeros((cut.groups, cut.blocks * cut.block), dtype)
    if bias is not None:
        packed[:, : cut.outs] = bias.reshape(cut.groups, cut.outs)
    return packed.reshape(-1)


# The gradient of the input ------------------------------------------------------------------------------------------------


def conv2d_dx(dy, w, window, groups):
    """dx[n,c,h,v] = Σ w[o,c,i,j] · dy[n,o,p,q] over the windows that saw the pixel.

    The pixels whose windows lie alike, every s-th in each direction, are a convolution of dy with stride 1: s x s phases.
    """
    if not computable(dy, w):
        return array.conv2d_dx(dy, w, window, groups)
    if depthwise.applies(w.shape[1] * groups, groups):
        return depthwise.conv2d_dx(dy, w, window, groups)
    if special := _special(len(dy), window.size, w.shape[1], len(w), window, groups, dy.dtype):
        return special.conv2d_dx(dy, w, window)
    spreads = spread.pays(len(dy), w.shape, window, groups, dy.itemsize)
    if _by_columns(w, window, spreads):
        return im2col.conv2d_dx(dy, w, window, groups)
    if spreads:
        return spread.conv2d_dx(dy, w, window)
    rows, columns = phases(window)
    dx = empty((len(dy), *window.size, w.shape[1] * groups), dy.dtype)
    if not all_seen(window, rows, columns):
        dx[...] = 0
    dy, w = channels_last(dy), contiguous(w)
    for row in rows:
        for column in columns:
            _correlate(dy, w, None, _phase_plan(dy.shape, dx.shape, dy.itemsize, get_num_threads(), row, column, window, groups), dx)
    return channels_first(dx)


def _by_columns(w, window, spreads):
    """Whether dx has so few channels that a phase would leave most of a tile empty: then by way of im2col's columns, which fill it.

    Where `spreads` says that dy could be spread, only for windows whose rows are longer than its tiles are wide.
    """
    lanes = MACHINE.lanes(w.itemsize)
    return min(window.stride) > 1 and 2 * w.shape[1] < lanes and (not spreads or w.shape[1] * window.kernel[1] > 2 * lanes)


@lru_cache(maxsize=4096)
def _phase_plan(size, dx_size, itemsize, threads, row, column, window, groups):
    """The plan for one phase of dx, from dy of a size (N, P, Q, O): the input channels are what comes out, the output channels go in."""
    n, h, w, c = dx_size
    output, before = (row.count, column.count), (row.before, column.before)
    if (row.kernel, column.kernel, window.stride, before) == (1, 1, (1, 1), (0, 0)) and size[1:3] == (h, w) and n >= threads:
        size, output, h, w = (n, 1, h * w, size[3]), (1, h * w), 1, h * w
    (sh, sw), first, (kh, kw) = window.stride, (row.first * w + column.first) * c, window.kernel
    outs, depth = c // groups, size[3] // groups
    return plan(size, itemsize, threads, groups=groups, outs=outs, kernel=(row.kernel, column.kernel),
                stride=(1, 1), dilation=(row.dilation, column.dilation), before=before, output=output,
                y_steps=(first, h * w * c, sh * w * c, sw * c),
                w_steps=(row.tap * kw + column.tap, depth * outs * kh * kw, kh * kw, outs * kh * kw, -row.step * kw, -column.step))
