"""The dense layer on the CPU: three matrix products by the micro-kernel, shared out to our own threads.

BLAS is not asked for large products: its threads and ours would wait for each other, and a single one of its own is slower than ours
together. Each product is computed in tiles of some rows and `block` columns, one or two vectors wide. Sums are taken over SUM numbers at
a time, for accuracy, and so that what is packed stays in the second-level cache: TOGETHER blocks of what the columns are of, the
examples in the forward pass, the weights for the inputs' gradient; and a tile's rows for that of the weights. Packed, they lie in the
order in which the tiles read them. The rest is read where it lies. What bounds it: the multipliers for a batch, memory for a few
examples, which are computed in `few.py`; small products are left to BLAS in one thread.
"""

from math import prod

import numpy as np

from .. import array
from ..threads import get_num_threads
from . import few
from .blas import one_thread
from .launch import helper, launch
from .memory import computable, empty
from .plan import record
from .simd import first, lanes, load_some, store, transpose
from .tile import PLAIN, multiply_tile
from .vector import MACHINE

SUM = 1024              # numbers that a tile sums up before it goes to memory: accuracy, and what is packed fits the cache
TOGETHER = 4            # blocks that are packed at once: the more, the longer the pieces in which the other matrix is read
THREADED = 1 << 13      # numbers: for fewer, BLAS uses one thread anyway
SMALL = 1 << 20         # multiplications: for fewer, BLAS in one thread is done before our threads have begun
FEW = 17                # examples: for fewer, it pays to read the weights as they lie (`few.py`)
FEW_SUMMED = 12         # the same for y, whose sums' lanes have to be added up in the end
WEIGHTS = 1 << 16       # and for fewer weights than these, BLAS is done before our threads have begun
VECTOR, MAX_ROWS, ROWS = MACHINE.bytes, 16, (0, MACHINE.rows(1), MACHINE.rows(2))


def linear(x, w, b):
    """y[n,o] = b[o] + Σ_i x[n,i] · w[o,i]"""
    kernel = _kernel(x, w, (linear_loop, few.linear_loop), b, most=FEW_SUMMED)
    if kernel is None:
        return _blas(array.linear, x, w, b)
    rows, (outs, depth) = _rows(x), w.shape
    y = empty((len(rows), outs), x.dtype)
    bias = np.zeros(outs, x.dtype) if b is None else b
    _launch(kernel, (len(rows), depth, outs), (rows, np.ascontiguousarray(w), bias, y), min(depth, SUM))
    return y.reshape(*x.shape[:-1], outs)


def linear_dx(dy, w):
    """dx[n,i] = Σ_o dy[n,o] · w[o,i]"""
    kernel = _kernel(dy, w, (linear_dx_loop, few.linear_dx_loop))
    if kernel is None:
        return _blas(array.linear_dx, dy, w)
    rows, (outs, depth) = _rows(dy), w.shape
    dx = empty((len(rows), depth), dy.dtype)
    _launch(kernel, (len(rows), depth, outs), (rows, np.ascontiguousarray(w), dx), min(outs, SUM))
    return dx.reshape(*dy.shape[:-1], depth)


def linear_dw(dy, x):
    """dw[o,i] = Σ_n dy[n,o] · x[n,i]"""
    dw = empty((dy.shape[-1], x.shape[-1]), x.dtype)
    kernel = _kernel(dy, dw, (linear_dw_loop, few.linear_dw_loop), x)
    if kernel is None:
        return _blas(array.linear_dw, dy, x)
    dy, x = _rows(dy), _rows(x)
    _launch(kernel, (len(x), x.shape[1], dy.shape[1]), (dy, x, dw), min(len(dy), SUM))
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


def _kernel(x, w, kernels, *others, most=1 << 62):
    """The kernel for many examples, that for a few (fewer than `most`), or None where BLAS is as fast. x is what has the examples."""
    examples = prod(x.shape[:-1])
    few_examples = examples < min(FEW, most)
    if not (w.size >= WEIGHTS if few_examples else examples * w.size >= SMALL):
        return None
    return kernels[few_examples] if computable(x, w, *others) else None


