"""Elementary reductions over some or all dimensions: `dim` is None (all), a number or a tuple; `keepdim` leaves 1s behind."""

from collections import namedtuple

import numpy as np

from .. import arrays
from ..autograd.mode import watched_whole
from ..autograd.operation import Elementary
from ..errors import BadIndex, BadType
from ..tensor import Tensor, check_dim, wrap
from .arguments import like_torch, tensor_argument
from .arithmetic import div, exp, log, maximum, minimum, mul, sub, where
from .indexing import gather
from .promotion import floating
from .shape import _cast, _expand, _flip, cast, distinct, reshape


def axes_of(dim, ndim):
    """The dimensions to reduce as a sorted tuple; None and () mean all of them."""
    if dim is None or isinstance(dim, (tuple, list)) and not dim:
        return tuple(range(ndim))
    return tuple(sorted(distinct(dim, ndim)))[:ndim]        # a 0-d tensor has nothing to reduce


def kept(shape, axes):
    """The shape with the reduced dimensions as 1s."""
    return tuple([1 if i in axes else n for i, n in enumerate(shape)])


def spread(dz, shape, axes):
    """A reduced gradient laid back over the dimensions that were reduced."""
    return _expand(dz.reshape(kept(shape, axes)), shape=shape)


# Sums --------------------------------------------------------------------------------------------------------------------

_sum = Elementary("ReduceSum", lambda x, *, axes, keepdims, shape: x.sum(axes, x.dtype, keepdims=keepdims),
                  lambda dz, axes, shape: spread(dz, shape, axes))
_cumsum = Elementary("CumSum", lambda x, *, axis: np.cumsum(x, axis, x.dtype),
                     lambda dz, axis: _flip(_cumsum(_flip(dz, axes=(axis,)), axis=axis), axes=(axis,)))


def _reduce(operation, x, axes, keepdim):
    return operation(x, axes=axes, keepdims=bool(keepdim), shape=x.array.shape)


def _summable(x, dtype, name):
    """The input in the dtype that it is summed in: integers and bools as int64."""
    whole = tensor_argument(x, name).array.dtype.kind != "f"
    return cast(x, arrays.int64 if whole and dtype is None else dtype) if whole or dtype is not None else x


@like_torch
def sum(input, dim=None, keepdim=False, *, dtype=None):
    """Σ x. Bools and integers are summed as int64."""
    input = _summable(input, dtype, "sum")
    return _reduce(_sum, input, axes_of(dim, input.array.ndim), keepdim)


@like_torch
def cumsum(input, dim, *, dtype=None):
    """Running sums along a dimension."""
    input = _summable(input, dtype, "cumsum")
    axis = check_dim(dim, input.array.ndim)
    return _cumsum(input, axis=axis) if input.array.ndim else input.clone()


@like_torch
@watched_whole
def mean(input, dim=None, keepdim=False, *, dtype=None):
    """Σ x / n, for floating point."""
    input = _real(input if dtype is None else cast(input, dtype), "mean")
    axes = axes_of(dim, input.array.ndim)
    return div(_reduce(_sum, input, axes, keepdim), _count(input, axes))


def _real(x, name):
    if tensor_argument(x, name).array.dtype.kind != "f":
        raise BadType(f"{name}() needs floating point, got {x.dtype}; convert with .float()")
    return x


def _count(x, axes):
    """How many elements are reduced to one, as a floating point number: 0/0 is nan."""
    return float(np.prod([x.array.shape[a] for a in axes], dtype=np.int64))


@like_torch
@watched_whole
def var(input, dim=None, unbiased=None, keepdim=False, *, correction=1):
    """Σ (x - mean)² / (n - correction): by default the unbiased estimate."""
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    correction = (1 if correction is None else correction) if unbiased is None else int(unbiased)
    axes = axes_of(dim, _real(input, "var").array.ndim)
    centred = sub(input, mean(input, axes, keepdim=True) if axes else input)
    total = _reduce(_sum, mul(centred, centred), axes, keepdim)
    return div(total, max_of(_count(input, axes) - correction, 0.0))


