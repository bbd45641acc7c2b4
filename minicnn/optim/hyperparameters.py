"""Checks of hyper-parameters: finite numbers within what an algorithm allows; anything else is refused by a sentence."""

import math
from numbers import Real

import numpy as np

from ..errors import BadType, BadValue
from ..tensor import Tensor


def scalar(value):
    """A plain Python value from a number of NumPy's or a one-element Tensor; tuples element by element."""
    if isinstance(value, tuple):
        return tuple(map(scalar, value))
    return value.item() if isinstance(value, (Tensor, np.generic)) else value


def finite(name, value):
    """Refuse what is not one finite number (a one-element Tensor counts as a number). Returns the number."""
    if isinstance(value, Tensor) and value.numel() != 1:
        raise BadValue(f"{name} as a Tensor must have 1 element, got shape {tuple(value.shape)}")
    number = scalar(value)
    if not isinstance(number, Real):
        raise BadType(f"{name} must be a number, got {type(value).__name__} {value!r}")
    if not _is_finite(number):
        raise BadValue(f"{name} must be finite, got {number}")
    return number


def _is_finite(number):
    try:
        return math.isfinite(number)
    except OverflowError:               # an integer that no floating point number reaches
        return False


def at_least_zero(name, value):
    """Refuse what is not a finite number ≥ 0. Returns the number."""
    number = finite(name, value)
    if number < 0:
        raise BadValue(f"{name} must be 0 or more, got {number}")
    return number


def above_zero(name, value):
    """Refuse what is not a finite number > 0. Returns the number."""
    number = finite(name, value)
    if number <= 0:
        raise BadValue(f"{name} must be greater than 0, got {number}")
    return number


def zero_to_one(name, value):
    """Refuse what is not a number in 0 ... 1, both ends allowed. Returns the number."""
    number = finite(name, value)
    if not 0 <= number <= 1:
        raise BadValue(f"{name} must be between 0 and 1, got {number}")
    return number


def decay_rates(name, value):
    """Refuse what is not a pair of rates in 0 ... 1 without 1: at 1 a running average would never move."""
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise BadValue(f"{name} must be a pair of numbers such as (0.9, 0.999), got {value!r}")
    for position, rate in enumerate(value):
        number = finite(f"{name}[{position}]", rate)
        if not 0 <= number < 1:
            raise BadValue(f"{name}[{position}] must be at least 0 and below 1, got {number}")


def count(name, value, least=0):
    """Refuse what is not a whole number ≥ `least`. Returns it as an int."""
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool):
        raise BadValue(f"{name} must be an integer, got {type(value).__name__} {value!r}")
    if value < least:
        raise BadValue(f"{name} must be {least} or more, got {value}")
    return int(value)
