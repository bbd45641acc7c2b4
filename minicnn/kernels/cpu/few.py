"""The dense layer for some examples on the CPU: its three products read or write each weight once, and that is the work.

Memory bounds all of them for a few examples, the multipliers for more. So all threads read or write at once, each its own outputs or
inputs, ROWS rows of the weights at a time, as they lie. A vector of weights is used for all examples while it is in a register or in
the first-level cache.
"""

import numpy as np

from .cutting import cut_pixels
from .launch import helper
from .simd import broadcast, first, lanes, load, load_some, multiply_add, spread, store, store_some, transpose

ROWS = 8                # of the weights that are read at once: memory has more under way, and as many sums have no need to wait
PIECE = 512             # numbers of a row that are used for all examples before the next ones: ROWS of them fit the first-level cache


@helper
def _share(count, step, thread, threads):
    """The (first, end) of a thread's part of `count` things, in whole steps but for the last one."""
    steps = -(-count // step)
    return thread * steps // threads * step, min((thread + 1) * steps // threads * step, count)


@helper
def _rows_from(o, outs, depth):
    """Where ROWS rows of the weights begin, from row o on: the last row stands in for those beyond it."""
    w0, last = o * depth, (outs - 1) * depth
    return (w0, min(w0 + depth, last), min(w0 + 2 * depth, last), min(w0 + 3 * depth, last),
            min(w0 + 4 * depth, last), min(w0 + 5 * depth, last), min(w0 + 6 * depth, last), min(w0 + 7 * depth, last))


def linear_loop(x, w, bias, y, buffers, whole, _, thread, threads):
    """y[n,o] = cut(bias[o] + Σ_i w[o,i] · x[n,i]): threads share out the outputs, ROWS of them at a time.

    A vector of sums for each of them and each example; only at the end, the lanes of a sum are added up.
    """
    n, depth, outs, step = np.int64(whole[0]), np.int64(whole[1]), np.int64(whole[2]), lanes(x)
    sums = buffers[thread * (len(buffers) // threads) :]
    start, end = _share(outs, ROWS, thread, threads)
    for o in range(start, end, ROWS):
        w0, w1, w2, w3, w4, w5, w6, w7 = _rows_from(o, outs, depth)
        for piece in range(0, depth, PIECE):
            piece_end = min(piece + PIECE, depth)
            rest = piece_end - (piece_end - piece) % step
            for example in range(n):
                at, here = example * depth, example * ROWS * step
                s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = broadcast(x, 0)
                if piece > 0:
                    s0, s1, s2, s3 = load(sums, here), load(sums, here + step), load(sums, here + 2 * step), load(sums, here + 3 * step)
                    s4, s5 = load(sums, here + 4 * step), load(sums, here + 5 * step)
                    s6, s7 = load(sums, here + 6 * step), load(sums, here + 7 * step)
                for i in range(piece, rest, step):
                    v = load(x, at + i)
                    s0, s1 = multiply_add(load(w, w0 + i), v, s0), multiply_add(load(w, w1 + i), v, s1)
                    s2, s3 = multiply_add(load(w, w2 + i), v, s2), multiply_add(load(w, w3 + i), v, s3)
                    s4, s5 = multiply_add(load(w, w4 + i), v, s4), multiply_add(load(w, w5 + i), v, s5)
                    s6, s7 = multiply_add(load(w, w6 + i), v, s6), multiply_add(load(w, w7 + i), v, s7)
                if rest < piece_end:
                    i, inside = rest, first(x, piece_end - rest)
                    v = load_some(x, at + i, inside)
                    s0, s1 = multiply_add(load_some(w, w0 + i, inside), v, s0), multiply_add(load_some(w, w1 + i, inside), v, s1)
                    s2, s3 = multiply_add(load_some(w, w2 + i, inside), v, s2), multiply_add(load_some(w, w3 + i, inside), v, s3)
                    s4, s5 = multiply_add(load_some(w, w4 + i, inside), v, s4), multiply_add(load_some(w, w5 + i, inside), v, s5)
                    s6, s7 = multiply_add(load_some(w, w6 + i, inside), v, s6), multiply_add(load_some(w, w7 + i, inside), v, s7)
                for m, s in enumerate((s0, s1, s2, s3, s4, s5, s6, s7)):
                    store(sums, here + m * step, s)
        _add_lanes(sums, n * ROWS, step)
        for example in range(n):
            for m in range(min(ROWS, outs - o)):
                y[example * outs + o + m] = bias[o + m] + sums[example * ROWS + m]
    if whole[3]:
        cut_pixels(y, start, n, outs, end - start, whole[3])


@helper
def _add_lanes(sums, count, step):
    """sums[r] = Σ_lane sums[r, lane] for r < count, by adding up the rows of what is transposed."""
    for r in range(0, count, step):
        here = r * step
        transpose(sums, here, step, step, step, sums, here, step, step, broadcast(sums, 0))
        total = load(sums, here)
        for lane in range(1, step):
            total += load(sums, here + lane * step)
        store(sums, r, total)


def linear_dx_loop(dy, w, dx, buffers, _, whole, _plans, thread, threads):
    """dx[n,i] = Σ_o dy[n,o] · w[o,i]: threads share out the inputs; ROWS of the weights at a time are added to what is in dx."""
    n, depth, outs, step = np.int64(whole[0]), np.int64(whole[1]), np.int64(whole[2]), lanes(dy)
    g = buffers[thread * (len(buffers) // threads) :]
    start, end = _share(depth, step, thread, threads)
    rest = end - (end - start) % step
    for example in range(n):
        dx[example * depth + start : example * depth + end] = 0
    for o in range(0, outs, ROWS):
        w0, w1, w2, w3, w4, w5, w6, w7 = _rows_from(o, outs, depth)
        _rows_of_dy(dy, o, n, outs, g)
        for i in range(start, rest, step):
            v0, v1, v2, v3 = load(w, w0 + i), load(w, w1 + i), load(w, w2 + i), load(w, w3 + i)
            v4, v5, v6, v7 = load(w, w4 + i), load(w, w5 + i), load(w, w6 + i), load(w, w7 + i)
            for example in range(n):
                x, r = example * depth + i, example * ROWS
                one, other = multiply_add(v0, spread(g, r), load(dx, x)), v1 * spread(g, r + 1)
                one, other = multiply_add(v2, spread(g, r + 2), one), multiply_add(v3, spread(g, r + 3), other)
                one, other = multiply_add(v4, spread(g, r + 4), one), multiply_add(v5, spread(g, r + 5), other)
                one, other = multiply_add(v6, spread(g, r + 6), one), multiply_add(v7, spread(g, r + 7), other)
                store(dx, x, one + other)
        for m in range(min(ROWS, outs - o)):
            for example in range(n):
                for i in range(rest, end):
                    dx[example * depth + i] += g[example * ROWS + m] * w[(o + m) * depth + i]


@helper
def _rows_of_dy(dy, o, n, outs, g):
    """g[n, m] = dy[n, o + m] for m < ROWS, 0 beyond the last one: they lie beside each other where they are used many times."""
    for example in range(n):
        for m in range(ROWS):
            g[example * ROWS + m] = dy[example * outs + o + m] if o + m < outs else 0


def linear_dw_loop(dy, x, dw, buffers, _, whole, _plans, thread, threads):
    """dw[o,i] = Σ_n dy[n,o] · x[n,i]: threads share out the outputs, ROWS of them at a time."""
    n, depth, outs, step = np.int64(whole[0]), np.int64(whole[1]), np.int64(whole[2]), lanes(dy)
    g = buffers[thread * (len(buffers) // threads) :]
    start, end = _share(outs, ROWS, thread, threads)
    for o in range(start, end, ROWS):
        _rows_of_dy(dy, o, n, outs, g)
        for i in range(0, depth, step):
            inside = first(x, depth - i)
            s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = broadcast(x, 0)
            for example in range(n):
                v, r = load_some(x, example * depth + i, inside), example * ROWS
                s0, s1 = multiply_add(v, spread(g, r), s0), multiply_add(v, spread(g, r + 1), s1)
                s2, s3 = multiply_add(v, spread(g, r + 2), s2), multiply_add(v, spread(g, r + 3), s3)
                s4, s5 = multiply_add(v, spread(g, r + 4), s4), multiply_add(v, spread(g, r + 5), s5)
                s6, s7 = multiply_add(v, spread(g, r + 6), s6), multiply_add(v, spread(g, r + 7), s7)
            for m, s in enumerate((s0, s1, s2, s3, s4, s5, s6, s7)):
                if o + m < outs:
                    store_some(dw, (o + m) * depth + i, s, inside)
