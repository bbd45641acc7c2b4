"""Changes in place. Outside the graph they write to memory; inside, the tensor becomes the result of the operation.

The second needs no special treatment by backward: `x.add_(y)` computes `x + y` as ever, and then the name x stands for it.
"""

import numpy as np

from .. import arrays
from ..autograd.graph import as_recorded, edge_of
from ..autograd.mode import mode
from ..errors import BadType, GraphError, ShapeError
from ..tensor import Tensor, wrap
from . import arithmetic


def write_in_place(self, recorded, write):
    """Change a tensor: `recorded(x)` gives the result as an operation, `write(array)` does the same to the memory."""
    result = recorded(self) if mode.enabled else None
    if result is None or not (result.tracked or self.tracked):
        try:
            write(self.array)
        except (ValueError, TypeError) as error:
            raise ShapeError(f"cannot write in place to a tensor of shape {tuple(self.shape)} and {self.dtype}: {error}") from None
        self.bump_version()
        return self
    if self.node is None and self.tracked:
        raise GraphError("a leaf that requires a gradient cannot be changed in place while recording; use no_grad()")
    return become(self, result)


def become(self, result):
    """The tensor takes the place of a result in the graph."""
    if result.array.shape != self.array.shape:
        raise ShapeError(f"in place, a tensor of shape {tuple(self.shape)} cannot become one of shape {tuple(result.shape)}")
    self.bump_version()
    self.array, self.node, self.tracked, self._version = result.array, result.node, result.tracked, result._version
    return self


def _in_place(operation):
    """The in-place form of an operation of two operands."""

    def change(self, other, **options):
        result = operation(self, other, **options)
        if result.array.dtype.kind == "f" and self.array.dtype.kind != "f":
            raise BadType(f"the {result.dtype} result cannot be stored in a tensor of {self.dtype}")
        return write_in_place(self, lambda x: result.to(self.dtype), lambda array: np.copyto(array, result.array, "unsafe"))

    change.__name__ = f"{operation.__name__}_"
    change.__doc__ = f"`{operation.__name__}` in place."
    return change


add_, sub_, mul_, div_, pow_ = map(_in_place, (arithmetic.add, arithmetic.sub, arithmetic.mul, arithmetic.div, arithmetic.pow))


def copy_(self, src, non_blocking=False):
    """Take over the values of another tensor, broadcast to this shape and cast to this dtype."""
    src = src if isinstance(src, Tensor) else wrap(np.asarray(src))
    array = arrays.to_device(src.array, self.device)
    return write_in_place(self, lambda x: src.to(x.dtype).expand(x.shape), lambda a: np.copyto(a, array, "unsafe"))


def fill_(self, value):
    """Every element becomes the value."""
    value = value.item() if isinstance(value, Tensor) else value
    return write_in_place(self, lambda x: x * 0 + value if x.tracked else x, lambda array: array.fill(value))


def zero_(self):
    """Every element becomes 0."""
    return fill_(self, 0)


def clamp_(self, min=None, max=None):
    """`clamp` in place."""
    result = self.clamp(min, max)
    return write_in_place(self, lambda x: result, lambda array: np.copyto(array, result.array, "unsafe"))


def apply_in_place(self, function):
    """A function of one tensor in place: `relu_`, `exp_` and the like."""
    result = function(as_recorded(self.array, edge_of(self)))     # what it saves is the old array, which nothing overwrites
    return write_in_place(self, lambda x: result, lambda array: np.copyto(array, result.array, "unsafe"))


def normal_(self, mean=0, std=1, *, generator=None):
    """Fill with normal random numbers."""
    return _fill_random(self, lambda stream: stream.normal(mean, std, self.array.shape), generator)


def uniform_(self, from_=0, to=1, *, generator=None):
    """Fill with uniform random numbers."""
    return _fill_random(self, lambda stream: stream.uniform(from_, to, self.array.shape), generator)


def _fill_random(self, draw, generator):
    values = np.asarray(draw((generator or arrays.default_generator).numpy)).astype(self.dtype)
    return copy_(self, wrap(arrays.to_device(values, self.device)))
