"""Elementary joins and cuts: tensors put together along a dimension, and taken apart again."""

import numpy as np

from ..autograd.operation import Elementary
from ..errors import BadType, BadValue, ShapeError
from ..kernels import of
from ..tensor import Tensor, check_dim
from .arguments import integer, like_torch, tensor_argument
from .promotion import promoted
from .shape import along, share_version, unsqueeze

# `cuts` has for each tensor its (start, stop) in the result; None for the shapeless empty tensor that PyTorch lets pass.
_cat = Elementary("Concat", lambda *xs, axis, cuts: of(xs[0]).cat([x for x, c in zip(xs, cuts) if c] or xs[:1], axis),
                  lambda dz, position, axis, cuts: _piece(dz, axis, cuts[position]))


def _piece(dz, axis, cut):
    return dz[along(axis, slice(*cut))] if cut else dz.reshape(-1)[:0]


@like_torch
def cat(tensors, dim=0):
    """Tensors joined along a dimension that exists."""
    tensors = _same_dtype(tensors, "cat")
    shapes = [x.array.shape for x in tensors]
    full = [s for s in shapes if s != (0,)]
    dim = check_dim(dim, len((full or shapes)[0]), existing=True)
    if any(s[:dim] + s[dim + 1 :] != full[0][:dim] + full[0][dim + 1 :] or len(s) != len(full[0]) for s in full):
        raise ShapeError(f"cat: all lengths but that of dimension {dim} must agree, got {', '.join(map(str, shapes))}")
    return _cat(*tensors, axis=dim, cuts=tuple(_cuts(shapes, dim)))


def _cuts(shapes, dim):
    start = 0
    for shape in shapes:
        yield None if shape == (0,) else (start, start + shape[dim])
        start += 0 if shape == (0,) else shape[dim]


concat = concatenate = cat


@like_torch
def stack(tensors, dim=0):
    """Tensors of one shape joined along a new dimension."""
    tensors = _same_dtype(tensors, "stack")
    shapes = {x.array.shape for x in tensors}
    if len(shapes) > 1:
        raise ShapeError(f"stack: all tensors must have one shape, got {', '.join(map(str, sorted(shapes)))}")
    dim = check_dim(dim, tensors[0].array.ndim + 1)
    rows = [unsqueeze(x, dim) for x in tensors]
    return _cat(*rows, axis=dim, cuts=tuple((i, i + 1) for i in range(len(rows))))


def _same_dtype(tensors, name):
    if not isinstance(tensors, (tuple, list)) or not all(isinstance(x, Tensor) for x in tensors):
        raise BadType(f"{name}() expects a list of tensors, got {type(tensors).__name__}")
    if not tensors:
        raise BadValue(f"{name}() expects at least one tensor")
    same = all(x.array.dtype == tensors[0].array.dtype for x in tensors)
    return list(tensors) if same else promoted(*tensors)


# Taking apart ------------------------------------------------------------------------------------------------------------


def _length(x, dim, name):
    """(the dimension counted from the front, its length)"""
    if tensor_argument(x, name).array.ndim == 0:
        raise ShapeError(f"{name}() expects a tensor with at least one dimension, got a 0-d one")
    dim = check_dim(dim, x.array.ndim)
    return dim, x.array.shape[dim]


@like_torch
def split(tensor, split_size_or_sections, dim=0):
    """Views of consecutive pieces: of one length (the last may be shorter), or of the lengths in a list."""
    dim, length = _length(tensor, dim, "split")
    sections = split_size_or_sections
    if not isinstance(sections, (tuple, list)):
        size = integer(sections, "split_size")
        if size < 0 or size == 0 and length:
            raise BadValue(f"split: the size of a piece must be positive, got {size}")
        sections = [min(size, length - start) for start in range(0, length, size or 1)] or [0]
    sections = [integer(n, "a section") for n in sections]
    if sum(sections) != length or min(sections, default=0) < 0:
        raise ShapeError(f"split: the sections {sections} must add up to the {length} of dimension {dim}")
    edges = np.cumsum([0, *sections]).tolist()
    return tuple(tensor[along(dim, slice(a, b))] for a, b in zip(edges, edges[1:]))


def method_split(self, split_size, dim=0):
    """Views of consecutive pieces; see `split`."""
    return split(self, split_size, dim)


@like_torch
def chunk(input, chunks, dim=0):
    """At most `chunks` pieces of equal length along a dimension; the last may be shorter."""
    dim, length = _length(input, dim, "chunk")
    if integer(chunks, "chunks") < 1:
        raise BadValue(f"chunk: expected at least one chunk, got {chunks}")
    return split(input, -(-length // chunks), dim) if length else split(input, [0] * chunks, dim)


@like_torch
def unbind(input, dim=0):
    """The slices along a dimension, without it."""
    dim, length = _length(input, dim, "unbind")
    return tuple(input[along(dim, i)] for i in range(length))


def select(input, dim, index):
    """One slice along a dimension, without it."""
    dim, _ = _length(input, dim, "select")
    return input[along(dim, integer(index, "index"))]


def narrow(input, dim, start, length):
    """`length` slices along a dimension from `start` on."""
    dim, available = _length(input, dim, "narrow")
    start, length = integer(start, "start"), integer(length, "length")
    start = start + available if start < 0 else start
    if length < 0 or not 0 <= start <= available - length:
        raise BadValue(f"narrow: {length} slices from {start} on do not lie within the {available} of dimension {dim}")
    return input[along(dim, slice(start, start + length))]


# The diagonal ------------------------------------------------------------------------------------------------------------

_diagonal = Elementary("Diagonal", lambda x, *, offset, axes, shape: np.diagonal(x, offset, *axes),
                       lambda dz, offset, axes, shape: _on_diagonal(dz, offset=offset, axes=axes, shape=shape))
_on_diagonal = Elementary("OnDiagonal", lambda x, *, offset, axes, shape: _put_on_diagonal(x, offset, axes, shape),
                          lambda dz, offset, axes, shape: _diagonal(dz, offset=offset, axes=axes, shape=shape))


def _put_on_diagonal(x, offset, axes, shape):
    """Zeros of a shape with x on the diagonal of two axes."""
    y = np.zeros(shape, x.dtype, like=x)
    moved = np.moveaxis(y, axes, (-2, -1))
    i = np.arange(x.shape[-1])
    moved[..., i + max(-offset, 0), i + max(offset, 0)] = x
    return y


def diagonal(input, offset=0, dim1=0, dim2=1):
    """The diagonal of two dimensions, as the last dimension."""
    ndim = tensor_argument(input, "diagonal").array.ndim
    axes = check_dim(dim1, ndim, "dim1"), check_dim(dim2, ndim, "dim2")
    if axes[0] == axes[1]:
        raise ShapeError(f"diagonal needs two different dimensions, got {dim1} and {dim2}")
    return share_version(_diagonal(input, offset=offset, axes=axes, shape=input.array.shape), input)
