"""Pooling, with PyTorch's arguments: batched or not, one or two dimensions."""

from ... import shapes
from ...autograd.deferred import followed_by, like
from ...autograd.mode import watched_whole
from ...errors import BadValue
from ...functional import fused  # noqa: F401  (its pairs take part)
from ...functional import pooling as layer
from ...tensor import wrap
from .arguments import batched, check_tensors

__all__ = ["adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_max_pool1d", "adaptive_max_pool2d", "avg_pool1d", "avg_pool2d",
           "lp_pool2d", "max_pool1d", "max_pool2d", "max_pool2d_with_indices"]


@watched_whole
def max_pool2d_with_indices(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=True):
    """`max_pool2d` and, for each output pixel, the place h·W + v of the pixel it came from."""
    check_tensors("max_pool2d", input)
    x, alone = batched(input, "max_pool2d")
    window = shapes.pool2d_window(x.array.shape, kernel_size, stride, padding, dilation, ceil_mode)
    y = layer.max_pool2d(x, window=window)
    _, winners = layer.of(x.array).max_pool2d(x.array, window)
    indices = wrap(layer.winner_indices(winners, window))
    return (y.squeeze(0), indices.squeeze(0)) if alone else (y, indices)


def max_pool2d(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    """The largest pixel of each window: (N, C, H, W) -> (N, C, P, Q). The padding never wins; stride defaults to kernel_size."""
    if return_indices:
        return max_pool2d_with_indices(input, kernel_size, stride, padding, dilation, ceil_mode)
    x = like(layer.max_pool2d, input)
    check_tensors("max_pool2d", x)
    x, alone = batched(x, "max_pool2d")
    window = shapes.pool2d_window(x.array.shape, kernel_size, stride, padding, dilation, ceil_mode)
    both = followed_by(layer.max_pool2d, input, window=window)
    if both is not None:
        return both
    y = layer.max_pool2d(x if alone else input, window=window)
    return y.squeeze(0) if alone else y


@watched_whole
def avg_pool2d(input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None):
    """The mean of each window: (N, C, H, W) -> (N, C, P, Q). Padding counts as zeros unless count_include_pad=False."""
    check_tensors("avg_pool2d", input)
    x, alone = batched(input, "avg_pool2d")
    window = shapes.pool2d_window(x.array.shape, kernel_size, stride, padding, 1, ceil_mode)
    if divisor_override == 0:
        raise BadValue("avg_pool2d: divisor_override must not be 0")
    divisor = divisor_override or layer.divisors(window, count_include_pad, x.array)
    y = layer.avg_pool2d(x, window=window, divisor=divisor)
    return y.squeeze(0) if alone else y


@watched_whole
def lp_pool2d(input, norm_type, kernel_size, stride=None, ceil_mode=False):
    """(Σ xᵖ)^(1/p) over each window, p = norm_type: the sum for 1, close to the maximum for large p."""
    check_tensors("lp_pool2d", input)
    if not norm_type > 0:
        raise BadValue(f"lp_pool2d: norm_type must be positive, got {norm_type}")
    x, alone = batched(input, "lp_pool2d")
    window = shapes.pool2d_window(x.array.shape, kernel_size, stride, ceil_mode=ceil_mode)
    divisor = layer.divisors(window, True, x.array) / (window.kernel[0] * window.kernel[1])
    y = layer.lp_pool2d(x, window=window, divisor=divisor, p=norm_type)
    return y.squeeze(0) if alone else y


@watched_whole
def adaptive_avg_pool2d(input, output_size):
    """Means over a grid of P x Q cells that covers the image, whatever its size; None keeps that axis."""
    check_tensors("adaptive_avg_pool2d", input)
    x, alone = batched(input, "adaptive_avg_pool2d")
    (h, w), (p, q) = x.array.shape[2:], shapes.adaptive_pool2d(x.array.shape, output_size)[2:]
    if p and q and h % p == 0 and w % q == 0:
        y = avg_pool2d(x, (h // p, w // q))
    else:
        y = layer.adaptive_avg_pool2d(x, rows=layer.averaging_matrix(h, p, x.array), columns=layer.averaging_matrix(w, q, x.array))
    return y.squeeze(0) if alone else y


@watched_whole
def adaptive_max_pool2d(input, output_size, return_indices=False):
    """The largest pixel of each of P x Q cells that cover the image, whatever its size; None keeps that axis."""
    check_tensors("adaptive_max_pool2d", input)
    x, alone = batched(input, "adaptive_max_pool2d")
    winners = layer.adaptive_winners(x.array, shapes.adaptive_pool2d(x.array.shape, output_size)[2:])
    y, indices = layer.adaptive_max_pool2d(x, winners=winners), wrap(winners)
    if alone:
        y, indices = y.squeeze(0), indices.squeeze(0)
    return (y, indices) if return_indices else y


# One dimension: images of height 1 ---------------------------------------------------------------------------------------


def _one(value, name):
    values = (value,) if isinstance(value, int) else shapes.tuple_of(value, name)
    if len(values) != 1:
        raise BadValue(f"{name} must be one integer for sequences, got {value!r}")
    return values[0]


def _flat_window(kernel_size, stride, padding):
    kernel = _one(kernel_size, "kernel_size")
    stride = kernel if stride is None or stride == () else _one(stride, "stride")
    return (1, kernel), (1, stride), (0, _one(padding, "padding"))


@watched_whole
def max_pool1d(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    """The largest element of each window: (N, C, L) -> (N, C, P)."""
    kernel, stride, padding = _flat_window(kernel_size, stride, padding)
    dilation = (1, _one(dilation, "dilation"))
    y = max_pool2d(input.unsqueeze(-2), kernel, stride, padding, dilation, ceil_mode, return_indices)
    return tuple(t.squeeze(-2) for t in y) if return_indices else y.squeeze(-2)


@watched_whole
def avg_pool1d(input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    """The mean of each window: (N, C, L) -> (N, C, P)."""
    kernel, stride, padding = _flat_window(kernel_size, stride, padding)
    return avg_pool2d(input.unsqueeze(-2), kernel, stride, padding, ceil_mode, count_include_pad).squeeze(-2)


@watched_whole
def adaptive_avg_pool1d(input, output_size):
    """Means over P cells that cover the sequence."""
    return adaptive_avg_pool2d(input.unsqueeze(-2), (1, _one(output_size, "output_size"))).squeeze(-2)


@watched_whole
def adaptive_max_pool1d(input, output_size, return_indices=False):
    """The largest element of each of P cells that cover the sequence."""
    y = adaptive_max_pool2d(input.unsqueeze(-2), (1, _one(output_size, "output_size")), return_indices)
    return tuple(t.squeeze(-2) for t in y) if return_indices else y.squeeze(-2)
