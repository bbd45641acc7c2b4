"""Elementary arithmetic, element by element, with NumPy-style broadcasting.

Each operation stands beside its derivative: for z = f(x, y), the first rule gives dx and the second dy, from dz. The rules
are written with these same operations, so they can be differentiated themselves.
"""

import numpy as np

from .. import arrays
from ..autograd.deferred import deferred, is_result, joined_by
from ..autograd.operation import Elementary
from ..errors import BadType, BadValue, ShapeError
from ..kernels import of
from ..tensor import Tensor
from .arguments import deliver
from .promotion import floating, promoted, result_type


def _unary(name, forward, rule, doc, to_float=True, bools=True):
    """A public function of one tensor (or array); integers are computed as float32 where the result is real."""
    operation = Elementary(name, forward, rule)

    def function(input, *, out=None):
        if isinstance(input, Tensor):
            if input.array.dtype.kind != "f":
                input = _whole(input, to_float, bools, function)
        elif not arrays.is_array(input) and not isinstance(input, np.generic):
            raise BadType(f"{function.__name__}() expects a tensor, got {type(input).__name__}")
        z = operation(input)
        return z if out is None else deliver(z, out)

    return _named(function, name.lower(), doc, operation)


def _whole(x, to_float, bools, function):
    """A tensor of integers or bools as the function can take it."""
    if not bools and x.array.dtype == arrays.bool_:
        raise BadType(f"{function.__name__}() is not defined for bool tensors; use ~, or convert with .int()")
    return x.to(arrays.float32) if to_float else x


def _binary(name, forward, rule_x, rule_y, doc, to_float=False, bools=True, numbers=1, called=None):
    """A public function of two tensors (or some numbers) that are promoted to one dtype and broadcast to one shape.

    numbers  how many of the two may be numbers
    """
    operation = Elementary(name, forward, rule_x, rule_y)

    def function(input, other, *, out=None):
        if numbers < 2:
            _refuse_numbers(function, numbers, input, other)
        x, y = alike(input, other)
        if to_float:
            x, y = floating(x), floating(y)
        elif not bools:
            _refuse_bools(function, x)
        z = between(operation, x, y)
        return z if out is None else deliver(z, out)

    return _named(function, called or name.lower(), doc, operation)


def _named(function, name, doc, operation):
    function.__name__ = function.__qualname__ = name
    function.__doc__, function.operation = doc, operation
    return function


_NUMBERS = (int, float, bool)
LARGE = 1 << 13         # elements, from which on going over memory takes longer than the call


def alike(x, y):
    """Two operands of one dtype: themselves, in the common case of equal floating dtypes or a floating tensor and a number."""
    if isinstance(x, Tensor):
        if isinstance(y, Tensor):
            if x.array.dtype is y.array.dtype and x.array.dtype.kind == "f" and type(x.array) is type(y.array):
                return x, y
        elif x.array.dtype.kind == "f" and type(y) in _NUMBERS:
            return x, y
    elif isinstance(y, Tensor):
        if y.array.dtype.kind == "f" and type(x) in _NUMBERS:
            return x, y
    elif type(x) not in _NUMBERS or type(y) not in _NUMBERS:
        return x, y                         # plain arrays: a derivative rule at work
    return promoted(x, y)


def _refuse_bools(function, x):
    if isinstance(x, Tensor) and x.array.dtype == arrays.bool_:
        raise BadType(f"{function.__name__}() is not defined for two bool tensors; use the logical functions, or convert with .int()")


def _refuse_numbers(function, allowed, x, y):
    if (type(x) in _NUMBERS) + (type(y) in _NUMBERS) > allowed:
        raise BadType(f"{function.__name__}() expects {'a tensor' if allowed else 'two tensors'}, got {x!r} and {y!r}")


def between(operation, *operands):
    """The operation's result; operands that do not broadcast are refused with their shapes."""
    try:
        return operation(*operands)
    except ZeroDivisionError:
        raise BadValue(f"{operation.name}: integers cannot be divided by 0") from None
    except ValueError as error:
        shapes = [x.shape for x in operands if hasattr(x, "shape")]
        try:
            np.broadcast_shapes(*shapes)
        except ValueError:
            raise ShapeError(f"{operation.name}: shapes {' and '.join(str(tuple(s)) for s in shapes)} do not broadcast: counted from "
                             "the back, lengths must be equal or 1") from None
        raise BadValue(f"{operation.name}: {error}") from None


