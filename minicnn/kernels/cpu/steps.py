"""Steps of optimizers on the CPU: one kernel moves all parameters, wherever they lie.

Each kernel gets a table with a row of integers for each parameter: (size, place of its numbers, address of p, of its gradient, of what
is kept of it ...), and the numbers, which are the options. Threads share out the elements of all parameters together. They work on BLOCK
elements at a time in several short loops, as NumPy would: the block stays in the first-level cache, so that memory, which bounds
the whole, is read and written once. The order of the operations is that of the rule in `optim/`, and so are all bits of the result.
"""

import numpy as np
from llvmlite import ir
from numba import carray, types
from numba.extending import intrinsic

from ..threads import threads_for
from .launch import allocates, helper, launch
from .plan import record

BLOCK = 1024
ALONE = 1 << 15         # elements: for fewer, one thread is enough


def sgd_steps(rows, numbers):
    """Many steps of `optim.sgd.sgd`; a row ends with the address of the buffer where there is momentum."""
    _launch(sgd_loop, rows, numbers)


def adam_steps(rows, numbers):
    """Many steps of `optim.adam.adam`; a row ends with the addresses of m, v and, with AMSGrad, v_max."""
    _launch(adam_loop, rows, numbers)


def rmsprop_steps(rows, numbers):
    """Many steps of `optim.rmsprop.rmsprop`; a row ends with the addresses of s, the momentum's buffer and the mean, if any."""
    _launch(rmsprop_loop, rows, numbers)


def _launch(kernel, rows, numbers):
    """rows (P, columns) of int64, numbers (kinds, columns) of the parameters' dtype."""
    elements = sum(rows[:, 0].tolist())
    launch(kernel, record(columns=rows.shape[1], elements=elements), numbers, whole=rows.reshape(-1).view(np.int32),
           threads=threads_for(elements, ALONE))


# Finding the parameters ----------------------------------------------------------------------------------------------------


@intrinsic
def _pointer(typingctx, address):
    """An integer as an address."""
    def write(context, builder, signature, values):
        return builder.inttoptr(values[0], ir.IntType(8).as_pointer())

    return types.voidptr(types.int64), write


@helper
def _at(address, first, count, like):
    """`count` numbers of like's dtype from the `first` one behind an address on."""
    return carray(_pointer(address + first * like.itemsize), (count,), like.dtype)


@helper
def _share_of_row(size, passed, total, thread, threads):
    """The (first, end) elements of a parameter that a thread moves; `passed` elements belong to the parameters before it."""
    first, end = thread * total // threads - passed, (thread + 1) * total // threads - passed
    return max(min(first, size), 0), max(min(end, size), 0)


@helper
def _descent(p, g, direction, sign, weight_decay):
    """direction = ±g + λ·p"""
    for i in range(len(p)):
        direction[i] = sign * g[i]
    if weight_decay != 0:
        for i in range(len(p)):
            direction[i] += p[i] * weight_decay


# The rules -----------------------------------------------------------------------------------------------------------------


@allocates
def sgd_loop(numbers, _a, _b, _c, _d, whole, plans, thread, threads):
    """b ← μ·b + (1 − τ)·g, θ ← θ − γ·b; numbers: sign, λ, μ, 1 − τ, γ, whether Nesterov's."""
    table, columns, scratch, passed = whole.view(np.int64), plans[0].columns, np.empty(BLOCK, numbers.dtype), 0
    for place in range(0, len(table), columns):
        first, end = _share_of_row(table[place], passed, plans[0].elements, thread, threads)
        passed += table[place]
        n = numbers[table[place + 1] :]
        for start in range(first, end, BLOCK):
            count = min(BLOCK, end - start)
            p, g = _at(table[place + 2], start, count, numbers), _at(table[place + 3], start, count, numbers)
            step, momentum, kept, lr = scratch[:count], n[2], n[3], n[4]
            _descent(p, g, step, n[0], n[1])
            if momentum != 0:
                b = _at(table[place + 4], start, count, numbers)
                for i in range(count):
                    b[i] = b[i] * momentum + step[i] * kept
                if n[5] == 0:
                    step = b
                else:
                    for i in range(count):
                        step[i] += b[i] * momentum
            for i in range(count):
                p[i] -= step[i] * lr


