"""Elementary reading by index: x[...], gather and their kin. The derivative of reading is adding up where it was read."""

import numpy as np

from .. import arrays
from ..autograd.mode import watched_whole
from ..autograd.operation import Elementary
from ..errors import BadIndex, BadType, ShapeError
from ..tensor import Superseded, Tensor, check_dim, wrap
from .arguments import like_torch, picking, tensor_argument
from .arithmetic import where
from .in_place import write_in_place
from .shape import broadcast_to, share_version

# x[index] ----------------------------------------------------------------------------------------------------------------


def _scatter_add(dz, shape, index, repeats):
    """Zeros of a shape with dz added at an index; an element that was read twice gets both gradients."""
    dx = arrays.filled(shape, 0, dz)
    if repeats:
        arrays.add_at(dx, index, dz)
    else:
        dx[index] = dz
    return dx


_getitem = Elementary("GetItem", lambda x, *, index, repeats, shape: x[index],
                      lambda dz, index, repeats, shape: _putitem(dz, index=index, repeats=repeats, shape=shape))
_putitem = Elementary("PutItem", lambda x, *, index, repeats, shape: _scatter_add(x, shape, index, repeats),
                      lambda dz, index, repeats, shape: _getitem(dz, index=index, repeats=repeats, shape=shape))


def getitem(input, index):
    """x[index]: integers, slices, None, ..., and integer or bool tensors.

    Integers and slices give a view. Next to integer tensors, an integer picks its slice first, as in PyTorch (NumPy would let it
    take part in the broadcasting).
    """
    index = plain_index(index)
    arrays_among = [item for item in index if arrays.is_array(item)]
    if arrays_among:
        picks, index = integers_first(index, input.array.ndim)
        input = _read(input, picks, False) if picks else input
        return _read(input, index, any(item.dtype.kind != "b" for item in arrays_among))
    return share_version(_read(input, _viewing(index), False), input)


def check_on_gpu(x, index):
    """Raises IndexError for positions outside a CuPy array, which wraps them around without a word. Those on the GPU are waited for."""
    axis = 0
    for item in index if arrays.on_gpu(x) else ():
        if arrays.is_array(item) and item.dtype.kind != "b" and item.size:
            lowest, highest, size = item.min(), item.max(), x.shape[axis]
            if not -size <= lowest <= highest < size:
                raise IndexError(f"an index is out of bounds for axis {axis} with size {size}: {lowest} .. {highest}")
        axis += x.ndim - sum(map(_dimensions, index)) if item is Ellipsis else _dimensions(item)


def _viewing(index):
    """The index with `...` at its end: without, NumPy copies when it comes down to a single element."""
    return index if Ellipsis in index else (*index, Ellipsis)


def _read(x, index, repeats):
    try:
        check_on_gpu(x.array, index)
        return _getitem(x, index=index, repeats=repeats, shape=x.array.shape)
    except IndexError as error:
        raise BadIndex(f"{error} (tensor of shape {tuple(x.shape)})") from None


def plain_index(index):
    """The index as a tuple of integers, slices, None, Ellipsis and arrays."""
    index = index if isinstance(index, tuple) else (index,)
    return tuple([item if type(item) in _PLAIN else _plain_item(item) for item in index])


_PLAIN = (int, type(None), type(Ellipsis))


def _plain_item(item):
    if isinstance(item, slice):
        return _plain_slice(item)
    if isinstance(item, Tensor):
        item = item.array
    elif isinstance(item, (list, tuple, range)):
        item = np.asarray([i.tolist() if isinstance(i, Tensor) else i for i in item], dtype=None if len(item) else np.int64)
    if isinstance(item, (bool, np.bool_)):
        return np.asarray(item)
    if isinstance(item, np.integer):
        return int(item)
    if not arrays.is_array(item) or item.dtype.kind not in "iub":
        raise BadIndex(f"an index is made of integers, slices, None, ... and integer or bool tensors, got {item!r}")
    if item.dtype == arrays.uint8:
        return item.astype(bool)                # a mask of old, as in PyTorch
    return int(item) if item.ndim == 0 and item.dtype.kind != "b" else item


def _plain_slice(item):
    parts = [None if v is None else v.__index__() for v in (item.start, item.stop, item.step)]
    if parts[2] is not None and parts[2] <= 0:
        raise BadIndex("a slice's step must be positive; use flip()")
    return slice(*parts)


def integers_first(index, ndim):
    """(picks, rest) such that x[picks][rest] is x[index] with its integers applied first; picks is () without any integer."""
    if not any(type(item) is int for item in index):
        return (), index
    used = sum(map(_dimensions, index))
    picks, rest = [], []
    for item in index:
        if type(item) is int:
            picks.append(item)
        else:
            rest.append(item)
            picks += [slice(None)] * (ndim - used if item is Ellipsis else _dimensions(item))
    return tuple(picks), tuple(rest)


def _dimensions(item):
    """How many of the tensor's dimensions one part of an index takes up."""
    if item is None or item is Ellipsis:
        return 0
    return item.ndim if arrays.is_array(item) and item.dtype.kind == "b" else 1


