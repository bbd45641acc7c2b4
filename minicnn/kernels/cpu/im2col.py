"""Convolution as a product of matrices, the textbook's way, in a buffer that stays in the cache. Read this before `direct.py`.

A convolution multiplies every window of an image by the same weights. With each window written out as a row (im2col), it is a
matrix product, and so are its two gradients:

    columns[pq, ijc]  = x[p·s + i·d - pad, q·s + j·d - pad, c]
    y[pq, o]          = b[o] + Σ_{ijc} columns[pq, ijc] · w[ijc, o]
    dw[ijc, o]        = Σ_{pq} columns[pq, ijc] · dy[pq, o]
    dcolumns[pq, ijc] = Σ_o dy[pq, o] · w[ijc, o],   and each of them is added to the pixel of dx that it stands for (col2im)

The price is that a pixel is written KH·KW times, and read again. For a whole batch at once that means going to memory and back.
Here each thread writes out a band of rows of one image, no more than fits the second-level cache beside the weights, multiplies it
while it is there, and uses the buffer again. What bounds it: the cache's bandwidth in im2col, the multipliers in the product.
`direct.py` then does without the columns: it reads the windows where they lie.
"""

import numpy as np

from .. import array
from ..threads import get_num_threads
from .launch import helper, launch
from .memory import channels_first, channels_last, computable, empty
from .plan import record
from .tile import PLAIN, multiply_tile
from .vector import MACHINE

VECTORS = 2                     # that a tile is wide
COLUMN_BYTES = 256 << 10        # the columns of a band