max_of = max                                    # Python's own: this module has another

_safe_sqrt = Elementary("Sqrt", np.sqrt, lambda dz, out: where(out == 0, 0, dz / where(out == 0, 1, out * 2)))


@like_torch
@watched_whole
def std(input, dim=None, unbiased=None, keepdim=False, *, correction=1):
    """The square root of `var`; where that is 0, its gradient is taken as 0."""
    return _safe_sqrt(var(input, dim, unbiased, keepdim, correction=correction))


# Extremes ----------------------------------------------------------------------------------------------------------------

_amax = Elementary("ReduceMax", lambda x, *, axes, keepdims, shape: x.max(axes, keepdims=keepdims),
                   lambda dz, x, out, axes, shape: _to_winners(dz, x, out, axes, shape))
_amin = Elementary("ReduceMin", lambda x, *, axes, keepdims, shape: x.min(axes, keepdims=keepdims),
                   lambda dz, x, out, axes, shape: _to_winners(dz, x, out, axes, shape))


def _to_winners(dz, x, out, axes, shape):
    """The gradient of an extreme value is shared evenly by the elements that reach it."""
    wins = _cast(x == spread(out, shape, axes), to=dz.dtype, back=arrays.bool_)
    return wins / wins.sum(axes, keepdims=True) * spread(dz, shape, axes)


@like_torch
def amax(input, dim=(), keepdim=False):
    """The largest element; where several are equal, they share the gradient evenly."""
    return _reduce(_amax, input, _not_empty(input, dim, "amax"), keepdim)


@like_torch
def amin(input, dim=(), keepdim=False):
    """The smallest element; where several are equal, they share the gradient evenly."""
    return _reduce(_amin, input, _not_empty(input, dim, "amin"), keepdim)


def _not_empty(x, dim, name):
    """The axes to reduce, none of which may be of length 0: there is no largest of nothing."""
    axes = axes_of(dim, tensor_argument(x, name).array.ndim)
    for axis in axes:
        if x.array.shape[axis] == 0:
            raise BadIndex(f"{name}() over dimension {axis}, which is empty: shape {tuple(x.shape)}")
    return axes


def max(input, dim=None, keepdim=False, **options):
    """Without `dim` the largest element; with it (values, indices); with a tensor the larger of the two."""
    return _extreme(input, dim, keepdim, options, "max")


def min(input, dim=None, keepdim=False, **options):
    """Without `dim` the smallest element; with it (values, indices); with a tensor the smaller of the two."""
    return _extreme(input, dim, keepdim, options, "min")


def _extreme(x, dim, keepdim, options, name):
    other = options.pop("other", dim if isinstance(dim, Tensor) else None)
    if other is not None:
        return (maximum if name == "max" else minimum)(x, other, **options)
    dim = options.pop("axis", dim)
    if dim is None:
        return (amax if name == "max" else amin)(x, **options)
    return _along(x, dim, options.pop("keepdims", keepdim), name=name, **options)


VALUES = {name: namedtuple(name, ("values", "indices")) for name in ("max", "min", "sort", "topk")}


@like_torch
def _along(x, dim, keepdim, name):
    """The largest or smallest elements along a dimension, and where they were found first: only they get the gradient."""
    indices = (argmax if name == "max" else argmin)(x, dim, keepdim=True)
    values = gather(x, dim, indices)
    if not keepdim and x.array.ndim:
        values, indices = values.squeeze(dim), indices.squeeze(dim)
    return VALUES[name](values, indices)


@like_torch
@watched_whole
def argmax(input, dim=None, keepdim=False):
    """The index of the (first) largest element along a dimension, or in the flattened tensor."""
    return _arg(np.argmax, input, dim, keepdim, "argmax")


