"""The rules for output sizes, callable without running anything; errors name the axes and how to mend the shapes.

    >>> conv2d((64, 3, 32, 32), (16, 3, 3, 3), stride=2, padding=1)
    (64, 16, 16, 16)
"""

from functools import lru_cache
from typing import NamedTuple

from .errors import BadType, BadValue, ShapeError


class Window(NamedTuple):
    """How a window slides over images (N, C, H, W): all pairs are (height, width)."""

    size: tuple             # (H, W) of the image, before padding
    kernel: tuple           # (KH, KW)
    stride: tuple
    padding: tuple          # ((top, bottom), (left, right))
    dilation: tuple
    output: tuple           # (P, Q): how many positions the window takes

    @property
    def reach(self):
        """(H, W) of what the windows touch, counted from the first padded pixel."""
        return tuple((n - 1) * s + d * (k - 1) + 1
                     for n, s, d, k in zip(self.output, self.stride, self.dilation, self.kernel))

    @property
    def pads(self):
        """For all four axes, the (before, after) that brings an image to `reach`; after is negative where pixels stay unseen."""
        return ((0, 0), (0, 0), *((before, r - n - before) for n, r, (before, _) in zip(self.size, self.reach, self.padding)))


def pair(value, name, least=None):
    """(height, width) from one integer or two."""
    if type(value) is tuple and len(value) == 2 and type(value[0]) is type(value[1]) is int:
        values = value                          # as most layers have it: at once
    else:
        values = _pair(value, name)
    if least is not None and min(values) < least:
        raise BadValue(f"{name} must be at least {least}, got {value!r}")
    return values


def _pair(value, name):
    values = (value, value) if isinstance(value, int) and not isinstance(value, bool) else tuple_of(value, name)
    values = values * 2 if len(values) == 1 else values
    if len(values) != 2:
        raise BadValue(f"{name} must be an integer or a pair (height, width), got {value!r}")
    return values


def tuple_of(value, name):
    """A tuple of integers from a list or tuple of them."""
    try:
        return tuple(int(v.__index__()) for v in value)
    except (TypeError, AttributeError):
        raise BadType(f"{name} must be an integer or a tuple of integers, got {value!r}") from None


def named(shape, axes):
    """A shape with the names of its axes: (N=64, C=3, H=32, W=32)."""
    if len(shape) != len(axes):
        return f"({', '.join(map(str, shape))})"
    return f"({', '.join(f'{axis}={n}' for axis, n in zip(axes, shape))})"


