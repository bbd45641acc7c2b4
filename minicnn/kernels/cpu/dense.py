"""The dense layer on the CPU: three matrix products by the micro-kernel, shared out to our own threads.

BLAS is not asked for large products: its threads and ours would wait for each other, and a single one of its own is slower than ours
together. Each product is computed in tiles of some rows and `block` columns, one or two vectors wide. Sums are taken over SUM numbers at
a time, for accuracy, and so that what is packed stays in the second-level cache: the examples in the forward pass, large weights in
the backward one, and the last block of columns where it reaches beyond the matrix. All else is read where it lies. What bounds it: the
multipliers for a batch, memory for a few examples (which are left to BLAS in one thread, as are small products).
"""

import numpy as np

from .. import array
from ..threads import get_num_threads
from .blas import one_thread
from .launch import helper, launch
from .memory import computable, empty
from .plan import record
from .tile import PLAIN, multiply_tile
from .vector import MACHINE

SUM = 512               # numbers that a tile sums up before it goes to memory: accuracy, and what is packed fits the cache
WEIGHT_BYTES = 4 << 20  # larger weights come from memory: TOGETHER blocks are packed at once
TOGETHER = 8
THREADED = 1 << 13      # numbers: for fewer, BLAS uses one thread anyway
SMALL = 1 << 22         # multiplications: for fewer, BLAS in one thread is done before our threads have begun
FEW = 4                 # examples: for fewer, the weights' way from memory is all that counts, and BLAS reads them as fast
VECTOR, MAX_ROWS, ROWS = MACHINE.bytes, 16, (0, MACHINE.rows(1), MACHINE.rows(2))


def linear(x, w, b):
    """y[n,o] = b[o] + Σ_i x[n,i] · w[o,i]"""
    if not _ours(x, len(w), w, b):
        return _blas(array.linear, x, w, b)
    rows, (outs, depth) = _rows(x), w.shape
    y = empty((len(rows), outs), x.dtype)
    bias = np.zeros(outs, x.dtype) if b is None else b
    together = _together(w)
    _launch(linear_loop, (len(rows), depth, outs, together), (rows, np.ascontiguousarray(w), bias, y), together * min(depth, SUM))
    return y.reshape(*x.shape[:-1], outs)


def linear_dx(dy, w):
    """dx[n,i] = Σ_o dy[n,o] · w[o,i]"""
    if not _ours(dy, w.shape[1], w):
        return _blas(array.linear_dx, dy, w)
    rows, (outs, depth) = _rows(dy), w.shape
    dx = empty((len(rows), depth), dy.dtype)
    together = _together(w)
    _launch(linear_dx_loop, (len(rows), depth, outs, together), (rows, np.ascontiguousarray(w), dx), (together + 1) * min(outs, SUM))
    return dx.reshape(*dy.shape[:-1], depth)


def linear_dw(dy, x):
    """dw[o,i] = Σ_n dy[n,o] · x[n,i]"""
    weights = dy.shape[-1] * x.shape[-1]                    # for few examples, writing them is the work
    if not (max(x.size * dy.shape[-1], 16 * weights) >= SMALL and computable(x, dy)):
        return _blas(array.linear_dw, dy, x)
    dy, x = _rows(dy), _rows(x)
    dw = np.empty((dy.shape[1], x.shape[1]), x.dtype)       # owns its memory: it becomes a leaf's `.grad` without a copy
    _launch(linear_dw_loop, (len(x), x.shape[1], dy.shape[1]), (dy, x, dw), min(len(dy), SUM))
    return dw


def matmul(x, y):
    """The matrix product over the last two axes; a product of two matrices is a dense layer, or the gradient of one."""
    if x.ndim == y.ndim == 2:
        return linear(x, y.T, None) if y.T.flags.c_contiguous else linear_dx(x, y)
    return _blas(np.matmul, x, y)


def einsum(equation, *operands):
    """The sum over all letters that are missing on the right of the arrow."""
    return _blas(array.einsum, equation, *operands)


