"""Attaches the elementary operations to `Tensor`, as methods and operators."""

import numpy as np

from .. import arrays
from ..tensor import Tensor
from . import arithmetic, comparison, extra, in_place, indexing, linear_algebra, reduction, shape

_METHODS = {
    arithmetic: "add sub mul div true_divide floor_divide remainder neg exp expm1 log log1p sqrt rsqrt reciprocal square sin cos "
                "tanh erf sign abs sigmoid pow maximum minimum trunc",
    comparison: "eq ne lt le gt ge logical_and logical_or logical_xor logical_not isnan isinf isfinite isclose allclose equal",
    shape: "reshape flatten unflatten squeeze unsqueeze permute transpose t movedim expand expand_as broadcast_to repeat "
           "flip roll split chunk unbind clone contiguous view",
    reduction: "mean var std amax amin max min argmax argmin any all cumsum norm logsumexp softmax log_softmax sum",
    linear_algebra: "matmul mm bmm outer",
    indexing: "gather scatter_add index_select masked_fill masked_select sort argsort topk",
    in_place: "add_ sub_ mul_ div_ pow_ copy_ fill_ zero_ clamp_ normal_ uniform_ write_in_place",
    extra: "clamp clip bincount",
}
for _module, _names in _METHODS.items():
    for _name in _names.split():
        setattr(Tensor, _name, getattr(_module, _name))


def _accept_numpy_names(method):
    """`axis` and `keepdims` for `dim` and `keepdim`, which PyTorch accepts too."""

    def reduce(self, *args, axis=None, keepdims=None, **kwargs):
        if axis is not None:
            kwargs["dim"] = axis
        if keepdims is not None:
            kwargs["keepdim"] = keepdims
        return method(self, *args, **kwargs)

    reduce.__name__, reduce.__doc__ = method.__name__, method.__doc__
    return reduce


for _name in "sum mean var std amax amin max min argmax argmin any all".split():
    setattr(Tensor, _name, _accept_numpy_names(getattr(Tensor, _name)))


def _operator(function):
    """An operator that leaves unknown operands to the other side."""

    def operate(self, other):
        if not isinstance(other, (Tensor, int, float, np.generic)) and not arrays.is_array(other):
            return NotImplemented
        return function(self, other)

    operate.__name__ = function.__name__
    return operate


def _reflected(function):
    return _operator(lambda self, other: function(other, self))


_TWO = {"add": arithmetic.add, "sub": arithmetic.sub, "mul": arithmetic.mul, "truediv": arithmetic.true_divide,
        "floordiv": arithmetic.floor_divide, "mod": arithmetic.remainder, "pow": arithmetic.pow,
        "matmul": linear_algebra.matmul, "and": comparison.bitwise_and, "or": comparison.bitwise_or,
        "xor": comparison.bitwise_xor}
for _name, _function in _TWO.items():
    setattr(Tensor, f"__{_name}__", _operator(_function))
    setattr(Tensor, f"__r{_name}__", _reflected(_function))
for _name in ("eq", "ne", "lt", "le", "gt", "ge"):
    setattr(Tensor, f"__{_name}__", _operator(getattr(comparison, _name)))
for _name in ("add", "sub", "mul", "pow"):
    setattr(Tensor, f"__i{_name}__", _operator(getattr(in_place, f"{_name}_")))
Tensor.__itruediv__ = _operator(in_place.div_)
Tensor.__neg__, Tensor.__abs__, Tensor.__invert__ = arithmetic.neg, arithmetic.abs, comparison.bitwise_not
Tensor.__getitem__, Tensor.__setitem__ = indexing.getitem, indexing.setitem
Tensor.T = property(lambda self: shape.permute(self, *range(self.array.ndim)[::-1]))
Tensor.mT = property(lambda self: shape.transpose(self, -1, -2))


# Conversions -------------------------------------------------------------------------------------------------------------


def to(self, *args, dtype=None, device=None, non_blocking=False, copy=False):
    """`to(dtype)`, `to(device)`, `to(device, dtype)` or `to(other)`: itself when nothing changes."""
    for arg in args:
        if isinstance(arg, Tensor):
            dtype, device = arg.dtype, arg.device
        elif isinstance(arg, (str, arrays.device)) and str(arg).partition(":")[0] in ("cpu", "cuda"):
            device = arg
        elif isinstance(arg, bool):
            continue
        else:
            dtype = arrays.as_dtype(arg)
    moved = self if device is None or arrays.device(device) == self.device else move(self, device)
    result = moved if dtype is None else shape.cast(moved, dtype)
    return result.clone() if copy and result is self else result


def move(self, device):
    """A copy on another device; the gradient comes back to this one."""
    return extra.transfer(self, to=str(arrays.device(device)), back=str(self.device))


Tensor.to = to
Tensor.cpu = lambda self: to(self, device="cpu")
Tensor.cuda = lambda self, device=None: to(self, device="cuda")
Tensor.double = lambda self: to(self, arrays.float64)
Tensor.float = lambda self: to(self, arrays.float32)
Tensor.long = lambda self: to(self, arrays.int64)
Tensor.int = lambda self: to(self, arrays.int32)
Tensor.bool = lambda self: to(self, arrays.bool_)
Tensor.type_as = lambda self, other: to(self, other.dtype)
Tensor.view_as = lambda self, other: shape.reshape(self, *other.shape)
Tensor.reshape_as = Tensor.view_as


def type(self, dtype=None):
    """The dtype's name, or the tensor as another dtype."""
    return str(self.dtype) if dtype is None else to(self, dtype)


Tensor.type = type


def _new(fill):
    def make(self, *size, dtype=None, device=None, requires_grad=False):
        shape_ = shape.sizes(size)
        return Tensor(np.full(shape_, fill, dtype or self.dtype, like=self.array), requires_grad=requires_grad)

    return make


Tensor.new_zeros, Tensor.new_ones = _new(0), _new(1)
Tensor.new_empty = Tensor.new_zeros
Tensor.new_full = lambda self, size, fill_value, **options: _new(fill_value)(self, *size, **options)


def new_tensor(self, data, *, dtype=None, requires_grad=False):
    """A tensor of this one's dtype and device from other data."""
    return Tensor(np.asarray(data, dtype=dtype or self.dtype, like=self.array).copy(), requires_grad=requires_grad)


Tensor.new_tensor = new_tensor
Tensor.exp_ = lambda self: in_place.apply_in_place(self, arithmetic.exp)
Tensor.sqrt_ = lambda self: in_place.apply_in_place(self, arithmetic.sqrt)


def masked_fill_(self, mask, value):
    """`masked_fill` in place."""
    return in_place.apply_in_place(self, lambda x: indexing.masked_fill(x, mask, value))


Tensor.masked_fill_ = masked_fill_
