"""Comparisons, logic and bits: bool and integer results, through which no gradient flows; and the choice between two tensors."""

import numpy as np

from ...elementary import arithmetic, comparison
from ...errors import BadValue
from ...tensor import wrap
from .arithmetic import binary, unary
from .table import operator
from .values import beside

for _name, _function in {"Equal": comparison.eq, "Greater": comparison.gt, "Less": comparison.lt, "GreaterOrEqual": comparison.ge,
                         "LessOrEqual": comparison.le, "And": comparison.logical_and, "Or": comparison.logical_or,
                         "Xor": comparison.logical_xor, "BitwiseAnd": comparison.bitwise_and, "BitwiseOr": comparison.bitwise_or,
                         "BitwiseXor": comparison.bitwise_xor}.items():
    binary(_name, _function)

unary("Not", comparison.logical_not)
unary("BitwiseNot", comparison.bitwise_not)
unary("IsNaN", comparison.isnan)


@operator("IsInf")
def isinf(x, *, detect_negative=1, detect_positive=1):
    """True at +∞ and -∞, as far as each is asked for."""
    return wrap((x.array == np.inf) & bool(detect_positive) | (x.array == -np.inf) & bool(detect_negative))


@operator("BitShift")
def bit_shift(x, y, *, direction):
    """The bits moved by y places, to the "LEFT" or "RIGHT"."""
    if direction not in ("LEFT", "RIGHT"):
        raise BadValue(f"direction must be 'LEFT' or 'RIGHT', got {direction!r}")
    x, y = beside(x, y)
    return wrap((np.left_shift if direction == "LEFT" else np.right_shift)(x.array, y.array))


@operator("Where")
def where(condition, x, y):
    """x where the condition holds, else y."""
    return arithmetic.where(*beside(condition, x, y))
