"""Two layer operations in one pair, for those that mostly follow each other: what lies between them never reaches memory.

Batch norm, a sum of images, and their ReLU are computed when somebody looks at them (`autograd/deferred.py`). What can be computed along
with them, if it comes first, takes the pair from here: a ReLU, a sum (which waits for a ReLU itself), or a max pooling.
"""

from ..autograd.deferred import PAIRS
from ..autograd.operation import Layer
from ..elementary.arithmetic import add
from ..kernels import of
from . import linear, normalization, pooling
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


# A residual block's end: batch norm, the sum with what went round it, and a ReLU ------------------------------------------------


def batch_norm_add_definition(x, w, b, plus, *, mean, rstd, eps):
    """y = batch_norm(x) + plus"""
    return batch_norm_definition(x, w, b, mean=mean, rstd=rstd, eps=eps) + plus


def batch_norm_add_forward(x, w, b, plus, *, mean, rstd, eps):
    return of(x).batch_norm_add(x, w, b, plus, mean, rstd), (x, w, mean, rstd)


def batch_norm_add_backward(dy, saved, needed):
    """Both terms get dy: batch norm hands it on, and the other one has it."""
    return *normalization.batch_norm_backward(dy, saved, needed), dy


batch_norm_add = Layer("BatchNormalizationAdd", batch_norm_add_forward, batch_norm_add_backward, batch_norm_add_definition)


def batch_norm_add_relu_definition(x, w, b, plus, *, mean, rstd, eps):
    """z = max(batch_norm(x) + plus, 0)"""
    return relu_definition(batch_norm_add_definition(x, w, b, plus, mean=mean, rstd=rstd, eps=eps))


def batch_norm_add_relu_forward(x, w, b, plus, *, mean, rstd, eps):
    z = of(x).batch_norm_add_relu(x, w, b, plus, mean, rstd)
    return z, (z, x, w, mean, rstd)


def batch_norm_add_relu_backward(dz, saved, needed):
    """With g = dz where z > 0, else 0: `plus` gets g, and dx, dw and db are those of batch norm, from g."""
    dx, dw, db, g = of(dz).batch_norm_add_relu_dx(dz, *saved)
    return dx if needed.x else None, dw if needed.w else None, db if needed.b else None, g


batch_norm_add_relu = Layer("BatchNormalizationAddRelu", batch_norm_add_relu_forward, batch_norm_add_relu_backward,
                            batch_norm_add_relu_definition)


def batch_norm_eval_add_definition(x, w, b, plus, *, mean, rstd):
    """y = w · (x - mean) · rstd + b + plus"""
    return batch_norm_eval_definition(x, w, b, mean=mean, rstd=rstd) + plus


def batch_norm_eval_add_forward(x, w, b, plus, *, mean, rstd):
    return of(x).batch_norm_add(x, w, b, plus, mean, rstd), (x, w, mean, rstd)


def batch_norm_eval_add_backward(dy, saved, needed):
    """Both terms get dy: the affine map hands it on, and the other one has it."""
    return *normalization.batch_norm_eval_backward(dy, saved, needed), dy


batch_norm_eval_add = Layer("BatchNormalizationAdd", batch_norm_eval_add_forward, batch_norm_eval_add_backward,
                            batch_norm_eval_add_definition)


def batch_norm_eval_add_relu_definition(x, w, b, plus, *, mean, rstd):
    """z = max(w · (x - mean) · rstd + b + plus, 0)"""
    return relu_definition(batch_norm_eval_add_definition(x, w, b, plus, mean=mean, rstd=rstd))


def batch_norm_eval_add_relu_forward(x, w, b, plus, *, mean, rstd):
    z = of(x).batch_norm_add_relu(x, w, b, plus, mean, rstd)
    return z, (z, x, w, mean, rstd)


def batch_norm_eval_add_relu_backward(dz, saved, needed):
    """The gradient goes through the ReLU where z > 0; then to `plus`, and through the affine map."""
    z, *others = saved
    return batch_norm_eval_add_backward(of(dz).relu_dx(dz, z), others, needed)


batch_norm_eval_add_relu = Layer("BatchNormalizationAddRelu", batch_norm_eval_add_relu_forward, batch_norm_eval_add_relu_backward,
                                 batch_norm_eval_add_relu_definition)


# A dense layer, then a ReLU -------------------------------------------------------------------------------------------------------


def linear_relu_definition(x, w, b):
    """y = max(x wᵀ + b, 0)"""
    return relu_definition(linear.linear_definition(x, w, b))


def linear_relu_forward(x, w, b):
    y = of(x).linear_relu(x, w, b)
    return y, (y, x, w)


def linear_relu_backward(dy, saved, needed):
    """The gradient goes through the ReLU where y > 0, then through the dense layer."""
    y, *others = saved
    return linear.linear_backward(of(dy).relu_dx(dy, y), others, needed)


linear_relu = Layer("GemmRelu", linear_relu_forward, linear_relu_backward, linear_relu_definition)


# ReLU and max pooling: the largest of what is cut at 0 is the largest, cut at 0 --------------------------------------------------


def relu_max_pool2d_definition(x, *, window):
    """y = max_pool2d(max(x, 0))"""
    return pooling.max_pool2d_definition(relu_definition(x), window=window)


def relu_max_pool2d_forward(x, *, window):
    y, winners = of(x).max_pool2d_relu(x, window)
    return y, (winners, window)


def relu_max_pool2d_backward(dy, saved, needed):
    """A window's largest pixel gets dy if it is above 0. Else the ReLU has cut the whole window: it has no winner, and dx is 0 there."""
    winners, window = saved
    return (of(dy).max_pool2d_dx(dy, winners, window),)


relu_max_pool2d = Layer("ReluMaxPool", relu_max_pool2d_forward, relu_max_pool2d_backward, relu_max_pool2d_definition)

PAIRS[normalization.batch_norm, relu] = batch_norm_relu
PAIRS[normalization.batch_norm_eval, relu] = batch_norm_eval_relu
PAIRS[add.operation, relu] = add_relu
PAIRS[normalization.batch_norm, add.operation] = batch_norm_add
PAIRS[batch_norm_add, relu] = batch_norm_add_relu
PAIRS[normalization.batch_norm_eval, add.operation] = batch_norm_eval_add
PAIRS[batch_norm_eval_add, relu] = batch_norm_eval_add_relu
PAIRS[relu, pooling.max_pool2d] = relu_max_pool2d
