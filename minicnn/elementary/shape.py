"""Elementary moves: the same numbers in another shape, order or memory. Each one's derivative is the move back."""

import numpy as np

from .. import arrays
from ..autograd.operation import Elementary
from ..errors import BadType, BadValue, ShapeError
from ..tensor import Size, Tensor, check_dim

# The operations ----------------------------------------------------------------------------------------------------------

_reshape = Elementary("Reshape", lambda x, *, shape, before: x.reshape(shape),
                      lambda dz, shape, before: _reshape(dz, shape=before, before=shape))
_permute = Elementary("Transpose", lambda x, *, perm: x.transpose(perm), lambda dz, perm: _permute(dz, perm=_inverse(perm)))
_expand = Elementary("Expand", lambda x, *, shape: np.broadcast_to(x, shape), lambda dz: dz)
_cast = Elementary("Cast", lambda x, *, to: x.astype(to), lambda dz: dz)
_copy = Elementary("Identity", lambda x: x.copy(), lambda dz: dz)
_flip = Elementary("Flip", lambda x, *, axes: np.flip(x, axes), lambda dz, axes: _flip(dz, axes=axes))
_roll = Elementary("Roll", lambda x, *, shifts, axes: np.roll(x, shifts, axes),
                   lambda dz, shifts, axes: _roll(dz, shifts=tuple(-s for s in shifts), axes=axes))
_cat = Elementary("Concat", lambda *xs, axis, edges: np.concatenate(xs, axis),
                  lambda dz, position, axis, edges: dz[_along(axis, slice(edges[position], edges[position + 1]))])


def _inverse(perm):
    return tuple(sorted(range(len(perm)), key=perm.__getitem__))


def _along(axis, item):
    """The index that applies `item` to one axis and takes all of those before it."""
    return (slice(None),) * axis + (item,)


def share_version(view, source):
    """A result that shares its source's memory also shares the count of changes in place."""
    if view.array.base is not None:
        view._version = source.version_cell()
    return view


# Shape arguments ---------------------------------------------------------------------------------------------------------


def sizes(shape):
    """A shape given as `f(2, 3)` or `f((2, 3))`, as a tuple of integers."""
    if len(shape) == 1 and isinstance(shape[0], (tuple, list)):
        shape = shape[0]
    try:
        return tuple(int(n.__index__()) for n in shape)
    except AttributeError:
        raise BadType(f"a shape is made of integers, got {shape!r}") from None