@like_torch
@watched_whole
def argmin(input, dim=None, keepdim=False):
    """The index of the (first) smallest element along a dimension, or in the flattened tensor."""
    return _arg(np.argmin, input, dim, keepdim, "argmin")


def _arg(function, x, dim, keepdim, name):
    axes = _not_empty(x, dim, name)
    if dim is None or x.array.ndim == 0:
        found = np.asarray(function(x.array), dtype=np.int64, like=x.array)
        return wrap(found.reshape((1,) * x.array.ndim) if keepdim else found)
    if isinstance(dim, (tuple, list)):
        raise BadType(f"{name}() takes one dim, got {dim!r}")
    found = function(x.array, axes[0])
    return wrap(np.expand_dims(found, axes[0]) if keepdim else found)


# Truth -------------------------------------------------------------------------------------------------------------------


def _truth(input, dim, keepdim, name):
    axes = axes_of(dim, tensor_argument(input, name).array.ndim)
    found = getattr(input.array.astype(bool), name)(axes, keepdims=keepdim)
    return wrap(found.astype(arrays.uint8) if input.dtype == arrays.uint8 else found)


@like_torch
@watched_whole
def any(input, dim=None, keepdim=False):
    """True where some element is."""
    return _truth(input, dim, keepdim, "any")


@like_torch
@watched_whole
def all(input, dim=None, keepdim=False):
    """True where every element is."""
    return _truth(input, dim, keepdim, "all")


# Softmax and its kin -----------------------------------------------------------------------------------------------------


@like_torch
@watched_whole
def logsumexp(input, dim, keepdim=False):
    """log Σ exp(x), shifted by the maximum so that nothing overflows."""
    input = floating(tensor_argument(input, "logsumexp"))
    axes = axes_of(dim, input.array.ndim)
    shift = wrap(_finite_maximum(input.array, axes))
    total = log(_reduce(_sum, exp(sub(input, shift)), axes, keepdim))
    return total + (shift if keepdim else reshape(shift, total.array.shape))


def _finite_maximum(x, axes):
    """The largest elements, kept in place; 0 instead of an infinity, or of the maximum of nothing."""
    largest = x.max(axes, keepdims=True) if x.size else np.zeros(kept(x.shape, axes), x.dtype, like=x)
    return np.where(np.isinf(largest), 0, largest)


_softmax = Elementary("Softmax", lambda x, *, axis: _stable_softmax(x, axis),
                      lambda dz, out, axis: out * (dz - (dz * out).sum(axis, keepdims=True)))
_log_softmax = Elementary("LogSoftmax", lambda x, *, axis: _stable_log_softmax(x, axis),
                          lambda dz, out, axis: dz - exp(out) * dz.sum(axis, keepdims=True))


def _stable_softmax(x, axis):
    e = np.exp(x - x.max(axis, keepdims=True) if x.size else x)
    return e / e.sum(axis, keepdims=True)


def _stable_log_softmax(x, axis):
    shifted = x - x.max(axis, keepdims=True) if x.size else x
    return shifted - np.log(np.exp(shifted).sum(axis, keepdims=True))


@like_torch
def softmax(input, dim, *, dtype=None):
    """exp(x) / Σ exp(x) along a dimension: positive, adding up to 1."""
    return _along_dim(_softmax, input, dim, dtype, "softmax")


@like_torch
def log_softmax(input, dim, *, dtype=None):
    """x - log Σ exp(x) along a dimension: the logarithm of `softmax`, without its loss of small values."""
    return _along_dim(_log_softmax, input, dim, dtype, "log_softmax")


def _along_dim(operation, x, dim, dtype, name):
    x = _real(x if dtype is None else cast(x, dtype), name)
    axis = check_dim(dim, x.array.ndim)
    if x.array.ndim == 0:
        return reshape(operation(reshape(x, 1), axis=0), ())
    return operation(x, axis=axis)
