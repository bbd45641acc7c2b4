"""Elementary orders: sort, the k largest, and where they were."""

import numpy as np

from ..autograd.mode import watched_whole
from ..errors import BadIndex
from ..tensor import check_dim, wrap
from .arguments import integer, like_torch, tensor_argument
from .indexing import gather
from .joining import narrow
from .reduction import VALUES


@like_torch
@watched_whole
def sort(input, dim=-1, descending=False, *, stable=False):
    """(values, indices) in rising or falling order along a dimension; equal elements keep their order, NaN counts as largest."""
    axis = check_dim(dim, tensor_argument(input, "sort").array.ndim)
    order = _order(input, axis, descending)
    return VALUES["sort"](gather(input, axis, order), order)


def _order(x, axis, descending):
    """The indices that sort a dimension, stably."""
    if not x.array.ndim:
        return wrap(np.zeros((), np.int64, like=x.array))
    if not descending:
        return wrap(np.argsort(x.array, axis, kind="stable"))
    backwards = np.argsort(np.flip(x.array, axis), axis, kind="stable")
    return wrap(x.array.shape[axis] - 1 - np.flip(backwards, axis))


@like_torch
@watched_whole
def argsort(input, dim=-1, descending=False, *, stable=False):
    """The indices that sort a dimension."""
    return _order(input, check_dim(dim, tensor_argument(input, "argsort").array.ndim), descending)


@like_torch
@watched_whole
def topk(input, k, dim=-1, largest=True, sorted=True):
    """(values, indices) of the k largest or smallest elements along a dimension, best first."""
    axis = check_dim(dim, tensor_argument(input, "topk").array.ndim)
    length = input.array.shape[axis] if input.array.ndim else 1
    if not 0 <= integer(k, "k") <= length:
        raise BadIndex(f"topk: k must be between 0 and {length}, the length of dimension {dim}; got {k}")
    order = _order(input, axis, largest)
    order = narrow(order, axis, 0, k) if input.array.ndim else order
    return VALUES["topk"](gather(input, axis, order), order)
