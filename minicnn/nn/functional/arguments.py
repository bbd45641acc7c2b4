"""What the functions share in checking their arguments: batches added and taken away, dtypes that must agree."""

from ...errors import BadType, DeviceError, ShapeError
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


def _check_like(name, input, role, other):
    if not isinstance(other, Tensor):
        raise BadType(f"{name}: expected the {role} to be a Tensor, got {type(other).__name__}")
    if other.array.dtype != input.array.dtype:
        raise BadType(f"{name}: the input is {input.dtype} but the {role} is {other.dtype}; convert one: "
                      f"input.to({str(other.dtype)!r}) or model.to({str(input.dtype)!r})")
    if type(other.array) is not type(input.array):
        raise DeviceError(f"{name}: the input is on {input.device} but the {role} is on {other.device}; move one with .to()")


def check_vector(name, role, vector, length, counts):
    """A bias or weight (length,), or None."""
    if vector is not None and vector.array.shape != (length,):
        raise ShapeError(f"{name}: expected the {role} to have shape ({length},), one for each of the {counts}, "
                         f"got {tuple(vector.shape)}")


def batched(input, name, dims=3, axes="(C, H, W)"):
    """The input with a batch axis in front, and whether it had none. `dims` is the number of axes of one example."""
    if input.array.ndim == dims:
        return input.unsqueeze(0), True
    if input.array.ndim == dims + 1:
        return input, False
    raise ShapeError(f"{name}: expected a batch (N, {axes[1:]} or one example {axes}, got shape {tuple(input.shape)}")
