"""Arithmetic, element by element. ONNX promotes no types: both operands have one, and so has the result."""

from functools import reduce

import numpy as np

from ...autograd.operation import Elementary
from ...elementary import arithmetic as ours
from ...elementary.reduction import cumsum
from ...elementary.shape import flip
from ...errors import DeviceError
from ..axes import axis_of
from .table import operator
from .values import Numbers, beside, number

# Two operands ------------------------------------------------------------------------------------------------------------


def aligned(b, a, axis):
    """The second operand, so that it broadcasts as versions before 7 say: its first axis stands beside the axis given."""
    if axis is None:
        return b
    return b.reshape(*b.shape, *(1,) * (a.ndim - axis_of(axis, a.ndim) - b.ndim))


def binary(name, function):
    """Puts an operator of two tensors into the table."""

    @operator(name)
    def compute(a, b, *, axis=None, broadcast=0):
        b = aligned(b, a, axis)
        try:                                    # looking at a result whose numbers are not computed yet would compute them: try first
            return function(a, b)
        except DeviceError:
            return function(*beside(a, b))


def divide(a, b):
    """a / b; of integers the whole part, towards zero."""
    return ours.div(a, b, rounding_mode=None if a.is_floating_point() else "trunc")


def power(a, b):
    """a to the power of b, in the type of a. An exponent that is one constant number is handled as such."""
    if b.numel() == 1 and b.ndim <= a.ndim and not b.requires_grad and a.is_floating_point():
        return ours.pow(a, float(b.item()))
    if a.dtype == b.dtype:
        return ours.pow(a, b)
    return ours.pow(a, b.to(a.dtype)) if a.is_floating_point() or not b.is_floating_point() else ours.pow(a.to(b.dtype), b).to(a.dtype)


binary("Add", ours.add)
binary("Sub", ours.sub)
binary("Mul", ours.mul)
binary("Div", divide)
binary("Pow", power)

_fmod = Elementary("Fmod", np.fmod, lambda dz: dz, lambda dz, x, y: -dz * np.trunc(x / y))


@operator("Mod")
def mod(a, b, *, fmod=0):
    """The rest of a / b: of the sign of b, or with fmod of the sign of a."""
    a, b = beside(a, b)
    return _fmod(a, b) if fmod else ours.remainder(a, b)


# Any number of operands --------------------------------------------------------------------------------------------------


def variadic(name, function):
    """Puts an operator of any number of tensors into the table, which goes through them from the left."""

    @operator(name)
    def compute(data_0, *others):
        return reduce(function, beside(data_0, *others))


variadic("Sum", ours.add)
variadic("Max", ours.maximum)
variadic("Min", ours.minimum)


@operator("Mean")
def mean(data_0, *others):
    return ours.div(reduce(ours.add, beside(data_0, *others)), float(1 + len(others)))


# One operand -------------------------------------------------------------------------------------------------------------


def unary(name, function):
    """Puts an operator of one tensor into the table."""

    @operator(name)
    def compute(x):
        return function(x)


for _name in "Abs Neg Exp Log Sqrt Reciprocal Sin Cos Tanh Erf Sign Floor Ceil Round Sigmoid".split():
    unary(_name, getattr(ours, _name.lower()))

_sinh = Elementary("Sinh", np.sinh, lambda dz, x: dz * _cosh(x))
_cosh = Elementary("Cosh", np.cosh, lambda dz, x: dz * _sinh(x))
unary("Sinh", _sinh)
unary("Cosh", _cosh)
unary("Tan", Elementary("Tan", np.tan, lambda dz, out: dz * (out * out + 1)))
unary("Asin", Elementary("Asin", np.arcsin, lambda dz, x: dz * ours.rsqrt(1 - x * x)))
unary("Acos", Elementary("Acos", np.arccos, lambda dz, x: -dz * ours.rsqrt(1 - x * x)))
unary("Atan", Elementary("Atan", np.arctan, lambda dz, x: dz / (x * x + 1)))
unary("Asinh", Elementary("Asinh", np.arcsinh, lambda dz, x: dz * ours.rsqrt(x * x + 1)))
unary("Acosh", Elementary("Acosh", np.arccosh, lambda dz, x: dz * ours.rsqrt(x * x - 1)))
unary("Atanh", Elementary("Atanh", np.arctanh, lambda dz, x: dz / (1 - x * x)))


@operator("Clip")
def clip(input, lower=None, upper=None, *, min=None, max=None):
    """min ≤ x ≤ max, where max wins; either may be left out. Attributes before version 11, then inputs."""
    bounds = [_bound(given, otherwise, input.dtype) for given, otherwise in ((lower, min), (upper, max))]
    return input if all(b is None for b in bounds) else ours.clamp(input, *bounds).to(input.dtype)


def _bound(given, otherwise, dtype):
    """A bound as a number of the type, or as a tensor where a gradient is to reach it; None where there is none."""
    if given is not None and given.requires_grad:
        return given
    value = number(given) if given is not None else otherwise
    return None if value is None else dtype.type(value)


@operator("CumSum")
def cumulative_sum(x, axis: Numbers, *, exclusive=0, reverse=0):
    """Running sums along an axis; exclusive: without the element itself; reverse: from the end."""
    axis = axis_of(int(number(axis)), x.ndim)
    x = flip(x, axis) if reverse else x
    total = cumsum(x, axis).to(x.dtype)
    total = ours.sub(total, x) if exclusive else total
    return flip(total, axis) if reverse else total
