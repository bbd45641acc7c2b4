"""Automatic differentiation: how gradients come about. Read graph.py, then backward.py, then operation.py."""

from .backward import backward, grad
from .mode import detect_anomaly, enable_grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled

__all__ = ["backward", "detect_anomaly", "enable_grad", "grad", "inference_mode", "is_grad_enabled", "no_grad", "set_grad_enabled"]
