"""Elementary operations that are put together from the others, and the move between devices."""

import numpy as np

from .. import arrays
from ..autograd.mode import watched_whole
from ..autograd.operation import Elementary
from ..errors import BadIndex, BadType, BadValue, ShapeError
from ..tensor import Tensor, wrap
from .arguments import integer, tensor_argument
from .arithmetic import clamp  # noqa: F401

transfer = Elementary("Identity", lambda x, *, to, back: arrays.to_device(x, to),
                      lambda dz, to, back: transfer(dz, to=back, back=to))


@watched_whole
def bincount(input, weights=None, minlength=0):
    """How often each of the numbers 0, 1, 2, ... occurs in a vector of integers (or the weights added up)."""
    if tensor_argument(input, "bincount").array.dtype.kind not in "iu" or input.array.ndim != 1:
        raise BadType(f"bincount expects a vector of integers, got {input.dtype} of shape {tuple(input.shape)}")
    if input.array.size and input.array.min() < 0:
        raise BadIndex(f"bincount expects no negative numbers, got {input.array.min()}")
    if integer(minlength, "minlength") < 0:
        raise BadValue(f"bincount: minlength must not be negative, got {minlength}")
    if weights is None:
        return wrap(np.bincount(input.array, None, minlength))
    if tensor_argument(weights, "bincount", "weights").array.shape != input.array.shape:
        raise ShapeError(f"bincount: weights must have the input's shape {tuple(input.shape)}, got {tuple(weights.shape)}")
    total = np.bincount(input.array, weights.array, minlength)
    return wrap(total.astype(arrays.float32 if weights.dtype == arrays.float32 else arrays.float64))


@watched_whole
def one_hot(tensor, num_classes=-1):
    """Class indices as int64 rows with a single 1: (…) -> (…, K); K is the largest index + 1 unless given."""
    if tensor_argument(tensor, "one_hot", "tensor").array.dtype != arrays.int64:
        raise BadType(f"one_hot expects int64 class indices, got {tensor.dtype}; convert with .long()")
    indices = tensor.array
    largest = int(indices.max()) if indices.size else -1
    classes = largest + 1 if num_classes == -1 else integer(num_classes, "num_classes")
    if classes < 1:
        raise BadValue(f"one_hot: the number of classes must be positive, got {classes}")
    if indices.size and (largest >= classes or indices.min() < 0):
        raise BadIndex(f"one_hot: class indices must lie in 0 .. {classes - 1}, got {indices.min()} .. {largest}")
    return wrap((indices[..., None] == np.arange(classes, like=indices)).astype(np.int64))


def is_tensor(obj):
    """Whether this is a Tensor."""
    return isinstance(obj, Tensor)


def numel(input):
    """The number of elements."""
    return input.numel()
