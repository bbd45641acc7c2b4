"""Loops that go over all elements: ReLU, sums of two images, and batch norm's statistics, forward and backward.

Images are seen as a table (pixels, channels). A loop goes down some pixels for one vector of channels at a time, so that what belongs
to the channels (mean, scale) stays in registers, and BLOCK pixels, so that the other channels of a pixel are still in the first-level
cache when their turn comes. Memory bounds all of them; so large results go past the caches, which else would read each line of memory
before it is overwritten.
"""

import numpy as np

from .launch import helper
from .simd import above, broadcast, first, lanes, load, load_some, multiply_add, select, store, store_past, store_some

BLOCK = 64


@helper
def _share(count, thread, threads):
    """The (first, end) of a thread's part of `count` things."""
    return thread * count // threads, (thread + 1) * count // threads


@helper
def _share_of_lines(count, thread, threads):
    """As `_share` for numbers, in whole blocks: two threads do not write to one line of the cache."""
    first = thread * count // threads // BLOCK * BLOCK
    return first, count if thread == threads - 1 else (thread + 1) * count // threads // BLOCK * BLOCK


@helper(inline=True)
def _put(y, i, v, past):
    """y[i : i + lanes] = v, where it is large past the caches: there they would not keep it anyway."""
    if past:
        store_past(y, i, v)
    else:
        store(y, i, v)


@helper
def _row(coefficients, number, channels):
    return coefficients[number * channels : (number + 1) * channels]


# Element by element -----------------------------------------------------------------------------------------------------------


def relu_loop(x, y, _a, _b, _c, _whole, plans, thread, threads):
    """y = max(x, 0), and NaN where x is NaN."""
    (start, end), past = _share_of_lines(len(x), thread, threads), plans[0].past
    zero, step = broadcast(x, 0), lanes(x)
    for i in range(start, end - step + 1, step):
        v = load(x, i)
        _put(y, i, select(above(v, zero), v, zero), past)
    i = end - (end - start) % step
    rest = first(x, end - i)
    v = load_some(x, i, rest)
    store_some(y, i, select(above(v, zero), v, zero), rest)


def relu_dx_loop(dy, y, dx, _a, _b, _whole, plans, thread, threads):
    """dx = dy where y > 0 or NaN, else 0."""
    (start, end), past = _share_of_lines(len(dy), thread, threads), plans[0].past
    zero, step = broadcast(dy, 0), lanes(dy)
    for i in range(start, end - step + 1, step):
        _put(dx, i, select(above(load(y, i), zero), load(dy, i), zero), past)
    i = end - (end - start) % step
    rest = first(dy, end - i)
    store_some(dx, i, select(above(load_some(y, i, rest), zero), load_some(dy, i, rest), zero), rest)


def add_loop(x, y, total, _a, _b, _whole, plans, thread, threads):
    """total = x + y"""
    (start, end), past = _share_of_lines(len(x), thread, threads), plans[0].past
    step = lanes(x)
    for i in range(start, end - step + 1, step):
        _put(total, i, load(x, i) + load(y, i), past)
    i = end - (end - start) % step
    rest = first(x, end - i)
    store_some(total, i, load_some(x, i, rest) + load_some(y, i, rest), rest)


def add_relu_loop(x, y, z, _a, _b, _whole, plans, thread, threads):
    """z = max(x + y, 0), and NaN where the sum is NaN."""
    (start, end), past = _share_of_lines(len(x), thread, threads), plans[0].past
    zero, step = broadcast(x, 0), lanes(x)
    for i in range(start, end - step + 1, step):
        v = load(x, i) + load(y, i)
        _put(z, i, select(above(v, zero), v, zero), past)
    i = end - (end - start) % step
    rest = first(x, end - i)
    v = load_some(x, i, rest) + load_some(y, i, rest)
    store_some(z, i, select(above(v, zero), v, zero), rest)


# Batch norm: tables (pixels, channels) ------------------------------------------------------------------------------------------


def moments(x, results, scratch, _a, _b, _whole, plans, thread, threads):
    """Each thread's Σ (x[r,c] - x[0,c]) and Σ (x[r,c] - x[0,c])² over its rows: results (threads, 2, C).

    A difference from some x of the same channel, so that the square of the mean does not swallow the variance. Sums of BLOCK
    numbers are added up in float64: float32 loses no accuracy over a million pixels.
    """
    start, end = _share(plans[0].rows, thread, threads)
    channels, step = plans[0].channels, lanes(x)
    totals, squares = np.zeros(channels + step), np.zeros(channels + step)
    scratch = _row(scratch, thread, 2 * step)
    for top in range(start, end, BLOCK):
        bottom = min(top + BLOCK, end)
        for c in range(0, channels, step):
            mask = first(x, channels - c)
            pivot = load_some(x, c, mask)
            total = square = broadcast(x, 0)
            for r in range(top, bottom):
                v = load_some(x, r * channels + c, mask) - pivot
                total += v
                square = multiply_add(v, v, square)
            _add_up(total, square, scratch, totals, squares, c)
    _store_two(totals, squares, results, thread, channels)