_zeros = Elementary("Zeros", np.zeros_like, lambda dz: None)


def nothing(dz):
    """The gradient of what is constant between its jumps."""
    return _zeros(dz)


# One operand: z = f(x) ---------------------------------------------------------------------------------------------------

neg = _unary("Neg", np.negative, lambda dz: -dz, "-x.", to_float=False, bools=False)
exp = _unary("Exp", np.exp, lambda dz, out: dz * out, "e to the power of each element.")
expm1 = _unary("Expm1", np.expm1, lambda dz, out: dz * (out + 1), "exp(x) - 1, exact for small x.")
log = _unary("Log", np.log, lambda dz, x: dz / x, "Natural logarithm.")
log1p = _unary("Log1p", np.log1p, lambda dz, x: dz / (x + 1), "log(1 + x), exact for small x.")
sqrt = _unary("Sqrt", np.sqrt, lambda dz, out: dz / (out * 2), "Square root.")
rsqrt = _unary("Rsqrt", lambda x: 1 / np.sqrt(x), lambda dz, out: dz * out * out * out * -0.5, "1 / sqrt(x).")
reciprocal = _unary("Reciprocal", lambda x: 1 / x, lambda dz, out: -dz * out * out, "1 / x.")
sin = _unary("Sin", np.sin, lambda dz, x: dz * cos(x), "Sine of an angle in radians.")
cos = _unary("Cos", np.cos, lambda dz, x: -dz * sin(x), "Cosine of an angle in radians.")
tanh = _unary("Tanh", np.tanh, lambda dz, out: dz * (1 - out * out), "Hyperbolic tangent.")
erf = _unary("Erf", arrays.erf, lambda dz, x: dz * exp(-x * x) * (2 / np.pi**0.5), "The error function.")
sign = _unary("Sign", lambda x: x if x.dtype == bool else np.sign(np.where(x == x, x, 0)), nothing, "-1, 0 or 1.", to_float=False)
abs = _unary("Abs", np.absolute, lambda dz, x: dz * sign(x),
             "|x|; its derivative at 0 is taken as 0.", to_float=False, bools=False)


def _rounding(name, function, doc):
    """A public function whose result is constant between its jumps; integers stay as they are."""
    return _unary(name, lambda x: function(x) if x.dtype.kind == "f" else x.copy(), nothing, doc, to_float=False)


floor = _rounding("Floor", np.floor, "Rounded down.")
ceil = _rounding("Ceil", np.ceil, "Rounded up.")
trunc = _rounding("Trunc", np.trunc, "Rounded towards zero.")
_round = _rounding("Round", np.round, "Rounded to the nearest integer, halves to even.")


def _stable_sigmoid(x):
    """1 / (1 + e⁻ˣ) without overflow: with t = e^-|x| it is 1/(1+t) for x >= 0 and t/(1+t) below."""
    return np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.absolute(x)))


sigmoid = _unary("Sigmoid", _stable_sigmoid, lambda dz, out: dz * out * (1 - out), "1 / (1 + exp(-x)).")


def round(input, *, decimals=0, out=None):
    """Rounded to a number of decimals, halves to even."""
    return _round(input, out=out) if decimals == 0 else div(_round(mul(input, 10.0**decimals)), 10.0**decimals, out=out)


# Two operands: z = f(x, y) -----------------------------------------------------------------------------------------------

def _sum(x, y):
    """x + y; by a kernel where they are images rather than small change."""
    large = type(x) is np.ndarray and x.size >= LARGE and getattr(y, "shape", None) == x.shape
    return of(x).add(x, y) if large else np.add(x, y)


_add = Elementary("Add", _sum, lambda dz: dz, lambda dz: dz)
_sub = Elementary("Sub", np.subtract, lambda dz: dz, lambda dz: -dz)
mul = _binary("Mul", np.multiply, lambda dz, y: dz * y, lambda dz, x: dz * x, "x · y.", numbers=2)
true_divide = _binary("Div", np.true_divide, lambda dz, y: dz / y, lambda dz, y, out: -dz * out / y, "x / y.",
                      to_float=True, numbers=2, called="true_divide")