def _rows(x):
    """(…, I) -> (N, I), contiguous: a view where x lies so already, else a copy."""
    return np.ascontiguousarray(x).reshape(-1, x.shape[-1])


def _launch(kernel, numbers, arrays, count):
    """Each thread's buffer: what is packed for sums over `count` numbers (or a few examples' sums), a tile, and zeros to start from."""
    columns = 2 * VECTOR // arrays[0].itemsize
    packed = max(count * (TOGETHER * columns + MAX_ROWS), numbers[0] * few.ROWS * columns)
    buffers = empty((get_num_threads(), packed + (MAX_ROWS + 1) * columns + MAX_ROWS), arrays[0].dtype)
    launch(kernel, record(), *arrays, buffers, whole=np.array(numbers, np.int32))


# What all loops do ------------------------------------------------------------------------------------------------------------


@helper
def _cut(buffers, thread, threads):
    """A thread's (packed, tile, zeros)."""
    size, columns = len(buffers) // threads, 2 * VECTOR // buffers.itemsize
    buffer = buffers[thread * size : (thread + 1) * size]
    tile, zeros = size - (MAX_ROWS + 1) * columns - MAX_ROWS, size - columns - MAX_ROWS
    for i in range(zeros, size):
        buffer[i] = 0
    return buffer[:tile], buffer[tile:zeros], buffer[zeros:]


@helper
def _vectors(x, columns):
    """(vectors in a tile's row, how many numbers that is)"""
    vectors = 2 if columns > lanes(x) else 1
    return vectors, vectors * lanes(x)


@helper
def _pack_columns(b, start, step, count, columns, block, packed):
    """packed[c // block, k, c % block] = b[start + k · step + c] for c < columns, and 0 to the end of the last block."""
    for k in range(count):
        for left in range(0, columns, block):
            for c in range(left, left + block, lanes(b)):
                row = load_some(b, start + k * step + c, first(b, columns - c))
                store(packed, left * count + k * block + c - left, row)


@helper
def _turn(a, i, a_step, rows, columns, b, j, b_step, width, plus, place):
    """b[j + c · b_step + r] = a[i + r · a_step + c] + plus[place + r] for c < columns and r < width, a's rows from `rows` on being 0."""
    for r in range(0, width, lanes(a)):
        vector = load_some(plus, place + r, first(a, width - r))
        for c in range(0, columns, lanes(a)):
            transpose(a, i + r * a_step + c, a_step, rows - r, columns - c, b, j + c * b_step + r, b_step, width - r, vector)


# The three products -----------------------------------------------------------------------------------------------------------


