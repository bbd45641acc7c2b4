"""minicnn: a deep learning framework for convolutional networks that a person can read from end to end.

The names, arguments and defaults are PyTorch's: a program that uses only what is here runs with `import minicnn as torch`.
"""

from . import autograd, cuda, elementary, errors, functional, kernels, shapes
from .arrays import DTYPES as _DTYPES
from .arrays import Generator, default_generator, device, get_rng_state, manual_seed, set_rng_state
from .autograd import enable_grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled
from .elementary.arithmetic import (
    abs, add, cos, div, erf, exp, expm1, floor_divide, log, log1p, maximum, minimum, mul, neg, pow, reciprocal, remainder,
    rsqrt, sigmoid, sign, sin, sqrt, square, sub, tanh, true_divide, trunc, where,
)
from .elementary.comparison import (
    allclose, bitwise_not, eq, equal, ge, gt, isclose, isfinite, isinf, isnan, le, logical_and, logical_not, logical_or, logical_xor,
    lt, ne,
)
from .elementary.creation import (
    arange, as_tensor, bernoulli, empty, empty_like, eye, from_numpy, full, full_like, linspace, ones, ones_like, rand, rand_like,
    randint, randn, randn_like, randperm, tensor, zeros, zeros_like,
)
from .elementary.extra import bincount, clamp, clip, one_hot
from .elementary.indexing import argsort, gather, index_select, masked_fill, masked_select, scatter_add, sort, topk
from .elementary.linear_algebra import bmm, einsum, matmul, mm, outer
from .elementary.reduction import (
    all, amax, amin, any, argmax, argmin, cumsum, log_softmax, logsumexp, max, mean, min, norm, softmax, std, sum, var,
)
from .elementary.shape import (
    broadcast_to, cat, chunk, clone, flatten, flip, movedim, permute, reshape, roll, split, squeeze, stack, t, transpose,
    unbind, unflatten, unsqueeze,
)
from .tensor import Size, Tensor
from .functional.activation import relu

float32, float64 = _DTYPES["float32"], _DTYPES["float64"]
int8, int16, int32, int64, uint8 = (_DTYPES[name] for name in ("int8", "int16", "int32", "int64", "uint8"))
float, double, long, int, bool = float32, float64, int64, int32, _DTYPES["bool"]

__version__ = "0.1.0"
