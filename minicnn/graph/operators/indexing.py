"""Reading and writing by index. Indices below 0 count from the back."""

from math import prod

import numpy as np

from ... import arrays
from ...autograd.operation import Elementary
from ...elementary import indexing as ours
from ...elementary.arithmetic import where
from ...elementary.extra import one_hot
from ...elementary.shape import broadcast_to
from ...errors import BadIndex, BadValue
from ...tensor import wrap
from ..axes import axis_of
from .table import operator
from .values import Numbers, beside, number


def from_front(indices, length):
    """The indices as int64, those below 0 counted from the back; any that is out of range is refused."""
    found = indices.array.astype(np.int64)
    if found.size and not -length <= found.min() <= found.max() < length:
        raise BadIndex(f"an index is outside -{length} .. {length - 1}: {found.min()} .. {found.max()}")
    return wrap(np.where(found < 0, found + length, found))


@operator("Gather")
def gather(data, indices, *, axis=0):
    """The slices of an axis at the indices; the axes of the indices take the axis's place."""
    axis = axis_of(axis, data.ndim)
    data, indices = beside(data, from_front(indices, data.shape[axis]))
    return data[(slice(None),) * axis + (indices,)]


@operator("GatherElements")
def gather_elements(data, indices, *, axis=0):
    """y[i][j] = x[indices[i][j]][j] for axis 0, and so on."""
    axis = axis_of(axis, data.ndim)
    data, indices = beside(data, from_front(indices, data.shape[axis]))
    return ours.gather(data, axis, indices)


@operator("GatherND")
def gather_nd(data, indices, *, batch_dims=0):
    """The slices of `data` at the index tuples in the last axis of `indices`; batch_dims axes in front belong together."""
    data, indices = beside(data, indices)
    depth = indices.shape[-1]
    parts = [from_front(indices[..., i], data.shape[batch_dims + i]) for i in range(depth)]
    around = indices.ndim - 1
    batch = [wrap(np.arange(n, like=indices.array).reshape([-1 if i == axis else 1 for i in range(around)]))
             for axis, n in enumerate(data.shape[:batch_dims])]
    return data[(*batch, *parts)]


# Writing -------------------------------------------------------------------------------------------------------------------


def _combined(x, updates, index, function):
    """x with f(x, update) at each index, one after the other where an index occurs twice: on the CPU. Not differentiable."""
    y = np.array(arrays.to_numpy(x))
    function.at(y, tuple(map(arrays.to_numpy, index)), arrays.to_numpy(updates))
    return arrays.module_of(x).asarray(y)


_scatter_with = Elementary("ScatterWith", lambda x, updates, *, index, function: _combined(x, updates, index, function))
COMBINED = {"mul": np.multiply, "max": np.maximum, "min": np.minimum}


def written(data, indices, updates, reduction, axis):
    """`data` with the updates at the indices along an axis: in the place of what was there, or combined with it."""
    data, indices, updates = beside(data, from_front(indices, data.shape[axis]), updates)
    if reduction in ("none", None):
        return ours.scatter(data, axis, indices, updates)
    if reduction == "add":
        return ours.scatter_add(data, axis, indices, updates)
    if reduction not in COMBINED:
        raise BadValue(f"reduction must be 'none', 'add', 'mul', 'max' or 'min', got {reduction!r}")
    return _scatter_with(data, updates, index=ours._grid(indices.array, axis), function=COMBINED[reduction])


@operator("ScatterElements", "Scatter")
def scatter_elements(data, indices, updates, *, axis=0, reduction="none"):
    """`data` with y[indices[i][j]][j] = updates[i][j] for axis 0, and so on."""
    return written(data, indices, updates, reduction, axis_of(axis, data.ndim))


@operator("ScatterND")
def scatter_nd(data, indices, updates, *, reduction="none"):
    """`data` with its slices at the index tuples in the last axis of `indices` replaced by, or combined with, the updates."""
    depth, shape = indices.shape[-1], tuple(data.shape)
    parts = [from_front(indices[..., i], shape[i]).array.reshape(-1) for i in range(depth)]
    rows, width = prod(shape[:depth]), prod(shape[depth:])
    flat = wrap(np.ravel_multi_index(parts, shape[:depth])[:, None])
    count = flat.shape[0]
    y = written(data.reshape(rows, width), broadcast_to(flat, (count, width)), updates.reshape(count, width), reduction, 0)
    return y.reshape(*shape)


# Where, and which ------------------------------------------------------------------------------------------------------------


@operator("NonZero")
def nonzero(x):
    """The indices of the elements that are not 0: (dimensions, number)."""
    return ours.nonzero(x).T


@operator("Compress")
def compress(input, condition, *, axis=None):
    """The slices of an axis (or the elements of everything made flat) where the condition holds."""
    x = input.reshape(-1) if axis is None else input
    axis = 0 if axis is None else axis_of(axis, x.ndim)
    places = np.nonzero(condition.array)[0]
    x, places = beside(x, wrap(places))
    return x[(slice(None),) * axis + (places,)]


@operator("OneHot")
def one_hot_of(indices, depth: Numbers, values, *, axis=-1):
    """values = (off, on): on where the new axis's position is the index, off elsewhere, and off everywhere for an index out of range."""
    count = int(number(depth))
    axis = axis_of(axis, indices.ndim + 1)
    places = indices.array.astype(np.int64)
    places = np.where((places < -count) | (places >= count), count, np.where(places < 0, places + count, places))
    hot = one_hot(wrap(places), count + 1)[..., :count].movedim(-1, axis)
    return where(hot != 0, values[1], values[0])
