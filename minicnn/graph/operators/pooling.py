"""Pooling over one, two or three axes: each output is the largest, the mean or the power mean of a window.

Images are what the layer operations take; a sequence is an image of height 1, and a volume is pooled in its images first, then across
them: the largest of the largest, the sum of the sums.
"""

from functools import reduce
from math import prod

import numpy as np

from ...elementary.arithmetic import abs, where
from ...elementary.reduction import amax, mean, sum
from ...errors import BadValue, ShapeError
from ...functional import pooling as layer
from ...kernels import of
from ...nn import functional as F
from ...nn.functional.arguments import check_tensors
from ...shapes import Window, positions
from ...tensor import wrap
from .convolution import margins, per_axis
from .table import operator
from .values import constant, integers


class Windows:
    """How a window slides: one entry for each spatial axis, as the attributes say."""

    def __init__(self, x, kernel_shape, strides, pads, dilations, auto_pad, ceil_mode):
        self.kernel, dims = tuple(integers(kernel_shape)), len(kernel_shape)
        if x.ndim != dims + 2 or not 1 <= dims <= 3:
            raise ShapeError(f"expected an input (N, C, ...) with one to three spatial axes, as many as kernel_shape {list(kernel_shape)} "
                             f"has numbers, got {tuple(x.shape)}")
        self.size = tuple(x.shape[2:])
        self.stride, self.dilation = per_axis(strides, dims, "strides"), per_axis(dilations, dims, "dilations")
        if min(self.kernel) < 1 or 0 in x.shape[1:]:
            raise BadValue(f"expected windows and images that are not empty, got kernel_shape {self.kernel} and an input {tuple(x.shape)}")
        self.padding = margins(self.size, self.kernel, self.stride, self.dilation, pads, auto_pad)
        if any(max(sides) > d * (k - 1) for sides, k, d in zip(self.padding, self.kernel, self.dilation)):
            raise BadValue(f"the margins {self.padding} are so wide that a window {self.kernel} would see nothing else")
        self.output = tuple(map(positions, self.size, self.kernel, self.stride, self.padding, self.dilation, (bool(ceil_mode),) * dims))
        if min(self.output) < 1:
            raise ShapeError(f"the window {self.kernel} does not fit into {self.size} with the margins {self.padding}")

    def of_axes(self, *axes):
        """The Window of two axes; None stands for one over which nothing slides, of the length 1."""
        parts = [(1, 1, 1, (0, 0), 1, 1) if i is None else (self.size[i], self.kernel[i], self.stride[i], self.padding[i], self.dilation[i],
                                                            self.output[i]) for i in axes]
        return Window(*zip(*parts))

    def counts(self, with_padding):
        """How many elements each window has, in the image or also in its margins; an array of the output's shape."""
        found = []
        for n, k, s, (before, after), d, count in zip(self.size, self.kernel, self.stride, self.padding, self.dilation, self.output):
            places = np.arange(count)[:, None] * s - before + np.arange(k) * d
            low, high = (-before, n + after) if with_padding else (0, n)
            found.append(((places >= low) & (places < high)).sum(1))
        return reduce(np.multiply.outer, found)


def slide(pool, x, windows):
    """`pool`, a function of images and a Window, along all spatial axes."""
    if x.ndim == 3:
        return pool(x.unsqueeze(2), windows.of_axes(None, 0)).squeeze(2)
    if x.ndim == 4:
        return pool(x, windows.of_axes(0, 1))
    n, c, d, h, w = x.shape
    x = pool(x.reshape(n, c * d, h, w), windows.of_axes(1, 2))
    p, q = x.shape[2:]
    flat = Window((d, p * q), (windows.kernel[0], 1), (windows.stride[0], 1), (windows.padding[0], (0, 0)), (windows.dilation[0], 1),
                  (windows.output[0], p * q))
    return pool(x.reshape(n, c, d, p * q), flat).reshape(n, c, windows.output[0], p, q)


