"""Tensors that a module knows about: parameters, which are trained, and buffers, which are not."""

import numpy as np

from .. import arrays
from ..errors import BadType, ShapeError
from ..tensor import Tensor


class Parameter(Tensor):
    """A leaf tensor that an optimizer trains; assigned to a module, it is registered there.

    Shares memory with `data`, a Tensor or an array; without any, it is empty.
    """

    def __init__(self, data=None, requires_grad=True):
        super().__init__(_array_of(data))
        if isinstance(data, Tensor):
            self._version = data.version_cell()
        self.requires_grad_(requires_grad)

    def __repr__(self):
        return "Parameter containing:\n" + super().__repr__()


class Buffer(Tensor):
    """A tensor that is state but not trained; assigned to a module, it is registered there as a buffer.

    `persistent=False` keeps it out of the state_dict.
    """

    def __init__(self, data=None, *, persistent=True):
        super().__init__(_array_of(data))
        self.persistent = persistent


def _array_of(data):
    if data is None:
        return np.empty(0, arrays.float32)
    if not (isinstance(data, Tensor) or arrays.is_array(data)):
        raise BadType(f"expected a Tensor or an array, got {type(data).__name__}; make one with minicnn.tensor(...)")
    return data


def empty_parameter(shape, device=None, dtype=None):
    """A parameter with room for values that are still to be set; float32 on the CPU unless told."""
    return Parameter(empty_array(shape, device, dtype))


def empty_array(shape, device=None, dtype=None):
    """An array whose shape comes from a layer's arguments. Raises TypeError or RuntimeError for sizes that are none."""
    for size in shape:
        if isinstance(size, bool) or not isinstance(size, (int, np.integer)):
            raise BadType(f"a layer's sizes must be integers, got {size!r} in {tuple(shape)}")
        if size < 0:
            raise ShapeError(f"a layer's sizes must not be negative, got {size} in {tuple(shape)}")
    return arrays.module_for(device).empty(shape, arrays.as_dtype(arrays.float32 if dtype is None else dtype))
