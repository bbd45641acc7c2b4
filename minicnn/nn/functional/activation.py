"""Activations, with PyTorch's arguments; `inplace=True` lets the result take the input's place."""

import warnings

from ...autograd.deferred import deferred, followed_by
from ...autograd.mode import watched_whole
from ...elementary import arithmetic, reduction
from ...elementary.arithmetic import where
from ...elementary.in_place import apply_in_place
from ...errors import BadType, BadValue, ShapeError
from ...functional import activation as layer
from ...tensor import Tensor, check_dim
from .arguments import check_tensors, number

__all__ = ["celu", "elu", "gelu", "glu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "log_softmax",
           "logsigmoid", "mish", "prelu", "relu", "relu6", "relu_", "selu", "sigmoid", "silu", "softmax", "softmin", "softplus",
           "softshrink", "softsign", "tanh", "tanhshrink", "threshold"]

LARGE = 1 << 13         # elements of images, from which on it pays to wait whether a pooling follows


def _apply(name, input, inplace, function):
    check_tensors(name, input)
    return apply_in_place(input, function) if inplace else function(input)


def _apply_to_numbers(name, input, inplace, function):
    """As `_apply`, but for integers too."""
    if not isinstance(input, Tensor) or input.array.dtype.kind == "b":
        raise BadType(f"{name}: expected a tensor of numbers, got {getattr(input, 'dtype', type(input).__name__)}")
    return apply_in_place(input, function) if inplace else function(input)


def _like(input, value):
    """A number of the input's kind: for integers, without its decimals."""
    return float(value) if input.is_floating_point() else int(value)


# Piecewise linear --------------------------------------------------------------------------------------------------------


def _is_image(x):
    return isinstance(x, Tensor) and x.array.ndim == 4 and x.array.size >= LARGE and x.array.dtype.kind == "f"


def relu(input, inplace=False):
    """max(x, 0)."""
    both = followed_by(layer.relu, input, inplace)
    if both is not None:
        return both
    if not inplace and _is_image(input):
        return deferred(layer.relu, input)
    return _apply_to_numbers("relu", input, inplace, layer.relu)


def relu_(input):
    """`relu` in place."""
    return relu(input, inplace=True)


def relu6(input, inplace=False):
    """min(max(x, 0), 6)."""
    return _apply_to_numbers("relu6", input, inplace, lambda x: layer.hardtanh(x, min=_like(x, 0), max=_like(x, 6)))


def hardtanh(input, min_val=-1.0, max_val=1.0, inplace=False):
    """x limited to min_val ≤ x ≤ max_val."""
    if isinstance(min_val, str) or isinstance(max_val, str) or not min_val <= max_val:
        raise BadValue(f"hardtanh: min_val ({min_val}) and max_val ({max_val}) must be numbers, the first not greater")
    return _apply_to_numbers("hardtanh", input, inplace, lambda x: layer.hardtanh(x, min=_like(x, min_val), max=_like(x, max_val)))


def leaky_relu(input, negative_slope=0.01, inplace=False):
    """x above 0, negative_slope · x below."""
    slope = number("leaky_relu", "negative_slope", negative_slope)
    return _apply("leaky_relu", input, inplace, lambda x: layer.leaky_relu(x, negative_slope=slope))


@watched_whole
def prelu(input, weight):
    """x above 0, weight · x below: weight () or (1,) is one slope, (C,) one for each channel of an input (N, C, ...)."""
    check_tensors("prelu", input, weight=weight)
    if weight.array.ndim > 1:
        raise ShapeError(f"prelu: expected weight () or (C,), got shape {tuple(weight.shape)}")
    channels = input.array.shape[1] if input.array.ndim > 1 else 1
    if weight.array.size not in (1, channels):
        raise ShapeError(f"prelu: expected weight (1,) or ({channels},), one slope for each channel of the input "
                         f"{tuple(input.shape)}, got {tuple(weight.shape)}; set num_parameters={channels}")
    axis = min(1, max(input.array.ndim - 1, 0))
    slopes = weight.reshape([-1 if i == axis else 1 for i in range(input.array.ndim)])
    return layer.prelu(input, slopes)


def hardsigmoid(input, inplace=False):
    """(x + 3) / 6, limited to 0 ≤ y ≤ 1."""
    return _apply("hardsigmoid", input, inplace, layer.hardsigmoid)


def hardswish(input, inplace=False):
    """x · hardsigmoid(x)."""
    return _apply("hardswish", input, inplace, layer.hardswish)


def hardshrink(input, lambd=0.5):
    """x, but 0 where |x| ≤ lambd."""
    check_tensors("hardshrink", input)
    return where((input >= -lambd) & (input <= lambd), 0.0, input)