def _blas(function, *arguments):
    """What the function computes by NumPy: in one thread, where there may be so much that BLAS would use several."""
    if sum(a.size for a in arguments if isinstance(a, np.ndarray)) < THREADED:
        return function(*arguments)
    with one_thread():
        return function(*arguments)


def _ours(x, width, *others):
    return x.size * width >= SMALL and x.size >= FEW * x.shape[-1] and computable(x, *others)


def _together(w):
    """How many blocks are packed at once."""
    return TOGETHER if w.nbytes > WEIGHT_BYTES else 1


def _rows(x):
    """(…, I) -> (N, I), contiguous: a view where x lies so already, else a copy."""
    return np.ascontiguousarray(x).reshape(-1, x.shape[-1])


def _launch(kernel, numbers, arrays, packed):
    """Each thread's buffer: what is packed for two vectors, a tile, and zeros for it to start from."""
    columns = 2 * VECTOR // arrays[0].itemsize
    buffers = empty((get_num_threads(), (packed + MAX_ROWS + 1) * columns), arrays[0].dtype)
    launch(kernel, record(), *arrays, buffers, whole=np.array(numbers, np.int32))


@helper
def _cut(buffers, thread, threads):
    """A thread's (packed, tile, zeros)."""
    size, columns = len(buffers) // threads, 2 * VECTOR // buffers.itemsize
    buffer = buffers[thread * size : (thread + 1) * size]
    packed, tile = size - (MAX_ROWS + 1) * columns, size - columns
    for i in range(tile, size):
        buffer[i] = 0
    return buffer[:packed], buffer[packed:tile], buffer[tile:]


@helper
def _pack_columns(b, first, step, count, columns, block, packed):
    """packed[k, :] = b[first + k · step + :], of which `columns` numbers exist."""
    for k in range(count):
        row, source = packed[k * block : (k + 1) * block], b[first + k * step : first + k * step + columns]
        for c in range(columns):
            row[c] = source[c]
        for c in range(columns, block):
            row[c] = 0


@helper
def _pack_rows(x, first, step, count, rows, block, packed):
    """packed[k, m] = x[first + m · step + k] for m < rows, 16 columns k at a time: they lie in one cache line of x."""
    for start in range(0, count, 16):
        width = min(16, count - start)
        for m in range(rows):
            place = first + m * step + start
            target, source = packed[start * block + m : (start + width) * block], x[place : place + width]
            for k in range(width):
                target[k * block] = source[k]
        for m in range(rows, block):
            target = packed[start * block + m : (start + width) * block]
            for k in range(width):
                target[k * block] = 0


