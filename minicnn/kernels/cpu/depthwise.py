"""Depthwise convolution, every channel by itself: shapes and weights are made ready here, the loops are in `depthwise_loops.py`.

The loops know one channel of y for each of x. Where there are M, x is written out with every channel M times.
"""

from functools import lru_cache

import numpy as np

from ..threads import get_num_threads
from . import depthwise_loops as loops
from .launch import launch
from .memory import channels_first, channels_last, empty, with_slack
from .phases import all_seen, phases
from .plan import record
from .vector import MACHINE

SUM_PIXELS = 256            # pixels over which the gradient of a weight is summed up before it goes to memory


def applies(channels, groups):
    """Whether every input channel is a group of its own, and there is more than one."""
    return channels == groups > 1


def conv2d(x, w, b, window):
    """y[n,o,p,q] = b[o] + Σ_{i,j} w[o,0,i,j] · x[n,o//M,p·s+i·d-pad,q·s+j·d-pad]"""
    plans = made_ready(x, len(w), window)
    return run(x, wide(w, b, plans), len(w), window, plans)


def made_ready(x, outs, window, cut=0):
    """The numbers for the loops; `cut` says what becomes of y at the end (see `plan.Plan`)."""
    plans = _forward_plan((len(x), *x.shape[2:], outs), window, x.itemsize)
    if cut:
        plans = plans.copy()
        plans["cut"] = cut
    return plans


def run(x, weights, outs, window, plans):
    """The loops, with weights and bias that are made `wide`."""
    x, y = _repeated(x, outs), empty((len(x), *window.output, outs), x.dtype)
    launch(loops.correlate, plans, _readable(x, plans), *weights, y)
    return channels_first(y)


def conv2d_dw(dy, x, window):
    """dw[o,0,i,j] = Σ_{n,p,q} x[n,o//M,p·s+i·d-pad,q·s+j·d-pad] · dy[n,o,p,q]"""
    outs, x = dy.shape[1], _repeated(x, dy.shape[1])
    plans = _forward_plan(x.shape, window, x.itemsize)
    sums = empty((get_num_threads(), *window.kernel, _width(plans)), x.dtype)
    launch(loops.correlate_weights, plans, _readable(x, plans), _readable(channels_last(dy), plans), sums)
    return np.ascontiguousarray(sums.sum(0)[..., :outs].transpose(2, 0, 1))[:, None]


def conv2d_dx(dy, w, window, channels):
    """dx[n,c,h,v] = Σ w[o,0,i,j] · dy[n,o,p,q] over the windows that saw the pixel, and over the M outputs o of channel c."""
    dy, (rows, columns) = channels_last(dy), phases(window)
    dx = empty((len(dy), *window.size, len(w)), dy.dtype)
    if not all_seen(window, rows, columns):
        dx[...] = 0
    if rows and columns:
        plans = _phase_plans(dy.shape, window, dy.itemsize)
        launch(loops.correlate, plans, _readable(dy, plans), *wide(w, None, plans), dx)
    return channels_first(dx if len(w) == channels else dx.reshape(*dx.shape[:3], channels, -1).sum(4))


def _repeated(x, outs):
    """(N, C, H, W) -> (N, H, W, O), every channel O / C times in a row."""
    x = channels_last(x)
    return x if x.shape[3] == outs else np.repeat(x, outs // x.shape[3], 3)


def _width(plans):
    """Channels, and as many more as fill the last block."""
    return int(plans["block"][0] * plans["blocks"][0])


def _readable(x, plans):
    """x itself where its pixels are whole blocks, else x with slack behind the last one."""
    return x if x.shape[3] == _width(plans) else with_slack(x)


def wide(w, b, plans):
    """Weights (O, 1, KH, KW) -> (KH, KW, width) and bias (O,) -> (width,), zeros for None."""
    found = np.zeros((*w.shape[2:], _width(plans)), w.dtype), np.zeros(_width(plans), w.dtype)
    found[0][..., : len(w)] = w[:, 0].transpose(1, 2, 0)
    found[1][: len(w)] = 0 if b is None else b
    return found


# What the loops are told --------------------------------------------------------------------------------------------------


def _tiles(channels, itemsize):
    lanes = MACHINE.lanes(itemsize)
    vectors = 2 if channels > lanes else 1
    return {"vectors": vectors, "tile_rows": MACHINE.rows(vectors), "block": vectors * lanes, "blocks": -(-channels // (vectors * lanes))}


@lru_cache(maxsize=4096)
def _forward_plan(shape, window, itemsize):
    """The numbers by which y is computed from x, and dw from both."""
    (n, h, w, c), (p, q), kw, tiles = shape, window.output, window.kernel[1], _tiles(shape[3], itemsize)
    wide = tiles["block"] * tiles["blocks"]
    return record(images=n, height=h, width=w, channels=c, kernel_h=window.kernel[0], kernel_w=kw, stride_h=window.stride[0],
                  stride_w=window.stride[1], dilation_h=window.dilation[0], dilation_w=window.dilation[1], top=window.padding[0][0],
                  left=window.padding[1][0], rows=p, columns=q, band=max(min(SUM_PIXELS // q, p), 1), y_image=p * q * c, y_row=q * c,
                  y_column=c, w_i=kw * wide, w_j=wide, **tiles)


@lru_cache(maxsize=4096)
def _phase_plans(shape, window, itemsize):
    """The numbers by which the phases of dx are computed from dy, one record for each."""
    rows, columns = phases(window)
    return np.concatenate([_phase_plan(shape, row, column, window, itemsize) for row in rows for column in columns])


def _phase_plan(shape, row, column, window, itemsize):
    (n, p, q, c), (h, w), (sh, sw), kw, tiles = shape, window.size, window.stride, window.kernel[1], _tiles(shape[3], itemsize)
    wide = tiles["block"] * tiles["blocks"]
    return record(images=n, height=p, width=q, channels=c, kernel_h=row.kernel, kernel_w=column.kernel, stride_h=1, stride_w=1,
                  dilation_h=row.dilation, dilation_w=column.dilation, top=row.before, left=column.before, rows=row.count,
                  columns=column.count, y_first=(row.first * w + column.first) * c, y_image=h * w * c, y_row=sh * w * c, y_column=sw * c,
                  w_first=(row.tap * kw + column.tap) * wide, w_i=-row.step * kw * wide, w_j=-column.step * wide, **tiles)
