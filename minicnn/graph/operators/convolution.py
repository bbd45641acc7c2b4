"""Convolution and its transpose over one, two or three axes, with other margins on each side.

Images are what the layer operations take. A sequence is an image of height 1. A volume is a stack of images: each depth of the kernel
convolves images with images, and the results add up.
"""

from functools import reduce
from math import ceil

from ...elementary.arithmetic import add
from ...elementary.windows import pad
from ...errors import BadValue, ShapeError
from ...functional import conv as layer
from ...nn.functional.arguments import check_vector, check_weighted
from ...shapes import Window, check_groups, positions, window
from .table import operator
from .values import integers


def per_axis(values, dims, name, least=1, count=1):
    """`count` integers of at least `least` for each of the spatial axes; `least` where the attribute is absent."""
    values = integers(values) or [least] * (count * dims)
    if len(values) != count * dims or min(values, default=least) < least:
        raise BadValue(f"{name} must have {count * dims} numbers of at least {least} for {dims} spatial axes, got {values}")
    return tuple(values)


def margins(size, kernel, stride, dilation, pads, auto_pad):
    """((before, after), ...) for each spatial axis: as given, or so that ⌈size / stride⌉ positions fit ("SAME_UPPER", "SAME_LOWER")."""
    dims = len(size)
    if auto_pad in ("NOTSET", "", None):
        pads = per_axis(pads, dims, "pads", 0, 2)
        return tuple(zip(pads[:dims], pads[dims:]))
    if auto_pad == "VALID":
        return ((0, 0),) * dims
    if auto_pad not in ("SAME_UPPER", "SAME_LOWER"):
        raise BadValue(f"auto_pad must be 'NOTSET', 'VALID', 'SAME_UPPER' or 'SAME_LOWER', got {auto_pad!r}")
    totals = [max((ceil(n / s) - 1) * s + d * (k - 1) + 1 - n, 0) for n, k, s, d in zip(size, kernel, stride, dilation)]
    return tuple(halved(total, auto_pad == "SAME_UPPER") for total in totals)


