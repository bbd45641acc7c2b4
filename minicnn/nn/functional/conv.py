"""Convolutions, with PyTorch's arguments: batched or not, one or two dimensions."""

from ... import shapes
from ...autograd.mode import watched_whole
from ...errors import BadValue
from ...functional import conv as layer
from .arguments import batched, check_vector, check_weighted

__all__ = ["conv1d", "conv2d", "conv_transpose1d", "conv_transpose2d"]


def conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Convolution of images with a bank of kernels.

    input (N, C, H, W) or (C, H, W); weight (O, C/groups, KH, KW); bias (O,); -> (N, O, P, Q) or (O, P, Q).
    padding is a number of pixels, a pair (height, width), "valid" (none) or "same" (stride 1 only).
    """
    check_weighted("conv2d", input, weight, bias)
    x, alone = batched(input, "conv2d")
    window = shapes.conv2d_window(x.array.shape, weight.array.shape, stride, padding, dilation, groups)
    check_vector("conv2d", "bias", bias, weight.array.shape[0], "output channels")
    y = layer.conv2d(x, weight, bias, window=window, groups=groups)
    return y.squeeze(0) if alone else y


def conv_transpose2d(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    """The transpose of a convolution: what its backward does to dy, as a layer that enlarges images.

    input (N, C, H, W) or (C, H, W); weight (C, O/groups, KH, KW); bias (O,); -> (N, O, H', W').
    """
    check_weighted("conv_transpose2d", input, weight, bias)
    x, alone = batched(input, "conv_transpose2d")
    window = shapes.conv_transpose2d_window(x.array.shape, weight.array.shape, stride, padding, output_padding, groups, dilation)
    check_vector("conv_transpose2d", "bias", bias, weight.array.shape[1] * groups, "output channels")
    y = layer.conv_transpose2d(x, weight, bias, window=window, groups=groups)
    return y.squeeze(0) if alone else y


@watched_whole
def conv1d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Convolution of sequences: input (N, C, L) or (C, L); weight (O, C/groups, K). A convolution of images of height 1."""
    check_weighted("conv1d", input, weight, bias)
    x, alone = batched(input, "conv1d", 2, "(C, L)")
    padding = padding if isinstance(padding, str) else _flat(padding, 0, "padding")
    y = conv2d(x.unsqueeze(2), _as_image(weight), bias, _flat(stride, 1, "stride"), padding, _flat(dilation, 1, "dilation"), groups)
    y = y.squeeze(2)
    return y.squeeze(0) if alone else y


@watched_whole
def conv_transpose1d(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    """The transpose of `conv1d`: input (N, C, L) or (C, L); weight (C, O/groups, K)."""
    check_weighted("conv_transpose1d", input, weight, bias)
    x, alone = batched(input, "conv_transpose1d", 2, "(C, L)")
    pairs = [_flat(v, neutral, "stride, padding, output_padding and dilation")
             for v, neutral in ((stride, 1), (padding, 0), (output_padding, 0), (dilation, 1))]
    y = conv_transpose2d(x.unsqueeze(2), _as_image(weight), bias, *pairs[:3], groups, pairs[3]).squeeze(2)
    return y.squeeze(0) if alone else y


def _as_image(weight):
    if weight.array.ndim != 3:
        raise BadValue(f"expected weight of 3 dimensions (O, C/groups, K), got shape {tuple(weight.shape)}")
    return weight.unsqueeze(2)


def _flat(value, neutral, name):
    """One number for the length as the pair (height, width), height at its neutral value."""
    values = (value,) if isinstance(value, int) else shapes.tuple_of(value, name)
    if len(values) != 1:
        raise BadValue(f"{name} must be one integer for sequences, got {value!r}")
    return (neutral, values[0])
