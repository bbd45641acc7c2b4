"""Initial values of parameters: functions that fill a tensor in place and return it, like `torch.nn.init`.

Everything random is drawn from `generator`, or from the stream that `minicnn.manual_seed` seeds.
"""

import math
import warnings
from contextlib import contextmanager

import numpy as np

from .. import arrays
from ..errors import BadType, BadValue
from ..tensor import Tensor

_LINEAR = ("linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
_skipping = False
_GAINS = {**dict.fromkeys(_LINEAR, 1), "sigmoid": 1, "tanh": 5 / 3, "relu": math.sqrt(2), "selu": 3 / 4}


def calculate_gain(nonlinearity, param=None):
    """The factor by which weights are scaled up to make good for what a nonlinearity takes from the variance.

    `param` is the negative slope of "leaky_relu" (0.01 unless given).
    """
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, (int, float)):
            raise BadValue(f"negative_slope {param} not a valid number")
        return math.sqrt(2 / (1 + slope**2))
    if nonlinearity not in _GAINS:
        raise BadValue(f"Unsupported nonlinearity {nonlinearity}; known are leaky_relu, {', '.join(_GAINS)}")
    return _GAINS[nonlinearity]


def _calculate_fan_in_and_fan_out(tensor):
    """How many inputs one output of a weight (out, in, *kernel) depends on, and how many outputs use one input."""
    shape = _shape_of(tensor)
    if len(shape) < 2:
        raise BadValue(f"Fan in and fan out can not be computed for a tensor with fewer than 2 dimensions, got {shape}")
    window = math.prod(shape[2:])
    return shape[1] * window, shape[0] * window


def _calculate_correct_fan(tensor, mode):
    fans = dict(zip(("fan_in", "fan_out"), _calculate_fan_in_and_fan_out(tensor)))
    if str(mode).lower() not in fans:
        raise BadValue(f"Mode {mode} not supported, please use one of ['fan_in', 'fan_out']")
    return fans[mode.lower()]


def uniform_(tensor, a=0.0, b=1.0, generator=None):
    """Uniform between a and b."""
    if not a <= b:
        raise BadValue(f"uniform_ expects a <= b, got a={a}, b={b}")
    if _skipping:
        return tensor
    values = _stream(generator).random(_shape_of(tensor), dtype=_float_of(tensor))
    return _fill(tensor, a + (b - a) * values)


def normal_(tensor, mean=0.0, std=1.0, generator=None):
    """Normal with a mean and a standard deviation."""
    if not std >= 0:
        raise BadValue(f"normal_ expects std >= 0.0, got {std}")
    if _skipping:
        return tensor
    return _fill(tensor, mean + std * _stream(generator).standard_normal(_shape_of(tensor), dtype=_float_of(tensor)))


def trunc_normal_(tensor, mean=0.0, std=1.0, a=-2.0, b=2.0, generator=None):
    """Normal, given that the value lies between a and b."""
    if not (std > 0 and a <= b):
        raise BadValue(f"trunc_normal_ expects std > 0 and a <= b, got std={std}, a={a}, b={b}")
    if _skipping:
        return tensor
    _float_of(tensor)
    count = math.prod(_shape_of(tensor))
    values = mean + std * _normal_between((a - mean) / std, (b - mean) / std, count, _stream(generator))
    return _fill(tensor, np.clip(values, a, b).reshape(_shape_of(tensor)))


def _normal_between(low, high, count, stream):
    """Standard normal numbers between two bounds: uniform ones, each kept with its probability relative to the likeliest.

    What lies so far from the likeliest value that its relative probability is below exp(-32) is left out.
    """
    likeliest = min(max(0.0, low), high)
    reach = 40 / max(abs(likeliest), 5)
    low, high = max(low, likeliest - reach), min(high, likeliest + reach)
    kept = np.empty(0)
    while kept.size < count:
        x = stream.uniform(low, high, 2 * count)
        relative = np.exp((likeliest**2 - x**2) / 2)
        kept = np.append(kept, x[stream.random(x.size) < relative])
    return kept[:count]


def constant_(tensor, val):
    """One value everywhere."""
    _shape_of(tensor)
    return _fill(tensor, val)


def ones_(tensor):
    """One everywhere."""
    return constant_(tensor, 1.0)


