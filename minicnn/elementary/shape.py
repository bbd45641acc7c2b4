"""Elementary moves: the same numbers in another shape or order. Each one's derivative is the move back.

Results share memory with their source wherever strides can express them, as in PyTorch; `joining.py` has those that copy.
"""

import numpy as np

from .. import arrays
from ..autograd.operation import Elementary
from ..errors import BadIndex, BadType, ShapeError
from ..tensor import Size, check_dim
from .arguments import integer, like_torch, tensor_argument, variadic

# The operations ----------------------------------------------------------------------------------------------------------

_reshape = Elementary("Reshape", lambda x, *, shape, before: x.reshape(shape),
                      lambda dz, shape, before: _reshape(dz, shape=before, before=shape))
_permute = Elementary("Transpose", lambda x, *, perm: x.transpose(perm), lambda dz, perm: _permute(dz, perm=_inverse(perm)))
_expand = Elementary("Expand", lambda x, *, shape: np.broadcast_to(x, shape), lambda dz: dz)
_cast = Elementary("Cast", lambda x, *, to, back: x.astype(to), lambda dz, to, back: _cast(dz, to=back, back=to))
_copy = Elementary("Identity", lambda x: x.copy(order="K"), lambda dz: dz)
_flip = Elementary("Flip", lambda x, *, axes: np.flip(x, axes).copy(), lambda dz, axes: _flip(dz, axes=axes))
_roll = Elementary("Roll", lambda x, *, shifts, axes: np.roll(x, shifts, axes),
                   lambda dz, shifts, axes: _roll(dz, shifts=tuple(-s for s in shifts), axes=axes))


def _inverse(perm):
    return tuple(sorted(range(len(perm)), key=perm.__getitem__))


def along(axis, item):
    """The index that applies `item` to one axis and takes all of those before it."""
    return (slice(None),) * axis + (item,)


def share_version(view, source):
    """A result that shares its source's memory also shares the count of changes in place."""
    view._version = source.version_cell()
    return view


# One shape for another ---------------------------------------------------------------------------------------------------


@variadic("shape")
def reshape(input, shape):
    """The elements in row-major order in another shape; one length may be -1. Shares memory where it can."""
    return _reshaped(input, _resolved(shape, input))


def _reshaped(x, shape):
    result = _reshape(x, shape=shape, before=x.array.shape)
    return share_version(result, x) if np.may_share_memory(result.array, x.array) else result


