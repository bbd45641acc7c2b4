"""Normalization, with ONNX's arguments and statistics."""

from math import prod

from ...elementary import arithmetic as ours
from ...elementary.norms import norm
from ...elementary.reduction import mean, var
from ...errors import ShapeError
from ...functional import normalization as layer
from ...nn import functional as F
from ..axes import axes_of, axis_of
from .table import operator


def per_channel(v, ndim):
    """A vector (C,) shaped to broadcast against (N, C, ...)."""
    return v.reshape(-1, *(1,) * (ndim - 2))


@operator("BatchNormalization")
def batch_normalization(x, scale, b, input_mean, input_var, *, epsilon=1e-5, momentum=0.9, training_mode=0, spatial=1, is_test=1, outputs):
    """Each channel brought to mean 0 and deviation 1 by the statistics given; in training_mode by the batch's, which are returned too:
    running = old · momentum + batch · (1 - momentum), with the variance over all elements."""
    if not training_mode:
        y = _by_given_statistics(x, scale, b, input_mean, input_var, epsilon, spatial)
        return (y, input_mean, input_var, input_mean, input_var)[:outputs]
    axes = tuple(axis for axis in range(x.ndim) if axis != 1)
    found = mean(x, axes), var(x, axes, correction=0)
    y = (x - per_channel(found[0], x.ndim)) * per_channel(ours.rsqrt(found[1] + epsilon) * scale, x.ndim) + per_channel(b, x.ndim)
    running = [old * momentum + new * (1 - momentum) for old, new in zip((input_mean, input_var), found)]
    return (y, *running)[:outputs]


def _by_given_statistics(x, scale, b, mean, var, epsilon, spatial):
    """By our layer, unless a gradient is to reach the statistics, or (with spatial = 0, before version 9) each feature has its own."""
    if spatial and not mean.requires_grad and not var.requires_grad:
        return F.batch_norm(x, mean, var, scale, b, False, 0.0, epsilon)
    if spatial:
        scale, b, mean, var = (per_channel(v, x.ndim) for v in (scale, b, mean, var))
    return (x - mean) * ours.rsqrt(var + epsilon) * scale + b


@operator("InstanceNormalization")
def instance_normalization(input, scale, b, *, epsilon=1e-5):
    """Each channel of each example brought to mean 0 and deviation 1."""
    x_hat = layer.standardize(input.reshape(*input.shape[:2], prod(input.shape[2:])), eps=epsilon).reshape(*input.shape)
    return x_hat * per_channel(scale, input.ndim) + per_channel(b, input.ndim)


@operator("GroupNormalization")
def group_normalization(x, scale, bias, *, epsilon=1e-5, num_groups, stash_type=1, opset):
    """Groups of channels brought to mean 0 and deviation 1. Before version 21 scale and bias have one value for each group."""
    if x.shape[1] % num_groups:
        raise ShapeError(f"num_groups={num_groups} must divide the channels of {tuple(x.shape)}")
    n, members = x.shape[0], prod(x.shape[1:]) // num_groups
    x_hat = layer.standardize(x.reshape(n, num_groups, members), eps=epsilon)
    if opset < 21:
        return (x_hat * scale.reshape(-1, 1) + bias.reshape(-1, 1)).reshape(*x.shape)
    return x_hat.reshape(*x.shape) * per_channel(scale, x.ndim) + per_channel(bias, x.ndim)


@operator("LayerNormalization")
def layer_normalization(x, scale, b=None, *, axis=-1, epsilon=1e-5, stash_type=1, outputs):
    """The axes from `axis` on brought to mean 0 and deviation 1; also the mean and 1/deviation, where they are asked for."""
    axis = axis_of(axis, x.ndim)
    rows = x.reshape(*x.shape[:axis], prod(x.shape[axis:]))
    y = layer.standardize(rows, eps=epsilon).reshape(*x.shape) * scale
    y = y if b is None else y + b
    if outputs == 1:
        return y
    axes = tuple(range(axis, x.ndim))
    return (y, mean(x, axes, keepdim=True), ours.rsqrt(var(x, axes, correction=0, keepdim=True) + epsilon))[:outputs]


@operator("RMSNormalization")
def rms_normalization(x, scale, *, axis=-1, epsilon=1e-5, stash_type=1):
    """x / √(mean of x² + epsilon) over the axes from `axis` on, times scale."""
    axes = tuple(range(axis_of(axis, x.ndim), x.ndim))
    return x * ours.rsqrt(mean(x * x, axes, keepdim=True) + epsilon) * scale


@operator("MeanVarianceNormalization")
def mean_variance_normalization(x, *, axes=(0, 2, 3)):
    """(x - mean) / (deviation + 1e-9) over some axes."""
    axes = tuple(axes_of(axes, x.ndim))
    centred = x - mean(x, axes, keepdim=True)
    return centred / (ours.sqrt(mean(centred * centred, axes, keepdim=True)) + 1e-9)


@operator("LpNormalization")
def lp_normalization(input, *, axis=-1, p=2):
    """x / ‖x‖ₚ along an axis; 0 where that is 0."""
    length = norm(input, float(p), axis, keepdim=True)
    return input / ours.where(length == 0, 1.0, length)


@operator("LRN")
def local_response_normalization(x, *, alpha=1e-4, beta=0.75, bias=1.0, size):
    """x / (bias + alpha/size · Σ x²)^beta over `size` neighbouring channels; of an even number, one more lies behind than before."""
    if size % 2:
        return F.local_response_norm(x, size, alpha, beta, bias)
    return F.local_response_norm(x.flip(1), size, alpha, beta, bias).flip(1)
