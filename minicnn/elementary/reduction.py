"""Elementary reductions over some or all dimensions: `dim` is None (all), a number or a tuple; `keepdim` leaves 1s behind."""

from collections import namedtuple

import numpy as np

from .. import arrays
from ..autograd.operation import Elementary
from ..errors import BadIndex, BadType
from ..tensor import Tensor, check_dim, wrap
from .arithmetic import div, exp, floating, log, maximum, minimum, mul, sqrt, sub, where
from .indexing import gather
from .shape import _expand, _flip, cast, reshape


def axes_of(dim, ndim):
    """The dimensions to reduce as a sorted tuple; None and () mean all of them."""
    if dim is None or dim == ():
        return tuple(range(ndim))
    axes = [check_dim(d, ndim) for d in (dim if isinstance(dim, (tuple, list)) else (dim,))]
    if len(set(axes)) != len(axes):
        raise BadIndex(f"dim {tuple(dim)} names a dimension twice")
    return tuple(sorted(axes)) if ndim else ()


def _kept(shape, axes):
    return tuple(1 if i in axes else n for i, n in enumerate(shape))


def _spread(dz, shape, axes):
    """A reduced gradient laid back over the dimensions that were reduced."""
    return _expand(dz.reshape(_kept(shape, axes)), shape=shape)


_sum = Elementary("ReduceSum", lambda x, *, axes, keepdims, shape: x.sum(axes, keepdims=keepdims),
                  lambda dz, axes, shape: _spread(dz, shape, axes))
_amax = Elementary("ReduceMax", lambda x, *, axes, keepdims, shape: x.max(axes, keepdims=keepdims),
                   lambda dz, x, out, axes, shape: _to_winners(dz, x, out, axes, shape))
_amin = Elementary("ReduceMin", lambda x, *, axes, keepdims, shape: x.min(axes, keepdims=keepdims),
                   lambda dz, x, out, axes, shape: _to_winners(dz, x, out, axes, shape))
_cumsum = Elementary("CumSum", lambda x, *, axis: np.cumsum(x, axis),
                     lambda dz, axis: _flip(_cumsum(_flip(dz, axes=(axis,)), axis=axis), axes=(axis,)))


def _to_winners(dz, x, out, axes, shape):
    """The gradient of an extreme value is shared evenly by the elements that reach it."""
    wins = x == _spread(out, shape, axes)
    count = wins.sum(axes, keepdims=True)
    return where(wins, _spread(dz, shape, axes), 0 * x) / count


def _reduce(operation, x, dim, keepdim):
    shape = x.array.shape
    return operation(x, axes=axes_of(dim, len(shape)), keepdims=keepdim, shape=shape)


def sum(input, dim=None, keepdim=False, *, dtype=None):
    """Σ x. Bools and integers are summed as int64."""
    if input.array.dtype.kind != "f" and dtype is None:
        dtype = arrays.int64
    return _reduce(_sum, input if dtype is None else cast(input, dtype), dim, keepdim)


def mean(input, dim=None, keepdim=False, *, dtype=None):
    """Σ x / n, for floating point."""
    input = input if dtype is None else cast(input, dtype)
    if input.array.dtype.kind != "f":
        raise BadType(f"mean() needs floating point, got {input.dtype}; convert with .float() or pass dtype=")
    axes = axes_of(dim, input.array.ndim)
    return div(_reduce(_sum, input, axes or None, keepdim), _count(input, axes))


def _count(x, axes):
    return int(np.prod([x.array.shape[a] for a in axes], dtype=np.int64))


def var(input, dim=None, unbiased=None, keepdim=False, *, correction=1):
    """Σ (x - mean)² / (n - correction): by default the unbiased estimate."""
    dim, correction = _variance_arguments(dim, unbiased, correction)
    axes = axes_of(dim, input.array.ndim)
    centred = sub(input, mean(input, axes or None, keepdim=True))
    freedom = max(_count(input, axes) - correction, 0)
    total = _reduce(_sum, mul(centred, centred), axes or None, keepdim)
    return div(total, freedom) if freedom else div(total, wrap(np.zeros((), input.dtype)))


def _variance_arguments(dim, unbiased, correction):
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    return dim, correction if unbiased is None else int(unbiased)


def std(input, dim=None, unbiased=None, keepdim=False, *, correction=1):
    """The square root of `var`."""
    return sqrt(var(input, dim, unbiased, keepdim, correction=correction))


def amax(input, dim=(), keepdim=False):
    """The largest element; where several are equal, they share the gradient evenly."""
    return _reduce(_amax, _not_empty(input, dim, "amax"), dim, keepdim)


def amin(input, dim=(), keepdim=False):
    """The smallest element; where several are equal, they share the gradient evenly."""
    return _reduce(_amin, _not_empty(input, dim, "amin"), dim, keepdim)


def _not_empty(x, dim, name):
    for axis in axes_of(dim, x.array.ndim):
        if x.array.shape[axis] == 0:
            raise BadIndex(f"{name}() over dimension {axis}, which is empty: shape {tuple(x.shape)}")
    return x


def max(input, dim=None, keepdim=False):
    """Without `dim` the largest element; with it (values, indices); with a tensor the larger of the two."""
    return _extreme(input, dim, keepdim, amax, argmax, maximum, "max")


def min(input, dim=None, keepdim=False):
    """Without `dim` the smallest element; with it (values, indices); with a tensor the smaller of the two."""
    return _extreme(input, dim, keepdim, amin, argmin, minimum, "min")


