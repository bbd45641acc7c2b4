"""Random tensors. All draw from the default stream (`manual_seed`) or from the generator that is passed.

The numbers are drawn on the CPU, so that one seed gives the same ones on every device. They are not PyTorch's.
"""

import numpy as np

from .. import arrays
from ..errors import BadType, BadValue
from ..tensor import Tensor, wrap
from .arguments import deliver, integer, tensor_argument
from .creation import made, shape_of


def _stream(generator):
    return (generator or arrays.default_generator).numpy


def _real(dtype, name):
    dtype = arrays.as_dtype(arrays.float32 if dtype is None else dtype)
    if dtype.kind != "f":
        raise BadType(f"{name}() makes floating point numbers, not {dtype}")
    return dtype


def randn(*shape, size=None, generator=None, dtype=None, device=None, requires_grad=False, out=None):
    """Normal random numbers of mean 0 and deviation 1."""
    dtype, shape = _real(dtype, "randn"), shape_of(shape if size is None else (size,))
    return made(np.asarray(_stream(generator).standard_normal(shape)), dtype, device, requires_grad, out)


def rand(*shape, size=None, generator=None, dtype=None, device=None, requires_grad=False, out=None):
    """Uniform random numbers in [0, 1)."""
    dtype, shape = _real(dtype, "rand"), shape_of(shape if size is None else (size,))
    return made(np.asarray(_stream(generator).random(shape, dtype)), dtype, device, requires_grad, out)


def randint(low, high=None, size=None, *, generator=None, dtype=None, device=None, requires_grad=False, out=None):
    """Uniform random integers: low ≤ x < high; called as randint(high, size) or randint(low, high, size)."""
    if isinstance(high, (tuple, list)):
        high, size = None, high
    low, high = (0, low) if high is None else (low, high)
    if size is None:
        raise BadType("randint() needs a size: randint(high, size) or randint(low, high, size)")
    low, high = integer(low, "low"), integer(high, "high")
    if low >= high:
        raise BadValue(f"randint: low must be below high, got {low} and {high}")
    values = np.asarray(_stream(generator).integers(low, high, shape_of((size,))))
    return made(values, arrays.as_dtype(arrays.int64 if dtype is None else dtype), device, requires_grad, out)


def randperm(n, *, generator=None, dtype=None, device=None, requires_grad=False):
    """The integers 0 .. n-1 in random order."""
    (n,) = shape_of((n,))
    return made(_stream(generator).permutation(n), arrays.as_dtype(arrays.int64 if dtype is None else dtype), device, requires_grad)


def _like(draw):
    """The form of a random function that takes shape, dtype and device from another tensor."""

    def like(input, *arguments, dtype=None, device=None, requires_grad=False, generator=None, memory_format=None):
        shape = tensor_argument(input, f"{draw.__name__}_like").array.shape
        dtype = input.dtype if dtype is None else dtype
        return draw(*arguments, shape, generator=generator, dtype=dtype, device=device or input.device, requires_grad=requires_grad)

    like.__name__, like.__doc__ = f"{draw.__name__}_like", f"`{draw.__name__}` in the shape, dtype and device of another tensor."
    return like


randn_like, rand_like, randint_like = map(_like, (randn, rand, randint))


def normal(mean, std=1.0, size=None, *, generator=None, dtype=None, device=None, out=None):
    """Normal random numbers with a mean and a deviation: tensors, or numbers with a size."""
    like = next((v for v in (mean, std) if isinstance(v, Tensor)), None)
    low = std.array.min(initial=0) if isinstance(std, Tensor) else std
    if low < 0:
        raise BadValue(f"normal: std must not be negative, got {low}")
    if like is None:
        shape = shape_of((size,))
        return made(np.asarray(_stream(generator).normal(mean, std, shape)), _real(dtype, "normal"), device, False, out)
    mean, std = (arrays.to_numpy(v.array) if isinstance(v, Tensor) else v for v in (mean, std))
    return made(np.asarray(_stream(generator).normal(mean, std)), _real(like.dtype, "normal"), like.device, False, out)


def bernoulli(input, p=None, *, generator=None, out=None):
    """1 with the probability that each element gives (or with probability p), else 0."""
    chance = tensor_argument(input, "bernoulli").array if p is None else p
    if not np.all((0 <= chance) & (chance <= 1)):
        raise BadValue("bernoulli: probabilities must lie in [0, 1]")
    drawn = arrays.to_device(_stream(generator).random(input.array.shape), input.device)
    result = wrap(np.asarray(drawn < chance, like=input.array).astype(input.dtype))
    return result if out is None else deliver(result, out)
