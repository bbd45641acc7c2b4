"""Configurations of max, average and adaptive pooling: overlaps, gaps, remainders, padding and ties."""

import numpy as np

from ... import shapes
from ...functional import pooling as pool
from .. import laws
from .case import cases_of, digits, numbers

max_case = cases_of("max_pool2d", pool.max_pool2d, (laws.gradient_is_handed_on, laws.examples_are_independent, laws.constants_stay))
avg_case = cases_of("avg_pool2d", pool.avg_pool2d, (laws.transposed_gives_dx, laws.examples_are_independent))
lp_case = cases_of("lp_pool2d", pool.lp_pool2d, (laws.examples_are_independent,))
adaptive_avg_case = cases_of("adaptive_avg_pool2d", pool.adaptive_avg_pool2d, (
    laws.transposed_gives_dx, laws.gradient_is_handed_on, laws.constants_stay, laws.examples_are_independent))
adaptive_max_case = cases_of("adaptive_max_pool2d", pool.adaptive_max_pool2d, (laws.gradient_is_handed_on,))


def max_pool(label, x, kernel, stride=None, padding=0, dilation=1, ceil_mode=False, **options):
    window = shapes.pool2d_window(x.shape, kernel, stride, padding, dilation, ceil_mode)
    max_case(label, x, window=window, **options)


max_pool("2x2, stride 2", numbers(2, 2, 4, 6), 2)
max_pool("overlap: 3x2, stride 1", numbers(2, 2, 5, 4), (3, 2), 1)
max_pool("overlap: 2x3, stride 1", numbers(2, 2, 4, 5), (2, 3), 1)
max_pool("gaps: 2x2, stride 3", numbers(1, 2, 8, 8), 2, 3)
max_pool("remainder left out", numbers(2, 1, 5, 7), (2, 3))
max_pool("remainder counted (ceil_mode)", numbers(2, 1, 5, 7), (2, 3), ceil_mode=True)
max_pool("padding, all pixels below 0", -1 - np.abs(numbers(2, 2, 4, 5)), 3, 2, 1)
max_pool("padding on one axis only", numbers(2, 2, 5, 4), (1, 3), (2, 1), (0, 1))
max_pool("dilation 2 down, 3 across", numbers(2, 1, 6, 8), (2, 3), 1, dilation=(2, 3))
max_pool("ties", digits(2, 2, 5, 6), (3, 2), smooth=False)
max_pool("ties, overlap and padding", digits(2, 2, 5, 6), 3, 2, 1, smooth=False)
max_pool("all pixels equal", np.ones((1, 2, 4, 4)), 2, smooth=False)
max_pool("one image, one window", numbers(1, 1, 3, 3), 3)
max_pool("empty batch", numbers(0, 2, 4, 4), 2)


def avg_pool(label, x, kernel, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor=None, **options):
    x = numbers(*x)
    window = shapes.pool2d_window(x.shape, kernel, stride, padding, 1, ceil_mode)
    divisor = pool.divisors(window, count_include_pad, x) if divisor is None else divisor
    avg_case(label, x, window=window, divisor=divisor, **options)


avg_pool("2x2, stride 2", (2, 2, 4, 6), 2, laws=(laws.constants_stay, laws.gradient_is_handed_on))
avg_pool("overlap: 3x2, stride 1", (2, 2, 5, 4), (3, 2), 1, laws=(laws.constants_stay, laws.gradient_is_handed_on))
avg_pool("gaps: 2x1, stride 3", (1, 2, 8, 7), (2, 1), 3, laws=(laws.constants_stay, laws.gradient_is_handed_on))
avg_pool("remainder counted (ceil_mode)", (2, 1, 5, 7), (2, 3), ceil_mode=True, laws=(laws.constants_stay,))
avg_pool("padding counts", (2, 2, 4, 5), 3, 2, 1)
avg_pool("padding does not count", (2, 2, 4, 5), 3, 2, 1, count_include_pad=False, laws=(laws.constants_stay,))
avg_pool("padding on one axis, ceil_mode", (2, 1, 5, 6), (2, 3), 2, (0, 1), ceil_mode=True)
avg_pool("another divisor", (2, 1, 4, 4), 2, divisor=3)
avg_pool("one image, one window", (1, 1, 3, 3), 3)
avg_pool("empty batch", (0, 2, 4, 4), 2)


def lp_pool(label, x, p, kernel, stride=None, ceil_mode=False, **options):
    window = shapes.pool2d_window(x.shape, kernel, stride, ceil_mode=ceil_mode)
    divisor = pool.divisors(window, True, x) / (window.kernel[0] * window.kernel[1])
    lp_case(label, x, window=window, divisor=divisor, p=p, **options)


lp_pool("p = 2, stride 2", numbers(2, 2, 4, 6), 2.0, 2)
lp_pool("p = 3, overlap, positive pixels", 0.2 + np.abs(numbers(2, 2, 5, 4)), 3.0, (3, 2), 1)
lp_pool("p = 1: the sum, with gaps", numbers(1, 2, 8, 7), 1.0, (2, 1), 3)
lp_pool("p = 1.5, remainder counted (ceil_mode)", 0.2 + np.abs(numbers(2, 1, 5, 7)), 1.5, (2, 3), ceil_mode=True)
lp_pool("p = 2, a window of zeros", np.eye(4).reshape(1, 1, 4, 4), 2.0, 2, smooth=False)
lp_pool("empty batch", numbers(0, 2, 4, 4), 2.0, 2)


def adaptive(label, x, output):
    """Both adaptive poolings of images of one shape."""
    images = numbers(*x)
    rows, columns = (pool.averaging_matrix(n, m, images) for n, m in zip(x[2:], output))
    adaptive_avg_case(label, images, rows=rows, columns=columns)
    adaptive_max_case(label, images, options=lambda x: {"winners": pool.adaptive_winners(x, output)})


adaptive("cells of one size", (2, 2, 4, 6), (2, 3))
adaptive("cells that share rows and columns", (2, 2, 5, 7), (3, 4))
adaptive("more cells than pixels", (2, 1, 2, 3), (3, 5))
adaptive("one cell: global pooling", (2, 3, 4, 5), (1, 1))
adaptive("one image", (1, 2, 5, 4), (2, 3))
adaptive("empty batch", (0, 2, 5, 4), (2, 3))
adaptive_max_case("ties", digits(2, 2, 5, 7), smooth=False, options=lambda x: {"winners": pool.adaptive_winners(x, (3, 4))})
