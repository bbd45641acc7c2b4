"""The dense layer for a few examples on the CPU: its three products read or write each weight once, and that is the work.

Memory bounds all of them. So both threads read or write at once, each its own outputs or inputs, several rows of the weights at a time.
"""

import numpy as np

from .launch import helper
from .simd import broadcast, lanes, load, multiply_add, store

ROWS = 8                # of the weights that are read at once: memory has more under way, and as many sums have no need to wait


@helper
def _share(count, step, thread, threads):
    """The (first, end) of a thread's part of `count` things, in whole steps but for the last one."""
    steps = -(-count // step)
    return thread * steps // threads * step, min((thread + 1) * steps // threads * step, count)


def linear_loop(x, w, bias, y, buffers, whole, _, thread, threads):
    """y[n,o] = bias[o] + Σ_i w[o,i] · x[n,i]: threads share out the outputs, ROWS of them at a time."""
    n, depth, outs, step = np.int64(whole[0]), np.int64(whole[1]), np.int64(whole[2]), lanes(x)
    sums = buffers[thread * (len(buffers) // threads) :]
    start, end = _share(outs, ROWS, thread, threads)
    rest = depth - depth % step
    for o in range(start, end, ROWS):
        w0, last = o * depth, (outs - 1) * depth            # the last row stands in for those beyond it
        w1, w2, w3 = min(w0 + depth, last), min(w0 + 2 * depth, last), min(w0 + 3 * depth, last)
        w4, w5, w6, w7 = min(w0 + 4 * depth, last), min(w0 + 5 * depth, last), min(w0 + 6 * depth, last), min(w0 + 7 * depth, last)
        for example in range(n):
            s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = broadcast(x, 0)
            for i in range(0, rest, step):
                v = load(x, example * depth + i)
                s0, s1 = multiply_add(load(w, w0 + i), v, s0), multiply_add(load(w, w1 + i), v, s1)
                s2, s3 = multiply_add(load(w, w2 + i), v, s2), multiply_add(load(w, w3 + i), v, s3)
                s4, s5 = multiply_add(load(w, w4 + i), v, s4), multiply_add(load(w, w5 + i), v, s5)
                s6, s7 = multiply_add(load(w, w6 + i), v, s6), multiply_add(load(w, w7 + i), v, s7)
            for m, s in enumerate((s0, s1, s2, s3, s4, s5, s6, s7)):
                store(sums, m * step, s)
            for m in range(min(ROWS, outs - o)):
                total = bias[o + m]
                for lane in range(step):
                    total += sums[m * step + lane]
                for i in range(rest, depth):
                    total += x[example * depth + i] * w[w0 + m * depth + i]
                y[example * outs + o + m] = total


def linear_dx_loop(dy, w, dx, buffers, _, whole, _plans, thread, threads):
    """dx[n,i] = Σ_o dy[n,o] · w[o,i]: threads share out the inputs; ROWS of the weights at a time are added to what is in dx."""
    n, depth, outs, step = np.int64(whole[0]), np.int64(whole[1]), np.int64(whole[2]), lanes(dy)
    start, end = _share(depth, step, thread, threads)
    for example in range(n):
        x, g = example * depth, dy[example * outs : (example + 1) * outs]
        dx[x + start : x + end] = 0
        rest = end - (end - start) % step
        for o in range(0, outs - ROWS + 1, ROWS):
            g0, g1, g2, g3 = broadcast(dy, g[o]), broadcast(dy, g[o + 1]), broadcast(dy, g[o + 2]), broadcast(dy, g[o + 3])
            g4, g5, g6, g7 = broadcast(dy, g[o + 4]), broadcast(dy, g[o + 5]), broadcast(dy, g[o + 6]), broadcast(dy, g[o + 7])
            for i in range(start, rest, step):
                here = o * depth + i
                one, other = multiply_add(load(w, here), g0, load(dx, x + i)), load(w, here + depth) * g1
                one, other = multiply_add(load(w, here + 2 * depth), g2, one), multiply_add(load(w, here + 3 * depth), g3, other)
                one, other = multiply_add(load(w, here + 4 * depth), g4, one), multiply_add(load(w, here + 5 * depth), g5, other)
                one, other = multiply_add(load(w, here + 6 * depth), g6, one), multiply_add(load(w, here + 7 * depth), g7, other)
                store(dx, x + i, one + other)
            _add_rows(g, o, o + ROWS, w, depth, rest, end, dx, x)
        _add_rows(g, outs - outs % ROWS, outs, w, depth, start, end, dx, x)


@helper
def _add_rows(g, o, o_end, w, depth, start, end, dx, x):
    """dx[x + i] += Σ_o g[o] · w[o,i] for the few rows and columns that are no whole ROWS and vectors."""
    for m in range(o, o_end):
        for i in range(start, end):
            dx[x + i] += g[m] * w[m * depth + i]


def linear_dw_loop(dy, x, dw, buffers, _, whole, _plans, thread, threads):
    """dw[o,i] = Σ_n dy[n,o] · x[n,i]: threads share out the outputs."""
    n, depth, outs, step = np.int64(whole[0]), np.int64(whole[1]), np.int64(whole[2]), lanes(dy)
    start, end = _share(outs, 1, thread, threads)
    for o in range(start, end):
        rest = depth - depth % step
        for i in range(0, rest, step):
            total = broadcast(x, dy[o]) * load(x, i)
            for example in range(1, n):
                total = multiply_add(broadcast(x, dy[example * outs + o]), load(x, example * depth + i), total)
            store(dw, o * depth + i, total)
        for i in range(rest, depth):
            dw[o * depth + i] = 0
            for example in range(n):
                dw[o * depth + i] += dy[example * outs + o] * x[example * depth + i]