def sums(dy, x, coefficients, results, scratch, _whole, plans, thread, threads):
    """Each thread's Σ g and Σ g · (x - mean) over its rows: results (threads, 2, C).

    g = dy where x · scale + shift > floor, else 0; coefficients are (mean, scale, shift, floor). A floor of NaN lets all through.
    """
    start, end = _share(plans[0].rows, thread, threads)
    channels, step = plans[0].channels, lanes(x)
    totals, products = np.zeros(channels + step), np.zeros(channels + step)
    means, scales, shifts, floors = (_row(coefficients, 0, channels), _row(coefficients, 1, channels),
                                     _row(coefficients, 2, channels), _row(coefficients, 3, channels))
    scratch, zero = _row(scratch, thread, 2 * step), broadcast(x, 0)
    for top in range(start, end, BLOCK):
        bottom = min(top + BLOCK, end)
        for c in range(0, channels, step):
            mask = first(x, channels - c)
            mean, scale, shift, floor = (load_some(means, c, mask), load_some(scales, c, mask), load_some(shifts, c, mask),
                                         load_some(floors, c, mask))
            total = product = broadcast(x, 0)
            for r in range(top, bottom):
                v, g = load_some(x, r * channels + c, mask), load_some(dy, r * channels + c, mask)
                g = select(above(multiply_add(v, scale, shift), floor), g, zero)
                total += g
                product = multiply_add(g, v - mean, product)
            _add_up(total, product, scratch, totals, products, c)
    _store_two(totals, products, results, thread, channels)


def totals(x, results, scratch, _a, _b, _whole, plans, thread, threads):
    """Each thread's Σ x[r,c] over its rows, in the first half of its results (threads, 2, C)."""
    start, end = _share(plans[0].rows, thread, threads)
    channels, step = plans[0].channels, lanes(x)
    wholes, nothing = np.zeros(channels + step), np.zeros(channels + step)
    scratch = _row(scratch, thread, 2 * step)
    for top in range(start, end, BLOCK):
        for c in range(0, channels, step):
            mask, total = first(x, channels - c), broadcast(x, 0)
            for r in range(top, min(top + BLOCK, end)):
                total += load_some(x, r * channels + c, mask)
            _add_up(total, broadcast(x, 0), scratch, wholes, nothing, c)
    _store_two(wholes, nothing, results, thread, channels)


@helper(inline=True)
def _add_up(one, other, scratch, ones, others, c):
    """Adds two vectors to the float64 sums of their channels, by way of memory."""
    step = lanes(scratch)
    store(scratch, 0, one)
    store(scratch, step, other)
    for lane in range(step):
        ones[c + lane] += scratch[lane]
        others[c + lane] += scratch[step + lane]


@helper
def _store_two(ones, others, results, thread, channels):
    for c in range(channels):
        results[2 * thread * channels + c] = ones[c]
        results[(2 * thread + 1) * channels + c] = others[c]


def scale_shift(x, coefficients, y, _a, _b, _whole, plans, thread, threads):
    """y = x · scale + shift, but floor where that is not above the floor: coefficients (scale, shift, floor)."""
    start, end = _share(plans[0].rows, thread, threads)
    channels, step = plans[0].channels, lanes(x)
    scales, shifts, floors = _row(coefficients, 0, channels), _row(coefficients, 1, channels), _row(coefficients, 2, channels)
    for top in range(start, end, BLOCK):
        for c in range(0, channels, step):
            mask = first(x, channels - c)
            scale, shift, floor = load_some(scales, c, mask), load_some(shifts, c, mask), load_some(floors, c, mask)
            for r in range(top, min(top + BLOCK, end)):
                v = multiply_add(load_some(x, r * channels + c, mask), scale, shift)
                v = select(above(v, floor), v, floor)
                if plans[0].past:
                    store_past(y, r * channels + c, v)
                else:
                    store_some(y, r * channels + c, v, mask)


def scale_both(dy, x, coefficients, dx, _a, _whole, plans, thread, threads):
    """dx = g · scale + x · slope + offset, with g = dy where x · scale + shift > floor, else 0.

    coefficients: (scale, slope, offset, shift, floor).
    """
    start, end = _share(plans[0].rows, thread, threads)
    channels, step, zero = plans[0].channels, lanes(x), broadcast(x, 0)
    scales, slopes, offsets, shifts, floors = (_row(coefficients, 0, channels), _row(coefficients, 1, channels),
                                               _row(coefficients, 2, channels), _row(coefficients, 3, channels),
                                               _row(coefficients, 4, channels))
    for top in range(start, end, BLOCK):
        for c in range(0, channels, step):
            mask = first(x, channels - c)
            scale, slope, offset = load_some(scales, c, mask), load_some(slopes, c, mask), load_some(offsets, c, mask)
            shift, floor = load_some(shifts, c, mask), load_some(floors, c, mask)
            for r in range(top, min(top + BLOCK, end)):
                v, g = load_some(x, r * channels + c, mask), load_some(dy, r * channels + c, mask)
                g = select(above(multiply_add(v, scale, shift), floor), g, zero)
                v = multiply_add(g, scale, multiply_add(v, slope, offset))
                if plans[0].past:
                    store_past(dx, r * channels + c, v)
                else:
                    store_some(dx, r * channels + c, v, mask)
