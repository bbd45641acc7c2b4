"""What the functions share in checking their arguments: batches added and taken away, dtypes that must agree."""

import math

import numpy as np

from ...errors import BadType, BadValue, DeviceError, ShapeError
from ...tensor import Tensor


def check_tensors(name, input, **others):
    """The operands must be floating point tensors of one dtype on one device; None is an absent bias."""
    if not isinstance(input, Tensor):
        raise BadType(f"{name}: expected the input to be a Tensor, got {type(input).__name__}; wrap it with minicnn.tensor()")
    if input.array.dtype.kind != "f":
        raise BadType(f"{name}: expected a floating point input, got {input.dtype}; convert it with .float()")
    for role, other in others.items():
        if other is not None:
            _check_like(name, input, role, other)


def check_weighted(name, input, weight, bias):
    """As check_tensors, where the weight cannot be left out."""
    if weight is None:
        raise BadType(f"{name}: expected the weight to be a Tensor, got None")
    check_tensors(name, input, weight=weight, bias=bias)


def number(name, role, value, least=-math.inf, most=math.inf):
    """The float that a hyper-parameter stands for (a one-element tensor does, too); refused unless finite and in least ... most."""
    try:
        found = float("a word" if isinstance(value, (str, bytes)) else value)
    except (TypeError, ValueError, OverflowError):
        raise BadType(f"{name}: {role} must be a number, got {value!r}") from None
    if not (math.isfinite(found) and least <= found <= most):
        wanted = f"between {least} and {most}" if most < math.inf else f"at least {least}" if least > -math.inf else "finite"
        raise BadValue(f"{name}: {role} must be {wanted}, got {value}")
    return found


def common_shape(name, x1, x2):
    """The shape to which both are broadcast."""
    try:
        return np.broadcast_shapes(x1.array.shape, x2.array.shape)
    except ValueError:
        raise ShapeError(f"{name}: shapes {tuple(x1.shape)} and {tuple(x2.shape)} do not fit together") from None


def _check_like(name, input, role, other):
    if not isinstance(other, Tensor):
        raise BadType(f"{name}: expected the {role} to be a Tensor, got {type(other).__name__}")
    if other.array.dtype is not input.array.dtype and other.array.dtype != input.array.dtype:
        raise BadType(f"{name}: the input is {input.dtype} but the {role} is {other.dtype}; convert one: "
                      f"input.to({str(other.dtype)!r}) or model.to({str(input.dtype)!r})")
    if type(other.array) is not type(input.array):
        check_place(name, input, role, other)


def check_place(name, input, role, other):
    """An operand must lie on the input's device."""
    if other.is_cuda is not input.is_cuda:
        raise DeviceError(f"{name}: the input is on {input.device} but the {role} is on {other.device}; move one with .to()")


def check_vector(name, role, vector, length, counts, input=None):
    """A bias or weight (length,), or None: as many as there are of what it counts, in an input whose shape is told where it is given."""
    if vector is None:
        return
    if not isinstance(vector, Tensor):
        raise BadType(f"{name}: expected the {role} to be a Tensor, got {type(vector).__name__}")
    if vector.array.shape != (length,):
        counts = counts if input is None else f"{counts} of the input {tuple(input.shape)}"
        raise ShapeError(f"{name}: expected the {role} to have shape ({length},), one for each of the {counts}, "
                         f"got {tuple(vector.shape)}")


def batched(input, name, dims=3, axes="(C, H, W)"):
    """The input with a batch axis in front, and whether it had none. `dims` is the number of axes of one example."""
    if input.array.ndim == dims:
        return input.unsqueeze(0), True
    if input.array.ndim == dims + 1:
        return input, False
    raise ShapeError(f"{name}: expected a batch (N, {axes[1:]} or one example {axes}, got shape {tuple(input.shape)}")
