"""Normalization, with PyTorch's arguments."""

import numpy as np

from ...autograd.deferred import deferred
from ...autograd.mode import no_grad, watched_whole
from ...errors import BadValue, ShapeError
from ...functional import fused  # noqa: F401  (its pairs take part)
from ...functional import normalization as layer
from ...kernels import of
from ...shapes import named
from .arguments import check_place, check_tensors, check_vector, number

__all__ = ["batch_norm", "group_norm", "instance_norm", "layer_norm", "local_response_norm"]


@watched_whole
def batch_norm(input, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-05):
    """Each channel brought to mean 0 and deviation 1, then scaled by `weight` and shifted by `bias`, all (C,).

    input (N, C) or (N, C, ...). In training the batch's own statistics are used, and the running ones follow in place:
    running = (1 - momentum) · running + momentum · batch, the variance unbiased. Otherwise the running ones are used.
    """
    check_tensors("batch_norm", input, weight=weight, bias=bias)
    if input.array.shape == (0,):
        return input.clone()                # no channels and no values: PyTorch lets it pass
    if input.array.ndim < 2:
        raise ShapeError(f"batch_norm: expected input (N, C) or (N, C, ...), got shape {tuple(input.shape)}")
    for role, vector in (("running_mean", running_mean), ("running_var", running_var), ("weight", weight), ("bias", bias)):
        check_vector("batch_norm", role, vector, input.array.shape[1], "channels", input)
        if vector is not None:
            check_place("batch_norm", input, role, vector)
    eps = number("batch_norm", "eps", eps, least=0)
    if training and eps == 0:
        raise BadValue("batch_norm: eps must be above 0 in training, got 0")
    if training:
        return _batch_norm_training(input, running_mean, running_var, weight, bias, momentum, eps)
    if running_mean is None or running_var is None:
        raise BadValue("batch_norm: evaluation needs running_mean and running_var; pass training=True to use the batch's own")
    mean, rstd, dtype = running_mean.array, 1 / np.sqrt(running_var.array + eps), input.array.dtype
    return deferred(layer.batch_norm_eval, input, weight, bias, mean=mean.astype(dtype), rstd=rstd.astype(dtype, copy=False))


def _batch_norm_training(input, running_mean, running_var, weight, bias, momentum, eps):
    count = input.array.size // max(input.array.shape[1], 1)
    if count == 1:
        raise BadValue("batch_norm: expected more than one value per channel in training, got input "
                       f"{named(input.shape, 'NCHW')}; use a larger batch, or eval()")
    momentum = number("batch_norm", "momentum", momentum)
    mean, rstd = _statistics(input.array, running_mean, running_var, momentum, eps)
    return deferred(layer.batch_norm, input, weight, bias, mean=mean, rstd=rstd, eps=eps)


def _statistics(x, running_mean, running_var, momentum, eps):
    """The batch's mean and 1/√(variance + eps); the running statistics, if any, follow in place."""
    running = [None if r is None else r.array for r in (running_mean, running_var)]
    found = of(x).batch_statistics(x, *running, momentum, eps)
    for r in (running_mean, running_var):
        if r is not None and x.size:        # an empty batch teaches nothing
            r.bump_version()
    return found


@watched_whole
def instance_norm(input, running_mean=None, running_var=None, weight=None, bias=None, use_input_stats=True, momentum=0.1, eps=1e-05):
    """As `batch_norm`, each image by itself: every channel of every image has its own mean and deviation."""
    check_tensors("instance_norm", input, weight=weight, bias=bias)
    eps, momentum = number("instance_norm", "eps", eps), number("instance_norm", "momentum", momentum)
    if not use_input_stats:
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    if input.array.ndim < 3:
        raise ShapeError(f"instance_norm: expected input (N, C, ...) with pixels, got shape {tuple(input.shape)}")
    pixels = int(np.prod(input.array.shape[2:]))
    if pixels == 1:
        raise BadValue(f"instance_norm: expected more than one pixel per channel, got input {named(input.shape, 'NCHW')}")
    _follow_instances(input, running_mean, running_var, momentum, pixels)
    x_hat = layer.standardize(input.reshape(*input.array.shape[:2], pixels), eps=eps).reshape(*input.array.shape)
    return _affine(x_hat, weight, bias)