@operator("MaxPool")
def max_pool(x, *, auto_pad="NOTSET", ceil_mode=0, dilations=None, kernel_shape, pads=None, storage_order=0, strides=None, outputs):
    """The largest element of each window, and where each one lies in x made flat; margins never win."""
    windows = Windows(x, kernel_shape, strides, pads, dilations, auto_pad, ceil_mode)
    values = x if x.is_floating_point() else x.to("float32")
    y = slide(lambda images, window: layer.max_pool2d(images, window=window), values, windows).to(x.dtype)
    return y if outputs < 2 else (y, _winners(values, windows, storage_order))


def _winners(x, windows, storage_order):
    """The winners' places in all of x, row by row or, with storage_order, column by column."""
    if x.ndim == 5:
        raise BadValue("the places of the maxima are known for one and two spatial axes, not for three")
    images = x.array if x.ndim == 4 else x.array[:, :, None]
    window = windows.of_axes(0, 1) if x.ndim == 4 else windows.of_axes(None, 0)
    places = layer.winner_indices(of(images).max_pool2d(images, window)[1], window)
    height, width = images.shape[2:]
    if storage_order:
        places = places // width + places % width * height
    planes = np.arange(prod(x.shape[:2]), like=places).reshape(*x.shape[:2], 1, 1) * (height * width)
    return wrap((places + planes).reshape(*x.shape[:2], *windows.output))


@operator("AveragePool")
def average_pool(x, *, auto_pad="NOTSET", ceil_mode=0, count_include_pad=0, dilations=None, kernel_shape, pads=None, strides=None):
    """The mean of each window, of what lies in the image or, with count_include_pad, in its margins as well (as 0)."""
    check_tensors("AveragePool", x)
    windows = Windows(x, kernel_shape, strides, pads, dilations, auto_pad, ceil_mode)
    counts = windows.counts(bool(count_include_pad))
    if x.ndim == 4 and set(windows.dilation) == {1}:
        divisor = layer.divisors(windows.of_axes(0, 1), bool(count_include_pad), x.array)
        return layer.avg_pool2d(x, window=windows.of_axes(0, 1), divisor=divisor)
    return slide(_sums, x, windows) / constant(np.maximum(counts, 1).astype(x.dtype), x)


def _sums(images, window):
    if window.dilation == (1, 1):
        return layer.avg_pool2d(images, window=window, divisor=1.0)
    return layer.avg_pool2d_definition(images, window=window, divisor=1.0)


@operator("LpPool")
def lp_pool(x, *, auto_pad="NOTSET", ceil_mode=0, dilations=None, kernel_shape, p=2, pads=None, strides=None):
    """(Σ |x|ᵖ)^(1/p) over each window; its gradient is taken as 0 where that is 0."""
    windows = Windows(x, kernel_shape, strides, pads, dilations, auto_pad, ceil_mode)
    return root(slide(_sums, abs(x) ** float(p), windows), p)


def root(total, p):
    """The p-th root; its gradient is taken as 0 at 0."""
    return where(total == 0, 0.0, where(total == 0, 1.0, total) ** (1 / p))


# Over everything -----------------------------------------------------------------------------------------------------------------


def _spatial(x):
    if x.ndim < 3:
        raise ShapeError(f"expected an input (N, C, ...) with spatial axes, got {tuple(x.shape)}")
    return tuple(range(2, x.ndim))


@operator("GlobalAveragePool")
def global_average_pool(x):
    """The mean over all spatial axes, which stay with length 1."""
    return F.adaptive_avg_pool2d(x, 1) if x.ndim == 4 else mean(x, _spatial(x), keepdim=True)


@operator("GlobalMaxPool")
def global_max_pool(x):
    return F.adaptive_max_pool2d(x, 1) if x.ndim == 4 else amax(x, _spatial(x), keepdim=True)


@operator("GlobalLpPool")
def global_lp_pool(x, *, p=2):
    return root(sum(abs(x) ** float(p), _spatial(x), keepdim=True), p)
