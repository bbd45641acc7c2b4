"""Tensors that are made: constants, ranges, shapes. What shapes are reckoned from stays on the CPU."""

from math import ceil

import numpy as np

from ...errors import BadValue
from ...tensor import wrap
from ..dtypes import dtype_of
from .table import operator
from .values import Numbers, constant, integers, number


@operator("Constant")
def constant_value(*, value=None, value_float=None, value_floats=None, value_int=None, value_ints=None):
    """The attribute that is given, as a tensor."""
    if value is not None:
        return wrap(np.array(value))
    for given, dtype in ((value_float, "float32"), (value_floats, "float32"), (value_int, "int64"), (value_ints, "int64")):
        if given is not None:
            return wrap(np.array(given, dtype))
    raise BadValue("Constant needs one of value, value_float, value_floats, value_int and value_ints")


@operator("ConstantOfShape")
def constant_of_shape(input: Numbers, *, value=None):
    """One number, by default 0 in float32, in a shape."""
    value = np.zeros(1, np.float32) if value is None else np.asarray(value)
    return wrap(np.full(integers(input), value.reshape(-1)[0], value.dtype))


@operator("Shape")
def shape(data, *, start=0, end=None):
    """The lengths of the axes, or of some of them."""
    return wrap(np.array(tuple(data.shape)[start:end], np.int64))


@operator("Size")
def size(data):
    return wrap(np.array(data.numel(), np.int64))


@operator("Range")
def range_(start: Numbers, limit: Numbers, delta: Numbers):
    """start, start + delta, ... up to before the limit."""
    first, last, step = number(start), number(limit), number(delta)
    if step == 0:
        raise BadValue("Range needs a delta other than 0")
    count = max(ceil((last - first) / step), 0)
    return wrap((first + np.arange(count) * step).astype(start.dtype))


@operator("EyeLike")
def eye_like(input, *, dtype=None, k=0):
    """1 on the k-th diagonal of a matrix of the input's shape, else 0."""
    if input.ndim != 2:
        raise BadValue(f"EyeLike expects a matrix, got shape {tuple(input.shape)}")
    return constant(np.eye(*input.shape, k=k, dtype=input.dtype if dtype is None else dtype_of(dtype)), input)
