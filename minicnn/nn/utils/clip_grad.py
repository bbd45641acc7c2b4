"""Gradient clipping: keep one bad batch from throwing the parameters far away."""

import math
import warnings
from collections.abc import Iterable
from types import GeneratorType

import numpy as np

from ...errors import BadType, BadValue, GraphError
from ...tensor import Tensor, wrap


def clip_grad_norm_(parameters, max_norm, norm_type=2.0, error_if_nonfinite=False, foreach=None):
    """Scale all gradients, in place and by one factor, so that their norm as one long vector is at most `max_norm`.

    parameters  tensors, or a single one; those without gradient are passed over
    norm_type   the p of the p-norm; inf for the largest absolute value

    Returns the norm before clipping, a 0-d Tensor. Raises GraphError for a norm that is not finite, if asked to.
    """
    parameters = _listed(parameters)
    gradients = [p.grad for p in parameters if p.grad is not None]
    total_norm = get_total_norm(gradients, norm_type, error_if_nonfinite)
    clip_grads_with_norm_(parameters, max_norm, total_norm)
    return total_norm


@np.errstate(all="ignore")
def get_total_norm(tensors, norm_type=2.0, error_if_nonfinite=False, foreach=None):
    """The p-norm of all tensors as one long vector, a 0-d Tensor."""
    norm_type = float(norm_type)
    norms = [np.linalg.norm(t.array.reshape(-1), norm_type) for t in _listed(tensors)]
    if not norms:
        return wrap(np.zeros((), np.float32))
    total = wrap(np.linalg.norm(np.stack(norms), norm_type))
    if error_if_nonfinite and not math.isfinite(total.item()):
        raise GraphError(f"the gradients' total norm (of order {norm_type}) is {total.item()}, so they cannot be clipped; look "
                         "for the first operation that is not finite with autograd.detect_anomaly()")
    return total


@np.errstate(all="ignore")
def clip_grads_with_norm_(parameters, max_norm, total_norm, foreach=None):
    """Scale all gradients in place by max_norm / (total_norm + 1e-6), if that is below 1."""
    max_norm = _limit("max_norm", max_norm)
    factor = np.minimum(max_norm / (total_norm.array + 1e-6), 1.0)
    for gradient in _gradients(parameters):
        gradient.array *= factor
        gradient.bump_version()


def clip_grad_value_(parameters, clip_value, foreach=None):
    """Cut every element of the gradients, in place, to between −clip_value and clip_value."""
    clip_value = _limit("clip_value", clip_value)
    for gradient in _gradients(parameters):
        np.clip(gradient.array, -clip_value, clip_value, out=gradient.array)
        gradient.bump_version()


def _listed(tensors):
    if isinstance(tensors, Tensor):
        return [tensors]
    if not isinstance(tensors, Iterable):
        raise BadType(f"expected a Tensor or several, got {type(tensors).__name__}")
    listed = list(tensors)
    if not listed and isinstance(tensors, GeneratorType):
        warnings.warn("the generator of parameters is empty (already used up?): nothing is clipped", UserWarning, stacklevel=4)
    return listed


def _gradients(parameters):
    return [p.grad for p in _listed(parameters) if p.grad is not None]


def _limit(name, value):
    value = float(value)
    if not value >= 0:
        raise BadValue(f"{name} must be 0 or more, got {value}")
    return value