def halved(total, upper):
    """(before, after) of a margin; an odd pixel goes after, or without `upper` before."""
    return (total // 2, total - total // 2) if upper else (total - total // 2, total // 2)


@operator("Conv")
def conv(x, w, b=None, *, auto_pad="NOTSET", dilations=None, group=1, kernel_shape=None, pads=None, strides=None):
    """y = b + w * x (cross-correlation): x (N, C, ...), w (O, C/group, ...), b (O,)."""
    dims = check_weight(x, w, b, kernel_shape)
    stride, dilation = per_axis(strides, dims, "strides"), per_axis(dilations, dims, "dilations")
    check_groups(w.shape[0], group)
    check_vector("Conv", "b", b, w.shape[0], "output channels")
    if x.shape[1] != w.shape[1] * group:
        raise ShapeError(f"expected C={w.shape[1] * group} channels (weight {tuple(w.shape)}, group={group}), got {tuple(x.shape)}")
    padding = margins(x.shape[2:], w.shape[2:], stride, dilation, pads, auto_pad)
    if dims == 3:
        return _conv3d(x, w, b, stride, padding, dilation, group)
    if dims == 2:
        return _conv2d(x, w, b, stride, padding, dilation, group)
    return _conv2d(x.unsqueeze(2), w.unsqueeze(2), b, (1, *stride), ((0, 0), *padding), (1, *dilation), group).squeeze(2)


def check_weight(x, w, b, kernel_shape):
    """How many spatial axes there are: one, two or three, as many in the weight as in the input. All must be of one floating type."""
    check_weighted("the convolution", x, w, b)
    if not 3 <= x.ndim <= 5 or w.ndim != x.ndim:
        raise ShapeError(f"expected an input (N, C, ...) with one to three spatial axes and a weight of as many, got {tuple(x.shape)} and "
                         f"{tuple(w.shape)}")
    if kernel_shape is not None and tuple(kernel_shape) != tuple(w.shape[2:]):
        raise ShapeError(f"kernel_shape is {list(kernel_shape)}, but the weight has shape {tuple(w.shape)}")
    return x.ndim - 2


def _conv2d(x, w, b, stride, padding, dilation, group):
    found = window(tuple(x.shape[2:]), tuple(w.shape[2:]), stride, padding, dilation)
    return layer.conv2d(x, w, b, window=found, groups=group)


def _conv3d(x, w, b, stride, padding, dilation, group):
    """Each depth of the kernel by itself: it convolves the images that it stands on, which go into the batch."""
    x = pad(x, ((0, 0), (0, 0), padding[0], (0, 0), (0, 0)))
    depth = positions(x.shape[2], w.shape[2], stride[0], (0, 0), dilation[0])
    if depth < 1:
        raise ShapeError(f"the kernel of depth {w.shape[2]} does not fit into an input of depth {x.shape[2]} with its margins")
    parts = []
    for k in range(w.shape[2]):
        first = k * dilation[0]
        images = unstacked(x[:, :, first : first + (depth - 1) * stride[0] + 1 : stride[0]])
        parts.append(_conv2d(images, w[:, :, k], b if k == 0 else None, stride[1:], padding[1:], dilation[1:], group))
    return stacked(reduce(add, parts), len(x))


def unstacked(x):
    """Volumes (N, C, D, H, W) as images (N·D, C, H, W)."""
    n, c, d, h, w = x.shape
    return x.transpose(1, 2).reshape(n * d, c, h, w)


def stacked(x, count):
    """Images (N·D, C, H, W) as volumes (N, C, D, H, W), N = count."""
    total, c, h, w = x.shape
    return x.reshape(count, total // count if count else 0, c, h, w).transpose(1, 2)


# The transpose -----------------------------------------------------------------------------------------------------------


@operator("ConvTranspose")
def conv_transpose(x, w, b=None, *, auto_pad="NOTSET", dilations=None, group=1, kernel_shape=None, output_padding=None, output_shape=None,
                   pads=None, strides=None):
    """The transpose of a convolution: x (N, C, ...), w (C, O/group, ...), b (O,). Each pixel stamps the kernel onto the output."""
    dims = check_weight(x, w, b, kernel_shape)
    stride, dilation = per_axis(strides, dims, "strides"), per_axis(dilations, dims, "dilations")
    check_vector("ConvTranspose", "b", b, w.shape[1] * group, "output channels")
    extra = per_axis(output_padding, dims, "output_padding", 0)
    check_groups(w.shape[0], group)
    if x.shape[1] != w.shape[0]:
        raise ShapeError(f"expected C={w.shape[0]} channels (weight {tuple(w.shape)}), got {tuple(x.shape)}")
    full = [s * (n - 1) + d * (k - 1) + 1 + e for n, k, s, d, e in zip(x.shape[2:], w.shape[2:], stride, dilation, extra)]
    places = _places(full, x.shape[2:], w.shape[2:], stride, dilation, pads, auto_pad, integers(output_shape))
    if dims == 3:
        y = _conv_transpose3d(x, w, stride, places, dilation, group)
    elif dims == 2:
        y = _conv_transpose2d(x, w, stride, places, dilation, group)
    else:
        y = _conv_transpose2d(x.unsqueeze(2), w.unsqueeze(2), (1, *stride), ((0, 1), *places), (1, *dilation), group).squeeze(2)
    return y if b is None else y + b.reshape(-1, *(1,) * dims)


def _places(full, lengths, kernel, stride, dilation, pads, auto_pad, wanted):
    """For each axis (how much of the full output is cut off before, how long the output is)."""
    if wanted is None and auto_pad in ("SAME_UPPER", "SAME_LOWER"):
        wanted = [min(n * s, whole) for n, s, whole in zip(lengths, stride, full)]
    if wanted is None:
        padding = margins(full, kernel, stride, dilation, pads, auto_pad)
        wanted = [n - before - after for n, (before, after) in zip(full, padding)]
    else:
        wanted = wanted[-len(full):]                                    # some exporters write N and C as well
        padding = [halved(max(n - m, 0), auto_pad == "SAME_UPPER") for n, m in zip(full, wanted)]
    if len(wanted) != len(full) or min(wanted) < 1:
        raise ShapeError(f"the output would have the size {wanted}; expected {len(full)} positive lengths")
    return tuple((before, n) for (before, _), n in zip(padding, wanted))


def _conv_transpose2d(x, w, stride, places, dilation, group):
    """By the window of the convolution whose transpose it is. What no stamp reaches is 0."""
    kernel, sizes = tuple(w.shape[2:]), [n for _, n in places]
    most = [s * n + d * (k - 1) - before for n, k, s, d, (before, _) in zip(x.shape[2:], kernel, stride, dilation, places)]
    inner = tuple(min(n, m) for n, m in zip(sizes, most))
    found = Window(inner, kernel, stride, tuple((before, before) for before, _ in places), dilation, tuple(x.shape[2:]))
    y = layer.conv_transpose2d(x, w, None, window=found, groups=group)
    return pad(y, ((0, 0), (0, 0), *((0, n - m) for n, m in zip(sizes, inner))))


def _conv_transpose3d(x, w, stride, places, dilation, group):
    """Each depth of the kernel by itself stamps images, which are laid at their depths with `stride` between, and added up."""
    parts = []
    for k in range(w.shape[2]):
        images = _conv_transpose2d(unstacked(x), w[:, :, k], stride[1:], places[1:], dilation[1:], group)
        volume = stacked(images, len(x))
        n, c, d, *size = volume.shape
        spread = pad(volume.unsqueeze(3), (*[(0, 0)] * 3, (0, stride[0] - 1), (0, 0), (0, 0))).reshape(n, c, d * stride[0], *size)
        before, length = k * dilation[0] - places[0][0], places[0][1]
        parts.append(pad(spread, ((0, 0), (0, 0), (before, length - before - d * stride[0]), (0, 0), (0, 0))))
    return reduce(add, parts)
