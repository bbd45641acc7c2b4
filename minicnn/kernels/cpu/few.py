"""The dense layer for a few examples on the CPU: its three products read or write each weight once, and that is the work.

Memory bounds all of them. So both threads read or write at once, each its own outputs or inputs, several rows of the weights at a time.
"""

import numpy as np

from .launch import helper
from .simd import broadcast, first, lanes, load_some, multiply_add, store, store_some

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
    for o in range(start, end, ROWS):
        w0, last = o * depth, (outs - 1) * depth            # the last row stands in for those beyond it
        w1, w2, w3 = min(w0 + depth, last), min(w0 + 2 * depth, last), min(w0 + 3 * depth, last)
        w4, w5, w6, w7 = min(w0 + 4 * depth, last), min(w0 + 5 * depth, last), min(w0 + 6 * depth, last), min(w0 + 7 * depth, last)
        for example in range(n):
            s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = broadcast(x, 0)
            for i in range(0, depth, step):
                mask = first(x, depth - i)
                v = load_some(x, example * depth + i, mask)
                s0, s1 = multiply_add(load_some(w, w0 + i, mask), v, s0), multiply_add(load_some(w, w1 + i, mask), v, s1)
                s2, s3 = multiply_add(load_some(w, w2 + i, mask), v, s2), multiply_add(load_some(w, w3 + i, mask), v, s3)
                s4, s5 = multiply_add(load_some(w, w4 + i, mask), v, s4), multiply_add(load_some(w, w5 + i, mask), v, s5)
                s6, s7 = multiply_add(load_some(w, w6 + i, mask), v, s6), multiply_add(load_some(w, w7 + i, mask), v, s7)
            for m, s in enumerate((s0, s1, s2, s3, s4, s5, s6, s7)):
                store(sums, m * step, s)
            for m in range(min(ROWS, outs - o)):
                total = bias[o + m]
                for lane in range(step):
                    total += sums[m * step + lane]
                y[example * outs + o + m] = total


def linear_dx_loop(dy, w, dx, buffers, _, whole, _plans, thread, threads):
    """dx[n,i] = Σ_o dy[n,o] · w[o,i]: threads share out the inputs; ROWS of the weights at a time are added to what is in dx."""
    n, depth, outs, step = np.int64(whole[0]), np.int64(whole[1]), np.int64(whole[2]), lanes(dy)
    start, end = _share(depth, step, thread, threads)
    for example in range(n):
        dx[example * depth + start : example * depth + end] = 0
    for o in range(0, outs, ROWS):
        for example in range(n):
            g = dy[example * outs + o : example * outs + min(o + ROWS, outs)]
            for i in range(start, end, step):
                mask = first(dy, end - i)
                total = load_some(dx, example * depth + i, mask)
                for m in range(len(g)):
                    total = multiply_add(broadcast(dy, g[m]), load_some(w, (o + m) * depth + i, mask), total)
                store_some(dx, example * depth + i, total, mask)


def linear_dw_loop(dy, x, dw, buffers, _, whole, _plans, thread, threads):
    """dw[o,i] = Σ_n dy[n,o] · x[n,i]: threads share out the outputs."""
    n, depth, outs, step = np.int64(whole[0]), np.int64(whole[1]), np.int64(whole[2]), lanes(dy)
    start, end = _share(outs, 1, thread, threads)
    for o in range(start, end):
        for i in range(0, depth, step):
            mask, total = first(x, depth - i), broadcast(x, 0)
            for example in range(n):
                total = multiply_add(broadcast(x, dy[example * outs + o]), load_some(x, example * depth + i, mask), total)
            store_some(dw, o * depth + i, total, mask)
