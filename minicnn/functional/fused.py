"""Two layer operations in one pair, for those that mostly follow each other: what lies between them never reaches memory.

The surface computes `batch_norm`, or a sum, only when somebody looks at it; a ReLU that comes first takes the pair from here.
See `autograd/deferred.py`.
"""

from ..autograd.deferred import deferred
from ..autograd.operation import Layer
from ..kernels import of
from . import normalization
from .activation import relu, relu_definition
from .normalization import batch_norm_definition, batch_norm_eval_definition


def batch_norm_relu_definition(x, w, b, *, mean, rstd, eps):
    """y = max(batch_norm(x), 0)"""
    return relu_definition(batch_norm_definition(x, w, b, mean=mean, rstd=rstd, eps=eps))


def batch_norm_relu_forward(x, w, b, *, mean, rstd, eps):
    return of(x).batch_norm_relu(x, w, b, mean, rstd), (x, w, b, mean, rstd)


def batch_norm_relu_backward(dy, saved, needed):
    """With v = w·x̂ + b and y = max(v, 0): dv = dy where v > 0, else 0, and then dx, dw and db as for batch norm, from dv."""
    x, w, b, mean, rstd = saved
    dx, dw, db = of(dy).batch_norm_relu_dx(dy, x, w, b, mean, rstd)
    return dx if needed.x else None, dw if needed.w else None, db if needed.b else None


batch_norm_relu = Layer("BatchNormalizationRelu", batch_norm_relu_forward, batch_norm_relu_backward, batch_norm_relu_definition)


def batch_norm_eval_relu_definition(x, w, b, *, mean, rstd):
    """y = max(w · (x - mean) · rstd + b, 0)"""
    return relu_definition(batch_norm_eval_definition(x, w, b, mean=mean, rstd=rstd))


def batch_norm_eval_relu_forward(x, w, b, *, mean, rstd):
    y = of(x).batch_norm_relu(x, w, b, mean, rstd)
    return y, (y, x, w, mean, rstd)


def batch_norm_eval_relu_backward(dy, saved, needed):
    """The gradient goes through the ReLU where y > 0, then through the affine map."""
    y, *others = saved
    return normalization.batch_norm_eval_backward(of(dy).relu_dx(dy, y), others, needed)


batch_norm_eval_relu = Layer("BatchNormalizationRelu", batch_norm_eval_relu_forward, batch_norm_eval_relu_backward,
                             batch_norm_eval_relu_definition)


def batch_norm(x, w, b, **attributes):
    """Batch norm in training, computed when it is looked at, or with the ReLU that follows."""
    return deferred(normalization.batch_norm, {relu: batch_norm_relu}, x, w, b, **attributes)


def batch_norm_eval(x, w, b, **attributes):
    """Batch norm in evaluation, likewise."""
    return deferred(normalization.batch_norm_eval, {relu: batch_norm_eval_relu}, x, w, b, **attributes)
