"""Activations: functions of one number, applied to every element; each derivative stands beside its function."""

from ..autograd.operation import Layer
from ..elementary.arithmetic import maximum
from ..kernels import of
from ..tensor import Tensor


def relu_definition(x):
    """max(x, 0), flat at 0."""
    return (x > 0) * x


def relu_forward(x):
    y = of(x).relu(x)
    return y, y


def relu_backward(dy, y, needed):
    """dx = dy where y > 0, else 0: at the kink the derivative is taken as 0."""
    return (of(dy).relu_dx(dy, y),)


relu = Layer("Relu", relu_forward, relu_backward, relu_definition, replay=lambda y: (y,))
