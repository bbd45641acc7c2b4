"""The dense layer on the CPU: three matrix products by the micro-kernel, shared out to our own threads.

BLAS is not asked for large products: its threads and ours would wait for each other, and a single one of its own is slower than ours
together. Each product is computed in tiles of some rows and `block` columns, one to three vectors wide. Sums are taken over SUM numbers at
a time, for accuracy, and so that a packed block stays in the first-level cache while AT_ONCE tiles' rows, which fit the second-level
one, go over it. Packed, TOGETHER blocks lie in the order in which the tiles read them: the examples in the forward pass, and the rows
for the gradient of the weights. What the columns of a gradient's tiles are of, the weights or the inputs, is read where it lies mostly
(`_packed_from`): to pack it took a sixth of the time. What bounds it: the multipliers for a batch, memory for a few examples, which are
computed in `few.py`; small products are left to BLAS in one thread.
"""

from functools import lru_cache
from math import prod
from typing import NamedTuple

import numpy as np

from .. import array
from ..inference import RELU, cut_array
from ..threads import get_num_threads
from . import few
from .blas import one_thread
from .cutting import cut_pixels
from .launch import helper, launch
from .memory import PAGE, computable, empty
from .plan import record
from .simd import first, lanes, load, load_some, store, transpose
from .tile import PLAIN, multiply_tile
from .vector import MACHINE

SUM = 256               # numbers that a tile sums up before it goes to memory: a block packed for as many fits the first-level cache
AT_ONCE = 64            # tiles, one below the other, that go over what is packed: what they read fits the second-level cache
TOGETHER = 4            # blocks that are packed at once: the more, the longer the pieces in which the other matrix is read
THREADED = 1 << 13      # numbers: for fewer, BLAS uses one thread anyway
SMALL = 1 << (18 if MACHINE.bytes == 32 else 20)    # multiplications: for fewer, BLAS is as fast in one thread; its AVX2 is the slower one
FEW = 17                # examples: for fewer, it pays to read the weights as they lie (`few.py`)
FEW_SUMMED = 12         # the same for y, whose sums' lanes have to be added up in the end
WEIGHTS = 1 << 16       # and for fewer weights than these, BLAS is done before our threads have begun
VECTOR, MAX_ROWS, ROWS = MACHINE.bytes, 16, (0, MACHINE.rows(1), MACHINE.rows(2), MACHINE.rows(3))
WIDEST = 3 if ROWS[3] == ROWS[2] else 2         # vectors in a tile's row: a third one where it costs no rows


def linear(x, w, b, cut=0):
    """y[n,o] = b[o] + Σ_i x[n,i] · w[o,i], cut at 0 if asked for (see `cut_pixels`)"""
    outs, depth = w.shape
    work = _work(linear_loop, x.shape, depth, outs, x.itemsize, cut)
    if work is None or not computable(x, w, b):
        return cut_array(_blas(array.linear, x, w, b), cut)
    y = empty((*x.shape[:-1], outs), x.dtype)
    _launch(work, x, w, np.zeros(outs, x.dtype) if b is None else b, y)
    return y


def linear_relu(x, w, b):
    """y[n,o] = max(b[o] + Σ_i x[n,i] · w[o,i], 0)"""
    return linear(x, w, b, RELU)


def linear_dx(dy, w):
    """dx[n,i] = Σ_o dy[n,o] · w[o,i]"""
    outs, depth = w.shape
    work = _work(linear_dx_loop, dy.shape, depth, outs, dy.itemsize)
    if work is None or not computable(dy, w):
        return _blas(array.linear_dx, dy, w)
    dx = empty((*dy.shape[:-1], depth), dy.dtype)
    _launch(work, dy, w, dx)
    return dx


def linear_dw(dy, x):
    """dw[o,i] = Σ_n dy[n,o] · x[n,i]"""
    outs, depth = dy.shape[-1], x.shape[-1]
    work = _work(linear_dw_loop, dy.shape, depth, outs, dy.itemsize)
    if work is None or not computable(dy, x):
        return _blas(array.linear_dw, dy, x)
    dw = empty((outs, depth), x.dtype)
    _launch(work, dy, x, dw)
    return dw


