"""Activations: functions of one number, applied to every element; each derivative stands beside its function.

Where a function has a kink, the derivative there is one of the two on either side, the same one as in PyTorch.
"""

from functools import partial, wraps
from math import pi, sqrt

import numpy as np

from ..autograd.operation import Layer
from ..elementary.arithmetic import erf, expm1, sigmoid, tanh, where
from ..elementary.extra import clamp
from ..elementary.in_place import apply_in_place
from ..elementary.reduction import logsumexp
from ..elementary.joining import stack
from ..kernels import of
from ..tensor import Tensor


def or_one_kernel(function):
    """The function; but where the kernels for the array (the first argument) have one of its name, that: it goes over memory once."""
    name = function.__name__

    @wraps(function)
    def run(array, *arguments, **attributes):
        return getattr(of(array), name, function)(array, *arguments, **attributes)

    return run


# Piecewise linear: the output tells on which piece it lies, so the input need not be kept -------------------------------


def relu_definition(x):
    """max(x, 0), flat at 0."""
    return where(x <= 0, 0, x)


def relu_forward(x):
    """max(x, 0)"""
    y = of(x).relu(x)
    return y, y


def relu_backward(dy, y, needed):
    """dx = dy where y > 0, else 0: at the kink the derivative is taken as 0."""
    return (of(dy).relu_dx(dy, y),)


relu = Layer("Relu", relu_forward, relu_backward, relu_definition, replay=lambda y: (y,))


def leaky_relu_definition(x, *, negative_slope):
    """x above 0, negative_slope · x below."""
    return where(x > 0, x, x * negative_slope)


@or_one_kernel
def leaky_relu_forward(x, *, negative_slope):
    """x above 0, negative_slope · x below"""
    y = np.maximum(x, 0) + negative_slope * np.minimum(x, 0)
    return y, (y if negative_slope >= 0 else x, negative_slope)         # below a falling slope, y > 0 would mean x < 0


@or_one_kernel
def leaky_relu_backward(dy, saved, needed):
    """dx = dy above 0, negative_slope · dy below and at 0."""
    x, negative_slope = saved
    return (dy * (x > 0) + negative_slope * dy * (x <= 0),)


leaky_relu = Layer("LeakyRelu", leaky_relu_forward, leaky_relu_backward, leaky_relu_definition,
                   replay=lambda saved: saved[:1])


def prelu_definition(x, w):
    """x above 0, w · x below, where w broadcasts against x: one slope, or one for each channel."""
    return where(x > 0, x, w * x)


def prelu_forward(x, w):
    """x above 0, w · x below"""
    return np.maximum(x, 0) + w * np.minimum(x, 0), (x, w)


def prelu_backward(dy, saved, needed):
    """Below 0, y = w · x: there dx = w · dy, and dw is Σ x · dy over all elements that share the slope."""
    x, w = saved
    dx = dy * (x > 0) + w * dy * (x <= 0) if needed.x else None
    shared = tuple(axis for axis, n in enumerate(w.shape) if n == 1)
    dw = (np.minimum(x, 0) * dy).sum(shared, keepdims=True) if needed.w else None
    return dx, dw


prelu = Layer("PRelu", prelu_forward, prelu_backward, prelu_definition)


def hardtanh_definition(x, *, min, max):
    """x limited to min ≤ x ≤ max."""
    return where(x >= max, max, where(x <= min, min, x))


@or_one_kernel
def hardtanh_forward(x, *, min, max):
    """x limited to min ≤ x ≤ max"""
    y = np.clip(x, min, max)
    return y, (y, min, max)


@or_one_kernel
def hardtanh_backward(dy, saved, needed):
    """dx = dy strictly between the limits, else 0."""
    y, low, high = saved
    return (dy * ((y > low) & (y < high)),)


hardtanh = Layer("Clip", hardtanh_forward, hardtanh_backward, hardtanh_definition, replay=lambda saved: saved[:1])


def hardsigmoid_definition(x):
    """(x + 3) / 6, limited to 0 ≤ y ≤ 1."""
    return hardtanh_definition(x / 6 + 0.5, min=0.0, max=1.0)


