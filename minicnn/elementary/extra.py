"""Elementary operations that are put together from the others, and the move between devices."""

import numpy as np

from .. import arrays
from ..autograd.operation import Elementary
from ..errors import BadIndex, BadType, BadValue
from ..tensor import Tensor, wrap
from .arithmetic import alike, maximum, minimum, where

transfer = Elementary("Identity", lambda x, *, to, back: arrays.to_device(x, to),
                      lambda dz, to, back: transfer(dz, to=back, back=to))

_clamp = Elementary("Clip", lambda x, *, min, max: np.clip(x, min, max),
                    lambda dz, x, min, max: where(_inside(x, min, max), dz, dz * 0))


def _inside(x, low, high):
    """Where a clamp lets the gradient through: the bounds belong to the inside."""
    inside = x == x
    inside = inside if low is None else inside & (x >= low)
    return inside if high is None else inside & (x <= high)


def clamp(input, min=None, max=None, *, out=None):
    """Limited to min ≤ x ≤ max; either may be None, a number, or a tensor."""
    if min is None and max is None:
        raise BadValue("clamp needs min or max")
    if isinstance(min, Tensor) or isinstance(max, Tensor):
        result = input if min is None else maximum(input, min)
        return result if max is None else minimum(result, max)
    bound = min if min is not None else max
    input, _ = alike(input, bound)
    return _clamp(input, min=min, max=max)


clip = clamp

def bincount(input, weights=None, minlength=0):
    """How often each of the numbers 0, 1, 2, ... occurs in a vector of integers (or the weights added up)."""
    if input.array.dtype.kind not in "iu" or input.array.ndim != 1:
        raise BadType(f"bincount expects a vector of integers, got {input.dtype} of shape {tuple(input.shape)}")
    if input.array.size and input.array.min() < 0:
        raise BadIndex(f"bincount expects no negative numbers, got {input.array.min()}")
    return wrap(np.bincount(input.array, None if weights is None else weights.array, minlength))


def one_hot(tensor, num_classes=-1):
    """Class indices as int64 rows with a single 1: (…) -> (…, K); K is the largest index + 1 unless given."""
    if tensor.array.dtype.kind not in "iu":
        raise BadType(f"one_hot expects integer class indices, got {tensor.dtype}")
    found = int(tensor.array.max()) + 1 if tensor.array.size else 0
    classes = found if num_classes == -1 else num_classes
    if not classes or found > classes or tensor.array.size and tensor.array.min() < 0:
        raise BadIndex(f"one_hot: class indices must lie in 0 .. {classes - 1}")
    return wrap((tensor.array[..., None] == np.arange(classes, like=tensor.array)).astype(np.int64))
