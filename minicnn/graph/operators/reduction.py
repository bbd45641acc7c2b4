"""Reductions over some or all axes. The axes are an attribute in older versions and an input in newer ones; either is taken."""

import numpy as np

from ...elementary import arithmetic as ours
from ...elementary import reduction
from ...elementary.joining import cat
from ...elementary.norms import norm
from ...elementary.ordering import topk
from ...elementary.shape import flip, permute
from ...errors import BadIndex
from ...tensor import wrap
from ..axes import axes_of, axis_of
from .table import operator
from .values import Numbers, integers, number


def reducing(name, function):
    """Puts `function(x, axes, keepdims)` into the table. Without axes everything is reduced, or with noop_with_empty_axes nothing."""

    @operator(name)
    def compute(data, axes_input: Numbers = None, *, axes=None, keepdims=1, noop_with_empty_axes=0):
        chosen = integers(axes_input) if axes_input is not None else axes
        if not chosen and noop_with_empty_axes:
            return function(data.unsqueeze(0), (0,), False)
        chosen = tuple(sorted(axes_of(chosen, data.ndim))) if chosen else tuple(range(data.ndim))
        if not chosen:
            return function(data.unsqueeze(0), (0,), False)             # a single number
        return function(data, chosen, bool(keepdims))


def total(x, axes, keepdims):
    """Σ x in the type of x."""
    return reduction.sum(x, axes, keepdims).to(x.dtype)


def average(x, axes, keepdims):
    """Σ x / n; of integers the whole part."""
    if x.is_floating_point():
        return reduction.mean(x, axes, keepdims)
    return ours.div(reduction.sum(x, axes, keepdims), int(np.prod([x.shape[a] for a in axes])), rounding_mode="trunc").to(x.dtype)


def product(x, axes, keepdims):
    """Π x, by multiplying one half with the other as long as there are two."""
    rest = [axis for axis in range(x.ndim) if axis not in axes]
    kept = [1 if axis in axes else n for axis, n in enumerate(x.shape)]
    y = permute(x, *rest, *axes).reshape(*[x.shape[axis] for axis in rest], int(np.prod([x.shape[axis] for axis in axes])))
    if y.shape[-1] == 0:
        y = wrap(np.ones((*y.shape[:-1], 1), y.dtype, like=y.array))
    while y.shape[-1] > 1:
        half = y.shape[-1] // 2
        odd = y[..., 2 * half :]
        y = y[..., :half] * y[..., half : 2 * half]
        if odd.shape[-1]:
            y = cat([y, odd], -1)
    return y.reshape(*kept) if keepdims else y.reshape(*[x.shape[axis] for axis in rest])


def extreme(name, function):
    """`function` of every type; of nothing it is the end of the range that loses to every number."""

    def reduce(x, axes, keepdims):
        if 0 in [x.shape[axis] for axis in axes]:
            shape = [1 if axis in axes else n for axis, n in enumerate(x.shape) if keepdims or axis not in axes]
            return wrap(np.full(shape, _loser(x.dtype, name), x.dtype, like=x.array))
        return function(x, axes, keepdims) if x.dtype.kind != "b" else function(x.to("uint8"), axes, keepdims).to(bool)

    return reduce


def _loser(dtype, name):
    """The lowest number of a type for the maximum, the highest for the minimum."""
    if dtype.kind == "f":
        return -np.inf if name == "max" else np.inf
    low, high = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    return low if name == "max" else high


reducing("ReduceSum", total)
reducing("ReduceMean", average)
reducing("ReduceProd", product)
reducing("ReduceMax", extreme("max", reduction.amax))
reducing("ReduceMin", extreme("min", reduction.amin))
reducing("ReduceSumSquare", lambda x, axes, keepdims: total(x * x, axes, keepdims))
reducing("ReduceL1", lambda x, axes, keepdims: total(ours.abs(x), axes, keepdims))
reducing("ReduceL2", lambda x, axes, keepdims: norm(x if x.is_floating_point() else x.to("float32"), 2.0, axes, keepdims).to(x.dtype))
reducing("ReduceLogSum", lambda x, axes, keepdims: ours.log(total(x, axes, keepdims)))
reducing("ReduceLogSumExp", lambda x, axes, keepdims: reduction.logsumexp(x, axes, keepdims))


# Where the extremes are --------------------------------------------------------------------------------------------------------------


def finding(name, function):
    """Puts the position of an extreme along an axis into the table: of the first, or with select_last_index of the last."""

    @operator(name)
    def compute(data, *, axis=0, keepdims=1, select_last_index=0):
        axis = axis_of(axis, data.ndim)
        if not select_last_index:
            return function(data, axis, bool(keepdims))
        last = data.shape[axis] - 1
        return wrap(last - function(flip(data, axis), axis, bool(keepdims)).array)


finding("ArgMax", reduction.argmax)
finding("ArgMin", reduction.argmin)


@operator("TopK")
def top_k(x, k_input: Numbers = None, *, k=None, axis=-1, largest=1, sorted=1):
    """The k largest or smallest elements along an axis, best first, and where they were. k is an attribute before version 10."""
    count = int(number(k_input)) if k_input is not None else k
    if count is None:
        raise BadIndex("TopK needs k, as an input or (before version 10) as an attribute")
    return tuple(topk(x, count, axis, bool(largest)))
