"""Loops that go over all elements: ReLU, sums of two images, and batch norm's statistics, forward and backward.

Images are seen as a table (pixels, channels). A loop goes down some pixels for one vector of channels at a time, so that what belongs
to the channels (mean, scale) stays in registers, and BLOCK pixels, so that the other channels of a pixel are still in the first-level
cache when their turn comes. Memory bounds all of them; so large results go past the caches, which else would read each line of memory
before it is overwritten.
"""

import numpy as np

from .launch import allocates, helper
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


@helper(inline=True)
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


# Batch norm: tables (pixels, channels), and numbers of the channels in rows one below the other ------------------------------------

GIVEN = 4               # rows of coefficients (w, b, mean, rstd); below them two rows of sums from each thread


@allocates
def moments(x, sums, found, running_mean, running_var, _whole, plans, thread, threads):
    """Each thread's Σ (x[r,c] - x[0,c]) and Σ (x[r,c] - x[0,c])² over its rows: sums (threads, 2, C). One thread alone finishes.

    A difference from some x of the same channel, so that the square of the mean does not swallow the variance. Sums of BLOCK
    numbers are added up in float64: float32 loses no accuracy over a million pixels.
    """
    start, end = _share(plans[0].rows, thread, threads)
    channels, step = plans[0].channels, lanes(x)
    totals, squares = np.zeros(channels + step), np.zeros(channels + step)
    scratch = np.empty(2 * step, x.dtype)
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
    _store_two(totals, squares, sums, thread, channels)
    if threads == 1:
        _finish(x, sums, found, running_mean, running_var, plans[0].rows, channels)


def finish_moments(x, sums, found, running_mean, running_var, _whole, plans, _thread, _threads):
    """What `moments` has summed up in several threads, as mean and 1/√(variance + eps)."""
    _finish(x, sums, found, running_mean, running_var, plans[0].rows, plans[0].channels)


@helper
def _finish(x, sums, found, running_mean, running_var, count, channels):
    """found = mean (C,) and 1/√(variance + eps) (C,), behind which it has eps and momentum; the running statistics follow, if any."""
    eps, momentum = np.float64(found[2 * channels]), np.float64(found[2 * channels + 1])
    for c in range(channels):
        total = square = 0.0
        for part in range(c, len(sums), 2 * channels):
            total += sums[part]
            square += sums[part + channels]
        total, square = total / count, square / count
        mean, variance = total + x[c], square - total * total
        variance = 0.0 if variance < 0 else variance
        found[c], found[channels + c] = mean, 1 / np.sqrt(variance + eps)
        if len(running_mean) > 0:
            running_mean[c] = (1 - momentum) * running_mean[c] + momentum * mean
        if len(running_var) > 0:
            running_var[c] = (1 - momentum) * running_var[c] + momentum * variance * count / (count - 1)


@allocates
def sums(dy, x, table, z, g, _whole, plans, thread, threads):
    """Each thread's Σ g and Σ g · (x - mean) over its rows, into the table below its coefficients.

    g = dy; or where a ReLU cuts, only the dy of what is above 0, which z says, the result, or else batch norm itself. With z, g is
    kept.
    """
    start, end = _share(plans[0].rows, thread, threads)
    channels, step, past, known = plans[0].channels, lanes(x), plans[0].past, len(z) > 0
    totals, products = np.zeros(channels + step), np.zeros(channels + step)
    ws, bs, means, rstds = _coefficients(table, channels)
    scratch, zero, floor = np.empty(2 * step, x.dtype), broadcast(x, 0), _floor(x, plans[0].cut)
    for top in range(start, end, BLOCK):
        bottom = min(top + BLOCK, end)
        for c in range(0, channels, step):
            mask = first(x, channels - c)
            mean, scale = load_some(means, c, mask), load_some(ws, c, mask) * load_some(rstds, c, mask)
            shift = load_some(bs, c, mask) - mean * scale
            total = product = broadcast(x, 0)
            if known:
                for r in range(top, bottom):
                    i = r * channels + c
                    part = select(above(load_some(z, i, mask), zero), load_some(dy, i, mask), zero)
                    _put_some(g, i, part, mask, past)
                    total += part
                    product = multiply_add(part, load_some(x, i, mask) - mean, product)
            else:
                for r in range(top, bottom):
                    v, part = load_some(x, r * channels + c, mask), load_some(dy, r * channels + c, mask)
                    part = select(above(multiply_add(v, scale, shift), floor), part, zero)
                    total += part
                    product = multiply_add(part, v - mean, product)
            _add_up(total, product, scratch, totals, products, c)
    _store_two(totals, products, table[GIVEN * channels :], thread, channels)


