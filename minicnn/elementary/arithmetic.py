"""Elementary arithmetic, element by element, with NumPy-style broadcasting.

Each operation stands beside its derivative: for z = f(x, y), the first rule gives dx and the second dy, from dz. The rules
are written with these same operations, so they can be differentiated themselves.
"""

import numpy as np

from .. import arrays
from ..autograd.operation import Elementary
from ..errors import BadType
from ..tensor import Tensor
from .promotion import floating, promoted


def _unary(name, forward, rule, doc, to_float=True):
    """A public function of one tensor (or array); integers are computed as float32 where the result is real."""
    operation = Elementary(name, forward, rule)

    def function(input, *, out=None):
        if not isinstance(input, Tensor) and not arrays.is_array(input) and not isinstance(input, np.generic):
            raise BadType(f"{function.__name__}() expects a tensor, got {type(input).__name__}")
        return deliver(operation(floating(input) if to_float else input), out)

    function.__name__ = function.__qualname__ = name.lower()
    function.__doc__, function.operation = doc, operation
    return function


def _binary(name, forward, rule_x, rule_y, doc, to_float=False, bools=True):
    """A public function of two tensors (or numbers) that are promoted to one dtype and broadcast to one shape."""
    operation = Elementary(name, forward, rule_x, rule_y)

    def function(input, other, *, out=None):
        return deliver(operation(*alike(input, other, to_float, None if bools else function.__name__)), out)

    function.__name__ = function.__qualname__ = name.lower()
    function.__doc__, function.operation = doc, operation
    return function


def alike(x, y, to_float=False, refuse_bools=None):
    """Two operands of one dtype. The common case, equal dtypes or a float tensor with a number, costs next to nothing."""
    if isinstance(x, Tensor):
        if isinstance(y, Tensor):
            if x.array.dtype is y.array.dtype and x.array.dtype.kind == "f":
                return x, y
        elif x.array.dtype.kind == "f" and type(y) in (int, float):
            return x, y
    elif not isinstance(y, Tensor):
        return x, y                    # plain arrays: a derivative rule at work
    elif y.array.dtype.kind == "f" and type(x) in (int, float):
        return x, y
    x, y = promoted(x, y)
    if refuse_bools and x.dtype == arrays.bool_:
        raise BadType(f"{refuse_bools}() is not defined for two bool tensors; use logical_xor or ~")
    return (floating(x), floating(y)) if to_float else (x, y)


def deliver(result, out):
    """The result, or `out` after it took the result over."""
    return result if out is None else out.copy_(result)


# One operand: z = f(x) ---------------------------------------------------------------------------------------------------

neg = _unary("Neg", np.negative, lambda dz: -dz, "-x.", to_float=False)
exp = _unary("Exp", np.exp, lambda dz, out: dz * out, "e to the power of each element.")
expm1 = _unary("Expm1", np.expm1, lambda dz, out: dz * (out + 1), "exp(x) - 1, exact for small x.")
log = _unary("Log", np.log, lambda dz, x: dz / x, "Natural logarithm.")
log1p = _unary("Log1p", np.log1p, lambda dz, x: dz / (x + 1), "log(1 + x), exact for small x.")
sqrt = _unary("Sqrt", np.sqrt, lambda dz, out: dz / (out * 2), "Square root.")
rsqrt = _unary("Rsqrt", lambda x: 1 / np.sqrt(x), lambda dz, out: dz * out * out * out * -0.5, "1 / sqrt(x).")
reciprocal = _unary("Reciprocal", lambda x: 1 / x, lambda dz, out: -dz * out * out, "1 / x.")
square = _unary("Square", np.square, lambda dz, x: dz * x * 2, "x².", to_float=False)
sin = _unary("Sin", np.sin, lambda dz, x: dz * cos(x), "Sine of an angle in radians.")
cos = _unary("Cos", np.cos, lambda dz, x: -dz * sin(x), "Cosine of an angle in radians.")
tanh = _unary("Tanh", np.tanh, lambda dz, out: dz * (1 - out * out), "Hyperbolic tangent.")
erf = _unary("Erf", arrays.erf, lambda dz, x: dz * exp(-x * x) * (2 / np.pi**0.5), "The error function.")
sign = _unary("Sign", np.sign, lambda dz, x: dz * 0, "-1, 0 or 1.", to_float=False)
abs = _unary("Abs", np.absolute, lambda dz, x: dz * sign(x), "|x|; its derivative at 0 is taken as 0.", to_float=False)


