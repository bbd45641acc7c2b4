"""The loops of pooling: over the windows of channels-last images, a vector of channels at a time.

Memory bounds them. Threads take rows of output pixels, or whole images where windows share pixels whose gradients add up. Windows are
clipped to the image; padding is never looked at.
"""

import numpy as np

from .launch import helper
from .simd import broadcast, first, lanes, load_numbers, load_some, same, select, store_numbers, store_some, wins


@helper
def clipped_taps(start, dilation, kernel, size):
    """The (first, end) of the taps start + i·dilation, i < kernel, that lie in 0 .. size - 1."""
    if dilation == 1:                                       # the usual case, without two divisions
        begin = max(-start, 0)
        return begin, max(min(kernel, size - start), begin)
    begin = max(-(start // dilation), 0)
    return begin, max(min(kernel, (size - 1 - start) // dilation + 1), begin)


@helper
def _row_of_windows(plan, line):
    """For a row of output pixels, counted through all images: where its windows begin, and the (first, end) of their taps in height."""
    image, p = divmod(line, plan.rows)
    top = p * plan.stride_h - plan.top
    i_first, i_end = clipped_taps(top, plan.dilation_h, plan.kernel_h, plan.height)
    return ((image * plan.height + top) * plan.width - plan.left) * plan.channels, i_first, i_end


@helper
def _share_of_windows(plan, dx, thread, threads):
    """The (first, end) of a thread's rows of output pixels. With dx: zeros where no window comes, or where more than one may."""
    lines = plan.images * plan.rows
    if len(dx) == 0 or plan.covered:
        return thread * lines // threads, (thread + 1) * lines // threads
    begin, end = thread * plan.images // threads, (thread + 1) * plan.images // threads
    image, zero = plan.height * plan.width * plan.channels, dx.dtype.type(0)
    images = dx[begin * image : end * image]
    for place in range(len(images)):
        images[place] = zero
    return begin * plan.rows, end * plan.rows


def max_pool(x, y, nothing, _b, _c, winners, plans, thread, threads):
    """y = the largest of each window, winners = its number i·KW + j: the first of equals, and a NaN wins over all numbers."""
    plan, step = plans[0], lanes(x)
    begin, end = _share_of_windows(plan, nothing, thread, threads)
    row, column = plan.dilation_h * plan.width * plan.channels, plan.dilation_w * plan.channels
    for line in range(begin, end):
        first_start, i_first, i_end = _row_of_windows(plan, line)
        for q in range(plan.columns):
            start = first_start + q * plan.stride_w * plan.channels
            j_first, j_end = clipped_taps(q * plan.stride_w - plan.left, plan.dilation_w, plan.kernel_w, plan.width)
            to = (line * plan.columns + q) * plan.channels
            for c in range(0, plan.channels, step):
                mask = first(x, plan.channels - c)
                best, winner = broadcast(x, -np.inf), broadcast(x, i_first * plan.kernel_w + j_first)
                for i in range(i_first, i_end):
                    for j in range(j_first, j_end):
                        v = load_some(x, start + i * row + j * column + c, mask)
                        better = wins(v, best)
                        best = select(better, v, best)
                        winner = select(better, broadcast(x, i * plan.kernel_w + j), winner)
                store_some(y, to + c, best, mask)
                store_numbers(winners, to + c, winner, mask)


def max_pool_dx(dy, dx, _a, _b, _c, winners, plans, thread, threads):
    """dx = Σ dy over the windows that the pixel won."""
    plan, step, zero = plans[0], lanes(dy), broadcast(dy, 0)
    begin, end = _share_of_windows(plan, dx, thread, threads)
    row, column = plan.dilation_h * plan.width * plan.channels, plan.dilation_w * plan.channels
    for line in range(begin, end):
        first_start, i_first, i_end = _row_of_windows(plan, line)
        for q in range(plan.columns):
            start = first_start + q * plan.stride_w * plan.channels
            j_first, j_end = clipped_taps(q * plan.stride_w - plan.left, plan.dilation_w, plan.kernel_w, plan.width)
            of = (line * plan.columns + q) * plan.channels
            for c in range(0, plan.channels, step):
                mask = first(dy, plan.channels - c)
                slope, winner = load_some(dy, of + c, mask), load_numbers(winners, of + c, mask, dy)
                for i in range(i_first, i_end):
                    for j in range(j_first, j_end):
                        to = start + i * row + j * column + c
                        part = select(same(winner, broadcast(dy, i * plan.kernel_w + j)), slope, zero)
                        store_some(dx, to, part if plan.apart else part + load_some(dx, to, mask), mask)


def sum_pool(x, y, nothing, _b, _c, _whole, plans, thread, threads):
    """y = Σ x over each window."""
    plan, step = plans[0], lanes(x)
    begin, end = _share_of_windows(plan, nothing, thread, threads)
    row, column = plan.dilation_h * plan.width * plan.channels, plan.dilation_w * plan.channels
    for line in range(begin, end):
        first_start, i_first, i_end = _row_of_windows(plan, line)
        for q in range(plan.columns):
            start = first_start + q * plan.stride_w * plan.channels
            j_first, j_end = clipped_taps(q * plan.stride_w - plan.left, plan.dilation_w, plan.kernel_w, plan.width)
            for c in range(0, plan.channels, step):
                mask, total = first(x, plan.channels - c), broadcast(x, 0)
                for i in range(i_first, i_end):
                    for j in range(j_first, j_end):
                        total += load_some(x, start + i * row + j * column + c, mask)
                store_some(y, (line * plan.columns + q) * plan.channels + c, total, mask)


def sum_pool_dx(share, dx, _a, _b, _c, _whole, plans, thread, threads):
    """dx = Σ share over the windows that saw the pixel."""
    plan, step = plans[0], lanes(dx)
    begin, end = _share_of_windows(plan, dx, thread, threads)
    row, column = plan.dilation_h * plan.width * plan.channels, plan.dilation_w * plan.channels
    for line in range(begin, end):
        first_start, i_first, i_end = _row_of_windows(plan, line)
        for q in range(plan.columns):
            start = first_start + q * plan.stride_w * plan.channels
            j_first, j_end = clipped_taps(q * plan.stride_w - plan.left, plan.dilation_w, plan.kernel_w, plan.width)
            for c in range(0, plan.channels, step):
                mask = first(dx, plan.channels - c)
                part = load_some(share, (line * plan.columns + q) * plan.channels + c, mask)
                for i in range(i_first, i_end):
                    for j in range(j_first, j_end):
                        to = start + i * row + j * column + c
                        store_some(dx, to, part if plan.apart else part + load_some(dx, to, mask), mask)
