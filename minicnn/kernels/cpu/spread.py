"""The gradient of a convolution's input where that has few channels: every pixel of dy is spread over the window that it came from.

    dx[n, p·s + i·d - top, q·s + j - left, c] += Σ_o w[o,c,i,j] · dy[n,p,q,o]

Seen from dx, as the direct algorithm does it, the channels c are the columns of a tile: with 6 of them most of a vector is empty. With
a stride, each of its phases has few pixels in a row and few taps. Here the columns are a whole row of the window, (j, c), which lies
in memory in one piece, whatever the stride; the rows of a tile are pixels of dy below each other, whose windows' rows do not overlap.
The sums are collected in a buffer of each thread's own, one padded image, which stays in the second-level cache. What bounds it: the
multipliers, and with few output channels the time that a tile takes to begin and to end.
"""

from functools import lru_cache
from math import prod

import numpy as np

from ..threads import get_num_threads
from .launch import helper, launch
from .memory import channels_first, channels_last, empty
from .plan import BUFFER_BYTES, cost, record
from .tile import MAX_VECTORS, PLAIN, multiply_tile, tallest
from .vector import MACHINE

FEW_CHANNELS = 16
WEIGHTS = 1 << 15           # at most, for each image: bringing them into order takes its time


def conv2d_dx(dy, w, window):
    """dx[n,c,h,v] = Σ w[o,c,i,j] · dy[n,o,p,q] over the windows that saw the pixel."""
    plan, width = _plan(len(dy), w.shape, window, dy.itemsize)
    packed = np.zeros((w.shape[2], len(w), width), w.dtype)                     # (KH, O, KW·C and beyond)
    packed[..., : w.shape[3] * w.shape[1]] = w.transpose(2, 0, 3, 1).reshape(*packed.shape[:2], -1)
    dx = empty((len(dy), *window.size, w.shape[1]), dy.dtype)
    buffers = empty((get_num_threads(), _buffer(window, w.shape[1]) + width), dy.dtype)
    launch(spread, plan, channels_last(dy), packed, dx, buffers)
    return channels_first(dx)


def pays(images, shape, window, groups, itemsize):
    """Whether this is faster than the direct algorithm. w has the shape (O, C, KH, KW).

    It is where the channels would leave tiles empty, and where a stride would cut the work into phases with few pixels in a row.
    """
    narrow = shape[1] < FEW_CHANNELS and window.kernel[1] > 1
    return ((narrow or max(window.stride) > 1) and groups == 1 and window.dilation[1] == 1 and images >= get_num_threads()
            and _buffer(window, shape[1]) * itemsize <= BUFFER_BYTES and prod(shape) <= WEIGHTS * images)


def _buffer(window, channels):
    """The numbers of a padded image."""
    return window.reach[0] * window.reach[1] * channels


@lru_cache(maxsize=1024)
def _plan(images, shape, window, itemsize):
    """(the record, numbers in a row of the packed weights)"""
    (outs, channels, _, kernel_w), lanes = shape, MACHINE.lanes(itemsize)
    run = channels * kernel_w
    vectors = min(range(1, MAX_VECTORS + 1), key=lambda vectors: cost(window.output[0], run, vectors, lanes, tallest(vectors)))
    block = vectors * lanes
    blocks = -(-run // block)
    plan = record(images=images, height=window.size[0], width=window.size[1], channels=channels, kernel_h=window.kernel[0],
                  stride_h=window.stride[0], stride_w=window.stride[1], dilation_h=window.dilation[0], top=window.padding[0][0],
                  left=window.padding[1][0], rows=window.output[0], columns=window.output[1], outs=outs, run=run, vectors=vectors,
                  tile_rows=tallest(vectors), block=block, blocks=blocks)
    return plan, blocks * block


def spread(dy, packed, dx, buffers, _a, _, plans, thread, threads):
    """dx[n, p·s + i·d - top, q·s + j - left, c] = Σ_{i,j,o} w[i,o,j,c] · dy[n,p,q,o]

    Threads share out the images. Row by row of the kernel, column by column of dy, one tile after another down the column.
    """
    plan, size = plans[0], len(buffers) // threads
    buffer = buffers[thread * size : (thread + 1) * size]
    outs, block, blocks, run = plan.outs, plan.block, plan.blocks, plan.run
    columns, rows, kernel_h, vectors = plan.columns, plan.rows, plan.kernel_h, plan.vectors
    reach = (rows - 1) * plan.stride_h + (kernel_h - 1) * plan.dilation_h + 1
    across = plan.stride_w * plan.channels
    line = (columns - 1) * across + run
    down, step, tiles = plan.stride_h * line, columns * outs, -(-rows // plan.tile_rows)
    for n in range(thread * plan.images // threads, (thread + 1) * plan.images // threads):
        buffer[: reach * line] = 0
        for i in range(kernel_h):
            for part in range(blocks):
                weights, first = (i * outs * blocks + part) * block, i * plan.dilation_h * line + part * block
                for q in range(columns):
                    p = 0
                    for tile in range(tiles):
                        height = (rows - p) // (tiles - tile)
                        to = first + q * across + p * down
                        multiply_tile(PLAIN, height, vectors, dy, (n * rows + p) * step + q * outs, packed, weights, buffer, to, buffer, to,
                                      (1, 1, outs), (0, 0, 1, step), (0, 0, blocks * block), down, down, run - part * block)
                        p += height
        _cut_out(buffer, dx, plan, n, reach, line)


@helper
def _cut_out(buffer, dx, plan, n, reach, line):
    """The image without its padding. Pixels that no window saw are 0."""
    length = plan.width * plan.channels
    left = plan.left * plan.channels
    inside = max(min(length, line - left), 0)
    for h in range(plan.height):
        target, place = dx[(n * plan.height + h) * length :][:length], h + plan.top
        if place < reach:
            pixels = buffer[place * line + left :]
            for v in range(inside):
                target[v] = pixels[v]
        else:
            inside = 0
        for v in range(inside, length):
            target[v] = 0