def linear_loop(x, w, bias, y, buffers, whole, _, thread, threads):
    """y[n,o] = bias[o] + Σ_i w[o,i] · x[n,i]: a tile's rows are outputs, its columns examples.

    Threads share out groups of examples, whose blocks are packed at once, and the tiles of outputs within.
    """
    n, depth, outs = np.int64(whole[0]), np.int64(whole[1]), np.int64(whole[2])
    packed, tile, zeros = _cut(buffers, thread, threads)
    vectors, block = _vectors(x, n)
    tiles, parts, blocks = -(-outs // ROWS[vectors]), -(-depth // SUM), -(-n // block)
    groups = -(-blocks // TOGETHER)
    task, end = thread * groups * tiles // threads, (thread + 1) * groups * tiles // threads
    while task < end:
        group, some, k = task // tiles, min(tiles - task % tiles, end - task), np.int64(0)
        left, right = group * blocks // groups * block, (group + 1) * blocks // groups * block
        for part in range(parts):
            count = (depth - k) // (parts - part)
            for example in range(left, right, block):
                _turn(x, example * depth + k, depth, n - example, count, packed, (example - left) * count, block, block, zeros, 0)
            for t in range(task % tiles, task % tiles + some):
                o = t * outs // tiles
                rows = (t + 1) * outs // tiles - o
                for example in range(left, right, block):
                    start, start_step, columns, here = zeros, np.int64(0), min(block, n - example), example * outs + o
                    if part > 0:
                        start, start_step = tile, block
                        _turn(y, here, outs, columns, rows, tile, 0, block, block, zeros, 0)
                    multiply_tile(PLAIN, rows, vectors, w, o * depth + k, packed, (example - left) * count, tile, 0, start, 0,
                                  (1, 1, count), (0, 0, 1, depth), (0, 0, block), block, start_step, block)
                    if part > 0:
                        _turn(tile, 0, block, rows, columns, y, here, outs, rows, zeros, 0)
                    else:
                        _turn(tile, 0, block, rows, columns, y, here, outs, rows, bias, o)
            k += count
        task += some


def linear_dx_loop(dy, w, dx, buffers, _, whole, _plans, thread, threads):
    """dx[n,i] = Σ_o dy[n,o] · w[o,i]: a tile's rows are examples, its columns inputs.

    Threads share out groups of inputs, whose blocks of weights are packed at once, and the tiles of examples within.
    """
    n, depth, outs = np.int64(whole[0]), np.int64(whole[1]), np.int64(whole[2])
    packed, _, zeros = _cut(buffers, thread, threads)
    vectors, block = _vectors(dy, depth)
    tiles, parts, blocks = -(-n // ROWS[vectors]), -(-outs // SUM), -(-depth // block)
    groups = -(-blocks // TOGETHER)
    task, end = thread * groups * tiles // threads, (thread + 1) * groups * tiles // threads
    while task < end:
        group, some, o = task // tiles, min(tiles - task % tiles, end - task), np.int64(0)
        left, right = group * blocks // groups * block, min((group + 1) * blocks // groups * block, depth)
        for part in range(parts):
            count = (outs - o) // (parts - part)
            _pack_columns(w, o * depth + left, depth, count, right - left, block, packed)
            for i in range(left, right, block):
                for t in range(task % tiles, task % tiles + some):
                    example = t * n // tiles
                    here = example * depth + i
                    start, place, step = (zeros, np.int64(0), np.int64(0)) if part == 0 else (dx, here, depth)
                    multiply_tile(PLAIN, (t + 1) * n // tiles - example, vectors, dy, example * outs + o, packed, (i - left) * count,
                                  dx, here, start, place, (1, 1, count), (0, 0, 1, outs), (0, 0, block), depth, step,
                                  min(block, depth - i))
            o += count
        task += some


def linear_dw_loop(dy, x, dw, buffers, _, whole, _plans, thread, threads):
    """dw[o,i] = Σ_n dy[n,o] · x[n,i]: a tile's rows are outputs, its columns inputs.

    Threads share out the tiles of outputs: their rows of dw are written from end to end.
    """
    n, depth, outs = np.int64(whole[0]), np.int64(whole[1]), np.int64(whole[2])
    packed, _, zeros = _cut(buffers, thread, threads)
    vectors, block = _vectors(dy, depth)
    tiles, parts, rest, example = -(-outs // ROWS[vectors]), -(-n // SUM), depth % block, np.int64(0)
    width = -(-ROWS[vectors] // lanes(dy)) * lanes(dy)
    for part in range(parts):
        count = (n - example) // (parts - part)
        left = packed[count * block :]
        _pack_columns(x, example * depth + depth - rest, depth, count, rest, block, packed)
        for t in range(thread * tiles // threads, (thread + 1) * tiles // threads):
            o = t * outs // tiles
            rows = (t + 1) * outs // tiles - o
            _pack_columns(dy, example * outs + o, outs, count, rows, width, left)
            for i in range(0, depth, block):
                here = o * depth + i
                right, place, step = (x, example * depth + i, depth) if i + block <= depth else (packed, np.int64(0), block)
                start, start_place, start_step = (zeros, np.int64(0), np.int64(0)) if part == 0 else (dw, here, depth)
                multiply_tile(PLAIN, rows, vectors, left, 0, right, place, dw, here, start, start_place, (1, 1, count),
                              (0, 0, width, 1), (0, 0, step), depth, start_step, min(block, depth - i))
        example += count