def matmul(x, y):
    """The matrix product over the last two axes; a product of two matrices is a dense layer, or the gradient of one."""
    if x.ndim == y.ndim == 2:
        return linear(x, y.T, None) if y.T.flags.c_contiguous else linear_dx(x, y)
    return _blas(np.matmul, x, y)


def einsum(equation, *operands):
    """The sum over all letters that are missing on the right of the arrow."""
    with one_thread():
        return array.einsum(equation, *operands)


def _blas(function, x, y, *others):
    """What the function computes of two matrices by NumPy: in one thread, where they are so large that BLAS would use several."""
    if x.size + y.size < THREADED:
        return function(x, y, *others)
    with one_thread():
        return function(x, y, *others)


class Work(NamedTuple):
    """What is decided once for a product of some size."""

    kernel: object
    numbers: np.ndarray         # examples, inputs, outputs and `cut`
    buffer: int                 # size of a thread's buffer, as `_cut` cuts it; for a few examples, sums are kept in it


@lru_cache(maxsize=4096)
def _work(kernel, shape, depth, outs, itemsize, cut=0):
    """The Work by the kernel for many examples, or by that for a few; None where BLAS is as fast. `shape` has them in its first axes."""
    examples, columns = prod(shape[:-1]), WIDEST * VECTOR // itemsize
    for_few = examples < (FEW_SUMMED if kernel is linear_loop else FEW)
    if not (depth * outs >= WEIGHTS if for_few else examples * depth * outs >= SMALL):
        return None
    kernel_for_few, summed = VARIANTS[kernel]
    numbers = examples, depth, outs, cut
    count = min(numbers[summed], SUM)
    rows = min(2 * outs, AT_ONCE * MAX_ROWS) + MAX_ROWS         # packed, a tile's may take twice the space: whole vectors
    buffer = max(count * TOGETHER * columns + rows * max(TOGETHER * columns, count) + columns, examples * few.ROWS * columns) + columns
    return Work(kernel_for_few if for_few else kernel, np.array(numbers, np.int32), buffer)


def _launch(work, *arrays):
    """The kernel on the arrays and a buffer for each thread."""
    launch(work.kernel, record(), *arrays, empty((get_num_threads(), work.buffer), arrays[0].dtype), whole=work.numbers)


# What all loops do ------------------------------------------------------------------------------------------------------------


@helper
def _cut(buffers, count, thread, threads):
    """A thread's (room for TOGETHER blocks, packed for sums over `count` numbers, room for AT_ONCE tiles' packed rows or sums, zeros)."""
    size, columns = len(buffers) // threads, WIDEST * VECTOR // buffers.itemsize
    buffer = buffers[thread * size : (thread + 1) * size]
    packed, zeros = count * TOGETHER * columns, size - columns
    for i in range(zeros, size):
        buffer[i] = 0
    return buffer[:packed], buffer[packed:zeros], buffer[zeros:]