@allocates
def adam_loop(numbers, _a, _b, _c, _d, whole, plans, thread, threads):
    """m ← β₁·m + (1 − β₁)·g, v ← β₂·v + (1 − β₂)·g², θ ← shrink·θ − rate · m / (√v / correction + ε)

    numbers: sign, λ, shrink, 1 − β₁, β₂, 1 − β₂, correction √(1 − β₂ᵗ), ε, rate γ / (1 − β₁ᵗ).
    """
    table, columns, scratch, passed = whole.view(np.int64), plans[0].columns, np.empty(BLOCK, numbers.dtype), 0
    for place in range(0, len(table), columns):
        first, end = _share_of_row(table[place], passed, plans[0].elements, thread, threads)
        passed += table[place]
        n = numbers[table[place + 1] :]
        shrink, gain1, beta2, gain2, correction, eps, rate = n[2], n[3], n[4], n[5], n[6], n[7], n[8]
        for start in range(first, end, BLOCK):
            count = min(BLOCK, end - start)
            p, g = _at(table[place + 2], start, count, numbers), _at(table[place + 3], start, count, numbers)
            m, v = _at(table[place + 4], start, count, numbers), _at(table[place + 5], start, count, numbers)
            step = scratch[:count]
            if shrink != 1:
                for i in range(count):
                    p[i] *= shrink
            _descent(p, g, step, n[0], n[1])
            for i in range(count):
                m[i] += (step[i] - m[i]) * gain1
            for i in range(count):
                v[i] = v[i] * beta2 + step[i] * gain2 * step[i]
            if columns == 7:
                largest = _at(table[place + 6], start, count, numbers)
                for i in range(count):
                    largest[i] = v[i] if v[i] > largest[i] or v[i] != v[i] else largest[i]
                v = largest
            for i in range(count):
                p[i] -= m[i] / (np.sqrt(v[i]) / correction + eps) * rate


@allocates
def rmsprop_loop(numbers, _a, _b, _c, _d, whole, plans, thread, threads):
    """s ← α·s + (1 − α)·g², b ← μ·b + g / (√s + ε), θ ← θ − γ·b; centered, s less the squared mean ḡ² is under the root.

    numbers: sign, λ, α, 1 − α, ε, μ, γ, whether centered.
    """
    table, columns, scratch, passed = whole.view(np.int64), plans[0].columns, np.empty((2, BLOCK), numbers.dtype), 0
    for place in range(0, len(table), columns):
        first, end = _share_of_row(table[place], passed, plans[0].elements, thread, threads)
        passed += table[place]
        n = numbers[table[place + 1] :]
        alpha, gain, eps, momentum, lr, centered = n[2], n[3], n[4], n[5], n[6], n[7] != 0
        for start in range(first, end, BLOCK):
            count = min(BLOCK, end - start)
            p, g = _at(table[place + 2], start, count, numbers), _at(table[place + 3], start, count, numbers)
            s, step, spread = _at(table[place + 4], start, count, numbers), scratch[0, :count], scratch[1, :count]
            _descent(p, g, step, n[0], n[1])
            for i in range(count):
                s[i] = s[i] * alpha + step[i] * gain * step[i]
            if centered:
                mean = _at(table[place + (5 if momentum == 0 else 6)], start, count, numbers)
                for i in range(count):
                    mean[i] += (step[i] - mean[i]) * gain
                for i in range(count):
                    rest = s[i] - mean[i] * mean[i]
                    spread[i] = rest - rest if rest < 0 else rest       # 0, or NaN where it is NaN
            else:
                spread = s
            for i in range(count):
                step[i] /= np.sqrt(spread[i]) + eps
            if momentum != 0:
                b = _at(table[place + 5], start, count, numbers)
                for i in range(count):
                    b[i] = b[i] * momentum + step[i]
                step = b
            for i in range(count):
                p[i] -= step[i] * lr
