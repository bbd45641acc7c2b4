"""Normalization: batch norm (training and evaluation), standardization (layer, group and instance norm), and local response norm.

Batch norm: Ioffe and Szegedy, Batch Normalization, ICML 2015. Layer norm: Ba, Kiros and Hinton 2016. Group norm: Wu and He,
ECCV 2018. Local response norm: Krizhevsky, Sutskever and Hinton, NeurIPS 2012, section 3.3.
"""

import numpy as np

from ..autograd.operation import Layer
from ..elementary.arithmetic import rsqrt
from ..elementary.joining import cat
from ..elementary.windows import pad
from ..kernels import of


def _per_channel(v, ndim):
    """A vector (C,) shaped to broadcast against (N, C, ...)."""
    return v.reshape((1, -1) + (1,) * (ndim - 2))


# Batch norm in training: mean and variance are the batch's own -----------------------------------------------------------


def batch_norm_definition(x, w, b, *, mean, rstd, eps):
    """y = w · (x - E[x]) / √(Var[x] + eps) + b, with mean and variance of each channel over the batch and all pixels.

    The attributes mean and rstd are these same statistics of x as numbers; here they are computed anew, as functions of x.
    """
    axes = tuple(axis for axis in range(x.ndim) if axis != 1)
    centred = x - x.mean(axes, keepdim=True)
    y = centred * rsqrt((centred * centred).mean(axes, keepdim=True) + eps)
    return _affine(y, w, b)


def _affine(x_hat, w, b):
    y = x_hat if w is None else x_hat * _per_channel(w, x_hat.ndim)
    return y if b is None else y + _per_channel(b, x_hat.ndim)


def batch_norm_forward(x, w, b, *, mean, rstd, eps):
    """mean and rstd = 1/√(var + eps) of x, each (C,), come from `kernels.batch_moments`."""
    return of(x).batch_norm(x, w, b, mean, rstd), (x, w, mean, rstd)


def batch_norm_backward(dy, saved, needed):
    """With x̂ = (x - μ)·r, where r = (σ² + eps)^(-1/2), and m elements in a channel, y = w·x̂ + b gives

        db = Σ dy        dw = Σ dy·x̂        dx̂ = w·dy

    x reaches x̂ directly, through μ and through σ². With dσ² = -½ r³ Σ dx̂·(x - μ) and dμ = -r Σ dx̂ (the part of σ² that goes
    through μ vanishes, since Σ (x - μ) = 0),

        dx = r·dx̂ + dμ/m + dσ²·2(x - μ)/m  =  w·r · (dy - db/m - x̂·dw/m).

    So dx is orthogonal to 1 and to x̂: shifting or scaling a channel before batch norm changes nothing.
    """
    x, w, mean, rstd = saved
    dx, dw, db = of(dy).batch_norm_dx(dy, x, w, mean, rstd)
    return dx if needed.x else None, dw if needed.w else None, db if needed.b else None


batch_norm = Layer("BatchNormalization", batch_norm_forward, batch_norm_backward, batch_norm_definition)


# Batch norm in evaluation: mean and variance are given numbers, and the layer is one multiplication and one addition -----


def batch_norm_eval_definition(x, w, b, *, mean, rstd):
    """y = w · (x - mean) · rstd + b"""
    return _affine((x - _per_channel(mean, x.ndim)) * _per_channel(rstd, x.ndim), w, b)


def batch_norm_eval_forward(x, w, b, *, mean, rstd):
    return of(x).batch_norm(x, w, b, mean, rstd), (x, w, mean, rstd)


def batch_norm_eval_backward(dy, saved, needed):
    """The statistics do not depend on x here, so dx = w·rstd·dy; dw = Σ dy·x̂ and db = Σ dy as in training."""
    x, w, mean, rstd = saved
    scale = rstd if w is None else w * rstd
    dx = dy * _per_channel(scale, dy.ndim) if needed.x else None
    db, dw = of(dy).batch_norm_sums(dy, x, mean, rstd) if needed.w or needed.b else (None, None)
    return dx, dw if needed.w else None, db if needed.b else None


batch_norm_eval = Layer("BatchNormalization", batch_norm_eval_forward, batch_norm_eval_backward, batch_norm_eval_definition)


# Standardization of each row: what layer, group and instance norm have in common -----------------------------------------


def standardize_definition(x, *, eps):
    """x̂ = (x - E[x]) / √(Var[x] + eps) over the last axis."""
    centred = x - x.mean(-1, keepdim=True)
    return centred * rsqrt((centred * centred).mean(-1, keepdim=True) + eps)


def standardize_forward(x, *, eps):
    centred = x - x.mean(-1, keepdims=True)
    rstd = 1 / np.sqrt(np.square(centred).mean(-1, keepdims=True) + eps)
    x_hat = centred * rstd
    return x_hat, (x_hat, rstd)


def standardize_backward(dy, saved, needed):
    """As for batch norm with w = 1: dx = rstd · (dy - mean(dy) - x̂ · mean(dy·x̂))."""
    x_hat, rstd = saved
    slope = (dy * x_hat).mean(-1, keepdims=True)
    return (rstd * (dy - dy.mean(-1, keepdims=True) - x_hat * slope),)


standardize = Layer("MeanVarianceNormalization", standardize_forward, standardize_backward, standardize_definition)


# Local response norm -----------------------------------------------------------------------------------------------------


def local_response_norm_definition(x, *, size, alpha, beta, k):
    """y = x / (k + alpha/size · Σ x²)^beta, summed over `size` neighbouring channels (outside there is 0)."""
    before, after = size // 2, (size - 1) // 2
    squares = pad(x * x, ((0, 0), (before, after)) + ((0, 0),) * (x.ndim - 2))
    total = cat([squares[:, i : i + x.shape[1]].unsqueeze(0) for i in range(size)], 0).sum(0)
    return x * (total * (alpha / size) + k) ** -beta


def _neighbours(x, before, after):
    """Σ x over the channels c - before .. c + after."""
    total, channels = np.zeros_like(x), x.shape[1]
    for shift in range(-before, after + 1):
        here, there = slice(max(-shift, 0), channels - max(shift, 0)), slice(max(shift, 0), channels + min(shift, 0))
        if abs(shift) < channels:
            total[:, here] += x[:, there]
    return total


def local_response_norm_forward(x, *, size, alpha, beta, k):
    base = k + alpha / size * _neighbours(x * x, size // 2, (size - 1) // 2)
    scale = base**-beta
    return x * scale, (x, base, scale, size, alpha, beta)


def local_response_norm_backward(dy, saved, needed):
    """With s = k + a·Σx² and a = alpha/size, y_c = x_c·s_c^(-β); x_c also stands in the s of its neighbours e:

        dx_c = dy_c·s_c^(-β) - 2aβ·x_c · Σ_e dy_e·x_e·s_e^(-β-1)   over the e whose neighbourhood holds c
    """
    x, base, scale, size, alpha, beta = saved
    from_neighbours = _neighbours(dy * x * scale / base, (size - 1) // 2, size // 2)
    return (dy * scale - (2 * alpha * beta / size) * x * from_neighbours,)


local_response_norm = Layer("LRN", local_response_norm_forward, local_response_norm_backward, local_response_norm_definition)
