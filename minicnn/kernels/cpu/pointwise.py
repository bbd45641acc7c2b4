"""Kernels that go once over all elements: ReLU, and batch norm's statistics, forward and backward.

Images are seen as a table (pixels, channels). The loops are plain: LLVM turns the innermost one into vector instructions, and what
bounds them is memory. Sums over pixels are taken in blocks of BLOCK pixels, which stay in the first-level cache and are then added
up in float64, so that float32 loses no accuracy over a million pixels.
"""

import numpy as np

from .launch import helper

BLOCK = 32


@helper
def _share(count, thread, threads):
    """The (first, end) of a thread's part of `count` things."""
    return thread * count // threads, (thread + 1) * count // threads


@helper
def _row(table, r, channels):
    """Row r, cut out: with the place computed in the loop over channels, Numba would ask of each whether it is negative."""
    return table[r * channels : (r + 1) * channels]


def relu_loop(x, y, _a, _b, _c, _whole, plans, thread, threads):
    """y = max(x, 0), and NaN where x is NaN."""
    first, end = _share(len(x), thread, threads)
    zero = x.dtype.type(0)
    x, y = x[first:end], y[first:end]
    for i in range(len(x)):
        y[i] = zero if x[i] <= zero else x[i]


def relu_dx_loop(dy, y, dx, _a, _b, _whole, plans, thread, threads):
    """dx = dy · (y > 0)"""
    first, end = _share(len(dy), thread, threads)
    zero, one = dy.dtype.type(0), dy.dtype.type(1)
    dy, y, dx = dy[first:end], y[first:end], dx[first:end]
    for i in range(len(dy)):
        dx[i] = dy[i] * (one if y[i] > zero else zero)


def scale_shift(x, scale, shift, y, _a, _whole, plans, thread, threads):
    """y[r,c] = x[r,c] · scale[c] + shift[c]"""
    first, end = _share(plans[0].rows, thread, threads)
    channels = len(scale)
    for r in range(first, end):
        pixel, out = _row(x, r, channels), _row(y, r, channels)
        for c in range(channels):
            out[c] = pixel[c] * scale[c] + shift[c]


def scale_both(dy, x, coefficients, dx, _a, _whole, plans, thread, threads):
    """dx[r,c] = dy[r,c] · scale[c] + x[r,c] · slope[c] + shift[c], with the three rows of coefficients."""
    first, end = _share(plans[0].rows, thread, threads)
    channels = plans[0].channels
    scale, slope, shift = coefficients[:channels], coefficients[channels : 2 * channels], coefficients[2 * channels :]
    for r in range(first, end):
        pixel, gradient, out = _row(x, r, channels), _row(dy, r, channels), _row(dx, r, channels)
        for c in range(channels):
            out[c] = gradient[c] * scale[c] + pixel[c] * slope[c] + shift[c]


def moments(x, results, scratch, _a, _b, _whole, plans, thread, threads):
    """Each thread's mean[c] and Σ (x[r,c] - mean[c])² over its rows: results (threads, 2, C).

    Block by block, by the formula that joins the moments of two parts (Chan, Golub and LeVeque 1979): no cancellation, and x is
    read from memory once.
    """
    first, end = _share(plans[0].rows, thread, threads)
    channels = plans[0].channels
    mean, spread = np.zeros(channels), np.zeros(channels)
    block_mean, block_spread = _two_rows(scratch, thread, channels)
    for start in range(first, end, BLOCK):
        stop = min(start + BLOCK, end)
        rows, before = stop - start, start - first
        for c in range(channels):
            block_mean[c] = block_spread[c] = 0
        for r in range(start, stop):
            pixel = _row(x, r, channels)
            for c in range(channels):
                block_mean[c] += pixel[c]
        for c in range(channels):
            block_mean[c] /= rows
        for r in range(start, stop):
            pixel = _row(x, r, channels)
            for c in range(channels):
                off = pixel[c] - block_mean[c]
                block_spread[c] += off * off
        for c in range(channels):
            apart = block_mean[c] - mean[c]
            mean[c] += apart * (rows / (before + rows))
            spread[c] += block_spread[c] + apart * apart * (rows * (before / (before + rows)))
    _store_two(mean, spread, results, thread, channels)


def sums(dy, x, mean, results, scratch, _whole, plans, thread, threads):
    """Each thread's Σ dy and Σ dy · (x - mean) over its rows: results (threads, 2, C)."""
    first, end = _share(plans[0].rows, thread, threads)
    channels = plans[0].channels
    total, product = np.zeros(channels), np.zeros(channels)
    block_total, block_product = _two_rows(scratch, thread, channels)
    for start in range(first, end, BLOCK):
        for c in range(channels):
            block_total[c] = block_product[c] = 0
        for r in range(start, min(start + BLOCK, end)):
            pixel, gradient = _row(x, r, channels), _row(dy, r, channels)
            for c in range(channels):
                block_total[c] += gradient[c]
                block_product[c] += gradient[c] * (pixel[c] - mean[c])
        for c in range(channels):
            total[c] += block_total[c]
            product[c] += block_product[c]
    _store_two(total, product, results, thread, channels)


@helper
def _two_rows(scratch, thread, channels):
    """A thread's two rows of scratch (threads, 2, C)."""
    start = 2 * thread * channels
    return scratch[start : start + channels], scratch[start + channels : start + 2 * channels]


@helper
def _store_two(first, second, results, thread, channels):
    for c in range(channels):
        results[2 * thread * channels + c] = first[c]
        results[(2 * thread + 1) * channels + c] = second[c]