# x[index] = value --------------------------------------------------------------------------------------------------------


def setitem(input, index, value):
    """x[index] = value. Outside the graph it writes in place; inside, x becomes the result of a recorded operation."""
    index = plain_index(index)
    picks, rest = _parts(index, input)
    value = value.to(input.device) if isinstance(value, Tensor) else wrap(arrays.beside(value, input.array, input.array.dtype))
    if input._version is not None and not any(map(arrays.is_array, index)):
        _take_back(input, index, value)
    write_in_place(input, lambda: _overwrite(input, index, value), lambda array: _write(array, picks, rest, value.array), value)


def _parts(index, x):
    """The index as (picks, rest); see `integers_first`."""
    return integers_first(index, x.array.ndim) if any(map(arrays.is_array, index)) else ((), index)


def _take_back(x, index, value):
    """`x[index] *= 2` changes the view x[index] first, then assigns it: that the view left x's memory behind is no matter then."""
    left = x._version[0]
    if type(left) is Superseded and left.tensor() is value and _same_place(left.array, x.array[_viewing(index)]):
        x._version = None


def _same_place(a, b):
    return a.shape == b.shape and a.strides == b.strides and arrays.address(a) == arrays.address(b)


def _write(array, picks, rest, values):
    array = array[picks] if picks else array
    check_on_gpu(array, rest)
    array[rest] = values


@watched_whole
def _overwrite(x, index, value):
    """x with some elements replaced, recorded: the gradient passes by there, and goes to the value."""
    picks, rest = _parts(index, x)
    flat = np.arange(x.array.size, like=x.array).reshape(x.array.shape)[picks][rest]     # where the written elements lie in x
    if not flat.size:
        return x + 0
    source = np.zeros(x.array.size, np.int64, like=x.array) - 1
    source[flat.reshape(-1)] = np.arange(flat.size, like=x.array)
    source = source.reshape(x.array.shape)
    extra = max(value.array.ndim - flat.ndim, 0)
    value = value.reshape(value.array.shape[extra:]) if value.array.shape[:extra] == (1,) * extra else value
    spread = broadcast_to(value.to(x.dtype), flat.shape).reshape(-1)
    return where(wrap(source >= 0), getitem(spread, wrap(np.maximum(source, 0))), x)


# Gather and select -------------------------------------------------------------------------------------------------------

_gather = Elementary("GatherElements", lambda x, *, axis, indices, shape: x[_grid(indices, axis)],
                     lambda dz, axis, indices, shape: _scatter(dz, axis=axis, indices=indices, shape=shape))
_scatter = Elementary("ScatterElements",
                      lambda x, *, axis, indices, shape: _scatter_add(x, shape, _grid(indices, axis), True),
                      lambda dz, axis, indices, shape: _gather(dz, axis=axis, indices=indices, shape=shape))


def _grid(indices, axis):
    """The full index that reads, at each place, the element whose position along `axis` is given there."""
    axes = [np.arange(n, like=indices).reshape([-1 if i == k else 1 for i in range(indices.ndim)])
            for k, n in enumerate(indices.shape)]
    return (*axes[:axis], indices, *axes[axis + 1 :])


@picking
@watched_whole
def gather(input, dim, index, *, sparse_grad=False):
    """z[i][j][k] = x[i][index[i][j][k]][k] for dim = 1, and so on."""
    axis = check_dim(dim, tensor_argument(input, "gather").array.ndim)
    x = input if input.array.ndim else input.reshape(1)
    indices = _positions(index, x.array.shape, axis, "gather")
    return _gather(x, axis=axis, indices=indices, shape=x.array.shape).reshape(index.array.shape)


@like_torch
@watched_whole
def scatter_add(input, dim, index, src):
    """x with src[i][j][k] added at [i][index[i][j][k]][k] for dim = 1, and so on."""
    axis = check_dim(dim, tensor_argument(input, "scatter_add").array.ndim)
    x, src = (v if v.array.ndim else v.reshape(1) for v in (input, tensor_argument(src, "scatter_add", "src")))
    if x.array.dtype != src.array.dtype:
        raise BadType(f"scatter_add: src must be {x.dtype} like the input, got {src.dtype}")
    indices = _positions(index, x.array.shape, axis, "scatter_add")
    if indices.size and (indices.ndim != src.array.ndim or any(n > m for n, m in zip(indices.shape, src.array.shape))):
        raise ShapeError(f"scatter_add: src of shape {tuple(src.shape)} must cover the index of shape {indices.shape}")
    if not indices.size:
        return input + 0
    added = _scatter(src[tuple(slice(n) for n in indices.shape)], axis=axis, indices=indices, shape=x.array.shape)
    return (x + added).reshape(input.array.shape)


_replace = Elementary("ScatterElements", lambda x, src, *, axis, indices, shape: _replaced(x, src, axis, indices),
                      lambda dz, axis, indices, shape: _replace(dz, 0.0, axis=axis, indices=indices, shape=shape),
                      lambda dz, axis, indices, shape: _gather(dz, axis=axis, indices=indices, shape=shape))