def add(input, other, *, alpha=1, out=None):
    """x + alpha · y."""
    if alpha != 1:
        other = _scaled(input, other, alpha)
    if out is None and (both := _joined(input, other)) is not None:
        return both
    x, y = alike(input, other)
    if out is None and _are_results(x, y) and x.array.size >= LARGE and x.array.shape == y.array.shape:
        return deferred(_add, x, y)
    z = between(_add, x, y)
    return z if out is None else deliver(z, out)


def _joined(x, y):
    """The sum where one of the two waits for something to be computed along with it, else None."""
    both = joined_by(_add, x, y)
    return joined_by(_add, y, x) if both is None else both


def _are_results(x, y):
    """Whether both are tensors that operations have made."""
    return isinstance(x, Tensor) and isinstance(y, Tensor) and is_result(x) and is_result(y)


add.operation = _add


def sub(input, other, *, alpha=1, out=None):
    """x - alpha · y."""
    if alpha != 1:
        other = _scaled(input, other, alpha)
    x, y = alike(input, other)
    _refuse_bools(sub, x)
    z = between(_sub, x, y)
    return z if out is None else deliver(z, out)


def _scaled(x, y, alpha):
    kind = result_type(x, y).kind
    if isinstance(alpha, float) and kind != "f" or isinstance(alpha, bool) and kind != "b":
        raise BadType(f"alpha = {alpha!r} does not fit operands of {result_type(x, y)}")
    return mul(y, alpha)


def _whole_division(function):
    """Division of integers by 0 is an error; of floating point numbers it is inf or nan."""

    def divide(x, y):
        if np.result_type(x, y).kind in "iu" and not np.all(y):
            raise ZeroDivisionError
        return function(x, y)

    return divide