def conv2d(x, w, b, window, groups):
    """y[n,o,p,q] = b[o] + Σ_{c,i,j} w[o,c,i,j] · x[n,c,p·s+i·d-pad,q·s+j·d-pad]"""
    if not computable(x, w, b):
        return array.conv2d(x, w, b, window, groups)
    numbers, buffers = _prepared(x.shape, len(w), x.dtype, window, groups)
    bias = np.zeros((groups, len(w) // groups), x.dtype) if b is None else b.reshape(groups, -1)
    y = empty((len(x), *window.output, len(w)), x.dtype)
    launch(multiply_columns, numbers, channels_last(x), _wide(_matrices(w, groups)), _wide(bias), y, buffers)
    return channels_first(y)


def conv2d_dw(dy, x, window, groups):
    """dw[o,c,i,j] = Σ_{n,p,q} x[n,c,p·s+i·d-pad,q·s+j·d-pad] · dy[n,o,p,q]"""
    if not computable(dy, x):
        return array.conv2d_dw(dy, x, window, groups)
    numbers, buffers = _prepared(x.shape, dy.shape[1], x.dtype, window, groups)
    (kh, kw), depth, outs = window.kernel, x.shape[1] // groups, dy.shape[1] // groups
    dy_wide = _wide(channels_last(dy).reshape(-1, groups, outs))                       # (N·P·Q, G, wide)
    sums = np.zeros((get_num_threads(), groups, kh * kw * depth, dy_wide.shape[-1]), x.dtype)
    launch(multiply_columns_by_slopes, numbers, channels_last(x), dy_wide, sums, buffers)
    dw = sums.sum(0)[..., :outs].reshape(groups, kh, kw, depth, outs)
    return np.ascontiguousarray(dw.transpose(0, 4, 3, 1, 2)).reshape(groups * outs, depth, kh, kw)


def conv2d_dx(dy, w, window, groups):
    """dx[n,c,h,v] = Σ w[o,c,i,j] · dy[n,o,p,q] over the windows that saw the pixel."""
    if not computable(dy, w):
        return array.conv2d_dx(dy, w, window, groups)
    shape = (len(dy), w.shape[1] * groups, *window.size)
    numbers, buffers = _prepared(shape, len(w), dy.dtype, window, groups)
    weights = _wide(_matrices(w, groups).transpose(0, 2, 1))                           # (G, O/G, wide)
    dx = np.zeros((len(dy), *window.size, shape[1]), dy.dtype)
    launch(add_columns_back, numbers, channels_last(dy), weights, np.zeros(weights.shape[-1], dy.dtype), dx, buffers)
    return channels_first(dx)


def _prepared(shape, outs, dtype, window, groups):
    """The numbers for the loops, and every thread's buffer for the columns of a band of rows."""
    (n, c, h, w), (kh, kw), (p, q), lanes = shape, window.kernel, window.output, MACHINE.lanes(dtype.itemsize)
    length = _whole_vectors(kh * kw * c // groups, lanes)
    band = max(min(COLUMN_BYTES // (q * length * dtype.itemsize), p), 1)
    numbers = record(
        images=n, height=h, width=w, channels=c, groups=groups, depth=c // groups, outs=outs // groups, kernel_h=kh, kernel_w=kw,
        stride_h=window.stride[0], stride_w=window.stride[1], dilation_h=window.dilation[0], dilation_w=window.dilation[1],
        top=window.padding[0][0], left=window.padding[1][0], rows=p, columns=q, band=band, block=VECTORS * lanes,
        vectors=VECTORS, tile_rows=MACHINE.rows(VECTORS))
    return numbers, empty((get_num_threads(), band * q * length), dtype)


def _matrices(w, groups):
    """(O, C/G, KH, KW) -> (G, KH·KW·C/G, O/G)."""
    return w.reshape(groups, len(w) // groups, *w.shape[1:]).transpose(0, 3, 4, 2, 1).reshape(groups, w[0].size, -1)


def _wide(matrices):
    """The same, with zeros at the end of each row until it fills whole vectors."""
    lanes, length = MACHINE.lanes(matrices.itemsize), matrices.shape[-1]
    wide = np.zeros((*matrices.shape[:-1], _whole_vectors(length, lanes)), matrices.dtype)
    wide[..., :length] = matrices
    return wide


def _whole_vectors(length, lanes):
    return -(-length // lanes) * lanes


# The three loops: each thread takes whole images, band by band, group by group -----------------------------------------------


def multiply_columns(x, weights, bias, y, buffers, _, plans, thread, threads):
    """y[pq, o] = bias[o] + Σ_{ijc} columns[pq, ijc] · w[ijc, o]"""
    plan, size = plans[0], len(buffers) // threads
    columns, length, wide, bias_step = _of_thread(buffers, thread, size), _length(plan), _wide_row(weights, plan), len(bias) // plan.groups
    for n in range(thread * plan.images // threads, (thread + 1) * plan.images // threads):
        for row in range(0, plan.rows, plan.band):
            rows = min(plan.band, plan.rows - row)
            for group in range(plan.groups):
                _im2col(x, columns, plan, n, row, rows, group)
                pixel = ((n * plan.rows + row) * plan.columns * plan.groups + group) * plan.outs
                _multiply(columns, 0, _step(plan), 1, weights, group * length * wide, wide, y, pixel, plan.groups * plan.outs,
                          bias, group * bias_step, 0, rows * plan.columns, length, plan.outs, plan)


def multiply_columns_by_slopes(x, dy, sums, buffers, _a, _b, plans, thread, threads):
    """dw[ijc, o] = Σ_{pq} columns[pq, ijc] · dy[pq, o]: each thread sums up its own images, and nobody waits."""
    plan, size, count = plans[0], len(buffers) // threads, len(sums) // threads
    columns, length = _of_thread(buffers, thread, size), _length(plan)
    wide = count // (plan.groups * length)
    for n in range(thread * plan.images // threads, (thread + 1) * plan.images // threads):
        for row in range(0, plan.rows, plan.band):
            rows = min(plan.band, plan.rows - row)
            for group in range(plan.groups):
                _im2col(x, columns, plan, n, row, rows, group)
                slope, total = ((n * plan.rows + row) * plan.columns * plan.groups + group) * wide, thread * count + group * length * wide
                _multiply(columns, 0, 1, _step(plan), dy, slope, plan.groups * wide, sums, total, wide,
                          sums, total, wide, length, rows * plan.columns, wide, plan)


def add_columns_back(dy, weights, zeros, dx, buffers, _, plans, thread, threads):
    """dcolumns[pq, ijc] = Σ_o dy[pq, o] · w[o, ijc], then dx[pixel] += dcolumns wherever a window saw the pixel."""
    plan, size = plans[0], len(buffers) // threads
    columns, step = _of_thread(buffers, thread, size), _step(plan)
    for n in range(thread * plan.images // threads, (thread + 1) * plan.images // threads):
        for row in range(0, plan.rows, plan.band):
            rows = min(plan.band, plan.rows - row)
            for group in range(plan.groups):
                slope = ((n * plan.rows + row) * plan.columns * plan.groups + group) * plan.outs
                _multiply(dy, slope, plan.groups * plan.outs, 1, weights, group * plan.outs * step, step, columns, 0, step,
                          zeros, 0, 0, rows * plan.columns, plan.outs, step, plan)
                _col2im(columns, dx, plan, n, row, rows, group)


# What they are made of ------------------------------------------------------------------------------------------------------


@helper(inline=True)
def _of_thread(buffers, thread, size):
    return buffers[thread * size : (thread + 1) * size]


@helper
def _length(plan):
    """How many numbers a window has."""
    return plan.kernel_h * plan.kernel_w * plan.depth


@helper
def _step(plan):
    """From a row of the columns to the next: rows are filled up to whole vectors."""
    lanes = plan.block // plan.vectors
    return -(-_length(plan) // lanes) * lanes


@helper
def _wide_row(weights, plan):
    """From a row of the weights to the next."""
    return len(weights) // (plan.groups * _length(plan))


@helper
def _taps(start, dilation, kernel, size):
    """The (first, end) of the taps start + i·dilation, i < kernel, that lie in 0 .. size - 1; the others lie on padding."""
    first = max(-(start // dilation), 0)
    return first, max(min(kernel, (size - 1 - start) // dilation + 1), first)


@helper
def _pieces(plan, first, end):
    """(taps in a piece, pieces) in which a row of a window lies in memory: all in one, unless other groups or pixels lie between."""
    return (end - first, 1) if plan.dilation_w * plan.channels == plan.depth else (1, end - first)


@helper
def _im2col(x, columns, plan, n, row, rows, group):
    """columns[pq, ijc] = x[p·s + i·d - pad, q·s + j·d - pad, c], zero on padding."""
    step, depth, line = _step(plan), plan.depth, plan.kernel_w * plan.depth
    for p in range(rows):
        top = (row + p) * plan.stride_h - plan.top
        i_first, i_end = _taps(top, plan.dilation_h, plan.kernel_h, plan.height)
        for q in range(plan.columns):
            left = q * plan.stride_w - plan.left
            j_first, j_end = _taps(left, plan.dilation_w, plan.kernel_w, plan.width)
            to = (p * plan.columns + q) * step
            window = columns[to : to + plan.kernel_h * line]
            if i_end - i_first < plan.kernel_h or j_end - j_first < plan.kernel_w:
                window[:] = 0
            taps, pieces = _pieces(plan, j_first, j_end)
            for i in range(i_first, i_end):
                at = _place(plan, n, top + i * plan.dilation_h, left + j_first * plan.dilation_w, group)
                for piece in range(pieces):
                    first = i * line + (j_first + piece) * depth
                    target, pixels = window[first : first + taps * depth], x[at : at + taps * depth]
                    for c in range(len(pixels)):
                        target[c] = pixels[c]
                    at += plan.dilation_w * plan.channels


@helper
def _col2im(columns, dx, plan, n, row, rows, group):
    """dx[p·s + i·d - pad, q·s + j·d - pad, c] += columns[pq, ijc], the transpose of im2col."""
    step, depth, line = _step(plan), plan.depth, plan.kernel_w * plan.depth
    for p in range(rows):
        top = (row + p) * plan.stride_h - plan.top
        i_first, i_end = _taps(top, plan.dilation_h, plan.kernel_h, plan.height)
        for q in range(plan.columns):
            left = q * plan.stride_w - plan.left
            j_first, j_end = _taps(left, plan.dilation_w, plan.kernel_w, plan.width)
            of = (p * plan.columns + q) * step
            window = columns[of : of + plan.kernel_h * line]
            taps, pieces = _pieces(plan, j_first, j_end)
            for i in range(i_first, i_end):
                at = _place(plan, n, top + i * plan.dilation_h, left + j_first * plan.dilation_w, group)
                for piece in range(pieces):
                    first = i * line + (j_first + piece) * depth
                    slopes, pixels = window[first : first + taps * depth], dx[at : at + taps * depth]
                    for c in range(len(pixels)):
                        pixels[c] += slopes[c]
                    at += plan.dilation_w * plan.channels


@helper
def _place(plan, n, h, v, group):
    """Where a group's channels of the pixel (h, v) begin."""
    return ((n * plan.height + h) * plan.width + v) * plan.channels + group * plan.depth


@helper
def _multiply(a, a_first, a_m, a_k, b, b_first, b_k, c, c_first, c_m, start, start_first, start_m, m, k, n, plan):
    """c[m, n] = start[m, n] + Σ_k a[m, k] · b[k, n], tile by tile; rows of b and start fill whole vectors.

    A matrix is an array, its first place, and the steps to its next row and (of a) column. Tiles that lie below each other come
    one after another: they share columns of b, which stay in the first-level cache.
    """
    lanes = plan.block // plan.vectors
    for column in range(0, n, plan.block):
        width = min(n - column, plan.block)
        tiles, row = -(-m // plan.tile_rows), 0
        for tile in range(tiles):
            height = (m - row) // (tiles - tile)
            multiply_tile(PLAIN, height, -(-width // lanes), a, a_first + row * a_m, b, b_first + column, c, c_first + row * c_m + column,
                          start, start_first + row * start_m + column, (1, 1, k), (0, 0, a_k, a_m), (0, 0, b_k), c_m, start_m, width)
            row += height
