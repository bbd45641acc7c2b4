"""Which dtype a result has when its operands differ: PyTorch's rules.

Kinds rank bool < integer < float. A tensor with dimensions decides before a 0-d tensor, and that before a Python number, unless
the lesser one is of a higher kind: `int64 tensor * 0.5` is float32, `float32 tensor * float64 0-d tensor` stays float32.
"""

from functools import reduce

import numpy as np

from .. import arrays
from ..errors import BadType, DeviceError
from ..tensor import DEFAULT_DTYPES, Tensor, rank


def _wider(a, b):
    if rank(a) != rank(b):
        return a if rank(a) > rank(b) else b
    return np.promote_types(a, b)


def result_type(*operands):
    """The dtype that these tensors and numbers are computed in."""
    groups = [[], [], []]                                   # tensors with dimensions, 0-d tensors, numbers
    for x in operands:
        if isinstance(x, Tensor):
            groups[0 if x.array.ndim else 1].append(x.array.dtype)
        else:
            groups[2].append(_number_dtype(x))
    best = None
    for group in filter(None, groups):
        dtype = reduce(_wider, group)
        best = dtype if best is None or rank(dtype) > rank(best) else best
    return best


def _number_dtype(x):
    for kind in (bool, int, float):
        if isinstance(x, kind):
            return DEFAULT_DTYPES[kind]
    if isinstance(x, np.generic):
        return arrays.as_dtype(x.dtype)
    raise BadType(f"expected a tensor or a number, got {type(x).__name__}")


def promoted(*operands):
    """The operands as tensors of one dtype; numbers, and 0-d tensors on the CPU, go to the other tensors' device."""
    operands = [Tensor(x) if arrays.is_array(x) else x for x in operands]
    dtype = result_type(*operands)
    tensors = [x for x in operands if isinstance(x, Tensor)]
    like = next((x for x in tensors if x.is_cuda), tensors[0] if tensors else None)
    _same_device(operands)
    return [_of_dtype(x, dtype, like) if isinstance(x, Tensor) else _number(x, dtype, like) for x in operands]


def _of_dtype(x, dtype, like):
    """A 0-d tensor is a number, which may lie anywhere: from the CPU it goes to where the others are."""
    return x.to(dtype) if x.array.ndim or x.is_cuda or not like.is_cuda else x.to(like.device, dtype)


def _number(x, dtype, like):
    return Tensor(arrays.beside(x, None if like is None else like.array, dtype))


def _same_device(operands):
    found = {str(x.device) for x in operands if isinstance(x, Tensor) and x.array.ndim}
    if len(found) > 1:
        raise DeviceError(f"expected all tensors on one device, found {' and '.join(sorted(found))}; move one with .to()")


def floating(x):
    """The tensor itself when it is of floating point, else as float32: what exp, sqrt or division compute in."""
    return x.to(arrays.float32) if isinstance(x, Tensor) and x.array.dtype.kind != "f" else x