def _resolved(shape, x):
    """The shape with -1 replaced by what is left over."""
    known, size = 1, x.array.size
    for n in shape:
        known *= n if n != -1 else 1
    fits = size == known if -1 not in shape else shape.count(-1) == 1 and known and size % known == 0
    if not fits or any(n < -1 for n in shape):
        raise ShapeError(f"cannot view {size} elements of shape {tuple(x.shape)} as {tuple(shape)}")
    return tuple([size // known if n == -1 else n for n in shape])


def view(input, *shape, size=None):
    """As `reshape`."""
    shape = shape if size is None else (size,)
    if len(shape) == 1 and isinstance(shape[0], np.dtype):
        raise BadType("view(dtype) does not exist here; convert with .to(dtype)")
    return reshape(input, *shape)


def view_as(input, other):
    """In the shape of `other`."""
    return reshape(input, other.array.shape)


def flatten(input, start_dim=0, end_dim=-1):
    """Dimensions start_dim to end_dim made one."""
    shape = tensor_argument(input, "flatten").array.shape
    first, last = check_dim(start_dim, len(shape), "start_dim"), check_dim(end_dim, len(shape), "end_dim")
    if first > last:
        raise ShapeError(f"flatten: start_dim {start_dim} comes after end_dim {end_dim}")
    return _reshaped(input, shape[:first] + (Size(shape[first : last + 1]).numel(),) + shape[last + 1 :])


def unflatten(input, dim, sizes):
    """One dimension split into several; one length may be -1."""
    shape = tensor_argument(input, "unflatten").array.shape
    dim = check_dim(dim, len(shape), existing=True)
    sizes = tuple(integer(n, "a length") for n in (sizes if isinstance(sizes, (tuple, list)) else [sizes]))
    known = Size(n for n in sizes if n != -1).numel()
    if not sizes or (shape[dim] != known if -1 not in sizes else sizes.count(-1) > 1 or not known or shape[dim] % known):
        raise ShapeError(f"unflatten: {sizes} does not multiply up to the {shape[dim]} of dimension {dim}")
    sizes = tuple(shape[dim] // known if n == -1 else n for n in sizes)
    return _reshaped(input, shape[:dim] + sizes + shape[dim + 1 :])


@like_torch
def squeeze(input, dim=None):
    """Without the dimensions of length 1: all of them, or those named."""
    shape = tensor_argument(input, "squeeze").array.shape
    dims = range(len(shape)) if dim is None else distinct(dim, len(shape))
    return _reshaped(input, tuple(n for i, n in enumerate(shape) if i not in dims or n != 1))


def distinct(dims, ndim):
    """Dimensions counted from the front, none of them twice."""
    found = [check_dim(d, ndim) for d in (dims if isinstance(dims, (tuple, list, range)) else (dims,))]
    if len(set(found)) != len(found):
        raise BadIndex(f"dim {tuple(dims)} names a dimension twice")
    return found


@like_torch
def unsqueeze(input, dim):
    """With a new dimension of length 1 before position `dim`."""
    shape = tensor_argument(input, "unsqueeze").array.shape
    dim = check_dim(dim, len(shape) + 1)
    return _reshaped(input, shape[:dim] + (1,) + shape[dim:])


# One order for another ---------------------------------------------------------------------------------------------------


@variadic("dims")
def permute(input, dims):
    """The dimensions in another order."""
    ndim = input.array.ndim
    perm = tuple([check_dim(d, ndim, existing=True) for d in dims])
    if sorted(perm) != list(range(ndim)):
        raise ShapeError(f"permute: {dims} does not name each of the {ndim} dimensions once")
    return share_version(_permute(input, perm=perm), input)


def transpose(input, dim0, dim1):
    """Two dimensions exchanged."""
    ndim = tensor_argument(input, "transpose").array.ndim
    a, b = check_dim(dim0, ndim, "dim0"), check_dim(dim1, ndim, "dim1")
    perm = list(range(ndim))
    if perm:
        perm[a], perm[b] = perm[b], perm[a]
    return share_version(_permute(input, perm=tuple(perm)), input)


swapaxes = swapdims = transpose


def t(input):
    """A matrix transposed; vectors and 0-d tensors as they are."""
    if tensor_argument(input, "t").array.ndim > 2:
        raise ShapeError(f"t() expects at most 2 dimensions, got shape {tuple(input.shape)}; use transpose(dim0, dim1)")
    return transpose(input, 0, 1) if input.array.ndim == 2 else input


def movedim(input, source, destination):
    """Dimensions moved to other places; the rest keep their order."""
    ndim = tensor_argument(input, "movedim").array.ndim
    source, destination = distinct(source, ndim), distinct(destination, ndim)
    if len(source) != len(destination):
        raise ShapeError(f"movedim: {len(source)} dimensions cannot move to {len(destination)} places")
    perm = [d for d in range(ndim) if d not in source]
    for place, dim in sorted(zip(destination, source)):
        perm.insert(place, dim)
    return permute(input, *perm)


moveaxis = movedim


@variadic("dims")
def flip(input, dims):
    """Turned around along the given dimensions."""
    return _flip(input, axes=tuple(distinct(dims, input.array.ndim)[: input.array.ndim]))


def roll(input, shifts, dims=()):
    """Shifted along dimensions; what falls off one end comes in at the other. Without dims, as if it were flat."""
    shifts, dims = (v if isinstance(v, (tuple, list)) else (v,) for v in (shifts, () if dims is None else dims))
    if not dims and len(shifts) == 1:
        return reshape(roll(flatten(input), shifts, 0), input.array.shape)
    if len(shifts) != len(dims) or not shifts:
        raise ShapeError(f"roll: as many shifts as dims are needed, got {tuple(shifts)} and {tuple(dims)}")
    axes = tuple(check_dim(d, input.array.ndim, existing=True) for d in dims)
    return _roll(input, shifts=tuple(shifts), axes=axes)


# Repetition --------------------------------------------------------------------------------------------------------------


@variadic("size")
def expand(input, shape):
    """Dimensions of length 1 repeated without a copy; -1 keeps a length."""
    before = (None,) * (len(shape) - input.array.ndim) + input.array.shape
    if len(shape) < input.array.ndim or any(n < -1 or n == -1 and old is None for n, old in zip(shape, before)):
        raise ShapeError(f"expand: cannot expand shape {tuple(input.shape)} to {shape}")
    return broadcast_to(input, tuple([old if n == -1 else n for n, old in zip(shape, before)]))


def expand_as(input, other):
    """Expanded to the shape of `other`."""
    return broadcast_to(input, other.array.shape)


def broadcast_to(input, size):
    """As NumPy broadcasts: missing dimensions in front, lengths of 1 stretched, without a copy."""
    tensor_argument(input, "broadcast_to")
    try:
        return share_version(_expand(input, shape=tuple(size)), input)
    except ValueError:
        raise ShapeError(f"cannot broadcast shape {tuple(input.shape)} to {tuple(size)}") from None


@variadic("repeats")
def repeat(input, counts):
    """The tensor tiled: repeats[i] copies along dimension i."""
    extra = len(counts) - input.array.ndim
    if extra < 0 or any(n < 0 for n in counts):
        raise ShapeError(f"repeat: {counts} needs a count of at least 0 for each dimension of shape {tuple(input.shape)}")
    shape = (1,) * extra + input.array.shape
    split = tuple(n for length in shape for n in (1, length))
    tiled = tuple(n for pair in zip(counts, shape) for n in pair)
    return clone(_reshaped(broadcast_to(_reshaped(input, split), tiled), tuple(c * n for c, n in zip(counts, shape))))


# Memory and dtype --------------------------------------------------------------------------------------------------------


def cast(input, dtype):
    """The values as another dtype; the tensor itself when it has that dtype already. Not differentiable to integers."""
    dtype = arrays.as_dtype(dtype)
    before = input.array.dtype
    if before == dtype:
        return input
    return _cast(input if dtype.kind == "f" else input.detach(), to=dtype, back=before)


def clone(input, *, memory_format=None):
    """A copy with memory of its own, through which gradients flow."""
    return _copy(tensor_argument(input, "clone"))


def contiguous(input, memory_format=None):
    """The tensor itself if its memory is in row-major order, else a copy that is.

    With memory_format=channels_last, images (N, C, H, W) in the order (N, H, W, C), in which the convolutions read them.
    """
    if memory_format == "channels_last" and input.array.ndim == 4:
        return input if input.array.transpose(0, 2, 3, 1).flags.c_contiguous else _channels_last(input)
    if input.array.flags.c_contiguous:
        return input
    return _contiguous(input)


_channels_last = Elementary("Identity", lambda x: x.transpose(0, 2, 3, 1).copy(order="C").transpose(0, 3, 1, 2), lambda dz: dz)
_contiguous = Elementary("Identity", lambda x: x.copy(order="C"), lambda dz: dz)