def _replaced(x, src, axis, indices):
    y = x.copy()
    y[_grid(indices, axis)] = src
    return y


@like_torch
@watched_whole
def scatter(input, dim, index, src=None, *, value=None):
    """x with [i][index[i][j][k]][k] replaced by src[i][j][k], or by one number, for dim = 1, and so on.

    Where an index occurs twice, one of the values stays. The gradient goes to x where nothing was replaced, and to src.
    """
    axis = check_dim(dim, tensor_argument(input, "scatter").array.ndim)
    src = value if src is None else src
    x = input if input.array.ndim else input.reshape(1)
    indices = _positions(index, x.array.shape, axis, "scatter")
    if isinstance(src, Tensor):
        src = src if src.array.ndim else src.reshape(1)
        if src.array.dtype != input.array.dtype:
            raise BadType(f"scatter: src must be {input.dtype} like the input, got {src.dtype}")
        if indices.ndim != src.array.ndim or any(n > m for n, m in zip(indices.shape, src.array.shape)):
            raise ShapeError(f"scatter: src of shape {tuple(src.shape)} must cover the index of shape {indices.shape}")
        src = src[tuple(slice(n) for n in indices.shape)]
    elif not isinstance(src, (bool, int, float)):
        raise BadType(f"scatter() expects src to be a tensor or a number, got {type(src).__name__}")
    y = _replace(x, src, axis=axis, indices=indices, shape=x.array.shape) if indices.size else x + 0
    return y.reshape(input.array.shape)


def _positions(index, shape, axis, name):
    """The index as an array of as many dimensions as the tensor that it points into, checked."""
    indices = _checked(index, shape[axis], name)
    indices = indices.reshape(1) if not indices.ndim else indices
    if not indices.size:
        return np.zeros(indices.shape if indices.ndim == len(shape) else (0,) * len(shape), np.int64, like=indices)
    if indices.ndim != len(shape) or any(n > m for i, (n, m) in enumerate(zip(indices.shape, shape)) if i != axis):
        raise ShapeError(f"{name}: an index of shape {tuple(index.shape)} does not fit shape {tuple(shape)}: it needs as many "
                         f"dimensions, none but dimension {axis} longer")
    return indices.astype(np.int64, copy=False)


@picking
def index_select(input, dim, index):
    """The slices of a dimension at the given positions."""
    axis = check_dim(dim, tensor_argument(input, "index_select").array.ndim)
    length = input.array.shape[axis] if input.array.ndim else 1
    positions = _checked(index, length, "index_select")
    if positions.ndim > 1 or not input.array.ndim and positions.size != 1:
        raise BadIndex(f"index_select expects a vector of positions, got shape {tuple(index.shape)}")
    if input.array.ndim == 0:
        return input.clone()
    return getitem(input, (slice(None),) * axis + (index.reshape(-1),))


def _checked(index, length, name):
    """The index array, after every element was found to lie in 0 .. length - 1."""
    whole = isinstance(index, Tensor) and (index.array.dtype in (arrays.int64, arrays.int32) or not index.array.size)
    if not whole:
        raise BadType(f"{name}: the index must be an int64 tensor, got {getattr(index, 'dtype', type(index).__name__)}")
    if index.array.size and not 0 <= index.array.min() <= index.array.max() < length:
        raise BadIndex(f"{name}: an index is outside 0 .. {length - 1}: {index.array.min()} .. {index.array.max()}")
    return index.array


def masked_fill(input, mask, value):
    """`value`, a number or a 0-d tensor, where the mask holds; x elsewhere."""
    if tensor_argument(mask, "masked_fill", "mask").array.dtype != arrays.bool_:
        raise BadType(f"masked_fill expects a bool mask, got {mask.dtype}")
    value = value if isinstance(value, Tensor) else wrap(arrays.beside(value, input.array))
    if value.array.ndim:
        raise ShapeError(f"masked_fill expects a number or a 0-d tensor as value, got shape {tuple(value.shape)}")
    return where(mask, value.to(input.dtype), input)


@picking
def masked_select(input, mask):
    """The elements where the mask holds, as a vector; both broadcast to one shape."""
    if tensor_argument(mask, "masked_select", "mask").array.dtype != arrays.bool_:
        raise BadType(f"masked_select expects a bool mask, got {mask.dtype}")
    try:
        shape = np.broadcast_shapes(input.array.shape, mask.array.shape)
    except ValueError:
        raise ShapeError(f"masked_select: shapes {tuple(input.shape)} and {tuple(mask.shape)} do not broadcast") from None
    return getitem(broadcast_to(input, shape), broadcast_to(mask, shape))


@watched_whole
def nonzero(input, *, as_tuple=False):
    """The indices of the elements that are not zero: (number, dimensions), or with as_tuple one vector per dimension."""
    found = np.nonzero(input.array) if input.array.ndim else np.nonzero(input.array.reshape(1))
    if as_tuple:
        return tuple(wrap(f) for f in found)
    return wrap(np.stack(found, 1) if input.array.ndim else np.zeros((len(found[0]), 0), np.int64, like=input.array))
