"""Axes as ONNX names them: those below 0 are counted from the back."""

from ..errors import BadIndex


def axis_of(axis, ndim):
    """An axis counted from the front."""
    if not -ndim <= axis < ndim:
        raise BadIndex(f"axis {axis} is outside -{ndim} .. {ndim - 1}")
    return axis % ndim


def axes_of(axes, ndim):
    """Axes counted from the front, none of them twice."""
    found = [axis_of(axis, ndim) for axis in axes]
    if len(set(found)) != len(found):
        raise BadIndex(f"axes {list(axes)} name an axis twice")
    return found