_VALUES = {name: namedtuple(name, ("values", "indices")) for name in ("max", "min", "sort", "topk")}


def _extreme(x, dim, keepdim, over_all, arg, of_two, name):
    if isinstance(dim, Tensor):
        return of_two(x, dim)
    if dim is None:
        return over_all(x)
    indices = arg(x, dim, keepdim=True)
    values = gather(x, dim, indices) if x.array.ndim else x
    if not keepdim and x.array.ndim:
        kept = _dropped(x.array.shape, check_dim(dim, x.array.ndim))
        values, indices = reshape(values, kept), reshape(indices, kept)
    return _VALUES[name](values, indices)


def _dropped(shape, axis):
    return shape[:axis] + shape[axis + 1 :]


def argmax(input, dim=None, keepdim=False):
    """The index of the (first) largest element along a dimension, or in the flattened tensor."""
    return _arg(np.argmax, input, dim, keepdim, "argmax")


def argmin(input, dim=None, keepdim=False):
    """The index of the (first) smallest element along a dimension, or in the flattened tensor."""
    return _arg(np.argmin, input, dim, keepdim, "argmin")


def _arg(function, x, dim, keepdim, name):
    _not_empty(x, dim, name)
    if dim is None or x.array.ndim == 0:
        found = np.asarray(function(x.array), dtype=np.int64)
        return wrap(found.reshape((1,) * x.array.ndim) if keepdim else found)
    axis = check_dim(dim, x.array.ndim)
    found = function(x.array, axis)
    return wrap(np.expand_dims(found, axis) if keepdim else found)


def any(input, dim=None, keepdim=False):
    """True where some element is."""
    return wrap(input.array.astype(bool).any(axes_of(dim, input.array.ndim), keepdims=keepdim))


def all(input, dim=None, keepdim=False):
    """True where every element is."""
    return wrap(input.array.astype(bool).all(axes_of(dim, input.array.ndim), keepdims=keepdim))


def cumsum(input, dim, *, dtype=None):
    """Running sums along a dimension."""
    dtype = arrays.int64 if dtype is None and input.array.dtype.kind != "f" else dtype
    input = input if dtype is None else cast(input, dtype)
    axis = check_dim(dim, input.array.ndim)
    return _cumsum(input, axis=axis) if input.array.ndim else input


def norm(input, p="fro", dim=None, keepdim=False):
    """The vector norm (Σ |x|ᵖ)^(1/p) over the given dimensions; p = 2 ("fro"), 1, 0, ±inf or any number."""
    p = 2 if p in ("fro", None) else p
    if p == 2:
        return _root_of_squares(input, dim, keepdim)
    magnitudes = input.abs()
    if p in (float("inf"), float("-inf")):
        return (amax if p > 0 else amin)(magnitudes, () if dim is None else dim, keepdim)
    if p == 0:
        return sum(cast(input != 0, input.dtype), dim, keepdim)
    return sum(magnitudes if p == 1 else magnitudes**p, dim, keepdim) ** (1 / p)


_safe_sqrt = Elementary("Sqrt", np.sqrt, lambda dz, out: where(out == 0, dz * 0, dz / where(out == 0, out + 1, out * 2)))


def _root_of_squares(x, dim, keepdim):
    """√Σx², with the gradient 0 at 0 (a subgradient), as in PyTorch."""
    return _safe_sqrt(sum(mul(x, x), dim, keepdim))


# Built from the above ----------------------------------------------------------------------------------------------------


def logsumexp(input, dim, keepdim=False):
    """log Σ exp(x), shifted by the maximum so that nothing overflows."""
    input = floating(input)
    shift = amax(input.detach(), dim, keepdim=True)
    shift = where(shift.isfinite(), shift, shift * 0)
    total = log(sum(exp(sub(input, shift)), dim, keepdim))
    return total + (shift if keepdim else reshape(shift, total.shape))


_softmax = Elementary("Softmax", lambda x, *, axis: _stable_softmax(x, axis),
                      lambda dz, out, axis: out * (dz - (dz * out).sum(axis, keepdims=True)))
_log_softmax = Elementary("LogSoftmax", lambda x, *, axis: _stable_log_softmax(x, axis),
                          lambda dz, out, axis: dz - exp(out) * dz.sum(axis, keepdims=True))


def _stable_softmax(x, axis):
    e = np.exp(x - x.max(axis, keepdims=True, initial=-np.inf) if x.size else x)
    return e / e.sum(axis, keepdims=True)


def _stable_log_softmax(x, axis):
    shifted = x - x.max(axis, keepdims=True) if x.size else x
    return shifted - np.log(np.exp(shifted).sum(axis, keepdims=True))


def softmax(input, dim, *, dtype=None):
    """exp(x) / Σ exp(x) along a dimension: positive, adding up to 1."""
    return _along_dim(_softmax, input, dim, dtype)


def log_softmax(input, dim, *, dtype=None):
    """x - log Σ exp(x) along a dimension: the logarithm of `softmax`, without its loss of small values."""
    return _along_dim(_log_softmax, input, dim, dtype)


def _along_dim(operation, x, dim, dtype):
    x = floating(x) if dtype is None else cast(x, dtype)
    axis = check_dim(dim, x.array.ndim)
    if x.array.ndim == 0:
        return reshape(operation(reshape(x, 1), axis=0), ())
    return operation(x, axis=axis)
