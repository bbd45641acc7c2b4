"""Configurations of convolution and transposed convolution: nothing square, nothing even, where it can be avoided."""

from ... import shapes
from ...functional.conv import conv2d, conv_transpose2d
from ...tensor import Tensor
from .. import laws
from .case import cases_of, numbers

conv_case = cases_of("conv2d", conv2d, (laws.transposed_gives_dx, laws.examples_are_independent))
transpose_case = cases_of("conv_transpose2d", conv_transpose2d, (laws.transposed_gives_dx, laws.examples_are_independent))


def transposed_by(operation, w, **options):
    """The law that another operation, with the same weight and geometry, is the transpose of this one."""

    def are_transposes(f, x):
        laws.are_transposes(f, lambda y: operation(y, Tensor(w), None, **options), x)

    return {"laws": (are_transposes,), **options}


def convolution(label, x, w, bias=True, groups=1, **geometry):
    """x and w by their shapes: (N, C, H, W) and (O, C/groups, KH, KW)."""
    window = shapes.conv2d_window(x, w, groups=groups, **geometry)
    weight, bias = numbers(*w, seed="w"), numbers(w[0], seed="b") if bias else None
    conv_case(label, numbers(*x), weight, bias, **transposed_by(conv_transpose2d, weight, window=window, groups=groups))


convolution("plain, KH ≠ KW, H ≠ W", (2, 2, 5, 6), (3, 2, 3, 2))
convolution("square kernel, C = O, no bias", (2, 3, 5, 4), (3, 3, 3, 3), bias=False)
convolution("one pixel, as a dense layer", (3, 2, 1, 1), (4, 2, 1, 1))
convolution("stride 2", (2, 2, 6, 7), (2, 2, 3, 3), stride=2)
convolution("stride 2 down, 3 across, with a remainder", (2, 2, 8, 9), (2, 2, 2, 3), stride=(2, 3))
convolution("padding 1 down, 2 across", (2, 2, 4, 5), (2, 2, 3, 3), padding=(1, 2))
convolution("padding 'same' of an even kernel, uneven on its sides", (2, 2, 5, 4), (3, 2, 2, 4), padding="same")
convolution("dilation 2", (2, 2, 7, 6), (2, 2, 3, 2), dilation=2)
convolution("dilation 3 down, 2 across, with stride and padding", (2, 1, 9, 8), (2, 1, 2, 3), dilation=(3, 2), stride=(1, 2), padding=2)
convolution("two groups", (2, 4, 4, 5), (6, 2, 2, 3), groups=2)
convolution("depthwise, two filters a channel", (2, 3, 5, 4), (6, 1, 3, 3), groups=3, padding=1)
convolution("three groups, stride 2, padding 1, dilation 2", (1, 3, 7, 8), (3, 1, 2, 2), groups=3, stride=2, padding=1, dilation=2)
convolution("kernel as large as the padded image", (2, 2, 3, 2), (2, 2, 5, 4), padding=1)
convolution("one image", (1, 2, 4, 4), (2, 2, 3, 3), padding=1)
convolution("empty batch", (0, 2, 4, 5), (3, 2, 3, 3), padding=1)


def transposed(label, x, w, bias=True, groups=1, **geometry):
    """x and w by their shapes: (N, C, P, Q) and (C, O/groups, KH, KW)."""
    window = shapes.conv_transpose2d_window(x, w, groups=groups, **geometry)
    weight, bias = numbers(*w, seed="w"), numbers(w[1] * groups, seed="b") if bias else None
    transpose_case(label, numbers(*x), weight, bias, **transposed_by(conv2d, weight, window=window, groups=groups))


transposed("plain, KH ≠ KW, H ≠ W", (2, 2, 3, 4), (2, 3, 3, 2))
transposed("square kernel, C = O, no bias", (2, 3, 3, 4), (3, 3, 3, 3), bias=False)
transposed("stride 2", (2, 2, 3, 4), (2, 2, 3, 3), stride=2)
transposed("stride 3 down, 2 across, wider than the kernel", (2, 2, 2, 3), (2, 2, 2, 1), stride=(3, 2))
transposed("padding 1 down, 2 across", (2, 2, 4, 5), (2, 2, 3, 3), padding=(1, 2))
transposed("output padding", (2, 2, 3, 3), (2, 3, 3, 3), stride=2, padding=1, output_padding=(1, 0))
transposed("dilation 2 down, 3 across", (2, 1, 3, 3), (1, 2, 3, 2), dilation=(2, 3))
transposed("two groups", (2, 4, 3, 2), (4, 3, 2, 3), groups=2)
transposed("three groups, stride, padding, dilation", (1, 3, 3, 4), (3, 1, 2, 2), groups=3, stride=2, padding=1, dilation=2)
transposed("one image", (1, 2, 3, 3), (2, 2, 2, 2), stride=2)
transposed("empty batch", (0, 2, 3, 3), (2, 2, 2, 2), stride=2)
