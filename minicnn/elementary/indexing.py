"""Elementary reading by position: slices, index arrays, masks, gather; and the writing that is each one's derivative."""

import numpy as np

from .. import arrays
from ..autograd.operation import Elementary
from ..errors import BadIndex, BadType, ShapeError
from ..tensor import Tensor, check_dim, wrap
from .arithmetic import where
from .shape import share_version


def _scatter_add(dz, shape, index, basic):
    """Zeros of a shape with dz added at an index; an element that was read twice gets both gradients."""
    dx = np.zeros(shape, dz.dtype, like=dz)
    if basic:
        dx[index] = dz
    else:
        arrays.add_at(dx, index, dz)
    return dx


_getitem = Elementary("GetItem", lambda x, *, key, basic, shape: x[key],
                      lambda dz, key, basic, shape: _putitem(dz, key=key, basic=basic, shape=shape))
_putitem = Elementary("PutItem", lambda x, *, key, basic, shape: _scatter_add(x, shape, key, basic),
                      lambda dz, key, basic, shape: _getitem(dz, key=key, basic=basic, shape=shape))


def getitem(input, index):
    """x[index]: integers, slices, None, ..., and integer or bool tensors, with NumPy's (and PyTorch's) meaning."""
    index = _plain_index(index, input)
    basic = all(item is None or item is Ellipsis or isinstance(item, (int, slice)) for item in index)
    try:
        result = _getitem(input, key=index, basic=basic, shape=input.array.shape)
    except IndexError as error:
        raise BadIndex(f"{error} (tensor of shape {tuple(input.shape)})") from None
    return share_version(result, input) if basic else result


def setitem(input, index, value):
    """x[index] = value. Outside the graph it writes in place; inside, x becomes the result of a recorded operation."""
    index = _plain_index(index, input)
    value = value if isinstance(value, Tensor) else wrap(np.asarray(value, dtype=input.array.dtype, like=input.array))
    input.write_in_place(lambda x: _overwrite(x, index, value), lambda a: a.__setitem__(index, value.array))


def _overwrite(x, index, value):
    """x with x[index] replaced, recorded: the gradient passes by there, and goes to the value."""
    mask = np.zeros(x.array.shape, bool, like=x.array)
    mask[index] = True
    numbers = np.full(x.array.shape, -1, like=x.array).astype(np.int64)
    target = numbers[index].shape
    numbers[index] = np.arange(numbers[index].size, like=numbers).reshape(target)
    spread = value.to(x.dtype).expand(target).reshape(-1)
    return where(wrap(mask), spread[wrap(np.maximum(numbers, 0))], x) if spread.numel() else x


def _plain_index(index, x):
    """The index as a tuple of integers, slices, None, Ellipsis and arrays."""
    index = index if isinstance(index, tuple) else (index,)
    return tuple(_plain_item(item, x) for item in index)


def _plain_item(item, x):
    if isinstance(item, Tensor):
        if item.array.dtype.kind == "f":
            raise BadIndex(f"an index must be of integers or bools, got {item.dtype}")
        return item.array if item.array.ndim or item.array.dtype.kind == "b" else int(item.array)
    if isinstance(item, (list, range)):
        return np.asarray(item, dtype=None if len(item) else np.int64)
    if isinstance(item, slice):
        if item.step is not None and item.step <= 0:
            raise BadIndex("a slice's step must be positive; use flip()")
        return slice(*(None if v is None else int(v) for v in (item.start, item.stop, item.step)))
    return int(item) if isinstance(item, np.integer) else item


# Gather and select -------------------------------------------------------------------------------------------------------

_gather = Elementary("GatherElements", lambda x, *, axis, indices, shape: x[_grid(indices, axis)],
                     lambda dz, axis, indices, shape: _scatter(dz, axis=axis, indices=indices, shape=shape))
_scatter = Elementary("ScatterElements", lambda x, *, axis, indices, shape: _scatter_add(x, shape, _grid(indices, axis), False),
                      lambda dz, axis, indices, shape: _gather(dz, axis=axis, indices=indices, shape=shape))


def _grid(indices, axis):
    """The full index that reads, at each place, the element whose position along `axis` is given there."""
    axes = [np.arange(n, like=indices).reshape([-1 if i == k else 1 for i in range(indices.ndim)])
            for k, n in enumerate(indices.shape)]
    return (*axes[:axis], indices, *axes[axis + 1 :])


