"""Tensors from nothing: constants, ranges and random numbers, with PyTorch's arguments and defaults."""

import numpy as np

from .. import arrays
from ..errors import BadType, BadValue
from ..tensor import Tensor, as_array, wrap
from .shape import sizes


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


def from_numpy(ndarray):
    """A tensor that shares memory with a NumPy array."""
    if not isinstance(ndarray, np.ndarray):
        raise BadType(f"from_numpy expects a numpy.ndarray, got {type(ndarray).__name__}")
    return wrap(as_array(ndarray))


def _shape(size):
    shape = sizes(size)
    if any(n < 0 for n in shape):
        raise BadValue(f"lengths must not be negative, got {shape}")
    return shape


def full(size, fill_value, *, dtype=None, device=None, requires_grad=False):
    """A tensor filled with one value; its dtype follows the value unless given."""
    dtype = as_array(fill_value).dtype if dtype is None else arrays.as_dtype(dtype)
    value = fill_value.item() if isinstance(fill_value, Tensor) else fill_value
    return Tensor(arrays.module_for(device).full(_shape((size,)), value, dtype), requires_grad=requires_grad)


def _filled(value):
    def make(*size, dtype=None, device=None, requires_grad=False, out=None):
        return full(_shape(size), value, dtype=dtype or arrays.float32, device=device, requires_grad=requires_grad)

    return make


zeros, ones = _filled(0.0), _filled(1.0)
empty = _filled(0.0)
zeros.__name__, ones.__name__, empty.__name__ = "zeros", "ones", "empty"
zeros.__doc__, ones.__doc__ = "A tensor of zeros.", "A tensor of ones."
empty.__doc__ = "A tensor whose content is not to be relied on (here: zeros, so that results repeat)."


def full_like(input, fill_value, *, dtype=None, device=None, requires_grad=False):
    """A tensor of the same shape, dtype and device, filled with one value."""
    return full(input.shape, fill_value, dtype=dtype or input.dtype, device=device or input.device, requires_grad=requires_grad)


def zeros_like(input, *, dtype=None, device=None, requires_grad=False, memory_format=None):
    """Zeros of the same shape, dtype and device."""
    return full_like(input, 0, dtype=dtype, device=device, requires_grad=requires_grad)


def ones_like(input, *, dtype=None, device=None, requires_grad=False, memory_format=None):
    """Ones of the same shape, dtype and device."""
    return full_like(input, 1, dtype=dtype, device=device, requires_grad=requires_grad)


empty_like = zeros_like


def arange(start, end=None, step=1, *, dtype=None, device=None, requires_grad=False):
    """start, start + step, ... below end; integers unless a float is among the arguments."""
    start, end = (0, start) if end is None else (start, end)
    start, end, step = (v.item() if isinstance(v, (Tensor, np.generic)) else v for v in (start, end, step))
    if step == 0 or (end - start) * step < 0:
        raise BadValue(f"arange: step {step} never leads from {start} to {end}")
    if dtype is None:
        dtype = arrays.float32 if any(isinstance(v, float) for v in (start, end, step)) else arrays.int64
    count = max(int(np.ceil((end - start) / step)), 0)
    values = start + np.arange(count) * step
    return Tensor(arrays.to_device(values.astype(arrays.as_dtype(dtype)), device or "cpu"), requires_grad=requires_grad)


def linspace(start, end, steps, *, dtype=None, device=None, requires_grad=False):
    """`steps` evenly spaced numbers from start to end, both included."""
    if steps < 0:
        raise BadValue(f"linspace: steps must not be negative, got {steps}")
    values = np.linspace(float(start), float(end), steps).astype(arrays.as_dtype(dtype or arrays.float32))
    return Tensor(arrays.to_device(values, device or "cpu"), requires_grad=requires_grad)


def eye(n, m=None, *, dtype=None, device=None, requires_grad=False):
    """The identity matrix (n, m)."""
    return Tensor(arrays.module_for(device).eye(n, m, dtype=arrays.as_dtype(dtype or arrays.float32)), requires_grad=requires_grad)


# Random numbers ----------------------------------------------------------------------------------------------------------


def _stream(generator):
    return (generator or arrays.default_generator).numpy


def _drawn(values, dtype, device, requires_grad):
    return Tensor(arrays.to_device(values.astype(arrays.as_dtype(dtype)), device or "cpu"), requires_grad=requires_grad)


def randn(*size, generator=None, dtype=None, device=None, requires_grad=False):
    """Normal random numbers of mean 0 and deviation 1."""
    return _drawn(np.asarray(_stream(generator).standard_normal(_shape(size))), dtype or arrays.float32, device, requires_grad=requires_grad)


def rand(*size, generator=None, dtype=None, device=None, requires_grad=False):
    """Uniform random numbers in [0, 1)."""
    dtype = arrays.as_dtype(dtype or arrays.float32)
    return _drawn(np.asarray(_stream(generator).random(_shape(size), dtype)), dtype, device, requires_grad=requires_grad)


def randint(low, high=None, size=None, *, generator=None, dtype=None, device=None, requires_grad=False):
    """Uniform random integers: low ≤ x < high; called as randint(high, size) or randint(low, high, size)."""
    if size is None:
        low, high, size = 0, low, high
    if low >= high:
        raise BadValue(f"randint: low must be below high, got {low} and {high}")
    return _drawn(np.asarray(_stream(generator).integers(low, high, _shape((size,)))), dtype or arrays.int64, device, requires_grad=requires_grad)


def randperm(n, *, generator=None, dtype=None, device=None):
    """The integers 0 .. n-1 in random order."""
    return _drawn(_stream(generator).permutation(n), dtype or arrays.int64, device, False)


def randn_like(input, *, dtype=None, device=None, requires_grad=False, generator=None):
    """Normal random numbers in the shape of another tensor."""
    return randn(input.shape, generator=generator, dtype=dtype or input.dtype, device=device, requires_grad=requires_grad)


def rand_like(input, *, dtype=None, device=None, requires_grad=False, generator=None):
    """Uniform random numbers in the shape of another tensor."""
    return rand(input.shape, generator=generator, dtype=dtype or input.dtype, device=device, requires_grad=requires_grad)


def bernoulli(input, *, generator=None):
    """1 with the probability that each element gives, else 0."""
    return wrap((_stream(generator).random(input.array.shape) < input.array).astype(input.dtype))
