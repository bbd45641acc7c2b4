"""Two layer operations in one pair, for those that mostly follow each other: what lies between them never reaches memory.

Batch norm, and a sum of images, are computed when somebody looks at them (`autograd/deferred.py`). A ReLU that comes first takes the
pair from here.
"""

from ..autograd.deferred import PAIRS
from ..autograd.operation import Layer
from ..elementary.arithmetic import add
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


def add_relu_definition(x, y):
    """z = max(x + y, 0)"""
    return relu_definition(x + y)


def add_relu_forward(x, y):
    z = of(x).add_relu(x, y)
    return z, z


def add_relu_backward(dz, z, needed):
    """Both get dz where z > 0, else 0."""
    dx = of(dz).relu_dx(dz, z)
    return dx, dx


add_relu = Layer("AddRelu", add_relu_forward, add_relu_backward, add_relu_definition)

PAIRS[normalization.batch_norm, relu] = batch_norm_relu
PAIRS[normalization.batch_norm_eval, relu] = batch_norm_eval_relu
PAIRS[add.operation, relu] = add_relu