def _quotient_towards_zero(x, y):
    if np.result_type(x, y).kind == "f":
        return np.trunc(np.true_divide(x, y))
    return np.sign(x) * np.sign(y) * (np.absolute(x) // np.absolute(y))


floor_divide = _binary("FloorDiv", _whole_division(np.floor_divide), nothing, nothing, "The floor of x / y.",
                       numbers=2, called="floor_divide")
_trunc_divide = _binary("TruncDiv", _whole_division(_quotient_towards_zero), nothing, nothing,
                        "x / y rounded towards zero.", numbers=2, called="div")
remainder = _binary("Mod", _whole_division(np.remainder), lambda dz: dz, lambda dz, x, y: -dz * floor_divide(x, y),
                    "x - y · floor(x / y), of the sign of y.", called="remainder")


def div(input, other, *, rounding_mode=None, out=None):
    """x / y; rounded down with rounding_mode="floor", towards zero with "trunc"."""
    if rounding_mode is None:
        return true_divide(input, other, out=out)
    if rounding_mode == "floor":
        return floor_divide(input, other, out=out)
    if rounding_mode == "trunc":
        return _trunc_divide(input, other, out=out)
    raise BadValue(f"rounding_mode must be None, 'floor' or 'trunc', got {rounding_mode!r}")


def _power_rule_x(dz, x, y):
    """y · x^(y-1), and 0 where y = 0, also for x = 0."""
    return where(y == 0, 0, dz * y * power(x, where(y == 0, 1, y - 1)))


def _power_rule_y(dz, x, y, out):
    """x^y · log x, and 0 where x = 0 < y: the limit."""
    vanishes = (x == 0) & (y >= 0)
    return dz * where(vanishes, 0, out * log(where(vanishes, 1, x)))


def _power(x, y):
    """x^y; an integer to a negative power is 0, but for ±1."""
    if np.result_type(x, y).kind != "i":
        return np.power(x, y)
    z = np.power(x, np.absolute(y))
    return np.where(np.less(y, 0) & (np.absolute(x) != 1), 0, z)


power = _binary("Pow", _power, _power_rule_x, _power_rule_y, "x to the power of y.", bools=False)


def _constant_power_rule(dz, x, exponent):
    return nothing(dz) if exponent == 0 else dz * (_constant_power(x, exponent=exponent - 1) * exponent)


_constant_power = Elementary("Pow", lambda x, *, exponent: np.square(x) if exponent == 2 else np.power(x, exponent),
                             _constant_power_rule)


def pow(input, exponent, *, out=None):
    """x to the power of an exponent, a number or a tensor; one of the two must be a tensor."""
    if not isinstance(input, Tensor) and not isinstance(exponent, Tensor):
        raise BadType(f"pow() expects a tensor, got {input!r} and {exponent!r}")
    if type(exponent) in (int, float) and isinstance(input, Tensor) and input.array.dtype.kind == "f":
        z = _constant_power(input, exponent=exponent)
        return z if out is None else deliver(z, out)
    if type(exponent) is int and exponent < 0 and not isinstance(input, (int, float)) and input.array.dtype.kind != "f":
        raise BadValue("integers cannot be raised to a negative power; convert with .float()")
    if type(input) in _NUMBERS and exponent.array.dtype.kind == "f":
        input = Tensor(arrays.beside(input, exponent.array, exponent.array.dtype))
    return power(input, exponent, out=out)


def square(input, *, out=None):
    """x²."""
    if isinstance(input, Tensor) and input.array.dtype.kind != "f":
        return mul(input, input.long() if input.dtype == arrays.bool_ else input, out=out)
    return pow(input, 2, out=out)


# The larger, the smaller, the one or the other ---------------------------------------------------------------------------


def _shared(dz, mine, tie):
    """The gradient goes to the winner; a tie is shared half and half, as in PyTorch."""
    return where(mine, dz, where(tie, dz / 2, 0))


maximum = _binary("Max", np.maximum, lambda dz, x, y: _shared(dz, ~(x <= y), x == y),
                  lambda dz, x, y: _shared(dz, ~(y <= x), x == y), "The larger of x and y; NaN where either is.", numbers=0,
                  called="maximum")
minimum = _binary("Min", np.minimum, lambda dz, x, y: _shared(dz, ~(x >= y), x == y),
                  lambda dz, x, y: _shared(dz, ~(y >= x), x == y), "The smaller of x and y; NaN where either is.", numbers=0,
                  called="minimum")

_where = Elementary("Where", lambda condition, x, y: np.where(condition, x, y), None,
                    lambda dz, condition: _where(condition, dz, 0), lambda dz, condition: _where(condition, 0, dz))


def where(condition, input=None, other=None, *, out=None):
    """`input` where the condition holds, `other` elsewhere; with the condition alone, the indices where it holds."""
    if input is None and other is None:
        return condition.nonzero(as_tuple=True)
    if isinstance(condition, Tensor) and condition.dtype != arrays.bool_:
        raise BadType(f"where() expects a bool condition, got {condition.dtype}; compare with 0 first: x != 0")
    if not isinstance(condition, Tensor) and not arrays.is_array(condition) and not isinstance(condition, np.generic):
        raise BadType(f"where() expects a bool tensor as condition, got {type(condition).__name__}")
    z = between(_where, condition, *alike(input, other))
    return z if out is None else deliver(z, out)


_clamp = Elementary("Clip", lambda x, low, high: np.minimum(np.maximum(x, low), high),
                    lambda dz, x, low, high: where((x >= low) & (x <= high), dz, 0),
                    lambda dz, x, low, high: where((x < low) & (low < high), dz, 0),
                    lambda dz, x, low, high: where((x > high) | (high < low), dz, 0))


def clamp(input, min=None, max=None, *, out=None):
    """Limited to min ≤ x ≤ max, where max wins; either may be None, a number, or a tensor."""
    bounds = [b for b in (min, max) if b is not None]
    if not isinstance(input, Tensor) or not bounds:
        raise BadValue(f"clamp() expects a tensor and min, max or both; got {type(input).__name__}, {min!r} and {max!r}")
    dtype = result_type(input, *bounds)
    low, high = (_bound(b, dtype, default) for b, default in ((min, -1), (max, 1)))
    z = between(_clamp, input.to(dtype), low, high)
    return z if out is None else deliver(z, out)


def _bound(value, dtype, missing):
    """A bound in the right dtype; a missing one is beyond everything."""
    if isinstance(value, Tensor):
        return value.to(dtype)
    if value is not None:
        return dtype.type(value)
    if dtype.kind == "f":
        return dtype.type(missing * np.inf)
    return dtype.type(missing > 0) if dtype.kind == "b" else (np.iinfo(dtype).max if missing > 0 else np.iinfo(dtype).min)


clip = clamp