def _resolved(shape, x):
    """The shape with -1 replaced by what is left over."""
    known = Size(n for n in shape if n != -1).numel()
    size = x.array.size
    fits = size == known if -1 not in shape else shape.count(-1) == 1 and known and size % known == 0
    if not fits or any(n < -1 for n in shape):
        raise ShapeError(f"cannot view {size} elements of shape {tuple(x.shape)} as {tuple(shape)}")
    return tuple(size // known if n == -1 else n for n in shape)


def reshape(input, *shape):
    """The elements in row-major order in another shape; one length may be -1. Shares memory where it can."""
    shape = _resolved(sizes(shape), input)
    return share_version(_reshape(input, shape=shape, before=input.array.shape), input)


def view(input, *shape):
    """As `reshape`; `view(dtype)` is not supported."""
    return reshape(input, *shape)


def flatten(input, start_dim=0, end_dim=-1):
    """Dimensions start_dim to end_dim made one."""
    if input.array.ndim == 0:
        return reshape(input, 1)
    first, last = check_dim(start_dim, input.array.ndim, "start_dim"), check_dim(end_dim, input.array.ndim, "end_dim")
    if first > last:
        raise ShapeError(f"flatten: start_dim {start_dim} comes after end_dim {end_dim}")
    shape = input.array.shape
    return reshape(input, *shape[:first], Size(shape[first : last + 1]).numel(), *shape[last + 1 :])


def unflatten(input, dim, sizes):
    """One dimension split into several; one length may be -1."""
    dim = check_dim(dim, input.array.ndim)
    shape = input.array.shape
    known = -Size(sizes).numel() if -1 in sizes else Size(sizes).numel()
    sizes = tuple(shape[dim] // known if n == -1 and known else n for n in sizes)
    if Size(sizes).numel() != shape[dim]:
        raise ShapeError(f"unflatten: {sizes} does not multiply up to the {shape[dim]} of dimension {dim}")
    return reshape(input, *shape[:dim], *sizes, *shape[dim + 1 :])


def squeeze(input, dim=None):
    """Without the dimensions of length 1: all of them, or those named."""
    shape = input.array.shape
    named = range(len(shape)) if dim is None else dim if isinstance(dim, (tuple, list)) else (dim,)
    named = {check_dim(d, len(shape)) for d in named}
    return reshape(input, *(n for i, n in enumerate(shape) if i not in named or n != 1)) if shape else reshape(input, ())


def unsqueeze(input, dim):
    """With a new dimension of length 1 before position `dim`."""
    dim = check_dim(dim, input.array.ndim + 1)
    shape = input.array.shape
    return reshape(input, *shape[:dim], 1, *shape[dim:])


def permute(input, *dims):
    """The dimensions in another order."""
    ndim = input.array.ndim
    perm = tuple(check_dim(d, ndim) for d in sizes(dims))
    if sorted(perm) != list(range(ndim)):
        raise ShapeError(f"permute: {tuple(dims)} does not name each of the {ndim} dimensions once")
    return share_version(_permute(input, perm=perm), input)


def transpose(input, dim0, dim1):
    """Two dimensions exchanged."""
    perm = list(range(input.array.ndim))
    if not perm:
        check_dim(dim0, 0), check_dim(dim1, 0)
        return input
    a, b = check_dim(dim0, len(perm), "dim0"), check_dim(dim1, len(perm), "dim1")
    perm[a], perm[b] = perm[b], perm[a]
    return permute(input, *perm)


def t(input):
    """A matrix transposed; vectors and 0-d tensors as they are."""
    if input.array.ndim > 2:
        raise ShapeError(f"t() expects at most 2 dimensions, got shape {tuple(input.shape)}; use transpose(dim0, dim1)")
    return transpose(input, 0, 1) if input.array.ndim == 2 else input


def movedim(input, source, destination):
    """Dimensions moved to other places; the rest keep their order."""
    perm = np.moveaxis(np.empty((0,) * input.array.ndim), source, destination).ndim and list(range(input.array.ndim))
    source, destination = ([d] if isinstance(d, int) else list(d) for d in (source, destination))
    source = [check_dim(d, input.array.ndim, "source") for d in source]
    destination = [check_dim(d, input.array.ndim, "destination") for d in destination]
    perm = [d for d in perm if d not in source]
    for place, dim in sorted(zip(destination, source)):
        perm.insert(place, dim)
    return permute(input, *perm)


def expand(input, *shape):
    """Dimensions of length 1 repeated without a copy; -1 keeps a length."""
    shape = sizes(shape)
    before = (None,) * (len(shape) - input.array.ndim) + input.array.shape
    if len(shape) < input.array.ndim or any(n == -1 and old is None for n, old in zip(shape, before)):
        raise ShapeError(f"expand: cannot expand shape {tuple(input.shape)} to {shape}")
    return broadcast_to(input, tuple(old if n == -1 else n for n, old in zip(shape, before)))


def expand_as(input, other):
    """Expanded to the shape of `other`."""
    return broadcast_to(input, other.shape)


def broadcast_to(input, size):
    """As NumPy broadcasts: missing dimensions in front, lengths of 1 stretched, without a copy."""
    try:
        return share_version(_expand(input, shape=tuple(size)), input)
    except ValueError:
        raise ShapeError(f"cannot broadcast shape {tuple(input.shape)} to {tuple(size)}") from None


def repeat(input, *sizes_):
    """The tensor tiled: sizes[i] copies along dimension i."""
    counts = sizes(sizes_)
    extra = len(counts) - input.array.ndim
    if extra < 0 or any(n < 0 for n in counts):
        raise ShapeError(f"repeat: {counts} needs a count of at least 0 for each dimension of shape {tuple(input.shape)}")
    shape = (1,) * extra + input.array.shape
    split = [n for pair in zip((1,) * len(shape), shape) for n in pair]
    tiled = [n for pair in zip(counts, shape) for n in pair]
    return reshape(expand(reshape(input, *split), *tiled), *(c * n for c, n in zip(counts, shape)))


def flip(input, *dims):
    """Turned around along the given dimensions."""
    return _flip(input, axes=tuple(check_dim(d, input.array.ndim) for d in sizes(dims)))


def roll(input, shifts, dims=None):
    """Shifted along dimensions; what falls off one end comes in at the other."""
    if dims is None:
        return reshape(roll(flatten(input), shifts, 0), *input.shape)
    as_tuple = [(v,) if isinstance(v, int) else tuple(v) for v in (shifts, dims)]
    return _roll(input, shifts=as_tuple[0], axes=as_tuple[1])


# Joining and splitting ---------------------------------------------------------------------------------------------------


def cat(tensors, dim=0, *, out=None):
    """Tensors joined along a dimension that exists."""
    tensors = _same_dtype(tensors, "cat")
    kept = [x for x in tensors if x.array.shape != (0,)] or tensors[:1]
    dim = check_dim(dim, kept[0].array.ndim)
    shapes = [x.array.shape for x in kept]
    if any(s[:dim] + s[dim + 1 :] != shapes[0][:dim] + shapes[0][dim + 1 :] or not s for s in shapes):
        raise ShapeError(f"cat: all lengths but that of dimension {dim} must agree, got {', '.join(map(str, shapes))}")
    edges = tuple(np.cumsum([0] + [s[dim] for s in shapes]).tolist())
    joined = _cat(*kept, axis=dim, edges=edges)
    return joined if out is None else out.copy_(joined)


def stack(tensors, dim=0, *, out=None):
    """Tensors of one shape joined along a new dimension."""
    tensors = _same_dtype(tensors, "stack")
    shapes = {x.array.shape for x in tensors}
    if len(shapes) > 1:
        raise ShapeError(f"stack: all tensors must have one shape, got {', '.join(map(str, sorted(shapes)))}")
    return cat([unsqueeze(x, dim) for x in tensors], check_dim(dim, tensors[0].array.ndim + 1), out=out)


def _same_dtype(tensors, name):
    from .promotion import promoted

    if not isinstance(tensors, (tuple, list)) or not all(isinstance(x, Tensor) for x in tensors):
        raise BadType(f"{name}() expects a list of tensors, got {type(tensors).__name__}")
    if not tensors:
        raise BadValue(f"{name}() expects at least one tensor")
    same = all(x.array.dtype == tensors[0].array.dtype for x in tensors)
    return list(tensors) if same else promoted(*tensors)


def split(tensor, split_size_or_sections, dim=0):
    """Views of consecutive pieces: of one length (the last may be shorter), or of the lengths in a list."""
    dim = check_dim(dim, tensor.array.ndim)
    length = tensor.array.shape[dim]
    sections = split_size_or_sections
    if isinstance(sections, int):
        if sections < 0 or sections == 0 and length:
            raise BadValue(f"split: the size of a piece must be positive, got {sections}")
        sections = [min(sections, length - start) for start in range(0, length, sections or 1)] or [0]
    if sum(sections) != length or min(sections, default=0) < 0:
        raise ShapeError(f"split: the sections {list(sections)} must add up to the {length} of dimension {dim}")
    edges = np.cumsum([0, *sections]).tolist()
    return tuple(tensor[_along(dim, slice(a, b))] for a, b in zip(edges, edges[1:]))


def chunk(input, chunks, dim=0):
    """At most `chunks` pieces of equal length along a dimension; the last may be shorter."""
    if chunks < 1:
        raise BadValue(f"chunk: expected at least one chunk, got {chunks}")
    length = input.array.shape[check_dim(dim, input.array.ndim)]
    if length == 0:
        return tuple(input for _ in range(chunks))
    return split(input, -(-length // chunks), dim)


def unbind(input, dim=0):
    """The slices along a dimension, without it."""
    dim = check_dim(dim, input.array.ndim)
    return tuple(input[_along(dim, i)] for i in range(input.array.shape[dim]))


# Memory and dtype --------------------------------------------------------------------------------------------------------


def cast(input, dtype):
    """The values as another dtype; the tensor itself when it has that dtype already. Not differentiable to integers."""
    dtype = arrays.as_dtype(dtype)
    if input.array.dtype == dtype:
        return input
    return _cast(input if dtype.kind == "f" else input.detach(), to=dtype)


def clone(input, *, memory_format=None):
    """A copy with memory of its own, through which gradients flow."""
    return _copy(input)


def contiguous(input, memory_format=None):
    """The tensor itself: no operation here needs C order, so nothing is gained by a copy."""
    return input