@or_one_kernel
def hardsigmoid_forward(x):
    """(x + 3) / 6, limited to 0 ≤ y ≤ 1"""
    return np.clip(x / 6 + 0.5, 0, 1), x


@or_one_kernel
def hardsigmoid_backward(dy, x, needed):
    """dx = dy / 6 strictly between -3 and 3, else 0."""
    return (dy / 6 * ((x > -3) & (x < 3)),)


hardsigmoid = Layer("HardSigmoid", hardsigmoid_forward, hardsigmoid_backward, hardsigmoid_definition)


def hardswish_definition(x):
    """x · hardsigmoid(x) (Howard et al., Searching for MobileNetV3, 2019)."""
    return where(x <= -3, 0.0, where(x >= 3, x, x * (x + 3) / 6))


@or_one_kernel
def hardswish_forward(x):
    """x · hardsigmoid(x)"""
    return x * np.clip(x / 6 + 0.5, 0, 1), x


@or_one_kernel
def hardswish_backward(dy, x, needed):
    """y = (x² + 3x) / 6 between -3 and 3, so dx = dy · (2x + 3) / 6 there; 0 below, dy above."""
    return (dy * ((x >= 3) + (x / 3 + 0.5) * ((x > -3) & (x < 3))),)


hardswish = Layer("HardSwish", hardswish_forward, hardswish_backward, hardswish_definition)

# Exponential below 0 -----------------------------------------------------------------------------------------------------


def elu_definition(x, *, alpha=1.0, scale=1.0, steepness=1.0):
    """scale · x above 0, scale · alpha · (exp(steepness · x) - 1) below."""
    return where(x <= 0, expm1(clamp(x, max=0) * steepness) * alpha, x) * scale


@or_one_kernel
def elu_forward(x, *, alpha=1.0, scale=1.0, steepness=1.0):
    """scale · x above 0, scale · alpha · (exp(steepness · x) - 1) below"""
    y = np.maximum(x, 0) + alpha * np.expm1(np.minimum(x, 0) * steepness)
    return y * scale, (x, alpha, scale, steepness)


@or_one_kernel
def elu_backward(dy, saved, needed):
    """dx = scale · dy above 0, scale · alpha · steepness · exp(steepness · x) · dy below."""
    x, alpha, scale, steepness = saved
    below = alpha * steepness * np.exp(np.minimum(x, 0) * steepness)
    return (dy * scale * ((x > 0) + below * (x <= 0)),)


elu = Layer("Elu", elu_forward, elu_backward, elu_definition)                   # Clevert et al. 2015


def celu_definition(x, *, alpha=1.0):
    """x above 0, alpha · (exp(x / alpha) - 1) below: an ELU without a kink (Barron 2017)."""
    return elu_definition(x, alpha=alpha, steepness=1 / alpha)


def celu_forward(x, *, alpha=1.0):
    """x above 0, alpha · (exp(x / alpha) - 1) below"""
    return elu_forward(x, alpha=alpha, steepness=1 / alpha)


celu = Layer("Celu", celu_forward, elu_backward, celu_definition)

# With these two, activations of mean 0 and variance 1 stay so (Klambauer et al., Self-normalizing networks, 2017).
SELU = {"alpha": 1.6732632423543772, "scale": 1.0507009873554805}
selu = Layer("Selu", partial(elu_forward, **SELU), elu_backward, partial(elu_definition, **SELU))

# Smooth ------------------------------------------------------------------------------------------------------------------


def silu_definition(x):
    """x · σ(x), also called Swish (Elfwing et al. 2017)."""
    return x * sigmoid(x)


@or_one_kernel
def silu_forward(x):
    """x · σ(x)"""
    return x * sigmoid(x), x


@or_one_kernel
def silu_backward(dy, x, needed):
    """With σ' = σ(1 - σ) and the product rule: dx = dy · (σ + x σ (1 - σ))."""
    s = sigmoid(x)
    return (dy * s * (1 + x * (1 - s)),)


silu = Layer("Swish", silu_forward, silu_backward, silu_definition)


def normal_cdf(x, approximate):
    """Φ(x) = (1 + erf(x/√2)) / 2; with "tanh" (1 + tanh u) / 2, u = √(2/π) · (x + 0.044715 x³), which is close and needs no erf."""
    if approximate == "tanh":
        return 0.5 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x * x * x)))
    return 0.5 * (1 + erf(x * sqrt(0.5)))


