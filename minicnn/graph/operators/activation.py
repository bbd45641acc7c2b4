"""Activations: functions of one number, applied to every element; and the softmax family."""

from math import prod

from ...elementary import arithmetic as ours
from ...elementary.extra import one_hot
from ...elementary.reduction import argmax, log_softmax, softmax
from ...functional import activation as layer
from ...nn import functional as F
from ..axes import axis_of
from .arithmetic import unary
from .table import operator
from .values import beside

unary("Relu", F.relu)
unary("HardSwish", F.hardswish)
unary("Mish", F.mish)
unary("Softplus", F.softplus)
unary("Softsign", F.softsign)


@operator("LeakyRelu")
def leaky_relu(x, *, alpha=0.01):
    return F.leaky_relu(x, alpha)


@operator("Elu")
def elu(x, *, alpha=1.0):
    return F.elu(x, alpha)


@operator("Celu")
def celu(x, *, alpha=1.0):
    return F.celu(x, alpha)


@operator("Selu")
def selu(x, *, alpha=layer.SELU["alpha"], gamma=layer.SELU["scale"]):
    return layer.elu(x, alpha=alpha, scale=gamma)


@operator("HardSigmoid")
def hard_sigmoid(x, *, alpha=0.2, beta=0.5):
    """alpha · x + beta, limited to 0 ≤ y ≤ 1."""
    return F.hardtanh(x * alpha + beta, 0.0, 1.0)


@operator("ThresholdedRelu")
def thresholded_relu(x, *, alpha=1.0):
    """x above alpha, else 0."""
    return F.threshold(x, alpha, 0.0)


@operator("Shrink")
def shrink(input, *, bias=0.0, lambd=0.5):
    """x + bias below -lambd, x - bias above lambd, 0 between."""
    return ours.where(input < -lambd, input + bias, ours.where(input > lambd, input - bias, 0)).to(input.dtype)


@operator("Gelu")
def gelu(x, *, approximate="none"):
    return F.gelu(x, approximate)


@operator("Swish")
def swish(x, *, alpha=1.0):
    """x · σ(alpha · x)."""
    return F.silu(x) if alpha == 1 else x * ours.sigmoid(x * alpha)


@operator("PRelu")
def prelu(x, slope, *, opset):
    """x above 0, slope · x below. Before version 7 a vector of slopes belongs to the channels."""
    x, slope = beside(x, slope)
    if opset < 7 and slope.ndim == 1 and x.ndim > 1:
        slope = slope.reshape(-1, *(1,) * (x.ndim - 2))
    return layer.prelu(x, slope.reshape(*(1,) * (x.ndim - slope.ndim), *slope.shape))


# Along an axis -----------------------------------------------------------------------------------------------------------


def along_axis(name, function):
    """Puts an operator into the table that normalizes along one axis; before version 13 along that axis and all behind it, as one."""

    @operator(name)
    def compute(input, *, axis=None, opset):
        if opset >= 13:
            return function(input, -1 if axis is None else axis)
        axis = axis_of(1 if axis is None else axis, max(input.ndim, 2))
        rows = input.reshape(prod(input.shape[:axis]), prod(input.shape[axis:]))
        return function(rows, 1).reshape(*input.shape)


def hardmax(x, axis):
    """1 at the first of the largest elements, 0 elsewhere."""
    first = argmax(x, axis)
    return one_hot(first, x.shape[axis]).movedim(-1, axis_of(axis, x.ndim)).to(x.dtype)


along_axis("Softmax", softmax)
along_axis("LogSoftmax", log_softmax)
along_axis("Hardmax", hardmax)