def same_padding(kernel, dilation):
    """The ((top, bottom), (left, right)) that keeps the size at stride 1; an odd pixel goes after."""
    total = [d * (k - 1) for k, d in zip(kernel, dilation)]
    return tuple((t // 2, t - t // 2) for t in total)


def padding_pairs(padding, kernel, stride, dilation):
    """((top, bottom), (left, right)) from an integer, a pair, "same" or "valid"."""
    if padding == "valid":
        return ((0, 0), (0, 0))
    if padding == "same":
        if stride != (1, 1):
            raise BadValue(f"padding='same' needs stride 1, got stride {stride}; give the padding as numbers")
        return same_padding(kernel, dilation)
    if isinstance(padding, str):
        raise BadValue(f"padding must be numbers, 'same' or 'valid', got {padding!r}")
    ph, pw = pair(padding, "padding", least=0)
    return ((ph, ph), (pw, pw))


def positions(length, kernel, stride, padding, dilation, ceil_mode=False):
    """How many positions a window takes along one axis of `length` pixels (padding is (before, after)).

    With ceil_mode a last, incomplete window counts too, if it starts inside the image or the padding before it.
    """
    free = length + padding[0] + padding[1] - dilation * (kernel - 1) - 1
    count = (free + (stride - 1 if ceil_mode else 0)) // stride + 1
    if ceil_mode and (count - 1) * stride >= length + padding[0]:
        count -= 1
    return count


@lru_cache(maxsize=4096)
def window(size, kernel, stride, padding, dilation, ceil_mode=False):
    """The Window for images of a size (H, W); all arguments are pairs, padding is ((top, bottom), (left, right))."""
    output = tuple(map(positions, size, kernel, stride, padding, dilation, (ceil_mode,) * 2))
    if min(output) < 1:
        axes = ("height H", "width W")
        bad = next(i for i in (0, 1) if output[i] < 1)
        raise ShapeError(
            f"the window does not fit: {axes[bad]} is {size[bad]}, with padding {sum(padding[bad])} in all, but the kernel "
            f"of {kernel[bad]} with dilation {dilation[bad]} spans {dilation[bad] * (kernel[bad] - 1) + 1} pixels; "
            f"use larger images, more padding or a smaller kernel (image {size[0]}x{size[1]}, kernel {kernel[0]}x{kernel[1]})"
        )
    return Window(size, kernel, stride, padding, dilation, output)


def check_images(shape, what="input", channels=None):
    """Refuse what is not a batch of images (N, C, H, W), or has another number of channels."""
    if len(shape) != 4:
        raise ShapeError(f"expected {what} of 4 dimensions (N, C, H, W), or 3 (C, H, W) for one image, got shape {tuple(shape)}")
    if channels is not None and shape[1] != channels:
        raise ShapeError(f"expected {what} with C={channels} channels, got {named(shape, 'NCHW')}")


def conv2d_window(shape, weight, stride=1, padding=0, dilation=1, groups=1):
    """The Window of a convolution, after all of its shapes were checked."""
    if not isinstance(padding, str):
        padding = pair(padding, "padding", least=0)
    if type(groups) is not int:
        check_groups(1, groups)
    return _conv2d_window(shape, weight, pair(stride, "stride", least=1), padding, pair(dilation, "dilation", least=1), groups)


@lru_cache(maxsize=4096)
def _conv2d_window(shape, weight, stride, padding, dilation, groups):
    check_images(shape)
    if len(weight) != 4:
        raise ShapeError(f"expected weight of 4 dimensions (O, C/groups, KH, KW), got shape {tuple(weight)}")
    if weight[0] < 1:
        raise ShapeError(f"expected at least one output channel, got weight of shape {tuple(weight)}")
    check_groups(weight[0], groups)
    if shape[1] != weight[1] * groups:
        raise ShapeError(
            f"expected input with C={weight[1] * groups} channels (weight {named(weight, ('O', 'C/groups', 'KH', 'KW'))}, "
            f"groups={groups}), got {named(shape, 'NCHW')}; set in_channels={shape[1]}, or check the axis order"
        )
    kernel = tuple(weight[2:])
    if min(kernel) < 1:
        raise ShapeError(f"the kernel must be at least 1x1, got {kernel[0]}x{kernel[1]}")
    return window(tuple(shape[2:]), kernel, stride, padding_pairs(padding, kernel, stride, dilation), dilation)


def check_groups(out_channels, groups):
    """groups must divide the output channels."""
    if not isinstance(groups, int) or groups < 1:
        raise BadValue(f"groups must be a positive integer, got {groups!r}")
    if out_channels % groups:
        raise BadValue(f"groups={groups} must divide the {out_channels} output channels")


def conv2d(shape, weight, stride=1, padding=0, dilation=1, groups=1):
    """(N, C, H, W) and weight (O, C/groups, KH, KW) -> (N, O, P, Q)."""
    return (shape[0], weight[0], *conv2d_window(shape, weight, stride, padding, dilation, groups).output)


def conv_transpose2d_window(shape, weight, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    """The Window of the convolution that this one transposes: its `size` is the output, its `output` the input."""
    stride, dilation = pair(stride, "stride", least=1), pair(dilation, "dilation", least=1)
    padding, extra = pair(padding, "padding", least=0), pair(output_padding, "output_padding", least=0)
    check_images(shape)
    if len(weight) != 4 or shape[1] != weight[0]:
        raise ShapeError(f"expected weight (C, O/groups, KH, KW) with C={shape[1]} as in the input {named(shape, 'NCHW')}, "
                         f"got {tuple(weight)}")
    check_groups(weight[0], groups)
    if any(e >= max(s, d) for e, s, d in zip(extra, stride, dilation)):
        raise BadValue(f"output_padding {extra} must be smaller than stride {stride} or dilation {dilation}")
    kernel = tuple(weight[2:])
    size = tuple((n - 1) * s - 2 * p + d * (k - 1) + e + 1
                 for n, s, p, d, k, e in zip(shape[2:], stride, padding, dilation, kernel, extra))
    if min(size) < 1:
        raise ShapeError(f"the output would have size {size[0]}x{size[1]}; use less padding")
    return Window(size, kernel, stride, tuple((p, p) for p in padding), dilation, tuple(shape[2:]))


def conv_transpose2d(shape, weight, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    """(N, C, P, Q) and weight (C, O/groups, KH, KW) -> (N, O, H, W)."""
    found = conv_transpose2d_window(shape, weight, stride, padding, output_padding, groups, dilation)
    return (shape[0], weight[1] * groups, *found.size)


def pool2d_window(shape, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    """The Window of a pooling layer; the stride is the kernel size unless given."""
    kernel = pair(kernel_size, "kernel_size", least=1)
    stride = kernel if stride is None or stride == () or stride == [] else pair(stride, "stride", least=1)
    padding, dilation = pair(padding, "padding", least=0), pair(dilation, "dilation", least=1)
    check_images(shape)
    if min(shape[1:]) == 0:
        raise ShapeError(f"pooling needs images that are not empty, got {named(shape, 'NCHW')}; only the batch may be")
    if any(2 * p > d * (k - 1) + 1 for p, k, d in zip(padding, kernel, dilation)):
        raise BadValue(f"padding {padding} must be at most half of the kernel size {kernel}: a window would see padding only")
    return window(tuple(shape[2:]), kernel, stride, tuple((p, p) for p in padding), dilation, bool(ceil_mode))


def max_pool2d(shape, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    """(N, C, H, W) -> (N, C, P, Q)."""
    return (*shape[:2], *pool2d_window(shape, kernel_size, stride, padding, dilation, ceil_mode).output)


def avg_pool2d(shape, kernel_size, stride=None, padding=0, ceil_mode=False):
    """(N, C, H, W) -> (N, C, P, Q)."""
    return (*shape[:2], *pool2d_window(shape, kernel_size, stride, padding, 1, ceil_mode).output)


def adaptive_pool2d(shape, output_size):
    """(N, C, H, W) -> (N, C, P, Q) with (P, Q) = output_size, None meaning the input's."""
    check_images(shape)
    wanted = tuple(output_size) if isinstance(output_size, (tuple, list)) else (output_size,) * 2
    if len(wanted) != 2:
        raise BadValue(f"output_size must be an integer or a pair (height, width), got {output_size!r}")
    sizes = tuple(n if w is None else w for n, w in zip(shape[2:], wanted))
    if min(tuple_of(sizes, "output_size")) < 0:
        raise BadValue(f"output_size must not be negative, got {output_size!r}")
    if min(shape[1:]) == 0:
        raise ShapeError(f"adaptive pooling needs images that are not empty, got {named(shape, 'NCHW')}")
    return (*shape[:2], *sizes)


def linear(shape, weight, bias=None):
    """(…, in_features), weight (out_features, in_features) and bias (out_features,) -> (…, out_features)."""
    if len(weight) not in (1, 2):
        raise ShapeError(f"expected weight (out_features, in_features), got shape {tuple(weight)}")
    if not shape or shape[-1] != weight[-1]:
        raise ShapeError(f"expected input with in_features={weight[-1]} in its last dimension, got shape {tuple(shape)}; "
                         f"{_linear_mend(shape)}")
    if bias not in (None, (), tuple(weight[:-1])):
        raise ShapeError(f"expected bias with out_features={weight[0]}, as in the weight {tuple(weight)}, got shape {tuple(bias)}")
    return (*shape[:-1], *weight[:-1])


def _linear_mend(shape):
    if len(shape) == 4:
        return f"flatten the images first, and set in_features={shape[1] * shape[2] * shape[3]}"
    return f"set in_features={shape[-1]}" if shape else "a 0-d tensor has no features"