def _stable_sigmoid(x):
    """1 / (1 + e⁻ˣ) without overflow: with t = e^-|x| it is 1/(1+t) for x >= 0 and t/(1+t) below."""
    t = np.exp(-np.absolute(x))
    return np.where(x >= 0, 1, t) / (1 + t)


sigmoid = _unary("Sigmoid", _stable_sigmoid, lambda dz, out: dz * out * (1 - out), "1 / (1 + exp(-x)).")

# Two operands: z = f(x, y) -----------------------------------------------------------------------------------------------

_add = _binary("Add", np.add, lambda dz: dz, lambda dz: dz, "x + y.")
_sub = _binary("Sub", np.subtract, lambda dz: dz, lambda dz: -dz, "x - y.", bools=False)
mul = _binary("Mul", np.multiply, lambda dz, y: dz * y, lambda dz, x: dz * x, "x · y.")
true_divide = _binary("Div", np.true_divide, lambda dz, y: dz / y, lambda dz, y, out: -dz * out / y, "x / y.", to_float=True)
floor_divide = _binary("FloorDiv", np.floor_divide, lambda dz: dz * 0, lambda dz: dz * 0, "The floor of x / y.")
remainder = _binary("Mod", np.remainder, lambda dz: dz, lambda dz, x, y: -dz * floor_divide(x, y), "x - y · floor(x / y).")


def add(input, other, *, alpha=1, out=None):
    """x + alpha · y."""
    return _add(input, other if alpha == 1 else mul(other, alpha), out=out)


def sub(input, other, *, alpha=1, out=None):
    """x - alpha · y."""
    return _sub(input, other if alpha == 1 else mul(other, alpha), out=out)


def div(input, other, *, rounding_mode=None, out=None):
    """x / y; rounded down with rounding_mode="floor", towards zero with "trunc"."""
    if rounding_mode is None:
        return true_divide(input, other, out=out)
    if rounding_mode == "floor":
        return floor_divide(input, other, out=out)
    if rounding_mode == "trunc":
        return deliver(trunc(true_divide(input, other)), out)
    raise BadType(f"rounding_mode must be None, 'floor' or 'trunc', got {rounding_mode!r}")


trunc = _unary("Trunc", np.trunc, lambda dz: dz * 0, "Rounded towards zero.", to_float=False)


def _power_rule_x(dz, x, y):
    """y · x^(y-1), and 0 where y = 0, also for x = 0."""
    return where(y == 0, dz * 0, dz * y * power(x, where(y == 0, y * 0 + 1, y - 1)))


def _power_rule_y(dz, x, y, out):
    """x^y · log x, and 0 where x = 0 < y: the limit."""
    return dz * where((x == 0) & (y >= 0), out * 0, out * log(where((x == 0) & (y >= 0), x * 0 + 1, x)))


power = _binary("Pow", np.power, _power_rule_x, _power_rule_y, "x to the power of y.")


def _constant_power_rule(dz, x, exponent):
    return dz * 0 if exponent == 0 else dz * (constant_power(x, exponent=exponent - 1) * exponent)


constant_power = Elementary("Pow", lambda x, *, exponent: np.power(x, exponent), _constant_power_rule)


def pow(input, exponent, *, out=None):
    """x to the power of an exponent, a number or a tensor."""
    if isinstance(exponent, (int, float)) and isinstance(input, Tensor) and input.is_floating_point():
        return deliver(square(input) if exponent == 2 else constant_power(input, exponent=exponent), out)
    return power(input, exponent, out=out)


# The larger, the smaller, the one or the other ---------------------------------------------------------------------------


def _winner(dz, mine, theirs):
    """The gradient goes to the winner; a tie is shared half and half, as in PyTorch."""
    return where(mine, dz, where(theirs, dz * 0, dz / 2))


maximum = _binary("Max", np.maximum, lambda dz, x, y: _winner(dz, x > y, x < y), lambda dz, x, y: _winner(dz, y > x, y < x),
                  "The larger of x and y; NaN where either is.")
minimum = _binary("Min", np.minimum, lambda dz, x, y: _winner(dz, x < y, x > y), lambda dz, x, y: _winner(dz, y < x, y > x),
                  "The smaller of x and y; NaN where either is.")

_where = Elementary("Where", lambda condition, x, y: np.where(condition, x, y), None,
                    lambda dz, condition: _where(condition, dz, dz * 0), lambda dz, condition: _where(condition, dz * 0, dz))


def where(condition, input, other):
    """`input` where the condition holds, `other` elsewhere."""
    if isinstance(condition, Tensor) and condition.dtype != arrays.bool_:
        raise BadType(f"where() expects a bool condition, got {condition.dtype}; compare with 0 first: x != 0")
    return _where(condition, *alike(input, other))
