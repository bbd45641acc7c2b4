"""minicnn: a deep learning framework for convolutional networks that a person can read from end to end.

The names, arguments and defaults are PyTorch's: a program that uses only what is here runs with `import minicnn as torch`.
"""

from math import inf, nan, pi

from numpy import finfo

from . import autograd, cuda, elementary, errors, functional, kernels, shapes
from .arrays import DTYPES as _DTYPES
from .arrays import Generator, default_generator, device, get_rng_state, manual_seed, set_rng_state
from .autograd import enable_grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled
from .elementary.arithmetic import (
    abs, add, ceil, clamp, clip, cos, div, erf, exp, expm1, floor, floor_divide, log, log1p, maximum, minimum, mul, neg, pow, reciprocal,
    remainder, round, rsqrt, sigmoid, sign, sin, sqrt, square, sub, tanh, true_divide, trunc, where,
)
from .elementary.comparison import (
    allclose, bitwise_and, bitwise_not, bitwise_or, bitwise_xor, eq, equal, ge, gt, isclose, isfinite, isinf, isnan, le, logical_and,
    logical_not, logical_or, logical_xor, lt, ne,
)
from .elementary.creation import (
    arange, as_tensor, asarray, empty, empty_like, eye, from_numpy, full, full_like, linspace, ones, ones_like, tensor, zeros,
    zeros_like,
)
from .elementary.extra import bincount, is_tensor, numel, one_hot
from .elementary.indexing import gather, index_select, masked_fill, masked_select, nonzero, scatter, scatter_add
from .elementary.joining import (
    cat, chunk, concat, concatenate, diagonal, narrow, select, split, stack, unbind,
)
from .elementary.linear_algebra import bmm, dot, einsum, matmul, mm, mv, outer
from .elementary.norms import norm
from .elementary.ordering import argsort, sort, topk
from .elementary.random import bernoulli, normal, rand, rand_like, randint, randint_like, randn, randn_like, randperm
from .elementary.reduction import (
    all, amax, amin, any, argmax, argmin, cumsum, log_softmax, logsumexp, max, mean, min, softmax, std, sum, var,
)
from .elementary.shape import (
    broadcast_to, clone, expand, flatten, flip, moveaxis, movedim, permute, repeat, reshape, roll, squeeze, swapaxes, swapdims, t,
    transpose, unflatten, unsqueeze,
)
from .kernels import get_num_threads, set_num_threads
from .tensor import Size, Tensor
from .functional.activation import relu
from . import nn, optim
from .serialize import load, save

float32, float64 = _DTYPES["float32"], _DTYPES["float64"]
int8, int16, int32, int64, uint8 = (_DTYPES[name] for name in ("int8", "int16", "int32", "int64", "uint8"))
float, double, long, int, bool = float32, float64, int64, int32, _DTYPES["bool"]
# Accepted wherever PyTorch takes a memory_format. `contiguous` and `Tensor.to` heed channels_last; else it has no effect, since how an
# array lies in memory is the backend's own choice.
contiguous_format, preserve_format, channels_last = "contiguous_format", "preserve_format", "channels_last"

__version__ = "0.1.0"


def _compile_for_inference(self, *example):
    """This model as a module for inference alone, that gives the same outputs sooner: see `graph.inference.InferenceModule`.

    example  inputs as the model takes them, for which everything is made ready now; without, that is done in the first call
    """
    from .graph.inference import compile_for_inference

    return compile_for_inference(self, *example)


nn.Module.compile_for_inference = _compile_for_inference        # here, since nn knows nothing of graphs

_LATER = ("backends", "data", "exercises", "graph", "metrics", "models", "onnx", "plot", "train", "utils")


def __getattr__(name):
    """Rooms that not every program enters are opened when first used: `minicnn.metrics.accuracy_score(...)`."""
    from importlib import import_module

    if name not in _LATER:
        raise AttributeError(f"module 'minicnn' has no attribute {name!r}")
    return import_module(f"minicnn.{name}")