def zeros_(tensor):
    """Zero everywhere."""
    return constant_(tensor, 0.0)


def eye_(tensor):
    """The identity matrix, for a 2-d tensor."""
    shape = _shape_of(tensor)
    if len(shape) != 2:
        raise BadValue(f"Only tensors with 2 dimensions are supported, got {shape}")
    return _fill(tensor, np.eye(*shape))


def dirac_(tensor, groups=1):
    """A convolution's weight (out, in / groups, *kernel) that passes its input on unchanged, as far as there are channels."""
    shape = _shape_of(tensor)
    if len(shape) not in (3, 4, 5):
        raise BadValue(f"Only tensors with 3, 4, or 5 dimensions are supported, got {shape}")
    if shape[0] % groups:
        raise BadValue(f"dim 0 must be divisible by groups, got {shape[0]} and {groups}")
    values, per_group = np.zeros(shape), shape[0] // groups
    middle = tuple(n // 2 for n in shape[2:])
    for group in range(groups):
        for channel in range(min(per_group, shape[1])):
            values[(group * per_group + channel, channel, *middle)] = 1
    return _fill(tensor, values)


def xavier_uniform_(tensor, gain=1.0, generator=None):
    """Uniform with variance gain² · 2 / (fan_in + fan_out) (Glorot and Bengio 2010)."""
    bound = math.sqrt(3) * _xavier_std(tensor, gain)
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor, gain=1.0, generator=None):
    """Normal with variance gain² · 2 / (fan_in + fan_out) (Glorot and Bengio 2010)."""
    return normal_(tensor, 0.0, _xavier_std(tensor, gain), generator)


def _xavier_std(tensor, gain):
    total = sum(_calculate_fan_in_and_fan_out(tensor))
    return gain * math.sqrt(2 / total) if total else 0.0


def kaiming_uniform_(tensor, a=0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    """Uniform with variance gain² / fan (He et al. 2015); `a` is the negative slope of a leaky ReLU."""
    if _is_empty(tensor):
        return tensor
    bound = math.sqrt(3) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(tensor, a=0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    """Normal with variance gain² / fan (He et al. 2015); `a` is the negative slope of a leaky ReLU."""
    if _is_empty(tensor):
        return tensor
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


def _kaiming_std(tensor, a, mode, nonlinearity):
    fan = _calculate_correct_fan(tensor, mode)
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


def _is_empty(tensor):
    empty = 0 in _shape_of(tensor)
    if empty:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=3)
    return empty


def orthogonal_(tensor, gain=1, generator=None):
    """A (semi-)orthogonal matrix times gain; of a tensor with more dimensions, the rows are the first (Saxe et al. 2013)."""
    shape = _shape_of(tensor)
    if len(shape) < 2:
        raise BadValue(f"Only tensors with 2 or more dimensions are supported, got {shape}")
    if 0 in shape:
        return tensor
    rows, columns = shape[0], math.prod(shape[1:])
    q, r = np.linalg.qr(_stream(generator).standard_normal((max(rows, columns), min(rows, columns))))
    q *= np.sign(np.diag(r))                     # without this, the result would not be uniformly distributed
    return _fill(tensor, gain * (q if rows >= columns else q.T).reshape(shape))


def _shape_of(tensor):
    if not isinstance(tensor, Tensor):
        raise BadType(f"expected a Tensor to initialise, got {type(tensor).__name__}")
    return tuple(tensor.array.shape)


def _float_of(tensor):
    """The dtype to draw in. Raises TypeError for tensors that cannot hold real numbers."""
    _shape_of(tensor)
    if tensor.array.dtype.kind != "f":
        raise BadType(f"random initialisation needs a floating tensor, got {tensor.array.dtype}")
    return tensor.array.dtype


def _stream(generator):
    return (arrays.default_generator if generator is None else generator).numpy


@contextmanager
def skipped():
    """Within the block nothing is drawn: weights hold what happened to lie there. For models whose values are never looked at."""
    global _skipping
    before, _skipping = _skipping, True
    try:
        yield
    finally:
        _skipping = before


def _fill(tensor, values):
    tensor.array[...] = arrays.module_of(tensor.array).asarray(values)
    tensor.bump_version()
    return tensor
