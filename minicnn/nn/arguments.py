"""Arguments of layers: one number for all axes or one for each, and checks that several layers share."""

from numbers import Integral

from ..errors import BadType


def ntuple(value, n):
    """One value for each of n axes; a sequence stays as it is (its length is checked where it is used)."""
    return tuple(value) if hasattr(value, "__iter__") else (value,) * n


def repeated_reversed(values):
    """Each value twice, the last axis first: (1, 2) is [2, 2, 1, 1], the order in which `F.pad` reads paddings."""
    return [value for value in reversed(values) for _ in range(2)]


def check_integers(**named):
    """Raises TypeError, with the argument's name, for what is no integer."""
    for name, value in named.items():
        if isinstance(value, bool) or not isinstance(value, Integral):
            raise BadType(f"{name} must be an integer, got {value!r}")