def gather(input, dim, index):
    """z[i][j][k] = x[i][index[i][j][k]][k] for dim = 1, and so on."""
    axis = check_dim(dim, input.array.ndim)
    indices = _checked(index, input.array.shape[axis] if input.array.ndim else 1, "gather")
    if input.array.ndim == 0 or indices.ndim == 0:
        return input.reshape(-1)[index.reshape(-1)].reshape(index.shape)
    if indices.ndim != input.array.ndim:
        raise ShapeError(f"gather: index of shape {indices.shape} needs as many dimensions as the input {tuple(input.shape)}")
    return _gather(input, axis=axis, indices=indices, shape=input.array.shape)


def scatter_add(input, dim, index, src):
    """x with src[i][j][k] added at [i][index[i][j][k]][k] for dim = 1, and so on."""
    axis = check_dim(dim, input.array.ndim)
    indices = _checked(index, input.array.shape[axis], "scatter_add")
    return input + _scatter(src, axis=axis, indices=indices, shape=input.array.shape)


def index_select(input, dim, index):
    """The slices of a dimension at the given positions."""
    axis = check_dim(dim, input.array.ndim)
    if index.array.ndim > 1:
        raise BadIndex(f"index_select expects a vector of positions, got shape {tuple(index.shape)}")
    _checked(index, input.array.shape[axis] if input.array.ndim else 1, "index_select")
    if input.array.ndim == 0:
        return input
    return getitem(input, (slice(None),) * axis + (index.reshape(-1),))


def _checked(index, length, name):
    """The index array, after every element was found to lie in 0 .. length - 1."""
    if not isinstance(index, Tensor) or index.array.dtype.kind not in "iu":
        raise BadType(f"{name}: the index must be an integer tensor, got {getattr(index, 'dtype', type(index).__name__)}")
    if index.array.size and not arrays.on_gpu(index.array) and not 0 <= index.array.min() <= index.array.max() < length:
        raise BadIndex(f"{name}: an index is outside 0 .. {length - 1}: {index.array.min()} .. {index.array.max()}")
    return index.array


def masked_fill(input, mask, value):
    """`value` where the mask holds, x elsewhere."""
    if mask.array.dtype != arrays.bool_:
        raise BadType(f"masked_fill expects a bool mask, got {mask.dtype}")
    value = value if isinstance(value, Tensor) else wrap(np.asarray(value, dtype=input.array.dtype, like=input.array))
    return where(mask, value.to(input.dtype), input)


def masked_select(input, mask):
    """The elements where the mask holds, as a vector."""
    return getitem(input.expand(np.broadcast_shapes(input.shape, mask.shape)), mask.expand(input.shape))


# Order -------------------------------------------------------------------------------------------------------------------


def sort(input, dim=-1, descending=False, stable=False):
    """(values, indices) in rising or falling order along a dimension; equal elements keep their order."""
    from .reduction import _VALUES

    axis = check_dim(dim, input.array.ndim)
    if input.array.ndim == 0:
        return _VALUES["sort"](input, wrap(np.zeros((), np.int64)))
    order = wrap(_argsort(input.array, axis, descending))
    return _VALUES["sort"](gather(input, axis, order), order)


def _argsort(array, axis, descending):
    if not descending:
        return np.argsort(array, axis, kind="stable")
    backwards = np.argsort(np.flip(array, axis), axis, kind="stable")
    return np.flip(array.shape[axis] - 1 - backwards, axis)


def argsort(input, dim=-1, descending=False, stable=False):
    """The indices that sort a dimension."""
    return sort(input, dim, descending, stable).indices


def topk(input, k, dim=-1, largest=True, sorted=True):
    """(values, indices) of the k largest or smallest elements along a dimension, best first."""
    from .reduction import _VALUES

    length = input.array.shape[check_dim(dim, input.array.ndim)] if input.array.ndim else 1
    if not 0 <= k <= length:
        raise BadIndex(f"topk: k must be between 0 and {length}, the length of dimension {dim}; got {k}")
    values, indices = sort(input, dim, descending=largest)
    if input.array.ndim == 0:
        return _VALUES["topk"](values, indices)
    first = (slice(None),) * check_dim(dim, input.array.ndim) + (slice(0, k),)
    return _VALUES["topk"](values[first], indices[first])