@allocates
def totals(x, results, _a, _b, _c, _whole, plans, thread, threads):
    """Each thread's Σ x[r,c] over its rows, in the first half of its results (threads, 2, C)."""
    start, end = _share(plans[0].rows, thread, threads)
    channels, step = plans[0].channels, lanes(x)
    wholes, nothing = np.zeros(channels + step), np.zeros(channels + step)
    scratch = np.empty(2 * step, x.dtype)
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


@helper(inline=True)
def _coefficients(table, channels):
    """The rows w, b, mean and rstd."""
    return _row(table, 0, channels), _row(table, 1, channels), _row(table, 2, channels), _row(table, 3, channels)


@helper(inline=True)
def _floor(x, cut):
    """What is compared with: 0 where a ReLU cuts, else NaN, over which everything counts as above."""
    return broadcast(x, 0.0 if cut else np.nan)


@helper(inline=True)
def _put_some(y, i, v, mask, past):
    """As `_put`, where vectors may be cut off by a mask; then they are not large enough to go past the caches."""
    if past:
        store_past(y, i, v)
    else:
        store_some(y, i, v, mask)


def scale_shift(x, table, y, plus, _a, _whole, plans, thread, threads):
    """y = w · (x - mean) · rstd + b + plus, and at least 0 where a ReLU cuts; without a plus, that is left out."""
    start, end = _share(plans[0].rows, thread, threads)
    channels, step, past, more = plans[0].channels, lanes(x), plans[0].past, len(plus) > 0
    (ws, bs, means, rstds), floor = _coefficients(table, channels), _floor(x, plans[0].cut)
    for top in range(start, end, BLOCK):
        for c in range(0, channels, step):
            mask = first(x, channels - c)
            scale = load_some(ws, c, mask) * load_some(rstds, c, mask)
            shift = load_some(bs, c, mask) - load_some(means, c, mask) * scale
            for r in range(top, min(top + BLOCK, end)):
                v = multiply_add(load_some(x, r * channels + c, mask), scale, shift)
                if more:
                    v += load_some(plus, r * channels + c, mask)
                _put_some(y, r * channels + c, select(above(v, floor), v, floor), mask, past)


@allocates
def scale_both(dy, x, table, dx, gradients, _whole, plans, thread, threads):
    """dx = g · scale + x · slope + offset, with g as in `sums`, from the sums in the table; gradients = dw and db, (2, C).

    scale = w · rstd, slope = -scale · rstd · dw / count and offset = -scale · db / count - slope · mean.
    """
    start, end = _share(plans[0].rows, thread, threads)
    channels, step, zero, past = plans[0].channels, lanes(x), broadcast(x, 0), plans[0].past
    (ws, bs, means, rstds), floor = _coefficients(table, channels), _floor(x, plans[0].cut)
    slopes, offsets = np.empty(channels, x.dtype), np.empty(channels, x.dtype)
    for c in range(channels):
        db = dw = 0.0
        for part in range(GIVEN * channels + c, len(table), 2 * channels):
            db += table[part]
            dw += table[part + channels]
        dw *= rstds[c]
        slope = -dw * ws[c] * rstds[c] * rstds[c] / plans[0].rows
        slopes[c], offsets[c] = slope, -db * ws[c] * rstds[c] / plans[0].rows - slope * means[c]
        if thread == 0:
            gradients[c], gradients[channels + c] = dw, db
    for top in range(start, end, BLOCK):
        for c in range(0, channels, step):
            mask = first(x, channels - c)
            slope, offset = load_some(slopes, c, mask), load_some(offsets, c, mask)
            scale = load_some(ws, c, mask) * load_some(rstds, c, mask)
            shift = load_some(bs, c, mask) - load_some(means, c, mask) * scale
            for r in range(top, min(top + BLOCK, end)):
                v, g = load_some(x, r * channels + c, mask), load_some(dy, r * channels + c, mask)
                g = select(above(multiply_add(v, scale, shift), floor), g, zero)
                _put_some(dx, r * channels + c, multiply_add(g, scale, multiply_add(v, slope, offset)), mask, past)
