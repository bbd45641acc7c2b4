"""Attaches the elementary operations to `Tensor`, as methods and operators."""

import numpy as np

from .. import arrays
from ..errors import ShapeError
from ..tensor import Tensor, as_array, wrap
from . import (
    arithmetic, comparison, creation, extra, in_place, indexing, joining, linear_algebra, norms, ordering, printing, random,
    reduction, shape,
)
from .arguments import tensor_argument

_METHODS = {
    arithmetic: "add sub mul div true_divide floor_divide remainder neg exp expm1 log log1p sqrt rsqrt reciprocal square sin cos "
                "tanh erf sign abs sigmoid pow maximum minimum trunc floor ceil round clamp clip",
    comparison: "eq ne lt le gt ge bitwise_and bitwise_or bitwise_xor bitwise_not logical_and logical_or logical_xor "
                "logical_not isnan isinf isfinite isclose allclose equal",
    shape: "reshape flatten unflatten squeeze unsqueeze permute transpose swapaxes swapdims t movedim moveaxis expand expand_as "
           "broadcast_to repeat flip roll clone contiguous view view_as",
    joining: "chunk unbind select narrow diagonal",
    reduction: "mean var std amax amin max min argmax argmin any all cumsum logsumexp softmax log_softmax sum",
    norms: "norm",
    ordering: "sort argsort topk",
    linear_algebra: "matmul mm bmm mv dot outer",
    indexing: "gather scatter scatter_add index_select masked_fill masked_select nonzero",
    in_place: "add_ sub_ mul_ div_ pow_ remainder_ floor_divide_ copy_ fill_ zero_ clamp_ normal_ uniform_ bernoulli_",
    extra: "bincount",
    random: "bernoulli",
}
for _module, _names in _METHODS.items():
    for _name in _names.split():
        setattr(Tensor, _name, getattr(_module, _name))
Tensor.where = lambda self, condition, other: arithmetic.where(condition, self, other)
Tensor.split, Tensor.reshape_as, Tensor.absolute = joining.method_split, shape.view_as, arithmetic.abs


Tensor.__repr__ = printing.describe

# Operators ---------------------------------------------------------------------------------------------------------------


def _operator(function):
    """An operator that leaves unknown operands to the other side."""

    def operate(self, other):
        if not isinstance(other, (Tensor, int, float, np.generic)):
            if not arrays.is_array(other):
                return NotImplemented
            other = Tensor(other)
        return function(self, other)

    operate.__name__ = function.__name__
    return operate


def _reflected(function):
    """The operator of a tensor on the right."""
    return _operator(lambda self, other: function(other, tensor_argument(self, function.__name__)))


_TWO = {"add": arithmetic.add, "sub": arithmetic.sub, "mul": arithmetic.mul, "truediv": arithmetic.true_divide,
        "floordiv": arithmetic.floor_divide, "mod": arithmetic.remainder, "pow": arithmetic.pow,
        "matmul": linear_algebra.matmul, "and": comparison.bitwise_and, "or": comparison.bitwise_or,
        "xor": comparison.bitwise_xor}
for _name, _function in _TWO.items():
    setattr(Tensor, f"__{_name}__", _operator(_function))
    setattr(Tensor, f"__r{_name}__", _reflected(_function))
Tensor.__rdiv__ = Tensor.__rtruediv__
for _name in ("eq", "ne", "lt", "le", "gt", "ge"):
    setattr(Tensor, f"__{_name}__", _operator(getattr(comparison, _name)))
for _name, _function in {"add": "add_", "sub": "sub_", "mul": "mul_", "truediv": "div_", "pow": "pow_", "mod": "remainder_",
                         "floordiv": "floor_divide_"}.items():
    setattr(Tensor, f"__i{_name}__", _operator(getattr(in_place, _function)))
Tensor.__neg__, Tensor.__abs__, Tensor.__invert__ = arithmetic.neg, arithmetic.abs, comparison.bitwise_not
Tensor.__pos__ = lambda self: self
Tensor.__getitem__, Tensor.__setitem__ = indexing.getitem, indexing.setitem
Tensor.__contains__ = lambda self, value: bool((self == value).any())
Tensor.__reversed__ = lambda self: shape.flip(self, *range(self.array.ndim))


def _transposed(self):
    """The matrix transposed."""
    if self.array.ndim not in (0, 2):
        return shape.permute(self, *range(self.array.ndim)[::-1])
    return shape.t(self)


def _matrices_transposed(self):
    """The last two dimensions exchanged."""
    if self.array.ndim < 2:
        raise ShapeError(f"mT needs at least two dimensions, got shape {tuple(self.shape)}")
    return shape.transpose(self, -1, -2)


Tensor.T, Tensor.mT = property(_transposed), property(_matrices_transposed)


# In place ----------------------------------------------------------------------------------------------------------------


def _unary_in_place(function):
    def change(self, *args, **kwargs):
        return in_place.apply_in_place(self, lambda x: function(x, *args, **kwargs))

    change.__name__, change.__doc__ = f"{function.__name__}_", f"`{function.__name__}` in place."
    return change


