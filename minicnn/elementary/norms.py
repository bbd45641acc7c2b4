"""Elementary norms: lengths of vectors over some or all dimensions, and of matrices by their singular values."""

import numpy as np

from ..autograd.operation import Elementary, Layer
from ..errors import BadType, BadValue, ShapeError
from .arguments import like_torch, tensor_argument
from .arithmetic import abs, sign, where
from .reduction import amax, amin, axes_of, spread
from .shape import cast, distinct


@like_torch
def norm(input, p="fro", dim=None, keepdim=False, *, dtype=None):
    """The vector norm (Σ |x|ᵖ)^(1/p) over the given dimensions: p = 2 ("fro"), 1, 0 (how many are not zero), ±inf or any number.

    p = "nuc" is the nuclear norm of a matrix, the sum of its singular values. Where a norm has no derivative, its gradient
    is taken as 0, for instance that of the length at 0.
    """
    x = tensor_argument(input, "norm") if dtype is None else cast(input, dtype)
    if x.array.dtype.kind != "f":
        raise BadType(f"norm() needs floating point, got {x.dtype}; convert with .float()")
    if p == "nuc":
        return _nuclear(x, dim, keepdim)
    if p not in ("fro", None) and not isinstance(p, (int, float)):
        raise BadValue(f'norm: p must be a number, "fro" or "nuc", got {p!r}')
    axes, keepdim = axes_of(dim, x.array.ndim), bool(keepdim)
    power = 2.0 if p in ("fro", None) else float(p)
    if np.isinf(power):
        return (amax if power > 0 else amin)(abs(x), axes, keepdim)
    return (_norm if power else _count)(x, p=power, axes=axes, keepdims=keepdim, shape=x.array.shape)


def _norm_forward(x, *, p, axes, keepdims, shape):
    if p == 2:
        return np.sqrt(np.square(x).sum(axes, keepdims=keepdims))
    return (np.absolute(x) ** p).sum(axes, keepdims=keepdims) ** (1 / p)


def _norm_rule(dz, x, out, p, axes, shape):
    """dx = dz · sign(x) · (|x| / ‖x‖)ᵖ⁻¹"""
    out, dz = spread(out, shape, axes), spread(dz, shape, axes)
    if p == 2:
        return dz * where(out == 0, 0, x / out)
    flat = (x == 0) | (out == 0)
    ratio = where(flat, 1, abs(x) / where(flat, 1, out))
    return where(flat, 0, dz * sign(x) * ratio ** (p - 1))


_norm = Elementary("Norm", _norm_forward, _norm_rule)
_count = Elementary("CountNonzero", lambda x, *, p, axes, keepdims, shape: (x != 0).sum(axes, keepdims=keepdims).astype(x.dtype),
                    lambda dz: None)


def _nuclear_forward(x, *, axes, keepdims):
    u, s, v = np.linalg.svd(np.moveaxis(x, axes, (-2, -1)), full_matrices=False)
    y = s.sum(-1)
    return np.expand_dims(y, axes) if keepdims else y, (np.moveaxis(u @ v, (-2, -1), axes), axes, keepdims)


def _nuclear_backward(dy, saved, needed):
    """With x = U·S·V, d(Σ s) = ⟨U·V, dx⟩."""
    uv, axes, keepdims = saved
    return ((dy if keepdims else np.expand_dims(dy, axes)) * uv,)


_nuclear_norm = Layer("NuclearNorm", _nuclear_forward, _nuclear_backward, None)


def _nuclear(x, dim, keepdim):
    axes = tuple(distinct(range(x.array.ndim) if dim is None else dim, x.array.ndim))
    if len(axes) != 2:
        raise ShapeError(f'norm: p="nuc" is for matrices: name two dimensions of shape {tuple(x.shape)}')
    return _nuclear_norm(x, axes=axes, keepdims=bool(keepdim))