def _normal_density(x, approximate):
    """The derivative of `normal_cdf`: exp(-x²/2) / √(2π); with "tanh" (1 - tanh² u) · u' / 2."""
    if approximate == "tanh":
        t = 2 * normal_cdf(x, approximate) - 1
        return 0.5 * (1 - t * t) * sqrt(2 / pi) * (1 + 3 * 0.044715 * x * x)
    return np.exp(-0.5 * x * x) / sqrt(2 * pi)


def gelu_definition(x, *, approximate="none"):
    """x · Φ(x), with the normal distribution function Φ (Hendrycks and Gimpel 2016)."""
    return x * normal_cdf(x, approximate)


@or_one_kernel
def gelu_forward(x, *, approximate="none"):
    """x · Φ(x), with the normal distribution function Φ"""
    return x * normal_cdf(x, approximate), (x, approximate)


@or_one_kernel
def gelu_backward(dy, saved, needed):
    """The product rule: dx = dy · (Φ(x) + x · Φ'(x))."""
    x, approximate = saved
    return (dy * (normal_cdf(x, approximate) + x * _normal_density(x, approximate)),)


gelu = Layer("Gelu", gelu_forward, gelu_backward, gelu_definition)


def log_one_plus_exp(x):
    """log(1 + exp(x)) of an array, without overflow: for x > 0 it is x + log(1 + exp(-x))."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.absolute(x)))


def softplus_definition(x, *, beta=1.0, threshold=20.0):
    """log(1 + exp(βx)) / β, and x itself where βx is above the threshold: the two hardly differ there."""
    z = clamp(x * beta, max=threshold)
    return where(x * beta > threshold, x, logsumexp(stack([z, z * 0]), 0) / beta)


@or_one_kernel
def softplus_forward(x, *, beta=1.0, threshold=20.0):
    """log(1 + exp(βx)) / β, and x itself where βx is above the threshold"""
    return np.where(x * beta > threshold, x, log_one_plus_exp(x * beta) / beta), (x, beta, threshold)


@or_one_kernel
def softplus_backward(dy, saved, needed):
    """The derivative of log(1 + exp z) is exp z / (1 + exp z) = σ(z), so dx = dy · σ(βx); dy above the threshold."""
    x, beta, threshold = saved
    return (np.where(x * beta > threshold, dy, dy * sigmoid(x * beta)),)


softplus = Layer("Softplus", softplus_forward, softplus_backward, softplus_definition)


def log_sigmoid_definition(x):
    """log σ(x) = -log(1 + exp(-x))."""
    return -logsumexp(stack([-x, x * 0]), 0)


@or_one_kernel
def log_sigmoid_forward(x):
    """log σ(x) = -log(1 + exp(-x))"""
    return -log_one_plus_exp(-x), x


@or_one_kernel
def log_sigmoid_backward(dy, x, needed):
    """dx = dy · exp(-x) / (1 + exp(-x)) = dy · σ(-x)."""
    return (dy * sigmoid(-x),)


log_sigmoid = Layer("LogSigmoid", log_sigmoid_forward, log_sigmoid_backward, log_sigmoid_definition)


def mish_definition(x):
    """x · tanh(log(1 + exp x)) (Misra 2019)."""
    return x * tanh(logsumexp(stack([x, x * 0]), 0))


@or_one_kernel
def mish_forward(x):
    """x · tanh(log(1 + exp x))"""
    return x * np.tanh(log_one_plus_exp(x)), x


@or_one_kernel
def mish_backward(dy, x, needed):
    """With t = tanh(softplus x), whose derivative is (1 - t²) · σ(x): dx = dy · (t + x · (1 - t²) · σ(x))."""
    t = np.tanh(log_one_plus_exp(x))
    return (dy * (t + x * (1 - t * t) * sigmoid(x)),)


mish = Layer("Mish", mish_forward, mish_backward, mish_definition)

Tensor.relu = lambda self: relu(self)
Tensor.relu_ = lambda self: apply_in_place(self, relu)