def linear_loop(x, w, bias, y, buffers, whole, _, thread, threads):
    """y[n,o] = bias[o] + Σ_i w[o,i] · x[n,i]: a tile's rows are outputs, its columns examples.

    Threads share out groups of examples, `together` blocks that are packed at once, and the tiles of outputs within.
    """
    n, depth, outs, together = np.int64(whole[0]), np.int64(whole[1]), np.int64(whole[2]), np.int64(whole[3])
    packed, tile, zeros = _cut(buffers, thread, threads)
    lanes = VECTOR // x.itemsize
    vectors = 2 if n > lanes else 1
    block = vectors * lanes
    tiles, parts, group = -(-outs // ROWS[vectors]), -(-depth // SUM), together * block
    tasks = -(-n // group) * tiles
    task, end = thread * tasks // threads, (thread + 1) * tasks // threads
    while task < end:
        example, some = task // tiles * group, min(tiles - task % tiles, end - task)
        blocks, k = -(-min(group, n - example) // block), 0
        for part in range(parts):
            count = (depth - k) // (parts - part)
            for b in range(blocks):
                here = example + b * block
                _pack_rows(x, here * depth + k, depth, count, min(block, n - here), block, packed[b * count * block :])
            for t in range(task % tiles, task % tiles + some):
                o = t * outs // tiles
                rows = (t + 1) * outs // tiles - o
                for b in range(blocks):
                    multiply_tile(PLAIN, rows, vectors, w, o * depth + k, packed, b * count * block, tile, 0, zeros, 0, (1, 1, count),
                                  (0, 0, 1, depth), (0, 0, block), block, 0, block)
                    here = example + b * block
                    for column in range(min(block, n - here)):
                        out = y[(here + column) * outs + o : (here + column) * outs + o + rows]
                        if part == 0:
                            for m in range(rows):
                                out[m] = tile[m * block + column] + bias[o + m]
                        else:
                            for m in range(rows):
                                out[m] += tile[m * block + column]
            k += count
        task += some


def linear_dx_loop(dy, w, dx, buffers, _, whole, _plans, thread, threads):
    """dx[n,i] = Σ_o dy[n,o] · w[o,i]: a tile's rows are examples, its columns inputs.

    Threads share out groups of inputs, `together` blocks, and the tiles of examples within. A group of several blocks is copied
    first, so that weights come from memory in long pieces; its rows are a vector apart, or they would meet in few sets of the cache.
    """
    n, depth, outs, together = np.int64(whole[0]), np.int64(whole[1]), np.int64(whole[2]), np.int64(whole[3])
    packed, _, zeros = _cut(buffers, thread, threads)
    lanes = VECTOR // dy.itemsize
    vectors = 2 if depth > lanes else 1
    block = vectors * lanes
    tiles, parts, group = -(-n // ROWS[vectors]), -(-outs // SUM), together * block
    tasks = -(-depth // group) * tiles
    task, end = thread * tasks // threads, (thread + 1) * tasks // threads
    while task < end:
        column, some = task // tiles * group, min(tiles - task % tiles, end - task)
        blocks, o = -(-min(group, depth - column) // block), np.int64(0)
        for part in range(parts):
            count = (outs - o) // (parts - part)
            right, place, step = w, o * depth + column, depth
            if blocks > 1 or column + block > depth:
                right, place, step = packed, np.int64(0), group + lanes
                _pack_columns(w, o * depth + column, depth, count, min(group, depth - column), step, packed)
            for b in range(blocks):
                i = column + b * block
                for t in range(task % tiles, task % tiles + some):
                    first = t * n // tiles
                    here = first * depth + i
                    start, start_place, start_step = (zeros, np.int64(0), np.int64(0)) if part == 0 else (dx, here, depth)
                    multiply_tile(PLAIN, (t + 1) * n // tiles - first, vectors, dy, first * outs + o, right, place + b * block, dx, here,
                                  start, start_place, (1, 1, count), (0, 0, 1, outs), (0, 0, step), depth, start_step,
                                  min(block, depth - i))
            o += count
        task += some


def linear_dw_loop(dy, x, dw, buffers, _, whole, _plans, thread, threads):
    """dw[o,i] = Σ_n dy[n,o] · x[n,i]: a tile's rows are outputs, its columns inputs.

    Threads share out the tiles of outputs: their rows of dw are written from end to end.
    """
    n, depth, outs = np.int64(whole[0]), np.int64(whole[1]), np.int64(whole[2])
    packed, _, zeros = _cut(buffers, thread, threads)
    lanes = VECTOR // dy.itemsize
    vectors = 2 if depth > lanes else 1
    block = vectors * lanes
    tiles, parts, rest, example = -(-outs // ROWS[vectors]), -(-n // SUM), depth % block, np.int64(0)
    for part in range(parts):
        count = (n - example) // (parts - part)
        _pack_columns(x, example * depth + depth - rest, depth, count, rest, block, packed)
        for t in range(thread * tiles // threads, (thread + 1) * tiles // threads):
            o = t * outs // tiles
            for i in range(0, depth, block):
                here = o * depth + i
                right, place, step = (x, example * depth + i, depth) if i + block <= depth else (packed, np.int64(0), block)
                start, start_place, start_step = (zeros, np.int64(0), np.int64(0)) if part == 0 else (dw, here, depth)
                multiply_tile(PLAIN, (t + 1) * outs // tiles - o, vectors, dy, example * outs + o, right, place, dw, here, start, start_place,
                              (1, 1, count), (0, 0, outs, 1), (0, 0, step), depth, start_step, min(block, depth - i))
        example += count