for _function in (arithmetic.exp, arithmetic.log, arithmetic.sqrt, arithmetic.rsqrt, arithmetic.reciprocal, arithmetic.neg,
                  arithmetic.abs, arithmetic.tanh, arithmetic.sigmoid, arithmetic.square, arithmetic.sin, arithmetic.cos,
                  arithmetic.floor, arithmetic.ceil, arithmetic.round, arithmetic.trunc, arithmetic.sign, indexing.masked_fill,
                  indexing.scatter, indexing.scatter_add):
    setattr(Tensor, f"{_function.__name__}_", _unary_in_place(_function))
Tensor.clip_ = Tensor.clamp_


# Conversions -------------------------------------------------------------------------------------------------------------


def to(self, *args, dtype=None, device=None, non_blocking=False, copy=False, memory_format=None):
    """`to(dtype)`, `to(device)`, `to(device, dtype)` or `to(other)`: itself when nothing changes."""
    for arg in args:
        if isinstance(arg, Tensor):
            dtype, device = arg.dtype, arg.device
        elif isinstance(arg, (str, arrays.device)) and str(arg).partition(":")[0] in ("cpu", "cuda"):
            device = arg
        elif not isinstance(arg, bool) and arg is not None:
            dtype = arrays.as_dtype(arg)
    moved = self if device is None or arrays.device(device) == self.device else move(self, device, non_blocking)
    result = moved if dtype is None else shape.cast(moved, dtype)
    result = shape.contiguous(result, memory_format) if memory_format == "channels_last" else result
    return result.clone() if copy and result is self else with_extent(result, self)


def with_extent(moved, source):
    """What was moved from `source`. Integers that leave for a GPU take their lowest and highest value along.

    They may be class labels. Whether these are in range can be found out here for little, and there only by waiting for the GPU.
    """
    if moved.is_cuda and not source.is_cuda and moved.array.dtype == arrays.int64 and source.array.size:
        moved.extent = int(source.array.min()), int(source.array.max()), moved.version_cell()[0]
    return moved


def move(self, device, non_blocking=False):
    """A copy on another device; the gradient comes back to this one. From pinned memory with non_blocking, Python goes on meanwhile."""
    to = str(arrays.device(device))
    if non_blocking and to != "cpu" and not self.tracked and self.is_pinned() and self.array.flags.c_contiguous:
        return wrap(arrays.copy_pinned(self.array))
    return extra.transfer(self, to=to, back=str(self.device))


def pin_memory(self, device=None):
    """The tensor in pinned memory, which the GPU can read while Python goes on: `t.pin_memory().to("cuda", non_blocking=True)`.

    As in PyTorch, it must not be changed before the copy is done. Raises DeviceError where there is no GPU.
    """
    return self if self.is_pinned() else wrap(arrays.pinned(self.array))


def is_pinned(self, device=None):
    """Whether the tensor lies in pinned memory."""
    return arrays.is_pinned(self.array)


Tensor.pin_memory, Tensor.is_pinned = pin_memory, is_pinned


Tensor.to = to


def _conversion(name, **target):
    def convert(self, *, memory_format=None):
        return to(self, **target)

    convert.__name__, convert.__doc__ = name, f"The tensor as {', '.join(map(str, target.values()))}."
    setattr(Tensor, name, convert)


for _name, _dtype in {"double": arrays.float64, "float": arrays.float32, "long": arrays.int64, "int": arrays.int32,
                      "short": arrays.int16, "byte": arrays.uint8, "bool": arrays.bool_}.items():
    _conversion(_name, dtype=_dtype)
_conversion("cpu", device="cpu")


def cuda(self, device=None, non_blocking=False):
    """The tensor on the GPU."""
    return to(self, device="cuda", non_blocking=non_blocking)


def type_as(self, other):
    """As the dtype of another tensor."""
    return to(self, other.dtype)


def type(self, dtype=None):
    """The dtype's name, or the tensor as another dtype."""
    return str(self.dtype) if dtype is None else to(self, dtype)


Tensor.cuda, Tensor.type_as, Tensor.type = cuda, type_as, type


# New tensors like this one -----------------------------------------------------------------------------------------------


def _new(name, value):
    def make(self, *size, dtype=None, device=None, requires_grad=False, **named):
        size = creation.shape_of((named["size"],) if "size" in named else size)
        return creation.full(size, value, dtype=dtype or self.dtype, device=device or self.device, requires_grad=requires_grad)

    make.__name__, make.__doc__ = name, f"`{name[4:]}` of this dtype and on this device."
    return make


Tensor.new_zeros, Tensor.new_ones, Tensor.new_empty = _new("new_zeros", 0), _new("new_ones", 1), _new("new_empty", 0)


def new_full(self, size, fill_value, *, dtype=None, device=None, requires_grad=False):
    """`full` of this dtype and on this device."""
    return creation.full(size, fill_value, dtype=dtype or self.dtype, device=device or self.device, requires_grad=requires_grad)


def new_tensor(self, data, *, dtype=None, device=None, requires_grad=False):
    """`tensor` of this dtype and on this device."""
    array = as_array(data, self.dtype if dtype is None else dtype)
    return creation.tensor(array, device=device or self.device, requires_grad=requires_grad)


Tensor.new_full, Tensor.new_tensor = new_full, new_tensor
