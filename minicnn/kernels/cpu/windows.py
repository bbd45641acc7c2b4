"""The loops of pooling: over the windows of channels-last images, a vector of channels at a time.

Memory bounds them. Threads take rows of output pixels, or whole images where windows share pixels whose gradients add up. Windows are
clipped to the image; padding is never looked at.
"""

import numpy as np

from .launch import helper
from .simd import above, broadcast, first, lanes, load_numbers, load_some, same, select, store_numbers, store_some, wins


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
    """y = the largest of each window, winners = its number i·KW + j: the first of equals, and a NaN wins over all numbers.

    Where a ReLU cuts, y is at least 0, and where that is more than the largest, there is no winner: -1.
    """
    plan, step, zero, none = plans[0], lanes(x), broadcast(x, 0), broadcast(x, -1)
    floor = zero if plan.cut else broadcast(x, np.nan)                                  # everything counts as above NaN
    begin, end = _share_of_windows(plan, nothing, thread, threads)
    row, column = plan.dilation_h * plan.width * plan.channels, plan.dilation_w * plan.channels
    if plan.squares:
        return _max_pool_squares(x, y, winners, plan, begin, end)
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
                passes = above(best, floor)
                store_some(y, to + c, select(passes, best, floor), mask)
                store_numbers(winners, to + c, select(passes, winner, none), mask)


@helper
def _max_pool_squares(x, y, winners, plan, begin, end):
    """The same for windows of 2x2 pixels, all of them inside the image: their four vectors are compared in registers."""
    channels, step, row, stride = plan.channels, lanes(x), plan.width * plan.channels, plan.stride_w * plan.channels
    none, one, two, three = broadcast(x, -1), broadcast(x, 1), broadcast(x, 2), broadcast(x, 3)
    zero = broadcast(x, 0)
    floor = zero if plan.cut else broadcast(x, np.nan)
    for line in range(begin, end):
        start, to = (line // plan.rows * plan.height + line % plan.rows * plan.stride_h) * row, line * plan.columns * channels
        for c in range(0, channels, step):
            mask, at, put = first(x, channels - c), start + c, to + c
            for _ in range(plan.columns):
                best, v = load_some(x, at, mask), load_some(x, at + channels, mask)
                better = wins(v, best)
                best, winner = select(better, v, best), select(better, one, zero)
                v = load_some(x, at + row, mask)
                better = wins(v, best)
                best, winner = select(better, v, best), select(better, two, winner)
                v = load_some(x, at + row + channels, mask)
                better = wins(v, best)
                best, winner = select(better, v, best), select(better, three, winner)
                passes = above(best, floor)
                store_some(y, put, select(passes, best, floor), mask)
                store_numbers(winners, put, select(passes, winner, none), mask)
                at += stride
                put += channels


def max_pool_dx(dy, dx, _a, _b, _c, winners, plans, thread, threads):
    """dx = Σ dy over the windows that the pixel won."""
    plan, step, zero = plans[0], lanes(dy), broadcast(dy, 0)
    begin, end = _share_of_windows(plan, dx, thread, threads)
    row, column = plan.dilation_h * plan.width * plan.channels, plan.dilation_w * plan.channels
    if plan.squares:
        return _max_pool_dx_squares(dy, dx, winners, plan, begin, end)
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


@helper
def _max_pool_dx_squares(dy, dx, winners, plan, begin, end):
    """The same for windows of 2x2 pixels, all of them inside the image."""
    channels, step, row, stride = plan.channels, lanes(dy), plan.width * plan.channels, plan.stride_w * plan.channels
    zero, one, two, three = broadcast(dy, 0), broadcast(dy, 1), broadcast(dy, 2), broadcast(dy, 3)
    for line in range(begin, end):
        start, of = (line // plan.rows * plan.height + line % plan.rows * plan.stride_h) * row, line * plan.columns * channels
        for c in range(0, channels, step):
            mask, to, at = first(dy, channels - c), start + c, of + c
            for _ in range(plan.columns):
                slope, winner = load_some(dy, at, mask), load_numbers(winners, at, mask, dy)
                store_some(dx, to, select(same(winner, zero), slope, zero), mask)
                store_some(dx, to + channels, select(same(winner, one), slope, zero), mask)
                store_some(dx, to + row, select(same(winner, two), slope, zero), mask)
                store_some(dx, to + row + channels, select(same(winner, three), slope, zero), mask)
                to += stride
                at += channels


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