@helper
def _vectors(x, columns):
    """(vectors in a tile's row, how many numbers that is): not so many that most of the last block would be empty."""
    vectors = -(-columns // lanes(x))
    vectors = WIDEST if vectors >= 2 * WIDEST else min(vectors, 2)
    return vectors, vectors * lanes(x)


@helper
def _pack_columns(b, start, step, count, columns, block, packed):
    """packed[c // block, k, c % block] = b[start + k · step + c] for c < columns, and 0 to the end of the last block."""
    for left in range(0, columns, block):
        for c in range(left, left + block, lanes(b)):
            source, place = start + c, left * count + c - left
            if c + lanes(b) <= columns:
                for k in range(count):
                    store(packed, place + k * block, load(b, source + k * step))
            else:
                inside = first(b, columns - c)
                for k in range(count):
                    store(packed, place + k * block, load_some(b, source + k * step, inside))


@helper(inline=True)
def _packed_from(b, columns, left, block):
    """From which column on, of those from `left` on, a table is packed: only the last block, if it is not whole.

    The rest is read as it lies: the second-level cache holds it, and hands it on in time. But where rows are whole pages, all is packed,
    since what lies one below the other would fall on a few places of the caches.
    """
    return left if columns * b.itemsize % PAGE == 0 else max(left, columns // block * block)


@helper
def _turn(a, i, a_step, rows, columns, b, j, b_step, width, plus, place):
    """b[j + c · b_step + r] = a[i + r · a_step + c] + plus[place + r] for c < columns and r < width, a's rows from `rows` on being 0."""
    for r in range(0, width, lanes(a)):
        vector = load_some(plus, place + r, first(a, width - r))
        for c in range(0, columns, lanes(a)):
            transpose(a, i + r * a_step + c, a_step, rows - r, columns - c, b, j + c * b_step + r, b_step, width - r, vector)


@helper(inline=True)
def _add_product(fresh, rows, columns, count, a, a_first, a_k, a_m, b, b_first, b_k, block, c, c_first, c_m, zeros):
    """c[m,:] += Σ_k a[k,m] · b[k,:], or = where c is fresh: one tile, as wide as there are columns, a block at most."""
    start, first, step = (zeros, np.int64(0), np.int64(0)) if fresh else (c, c_first, c_m)
    columns = min(columns, block)
    multiply_tile(PLAIN, rows, -(-columns // lanes(c)), a, a_first, b, b_first, c, c_first, start, first,
                  (1, 1, count), (0, 0, a_k, a_m), (0, 0, b_k), c_m, step, columns)


# The three products -----------------------------------------------------------------------------------------------------------


def linear_loop(x, w, bias, y, buffers, whole, _, thread, threads):
    """y[n,o] = cut(bias[o] + Σ_i w[o,i] · x[n,i]): a tile's rows are outputs, its columns examples.

    Threads share out groups of examples, whose blocks are packed at once, and the tiles of outputs within. The sums of some outputs
    lie in the buffer as the tiles write them; they are turned when they are complete.
    """
    n, depth, outs = np.int64(whole[0]), np.int64(whole[1]), np.int64(whole[2])
    packed, sums, zeros = _cut(buffers, min(depth, SUM), thread, threads)
    vectors, block = _vectors(x, n)
    tiles, parts, blocks = -(-outs // ROWS[vectors]), -(-depth // SUM), -(-n // block)
    groups = -(-blocks // TOGETHER)
    task, end = thread * groups * tiles // threads, (thread + 1) * groups * tiles // threads
    while task < end:
        group, tile, some, k = task // tiles, task % tiles, min(tiles - task % tiles, end - task, AT_ONCE), np.int64(0)
        left, right = group * blocks // groups * block, (group + 1) * blocks // groups * block
        first_out = tile * outs // tiles
        rows = (tile + some) * outs // tiles - first_out
        for part in range(parts):
            count = (depth - k) // (parts - part)
            for example in range(left, right, block):
                _turn(x, example * depth + k, depth, n - example, count, packed, (example - left) * count, block, block, zeros, 0)
            for example in range(left, right, block):
                for t in range(tile, tile + some):
                    o = t * outs // tiles
                    here = (example - left) * rows + (o - first_out) * block
                    _add_product(part == 0, (t + 1) * outs // tiles - o, n - example, count, w, o * depth + k, 1, depth,
                                 packed, (example - left) * count, block, block, sums, here, block, zeros)
            k += count
        for example in range(left, right, block):
            _turn(sums, (example - left) * rows, block, rows, min(block, n - example), y, example * outs + first_out, outs, rows,
                  bias, first_out)
            if whole[3]:
                cut_pixels(y, example * outs + first_out, min(block, n - example), outs, rows, whole[3])
        task += some


def linear_dx_loop(dy, w, dx, buffers, _, whole, _plans, thread, threads):
    """dx[n,i] = Σ_o dy[n,o] · w[o,i]: a tile's rows are examples, its columns inputs.

    Threads share out groups of inputs, whose blocks of weights are packed at once where they are, and the tiles of examples within. There
    are as many groups for each thread, if there can be: two that share one would both pack and read its weights.
    """
    n, depth, outs = np.int64(whole[0]), np.int64(whole[1]), np.int64(whole[2])
    packed, _, zeros = _cut(buffers, min(outs, SUM), thread, threads)
    vectors, block = _vectors(dy, depth)
    tiles, parts, blocks = -(-n // ROWS[vectors]), -(-outs // SUM), -(-depth // block)
    groups = min(-(-blocks // (TOGETHER * threads)) * threads, blocks)
    task, end = thread * groups * tiles // threads, (thread + 1) * groups * tiles // threads
    while task < end:
        group, some, o = task // tiles, min(tiles - task % tiles, end - task, AT_ONCE), np.int64(0)
        left, right = group * blocks // groups * block, min((group + 1) * blocks // groups * block, depth)
        for part in range(parts):
            count = (outs - o) // (parts - part)
            apart = _packed_from(w, depth, left, block)
            if apart < right:
                _pack_columns(w, o * depth + apart, depth, count, right - apart, block, packed)
            for i in range(left, right, block):
                b, b_first, b_k = (w, o * depth + i, depth) if i < apart else (packed, (i - apart) * count, block)
                for t in range(task % tiles, task % tiles + some):
                    example = t * n // tiles
                    _add_product(part == 0, (t + 1) * n // tiles - example, depth - i, count, dy, example * outs + o, 1, outs,
                                 b, b_first, b_k, block, dx, example * depth + i, depth, zeros)
            o += count
        task += some


def linear_dw_loop(dy, x, dw, buffers, _, whole, _plans, thread, threads):
    """dw[o,i] = Σ_n dy[n,o] · x[n,i]: a tile's rows are outputs, its columns inputs.

    Threads share out the tiles of outputs. Some of dy's are packed at once, and go over as many blocks of x as fit the first-level cache.
    """
    n, depth, outs = np.int64(whole[0]), np.int64(whole[1]), np.int64(whole[2])
    packed, packed_dy, zeros = _cut(buffers, min(n, SUM), thread, threads)
    vectors, block = _vectors(dy, depth)
    height = -(-ROWS[vectors] // lanes(dy)) * lanes(dy)
    tiles, parts = -(-outs // ROWS[vectors]), -(-n // SUM)
    first, end, example = thread * tiles // threads, (thread + 1) * tiles // threads, np.int64(0)
    for part in range(parts):
        count = (n - example) // (parts - part)
        width = max(min(SUM // count, TOGETHER), 1) * block
        for tile in range(first, end, AT_ONCE):
            last = min(tile + AT_ONCE, end)
            for t in range(tile, last):
                o = t * outs // tiles
                _pack_columns(dy, example * outs + o, outs, count, (t + 1) * outs // tiles - o, height,
                              packed_dy[(t - tile) * count * height :])
            for column in range(0, depth, width):
                right, apart = min(column + width, depth), _packed_from(x, depth, column, block)
                if apart < right:
                    _pack_columns(x, example * depth + apart, depth, count, right - apart, block, packed)
                for t in range(tile, last):
                    o = t * outs // tiles
                    for i in range(column, right, block):
                        b, b_first, b_k = (x, example * depth + i, depth) if i < apart else (packed, (i - apart) * count, block)
                        _add_product(part == 0, (t + 1) * outs // tiles - o, depth - i, count, packed_dy, (t - tile) * count * height,
                                     height, 1, b, b_first, b_k, block, dw, o * depth + i, depth, zeros)
        example += count


# For each product, its kernel for a few examples, and which of a Work's numbers is summed over.
VARIANTS = {linear_loop: (few.linear_loop, 1), linear_dx_loop: (few.linear_dx_loop, 2), linear_dw_loop: (few.linear_dw_loop, 0)}
