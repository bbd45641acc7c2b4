"""The loops of pooling: over the windows of channels-last images, the innermost one over channels, which LLVM vectorises.

Memory bounds them. Threads take whole images. Windows are clipped to the image; padding is never looked at. The channels of a pixel
are cut out before they are looped over: with the place computed inside, Numba would ask of each whether it is negative.
"""

import numpy as np

from .launch import helper


@helper
def _taps(start, dilation, kernel, size):
    """The (first, end) of the taps start + i·dilation, i < kernel, that lie in 0 .. size - 1."""
    first = max(-(start // dilation), 0)
    return first, max(min(kernel, (size - 1 - start) // dilation + 1), first)


@helper
def _images_of(plan, thread, threads):
    """The (first, end) of a thread's images, the sizes of one of x and one of y."""
    x_image, y_image = plan.height * plan.width * plan.channels, plan.rows * plan.columns * plan.channels
    return thread * plan.images // threads, (thread + 1) * plan.images // threads, x_image, y_image


def max_pool(x, y, _a, _b, _c, winners, plans, thread, threads):
    """y = the largest of each window, winners = its number i·KW + j: the first of equals, and a NaN wins over all numbers."""
    plan, channels = plans[0], plans[0].channels
    begin, end, x_image, y_image = _images_of(plan, thread, threads)
    for n in range(begin, end):
        for p in range(plan.rows):
            top = p * plan.stride_h - plan.top
            i_first, i_end = _taps(top, plan.dilation_h, plan.kernel_h, plan.height)
            for q in range(plan.columns):
                left = q * plan.stride_w - plan.left
                j_first, j_end = _taps(left, plan.dilation_w, plan.kernel_w, plan.width)
                to = n * y_image + (p * plan.columns + q) * channels
                best, winner = y[to : to + channels], winners[to : to + channels]
                for c in range(channels):
                    best[c] = -np.inf
                    winner[c] = i_first * plan.kernel_w + j_first
                for i in range(i_first, i_end):
                    for j in range(j_first, j_end):
                        at = n * x_image + ((top + i * plan.dilation_h) * plan.width + left + j * plan.dilation_w) * channels
                        pixel, number = x[at : at + channels], np.int32(i * plan.kernel_w + j)
                        for c in range(channels):
                            better = (pixel[c] > best[c]) | (pixel[c] != pixel[c])
                            best[c] = pixel[c] if better else best[c]
                            winner[c] = number if better else winner[c]


def max_pool_dx(dy, dx, _a, _b, _c, winners, plans, thread, threads):
    """dx = Σ dy over the windows that the pixel won."""
    plan, channels = plans[0], plans[0].channels
    begin, end, x_image, y_image = _images_of(plan, thread, threads)
    zero = dy.dtype.type(0)
    images = dx[begin * x_image : end * x_image]
    for place in range(len(images)):
        images[place] = zero
    for n in range(begin, end):
        for p in range(plan.rows):
            top = p * plan.stride_h - plan.top
            i_first, i_end = _taps(top, plan.dilation_h, plan.kernel_h, plan.height)
            for q in range(plan.columns):
                left = q * plan.stride_w - plan.left
                j_first, j_end = _taps(left, plan.dilation_w, plan.kernel_w, plan.width)
                of = n * y_image + (p * plan.columns + q) * channels
                slope, winner = dy[of : of + channels], winners[of : of + channels]
                for i in range(i_first, i_end):
                    for j in range(j_first, j_end):
                        at = n * x_image + ((top + i * plan.dilation_h) * plan.width + left + j * plan.dilation_w) * channels
                        pixel, number = dx[at : at + channels], np.int32(i * plan.kernel_w + j)
                        for c in range(channels):
                            pixel[c] += slope[c] if winner[c] == number else zero


def sum_pool(x, y, _a, _b, _c, _whole, plans, thread, threads):
    """y = Σ x over each window."""
    plan, channels = plans[0], plans[0].channels
    begin, end, x_image, y_image = _images_of(plan, thread, threads)
    for n in range(begin, end):
        for p in range(plan.rows):
            top = p * plan.stride_h - plan.top
            i_first, i_end = _taps(top, plan.dilation_h, plan.kernel_h, plan.height)
            for q in range(plan.columns):
                left = q * plan.stride_w - plan.left
                j_first, j_end = _taps(left, plan.dilation_w, plan.kernel_w, plan.width)
                to = n * y_image + (p * plan.columns + q) * channels
                total = y[to : to + channels]
                for c in range(channels):
                    total[c] = 0
                for i in range(i_first, i_end):
                    for j in range(j_first, j_end):
                        at = n * x_image + ((top + i * plan.dilation_h) * plan.width + left + j * plan.dilation_w) * channels
                        pixel = x[at : at + channels]
                        for c in range(channels):
                            total[c] += pixel[c]


def sum_pool_dx(share, dx, _a, _b, _c, _whole, plans, thread, threads):
    """dx = Σ share over the windows that saw the pixel."""
    plan, channels = plans[0], plans[0].channels
    begin, end, x_image, y_image = _images_of(plan, thread, threads)
    images = dx[begin * x_image : end * x_image]
    for place in range(len(images)):
        images[place] = 0
    for n in range(begin, end):
        for p in range(plan.rows):
            top = p * plan.stride_h - plan.top
            i_first, i_end = _taps(top, plan.dilation_h, plan.kernel_h, plan.height)
            for q in range(plan.columns):
                left = q * plan.stride_w - plan.left
                j_first, j_end = _taps(left, plan.dilation_w, plan.kernel_w, plan.width)
                of = n * y_image + (p * plan.columns + q) * channels
                slope = share[of : of + channels]
                for i in range(i_first, i_end):
                    for j in range(j_first, j_end):
                        at = n * x_image + ((top + i * plan.dilation_h) * plan.width + left + j * plan.dilation_w) * channels
                        pixel = dx[at : at + channels]
                        for c in range(channels):
                            pixel[c] += slope[c]
