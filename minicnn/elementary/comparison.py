"""Comparisons and tests: bool results, through which no gradient flows."""

import numpy as np

from .. import arrays
from ..errors import BadType
from ..tensor import Tensor, wrap
from .arithmetic import alike


def _compare(name, function, doc):
    def compare(input, other):
        x, y = alike(input, other)
        if not isinstance(x, Tensor) and not isinstance(y, Tensor):
            return function(x, y)
        return wrap(function(getattr(x, "array", x), getattr(y, "array", y)))

    compare.__name__ = compare.__qualname__ = name
    compare.__doc__ = doc
    return compare


eq = _compare("eq", np.equal, "x = y, element by element.")
ne = _compare("ne", np.not_equal, "x ≠ y, element by element.")
lt = _compare("lt", np.less, "x < y, element by element.")
le = _compare("le", np.less_equal, "x ≤ y, element by element.")
gt = _compare("gt", np.greater, "x > y, element by element.")
ge = _compare("ge", np.greater_equal, "x ≥ y, element by element.")
logical_and = _compare("logical_and", np.logical_and, "Both are true.")
logical_or = _compare("logical_or", np.logical_or, "One or both are true.")
logical_xor = _compare("logical_xor", np.logical_xor, "One is true and the other is not.")


def logical_not(input):
    """True where the element is zero or False."""
    return wrap(np.logical_not(input.array))


def _bitwise(function):
    def operate(x, y):
        if isinstance(x, Tensor) and x.is_floating_point() or isinstance(y, (float, Tensor)) and _floating(y):
            raise BadType("&, | and ^ work on bool and integer tensors; compare first: (x > 0) & (y > 0)")
        x, y = alike(x, y)
        return wrap(function(x.array, y.array))

    return operate


def _floating(y):
    return isinstance(y, float) or y.is_floating_point()


bitwise_and, bitwise_or, bitwise_xor = map(_bitwise, (np.bitwise_and, np.bitwise_or, np.bitwise_xor))


def bitwise_not(input):
    """Each bit turned over; for bool, the logical not."""
    if input.is_floating_point():
        raise BadType(f"~ works on bool and integer tensors, got {input.dtype}")
    return wrap(np.invert(input.array))


def isnan(input):
    """True where the element is not a number."""
    return wrap(np.isnan(input.array))


def isinf(input):
    """True where the element is +∞ or -∞."""
    return wrap(np.isinf(input.array))


def isfinite(input):
    """True where the element is neither NaN nor infinite."""
    return wrap(np.isfinite(input.array))


def isclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False):
    """|x - y| ≤ atol + rtol · |y|, element by element."""
    return wrap(np.isclose(input.array, other.array, rtol, atol, equal_nan))


def allclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False):
    """True when every element is close; see `isclose`."""
    return bool(isclose(input, other, rtol, atol, equal_nan).array.all())


def equal(input, other):
    """True when both have the same shape and the same elements."""
    module = arrays.module_of(input.array)
    return bool(module.array_equal(input.array, other.array))
