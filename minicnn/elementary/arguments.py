"""What the arguments of many functions have in common: NumPy's names for them, and `out=`."""

import operator
from functools import partial, wraps

import numpy as np

from ..autograd.deferred import settle_all
from ..autograd.mode import mode
from ..errors import BadType, GraphError, ShapeError
from ..tensor import Tensor, rank

_NAMES = {"axis": "dim", "keepdims": "keepdim"}


def like_torch(function, same_dtype=False):
    """Lets a function take `axis` and `keepdims` for `dim` and `keepdim`, as PyTorch does, and `out=`.

    same_dtype  `out` must have the dtype of the result: the function picks elements and computes nothing
    """

    @wraps(function)
    def call(*args, **kwargs):
        if not kwargs:
            return function(*args)
        out = kwargs.pop("out", None)
        result = function(*args, **{_NAMES.get(name, name): value for name, value in kwargs.items()})
        if same_dtype and isinstance(out, Tensor) and out.dtype != result.dtype:
            raise ShapeError(f"out must be {result.dtype}, got {out.dtype}")
        return result if out is None else _deliver_apart(result, out, (*args, *kwargs.values()))

    return call


picking = partial(like_torch, same_dtype=True)


def variadic(name):
    """Lets `f(x, 2, 3)`, `f(x, (2, 3))` and `f(x, name=(2, 3))` be the same: the function gets a tuple of integers."""

    def decorate(function):
        @wraps(function)
        def call(input, *args, **kwargs):
            args = (kwargs.pop(name),) if name in kwargs else args
            return function(tensor_argument(input, function.__name__), sizes(args), **kwargs)

        return call

    return decorate


def _deliver_apart(result, out, arguments):
    """`deliver`, for functions that must not read what they write."""
    inputs = [x for a in arguments for x in (a if isinstance(a, (tuple, list)) else (a,)) if isinstance(x, Tensor)]
    for target in out if isinstance(out, (tuple, list)) else (out,):
        if any(target is x or np.may_share_memory(target.array, x.array) for x in inputs):
            raise ShapeError("out must not share memory with an input")
    return deliver(result, out)


def deliver(result, out):
    """`out`, after it took the result over, in its own memory if the shape is right; for several results, a tuple of them."""
    if isinstance(result, tuple):
        return type(result)(*(deliver(r, o) for r, o in zip(result, out)))
    if not isinstance(out, Tensor):
        raise BadType(f"out must be a tensor, got {type(out).__name__}")
    if mode.enabled and (out.tracked or result.tracked):
        raise GraphError("out= is for computations outside the graph: detach() the inputs, or use no_grad()")
    if rank(result.dtype) > rank(out.dtype):
        raise ShapeError(f"the {result.dtype} result cannot be stored in out, which is {out.dtype}")
    if any(step == 0 and n > 1 for step, n in zip(out.array.strides, out.array.shape)):
        raise ShapeError("out has elements that share memory (an expanded tensor); pass a clone() of it")
    settle_all()
    if mode.watch is not None and mode.watch.tracing:
        out.array = result.to(out.dtype).array          # no value of a graph ever changes
    elif out.array.shape != result.array.shape:
        out.array = result.array.astype(out.dtype)
    else:
        out.array[...] = result.array
    out.bump_version()
    return out


def tensor_argument(x, function, name="input"):
    """The tensor, or an error that says which function wanted one."""
    if not isinstance(x, Tensor):
        raise BadType(f"{function}() expects a tensor for {name}, got {type(x).__name__}")
    return x


def integer(value, name):
    """A Python integer from an integer or a one-element integer tensor."""
    try:
        if isinstance(value, bool):
            raise TypeError
        return operator.index(value)
    except TypeError:
        raise BadType(f"{name} must be an integer, got {value!r}") from None


def sizes(shape):
    """A shape given as `f(2, 3)` or `f((2, 3))`, as a tuple of integers."""
    if len(shape) == 1 and isinstance(shape[0], (tuple, list)):
        shape = shape[0]
    return tuple([n if type(n) is int else integer(n, "a length") for n in shape])
