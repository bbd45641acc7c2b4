"""Changes in place. Outside the graph they write to memory; inside, the tensor becomes the result of the operation.

The second needs no special treatment by backward: `x.add_(y)` computes `x + y` as ever, and then the name x stands for it. What
else shared x's memory (a view of it) does not take part in the change, and so refuses to be used from then on.
"""

import numpy as np

from .. import arrays
from ..autograd.deferred import settle_all
from ..autograd.mode import mode
from ..errors import BadType, BadValue, GraphError, ShapeError
from ..tensor import Superseded, Tensor, rank, wrap
from . import arithmetic
from .shape import broadcast_to


def write_in_place(self, recorded, write, *operands):
    """Change a tensor: `write(array)` changes the memory; in the graph, `recorded()` gives the tensor it becomes instead."""
    settle_all()
    if mode.enabled and (self.tracked or any(isinstance(x, Tensor) and x.tracked for x in operands)) or _is_traced():
        return become(self, recorded)
    try:
        write(self.array)
    except (ValueError, TypeError) as error:
        raise ShapeError(f"cannot write in place to a tensor of shape {tuple(self.shape)} and {self.dtype}: {error}") from None
    self.bump_version()
    return self


def _is_traced():
    """Whether a model is being written down as a graph, in which no value ever changes."""
    return mode.watch is not None and mode.watch.tracing


def become(self, recorded):
    """The tensor takes the place of the result that `recorded()` computes."""
    if self.tracked and self.node is None:
        raise GraphError("a leaf that requires a gradient cannot be changed in place while recording; use no_grad()")
    self.check_current()
    cell, self._version = self._version, None           # what this operation itself saves stays valid
    try:
        result = recorded()
        if result.array.shape != self.array.shape:
            raise ShapeError(f"in place, a tensor of shape {tuple(self.shape)} cannot become one of shape {tuple(result.shape)}")
    except Exception:
        self._version = cell
        raise
    if cell is not None:
        cell[0] = Superseded(self)
    self.array, self.node, self.tracked, self._version = result.array, result.node, result.tracked, result._version
    return self


def apply_in_place(self, function):
    """A function of one tensor in place: `relu_`, `exp_` and the like."""
    return write_in_place(self, lambda: function(self), lambda array: np.copyto(array, _storable(function(self), self)))


def _storable(result, target):
    """The array of a result in the dtype of the tensor that takes it over."""
    if rank(result.array.dtype) > rank(target.array.dtype):
        raise BadType(f"the {result.dtype} result cannot be stored in a tensor of {target.dtype}")
    return result.array.astype(target.array.dtype, copy=False)


def _in_place(operation):
    """The in-place form of an operation of two operands."""

    def change(self, other, **options):
        return write_in_place(self, lambda: operation(self, other, **options).to(self.dtype),
                              lambda array: np.copyto(array, _storable(operation(self, other, **options), self)), other)

    change.__name__ = change.__qualname__ = f"{operation.__name__}_"
    change.__doc__ = f"`{operation.__name__}` in place."
    return change


add_, sub_, mul_, div_, pow_, remainder_, floor_divide_ = map(_in_place, (
    arithmetic.add, arithmetic.sub, arithmetic.mul, arithmetic.div, arithmetic.pow, arithmetic.remainder, arithmetic.floor_divide))


def copy_(self, src, non_blocking=False):
    """Take over the values of another tensor, broadcast to this shape and cast to this dtype."""
    if isinstance(src, (bool, int, float)):
        src = wrap(arrays.beside(src, self.array))
    elif not isinstance(src, Tensor):
        raise BadType(f"copy_ expects a tensor, got {type(src).__name__}")
    moved = src.to(device=self.device)

    def recorded():
        everywhere = wrap(arrays.beside(True, self.array))
        return arithmetic.where(everywhere, broadcast_to(moved.to(self.dtype), self.array.shape), self)

    return write_in_place(self, recorded, lambda array: np.copyto(array, moved.array, "unsafe"), src)


def fill_(self, value):
    """Every element becomes the value, a number or a 0-d tensor."""
    value = value if isinstance(value, Tensor) else wrap(arrays.beside(value, self.array))
    if value.array.ndim:
        raise ShapeError(f"fill_ expects a number or a 0-d tensor, got shape {tuple(value.shape)}")
    return copy_(self, value)


def zero_(self):
    """Every element becomes 0."""
    return fill_(self, 0)


def clamp_(self, min=None, max=None):
    """`clamp` in place."""
    return apply_in_place(self, lambda x: arithmetic.clamp(x, min, max))


def normal_(self, mean=0, std=1, *, generator=None):
    """Fill with normal random numbers."""
    _check_real(self, "normal_")
    if not std >= 0:
        raise BadValue(f"normal_: std must not be negative, got {std}")
    return _fill_random(self, lambda stream: stream.normal(mean, std, self.array.shape), generator)


def uniform_(self, from_=0, to=1, *, generator=None):
    """Fill with uniform random numbers."""
    _check_real(self, "uniform_")
    if not from_ <= to:
        raise BadValue(f"uniform_: from must not be above to, got {from_} and {to}")
    return _fill_random(self, lambda stream: stream.uniform(from_, to, self.array.shape), generator)


def bernoulli_(self, p=0.5, *, generator=None):
    """Fill with 1 (probability p) and 0."""
    return _fill_random(self, lambda stream: stream.random(self.array.shape) < p, generator)


def _check_real(x, name):
    if not x.is_floating_point():
        raise BadType(f"{name} makes floating point numbers; the tensor is {x.dtype}")


def _fill_random(self, draw, generator):
    values = np.asarray(draw((generator or arrays.default_generator).numpy)).astype(self.dtype)
    return copy_(self, wrap(arrays.to_device(values, self.device)))