def softshrink(input, lambd=0.5):
    """x moved towards 0 by lambd, and 0 where |x| ≤ lambd."""
    check_tensors("softshrink", input)
    if lambd < 0:
        raise BadValue(f"softshrink: lambd must be at least 0, got {lambd}")
    return where(input > lambd, input - lambd, where(input < -lambd, input + lambd, input * 0))


def threshold(input, threshold, value, inplace=False):
    """x above the threshold, `value` elsewhere."""
    return _apply_to_numbers("threshold", input, inplace, lambda x: where(x <= threshold, _like(x, value), x))


# Exponential below 0 -----------------------------------------------------------------------------------------------------


def elu(input, alpha=1.0, inplace=False):
    """x above 0, alpha · (exp(x) - 1) below."""
    alpha = number("elu", "alpha", alpha)
    return _apply("elu", input, inplace, lambda x: layer.elu(x, alpha=alpha))


def celu(input, alpha=1.0, inplace=False):
    """x above 0, alpha · (exp(x / alpha) - 1) below."""
    alpha = number("celu", "alpha", alpha)
    if alpha == 0:
        raise BadValue("celu: alpha must not be 0")
    return _apply("celu", input, inplace, lambda x: layer.celu(x, alpha=alpha))


def selu(input, inplace=False):
    """1.0507 · x above 0, 1.0507 · 1.6733 · (exp(x) - 1) below."""
    return _apply("selu", input, inplace, layer.selu)


# Smooth ------------------------------------------------------------------------------------------------------------------


def silu(input, inplace=False):
    """x · sigmoid(x)."""
    return _apply("silu", input, inplace, layer.silu)


def gelu(input, approximate="none"):
    """x · Φ(x) with the normal distribution function Φ, or with its approximation by "tanh"."""
    check_tensors("gelu", input)
    if approximate not in ("none", "tanh"):
        raise BadValue(f"gelu: approximate must be 'none' or 'tanh', got {approximate!r}")
    return layer.gelu(input, approximate=approximate)


def mish(input, inplace=False):
    """x · tanh(softplus(x))."""
    return _apply("mish", input, inplace, layer.mish)


def softplus(input, beta=1.0, threshold=20.0):
    """log(1 + exp(beta · x)) / beta, and x itself where beta · x is above the threshold."""
    check_tensors("softplus", input)
    beta, threshold = number("softplus", "beta", beta), number("softplus", "threshold", threshold)
    if beta == 0:
        raise BadValue("softplus: beta must not be 0")
    return layer.softplus(input, beta=beta, threshold=threshold)


def logsigmoid(input):
    """log sigmoid(x), exact also where sigmoid(x) is nearly 0."""
    check_tensors("logsigmoid", input)
    return layer.log_sigmoid(input)


def sigmoid(input):
    """1 / (1 + exp(-x))."""
    return arithmetic.sigmoid(input)


def tanh(input):
    """The hyperbolic tangent."""
    return arithmetic.tanh(input)


def softsign(input):
    """x / (1 + |x|)."""
    return input / (input.abs() + 1)


def tanhshrink(input):
    """x - tanh(x)."""
    return input - tanh(input)


def glu(input, dim=-1):
    """a · sigmoid(b) for the two halves a, b of a dimension."""
    check_tensors("glu", input)
    if input.array.ndim == 0 or input.array.shape[check_dim(dim, input.array.ndim)] % 2:
        raise ShapeError(f"glu: dimension {dim} must have an even length, got shape {tuple(input.shape)}")
    half = input.array.shape[check_dim(dim, input.array.ndim)] // 2
    a, b = input.split([half, half], dim)
    return a * b.sigmoid()


# Along one dimension -----------------------------------------------------------------------------------------------------


def softmax(input, dim=None, _stacklevel=3, dtype=None):
    """exp(x) / Σ exp(x) along a dimension."""
    return reduction.softmax(input, _dim_for("softmax", input, dim), dtype=dtype)


def log_softmax(input, dim=None, _stacklevel=3, dtype=None):
    """x - log Σ exp(x) along a dimension."""
    return reduction.log_softmax(input, _dim_for("log_softmax", input, dim), dtype=dtype)


def softmin(input, dim=None, _stacklevel=3, dtype=None):
    """softmax(-x) along a dimension."""
    return reduction.softmax(-input, _dim_for("softmin", input, dim), dtype=dtype)


def _dim_for(name, input, dim):
    """PyTorch's old choice of a dimension where none is given: the channels of (N, C), (N, C, H, W), else the first."""
    if dim is not None:
        return dim
    warnings.warn(f"{name}: name the dimension, e.g. dim=1 for (N, C); without, it is guessed from the number of dimensions",
                  stacklevel=3)
    return 0 if input.array.ndim in (0, 1, 3) else 1
