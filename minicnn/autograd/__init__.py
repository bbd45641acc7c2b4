"""Automatic differentiation: how gradients come about. Read graph.py, then backward.py, then operation.py."""

from ..tensor import Tensor
from . import function
from .backward import backward, grad, tensor_backward
from .function import Function
from .gradcheck import gradcheck, gradgradcheck
from .hooks import add_hook, retain_grad
from .layercheck import check_layer
from .mode import (
    detect_anomaly, enable_grad, inference_mode, is_grad_enabled, no_grad, set_detect_anomaly, set_grad_enabled,
)

__all__ = [
    "Function", "Variable", "backward", "check_layer", "detect_anomaly", "enable_grad", "function", "grad", "gradcheck", "gradgradcheck",
    "inference_mode", "is_grad_enabled", "no_grad", "set_detect_anomaly", "set_grad_enabled",
]



def Variable(data, requires_grad=False):
    """A tensor as a leaf of its own; programs from before tensors remembered gradients wrap everything in it."""
    return data.detach().requires_grad_(requires_grad)


Tensor.backward, Tensor.register_hook, Tensor.retain_grad = tensor_backward, add_hook, retain_grad
