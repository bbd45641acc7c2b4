"""What the operators' functions have in common: numbers out of tensors, two tensors on one device."""

from ... import arrays
from ...autograd.deferred import Deferred, is_result
from ...errors import BadType, GraphError
from ...tensor import Tensor, wrap


class Numbers:
    """Marks an input that an operator reads as plain numbers, such as a new size: it stays on the CPU, and no gradient reaches it."""


def integers(values):
    """Python's integers, from an attribute or from a tensor of any shape; None of None."""
    if values is None:
        return None
    if isinstance(values, Tensor):
        if values.dtype.kind == "f":
            raise BadType(f"expected integers, got {values.dtype}")
        return arrays.to_numpy(values.array).reshape(-1).tolist()
    return [int(v) for v in values] if isinstance(values, (list, tuple)) else [int(values)]


def floats(values):
    """Python's floating point numbers, from an attribute or a tensor; None of None."""
    if values is None:
        return None
    return [float(v) for v in (arrays.to_numpy(_known(values).array).reshape(-1).tolist() if isinstance(values, Tensor) else values)]


def number(value):
    """The Python number of a tensor of one element, or of an attribute; None of None."""
    return _known(value).item() if isinstance(value, Tensor) else value


def _known(x):
    """A tensor whose values an operator reads as numbers: a gradient cannot go back to it."""
    if x.requires_grad:
        raise GraphError("no gradient reaches an input that is read as a number; detach() what it is computed from")
    return x


def beside(*tensors):
    """The tensors on one device: where one is on the GPU, all are. What shapes are computed from stays on the CPU by itself.

    What operations have made lies where the model does, and is not looked at: it may wait for the next operation (`deferred.py`).
    """
    if all(type(x) is Deferred or is_result(x) for x in tensors):
        return tensors
    there = next((x for x in tensors if x.is_cuda), None)
    return tensors if there is None else [x if x.is_cuda else x.to(there.device) for x in tensors]


def constant(array, like):
    """An array as a tensor on the device of another."""
    return wrap(arrays.module_of(like.array).asarray(array))
