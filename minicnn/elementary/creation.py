"""Tensors from data and from nothing: constants and ranges, with PyTorch's arguments and defaults."""

import math

import numpy as np

from .. import arrays
from ..errors import BadType, BadValue
from ..tensor import Tensor, as_array, wrap
from .arguments import deliver, integer, sizes, tensor_argument


def tensor(data, *, dtype=None, device=None, requires_grad=False, pin_memory=False):
    """A new leaf with a copy of the data: nested lists, numbers or an array. Python floats become float32."""
    array = as_array(data, dtype)
    module = arrays.module_of(array) if device is None else arrays.module_for(device)
    array = arrays.to_numpy(array) if module is np else array
    return Tensor(module.array(array, copy=True), requires_grad=requires_grad)


def as_tensor(data, dtype=None, device=None):
    """A tensor that shares memory with the data where it can."""
    if isinstance(data, Tensor):
        return data if dtype is None and device is None else data.to(device=device, dtype=dtype)
    return wrap(arrays.to_device(as_array(data, dtype), device)) if device else wrap(as_array(data, dtype))


asarray = as_tensor


def from_numpy(ndarray):
    """A tensor that shares memory with a NumPy array."""
    if not isinstance(ndarray, np.ndarray):
        raise BadType(f"from_numpy expects a numpy.ndarray, got {type(ndarray).__name__}")
    return wrap(as_array(ndarray))


def shape_of(size):
    """The shape that `f(2, 3)` or `f((2, 3))` asks for."""
    shape = sizes(size)
    if any(n < 0 for n in shape):
        raise BadValue(f"lengths must not be negative, got {shape}")
    return shape


def made(array, dtype, device, requires_grad, out=None):
    """A leaf from NumPy's values."""
    result = Tensor(arrays.to_device(array.astype(dtype, copy=False), device or "cpu"), requires_grad=requires_grad)
    return result if out is None else deliver(result, out)


# Constants ---------------------------------------------------------------------------------------------------------------


def full(size, fill_value, *, dtype=None, device=None, requires_grad=False, out=None):
    """A tensor filled with one value; its dtype follows the value unless given."""
    value = fill_value.item() if isinstance(fill_value, Tensor) else fill_value
    if not isinstance(size, (tuple, list)) or not isinstance(value, (bool, int, float, np.generic)):
        raise BadType(f"full() expects a tuple of lengths and a number, got {size!r} and {fill_value!r}")
    dtype = as_array(fill_value).dtype if dtype is None else arrays.as_dtype(dtype)
    _check_range(value, dtype)
    value = np.asarray(value).astype(dtype).item()
    result = Tensor(arrays.module_for(device).full(shape_of((size,)), value, dtype), requires_grad=requires_grad)
    return result if out is None else deliver(result, out)


def _check_range(value, dtype):
    """Refuse a number that the dtype cannot hold."""
    if dtype.kind == "b" or not math.isfinite(value) and dtype.kind == "f":
        return
    limits = np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype)
    if not min(limits.min, -limits.max) <= value <= limits.max:         # negative numbers may wrap around, as in PyTorch
        raise BadValue(f"{value!r} is outside what {dtype} can hold")


def _filled(name, value, doc):
    def make(*size, dtype=None, device=None, requires_grad=False, out=None, layout=None, pin_memory=False, **named):
        size = (named.pop("size"),) if "size" in named else size
        if named or layout is not None:
            raise BadType(f"{name}() got unexpected arguments {', '.join(named) or 'layout'}")
        dtype = arrays.float32 if dtype is None else dtype
        return full(shape_of(size), value, dtype=dtype, device=device, requires_grad=requires_grad, out=out)

    make.__name__, make.__doc__ = name, doc
    return make


zeros = _filled("zeros", 0, "A tensor of zeros.")
ones = _filled("ones", 1, "A tensor of ones.")
empty = _filled("empty", 0, "A tensor whose content is not to be relied on (here: zeros, so that results repeat).")


def full_like(input, fill_value, *, dtype=None, device=None, requires_grad=False, memory_format=None):
    """A tensor of the same shape, dtype and device, filled with one value."""
    tensor_argument(input, "full_like")
    return full(input.array.shape, fill_value, dtype=input.dtype if dtype is None else dtype, device=device or input.device,
                requires_grad=requires_grad)


def zeros_like(input, *, dtype=None, device=None, requires_grad=False, memory_format=None):
    """Zeros of the same shape, dtype and device."""
    return full_like(input, 0, dtype=dtype, device=device, requires_grad=requires_grad)


def ones_like(input, *, dtype=None, device=None, requires_grad=False, memory_format=None):
    """Ones of the same shape, dtype and device."""
    return full_like(input, 1, dtype=dtype, device=device, requires_grad=requires_grad)


empty_like = zeros_like


def eye(n, m=None, *, dtype=None, device=None, requires_grad=False, out=None):
    """The identity matrix (n, m)."""
    rows, columns = shape_of((n, n if m is None else m))
    return made(np.eye(rows, columns), arrays.as_dtype(arrays.float32 if dtype is None else dtype), device, requires_grad, out)


# Ranges ------------------------------------------------------------------------------------------------------------------


def arange(start=0, end=None, step=1, *, dtype=None, device=None, requires_grad=False, out=None):
    """start, start + step, ... below end; integers unless a float is among the arguments."""
    start, end = (0, start) if end is None else (start, end)
    start, end, step = (_number(v, "arange") for v in (start, end, step))
    if not all(map(math.isfinite, (start, end, step))) or step == 0 or (end - start) * step < 0:
        raise BadValue(f"arange: steps of {step} never lead from {start} to {end}")
    if dtype is None:
        dtype = arrays.float32 if any(isinstance(v, float) for v in (start, end, step)) else arrays.int64
    dtype = _not_bool(dtype, "arange")
    first, pace = (start, step) if dtype.kind == "f" else (int(start), int(step))
    span = int(end) - first if dtype == arrays.int64 else end - start
    count = max(math.ceil(span / (pace if dtype == arrays.int64 else step)), 0)
    return made(first + np.arange(count) * pace, dtype, device, requires_grad, out)


def _number(value, name):
    value = value.item() if isinstance(value, (Tensor, np.generic)) else value
    if not isinstance(value, (int, float)):
        raise BadType(f"{name}() expects numbers, got {value!r}")
    return value


def _not_bool(dtype, name):
    dtype = arrays.as_dtype(dtype)
    if dtype == arrays.bool_:
        raise BadType(f"{name}() makes numbers, not bools")
    return dtype


def linspace(start, end, steps, *, dtype=None, device=None, requires_grad=False, out=None):
    """`steps` evenly spaced numbers from start to end, both included."""
    for v in (start, end):
        if isinstance(v, Tensor) and v.ndim:
            raise BadValue(f"linspace: start and end must be numbers or 0-d tensors, got shape {tuple(v.shape)}")
    if integer(steps, "steps") < 0:
        raise BadValue(f"linspace: steps must not be negative, got {steps}")
    dtype = _not_bool(arrays.float32 if dtype is None else dtype, "linspace")
    start, end = (_number(v, "linspace") for v in (start, end))
    if dtype.kind != "f":
        start, end = int(start), int(end)
    step, i = (end - start) / max(steps - 1, 1), np.arange(steps)
    values = np.where((i < steps // 2) | (steps == 1), start + step * i, end - step * (steps - 1 - i))     # exact at both ends
    return made(values, dtype, device, requires_grad, out)
