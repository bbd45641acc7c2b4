"""Comparisons and tests: bool results, through which no gradient flows."""

import numpy as np

from .. import arrays
from ..autograd.mode import mode, no_grad, watched_whole
from ..errors import BadType, BadValue
from ..tensor import Tensor, rank, wrap
from .arguments import deliver, tensor_argument
from .arithmetic import alike, between


class _Plain:
    """NumPy's function on tensors, never recorded."""

    def __init__(self, name, function):
        self.name, self.function = name, function

    def __call__(self, *operands):
        for x in operands:
            if isinstance(x, Tensor):
                x.check_current()
        arrays = [x.array if isinstance(x, Tensor) else x for x in operands]
        out = wrap(self.function(*arrays))
        if mode.watch is not None:
            mode.watch.result(self, operands, {}, arrays, out)
        return out


def _two(name, function, doc, left_number=False, right_number=True, floats=True):
    """A public function of two tensors (or, on the sides that allow it, numbers) that are promoted and broadcast."""
    plain = _Plain(name, np.errstate(invalid="ignore")(function))

    def compare(input, other, *, out=None):
        _check(input, name, left_number and isinstance(other, Tensor))
        _check(other, name, right_number)
        x, y = alike(input, other)
        if not floats and "f" in (_kind(x), _kind(y)):
            raise BadType(f"{name} works on bool and integer tensors; compare first: (x > 0) & (y > 0)")
        z = between(plain, x, y)
        return z if out is None else deliver(z, out)

    compare.__name__ = compare.__qualname__ = name
    compare.__doc__ = doc
    return compare


def _check(x, name, number):
    if not isinstance(x, Tensor) and not arrays.is_array(x) and not (number and isinstance(x, (int, float, np.generic))):
        raise BadType(f"{name}() expects a tensor{' or a number' if number else ''}, got {x!r}")


def _kind(x):
    return x.dtype.kind if hasattr(x, "dtype") else "f" if isinstance(x, float) else "i"


def _one(name, function, doc, floats=True):
    """A public function of one tensor."""
    plain = _Plain(name, function)

    def test(input, *, out=None):
        tensor_argument(input, name)
        if not floats and input.is_floating_point():
            raise BadType(f"{name} works on bool and integer tensors, got {input.dtype}")
        z = plain(input)
        return z if out is None else deliver(z, out)

    test.__name__ = test.__qualname__ = name
    test.__doc__ = doc
    return test


eq = _two("eq", np.equal, "x = y, element by element.")
ne = _two("ne", np.not_equal, "x ≠ y, element by element.")
lt = _two("lt", np.less, "x < y, element by element.")
le = _two("le", np.less_equal, "x ≤ y, element by element.")
gt = _two("gt", np.greater, "x > y, element by element.")
ge = _two("ge", np.greater_equal, "x ≥ y, element by element.")

logical_and = _two("logical_and", np.logical_and, "Both are true.", right_number=False)
logical_or = _two("logical_or", np.logical_or, "One or both are true.", right_number=False)
logical_xor = _two("logical_xor", np.logical_xor, "One is true and the other is not.", right_number=False)
logical_not = _one("logical_not", np.logical_not, "True where the element is zero or False.")

bitwise_and = _two("bitwise_and", np.bitwise_and, "The bits that both have; for bool, both are true.", True, True, floats=False)
bitwise_or = _two("bitwise_or", np.bitwise_or, "The bits that one or both have.", True, True, floats=False)
bitwise_xor = _two("bitwise_xor", np.bitwise_xor, "The bits that one has and the other has not.", True, True, floats=False)
bitwise_not = _one("bitwise_not", np.invert, "Each bit turned over; for bool, the logical not.", floats=False)

isnan = _one("isnan", np.isnan, "True where the element is not a number.")
isinf = _one("isinf", np.isinf, "True where the element is +∞ or -∞.")
isfinite = _one("isfinite", np.isfinite, "True where the element is neither NaN nor infinite.")


@watched_whole
@no_grad()
def isclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False):
    """|x - y| ≤ atol + rtol · |y|, element by element, for two tensors of one dtype."""
    x, y = tensor_argument(input, "isclose"), tensor_argument(other, "isclose", "other")
    if rtol < 0 or atol < 0:
        raise BadValue(f"isclose: rtol and atol must not be negative, got {rtol} and {atol}")
    if x.dtype != y.dtype:
        raise BadType(f"isclose expects two tensors of one dtype, got {x.dtype} and {y.dtype}")
    return between(_Plain("isclose", lambda a, b: np.isclose(a, b, rtol, atol, equal_nan)), x, y)


def allclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False):
    """True when every element is close; see `isclose`."""
    return bool(isclose(input, other, rtol, atol, equal_nan).array.all())


def equal(input, other):
    """True when both have the same shape and the same elements."""
    x, y = tensor_argument(input, "equal"), tensor_argument(other, "equal", "other")
    return rank(x.dtype) == rank(y.dtype) and bool(arrays.module_of(x.array).array_equal(x.array, y.array))
