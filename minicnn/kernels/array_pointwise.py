"""The kernels as array code, continued: batch norm, ReLU, sums and joins, which go over memory element by element."""

import numpy as np


# Batch norm: statistics over every axis but the channels, axis 1 ---------------------------------------------------------


def _others(x):
    return tuple(axis for axis in range(x.ndim) if axis != 1)


def _per_channel(v, x):
    """A vector (C,) shaped to broadcast against x."""
    return v.reshape((1, -1) + (1,) * (x.ndim - 2))


def channel_sums(x):
    """Σ x of each channel, over all other axes."""
    return x.sum(_others(x))


def batch_moments(x):
    """Mean and (biased) variance of each channel, over all other axes."""
    m = max(x.size // max(x.shape[1], 1), 1)                               # 1 for an empty batch: its moments are 0
    mean = x.sum(_others(x)) / m
    return mean, np.square(x - _per_channel(mean, x)).sum(_others(x)) / m


def batch_statistics(x, running_mean, running_var, momentum, eps):
    """Mean and 1/√(variance + eps) of each channel; the running statistics, if any, follow in place.

    running = (1 - momentum) · running + momentum · batch, the variance unbiased.
    """
    mean, var = batch_moments(x)
    count = x.size // max(x.shape[1], 1)
    if count > 1:                           # an empty batch teaches nothing
        follow(running_mean, mean, momentum)
        follow(running_var, var * (count / (count - 1)), momentum)
    return mean, (1 / np.sqrt(var + eps)).astype(x.dtype)


def follow(running, batch, momentum):
    """running = (1 - momentum) · running + momentum · batch, in place."""
    if running is not None:
        running *= 1 - momentum
        running += (momentum * batch).astype(running.dtype)


def batch_norm(x, w, b, mean, rstd):
    """y = w · (x - mean) · rstd + b, channel by channel: one multiplication and one addition an element."""
    scale = rstd if w is None else w * rstd
    shift = -mean * scale if b is None else b - mean * scale
    return x * _per_channel(scale, x) + _per_channel(shift, x)


def batch_norm_dx(dy, x, w, mean, rstd):
    """dx, dw, db where mean and rstd were computed from x itself; the derivation is in functional/normalization.py."""
    m = max(x.size // max(x.shape[1], 1), 1)
    db, dw = batch_norm_sums(dy, x, mean, rstd)
    scale = rstd if w is None else w * rstd
    slope = -scale * rstd * dw / m
    shift = -scale * db / m - slope * mean
    return dy * _per_channel(scale, x) + x * _per_channel(slope, x) + _per_channel(shift, x), dw, db


def batch_norm_relu(x, w, b, mean, rstd):
    """y = max(w · (x - mean) · rstd + b, 0)"""
    return relu(batch_norm(x, w, b, mean, rstd))


def batch_norm_relu_dx(dy, x, w, b, mean, rstd):
    """As `batch_norm_dx`, where a ReLU follows: only the dy of what is above 0 counts."""
    return batch_norm_dx(relu_dx(dy, batch_norm(x, w, b, mean, rstd)), x, w, mean, rstd)


def batch_norm_add(x, w, b, plus, mean, rstd):
    """y = w · (x - mean) · rstd + b + plus"""
    return batch_norm(x, w, b, mean, rstd) + plus


def batch_norm_add_relu(x, w, b, plus, mean, rstd):
    """y = max(w · (x - mean) · rstd + b + plus, 0)"""
    return relu(batch_norm_add(x, w, b, plus, mean, rstd))


def batch_norm_add_relu_dx(dz, z, x, w, mean, rstd):
    """dx, dw, db as `batch_norm_dx`, from the dz of what is above 0 in z; and that itself, the gradient of what was added."""
    g = relu_dx(dz, z)
    return *batch_norm_dx(g, x, w, mean, rstd), g


def batch_norm_sums(dy, x, mean, rstd):
    """db = Σ dy and dw = Σ dy · (x - mean) · rstd."""
    db = dy.sum(_others(x))
    dw = (dy * (x - _per_channel(mean, x))).sum(_others(x)) * rstd
    return db, dw


# Activations -------------------------------------------------------------------------------------------------------------


def relu(x):
    """max(x, 0)"""
    return np.maximum(x, 0)


def relu_dx(dy, y):
    """dy where y > 0; where y is NaN too, so that a NaN goes on being seen"""
    return np.where(y <= 0, 0, dy)


def cat(xs, axis):
    """Arrays joined along an axis."""
    return np.concatenate(xs, axis)


def prepared(x):
    """Images as the convolutions read them: here, as they are."""
    return x


def add(x, y):
    """x + y"""
    return x + y


def add_relu(x, y):
    """max(x + y, 0)"""
    return relu(x + y)