@no_grad
def _follow_instances(input, running_mean, running_var, momentum, pixels):
    """The running statistics follow the mean over the images."""
    if running_mean is not None:
        axes = tuple(range(2, input.array.ndim))
        _follow(running_mean, input.array.mean(axes).mean(0), momentum)
        _follow(running_var, (input.array.var(axes) * (pixels / (pixels - 1))).mean(0), momentum)


def _follow(running, batch, momentum):
    of(batch).follow(running.array, batch, momentum)
    running.bump_version()


def _affine(x_hat, weight, bias):
    """Scaled and shifted channel by channel."""
    per_channel = (1, -1) + (1,) * (x_hat.array.ndim - 2)
    y = x_hat if weight is None else x_hat * weight.reshape(*per_channel)
    return y if bias is None else y + bias.reshape(*per_channel)


@watched_whole
def group_norm(input, num_groups, weight=None, bias=None, eps=1e-05):
    """Each image's channels in `num_groups` groups, every group brought to mean 0 and deviation 1; then weight and bias (C,)."""
    check_tensors("group_norm", input, weight=weight, bias=bias)
    eps = number("group_norm", "eps", eps)
    if input.array.ndim < 2:
        raise ShapeError(f"group_norm: expected input (N, C, ...), got shape {tuple(input.shape)}")
    n, c = input.array.shape[:2]
    if num_groups < 1 or c % num_groups:
        raise BadValue(f"group_norm: num_groups={num_groups} must divide the {c} channels")
    for role, vector in (("weight", weight), ("bias", bias)):
        check_vector("group_norm", role, vector, c, "channels")
    members = int(np.prod(input.array.shape[1:])) // num_groups
    if n * members == 1:
        raise BadValue(f"group_norm: expected more than one value per group, got input {tuple(input.shape)} in {num_groups} groups")
    x_hat = layer.standardize(input.reshape(n, num_groups, members), eps=eps)
    return _affine(x_hat.reshape(*input.array.shape), weight, bias)


@watched_whole
def layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-05):
    """The last axes, of shape `normalized_shape`, brought to mean 0 and deviation 1; then weight and bias of that shape."""
    check_tensors("layer_norm", input, weight=weight, bias=bias)
    eps = number("layer_norm", "eps", eps)
    shape = tuple(normalized_shape) if isinstance(normalized_shape, (tuple, list)) else (normalized_shape,)
    if not shape or input.array.shape[-len(shape):] != shape:
        raise ShapeError(f"layer_norm: normalized_shape {shape} must be the end of the input's shape {tuple(input.shape)}")
    for role, affine in (("weight", weight), ("bias", bias)):
        if affine is not None and affine.array.shape != shape:
            raise ShapeError(f"layer_norm: expected the {role} to have shape {shape}, got {tuple(affine.shape)}")
    lead = input.array.shape[: input.array.ndim - len(shape)]
    y = layer.standardize(input.reshape(*lead, int(np.prod(shape))), eps=eps).reshape(*input.array.shape)
    y = y if weight is None else y * weight
    return y if bias is None else y + bias


def local_response_norm(input, size, alpha=0.0001, beta=0.75, k=1.0):
    """x / (k + alpha/size · Σ x²)^beta over `size` neighbouring channels: input (N, C, ...)."""
    check_tensors("local_response_norm", input)
    if input.array.ndim < 3:
        raise ShapeError(f"local_response_norm: expected input (N, C, ...) of 3 or more dimensions, got {tuple(input.shape)}")
    if size < 1:
        raise BadValue(f"local_response_norm: size must be at least 1, got {size}")
    alpha, beta, k = (number("local_response_norm", role, value) for role, value in (("alpha", alpha), ("beta", beta), ("k", k)))
    return layer.local_response_norm(input, size=size, alpha=alpha, beta=beta, k=k)
