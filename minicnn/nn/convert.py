"""Where a module's tensors are; moving them to another device or dtype."""

from .. import arrays
from ..errors import BadType
from ..tensor import Tensor


def device_of(module):
    """Where a module's parameters are; "cpu" for one without."""
    return next((p.device for p in module.parameters()), arrays.CPU)


def conversion(*args, device=None, dtype=None, non_blocking=False, copy=False, memory_format=None):
    """The function from tensor to tensor that `Module.to(*args)` stands for.

    Floating tensors change dtype and device, all others the device only. `non_blocking` and `memory_format` are
    accepted and mean nothing here. Raises TypeError for a dtype that is not floating.
    """
    for position, value in enumerate(args):
        if isinstance(value, Tensor):
            device, dtype = value.device, value.dtype
        elif isinstance(value, bool) and position:
            continue                                  # PyTorch's positional non_blocking, copy
        elif _is_device(value):
            device = value
        elif value is not None:
            dtype = _floating(value)
    dtype = None if dtype is None else _floating(dtype)
    device = None if device is None else arrays.device(device)
    return lambda t: _converted(t, device, dtype)


def _is_device(value):
    return isinstance(value, arrays.device) or (isinstance(value, str) and value not in arrays.DTYPES)


def _floating(value):
    dtype = arrays.as_dtype(value)
    if dtype.kind != "f":
        raise BadType(f"Module.to() accepts floating dtypes only (float32, float64), got {dtype}")
    return dtype


def _converted(t, device, dtype):
    array = t.array if device is None else arrays.to_device(t.array, device)
    if dtype is not None and array.dtype.kind == "f":
        array = array.astype(dtype, copy=False)
    return t if array is t.array else Tensor(array)


def apply_to_tensors(module, fn):
    """Put fn(tensor) in place of one module's own parameters (which stay the same objects), gradients and buffers."""
    for parameter in module._parameters.values():
        if parameter is not None:
            parameter.data = fn(parameter.data)
            if parameter.grad is not None:
                parameter.grad = fn(parameter.grad)
    for name, buffer in module._buffers.items():
        if buffer is not None:
            module._buffers[name] = fn(buffer)
