"""All parameters of a model as one vector, and back."""

from ...elementary.joining import cat
from ...errors import BadType, DeviceError, ShapeError
from ...tensor import Tensor


def parameters_to_vector(parameters):
    """All parameters in order, each flattened (last index fastest), as one differentiable vector of shape (n,)."""
    parameters = list(parameters)
    _check_one_device(parameters)
    return cat([p.reshape(-1) for p in parameters])


def vector_to_parameters(vec, parameters):
    """Give the parameters, in order, the values of a vector's slices. As in PyTorch they then share its memory."""
    if not isinstance(vec, Tensor):
        raise BadType(f"vector_to_parameters needs a Tensor, got {type(vec).__name__}")
    parameters = list(parameters)
    _check_one_device(parameters)
    start = 0
    for p in parameters:
        end = start + p.numel()
        if end > vec.numel():
            raise ShapeError(f"the vector has {vec.numel()} elements, the parameters {sum(p.numel() for p in parameters)}")
        p.data = vec.array[start:end].reshape(p.shape)
        start = end


def _check_one_device(parameters):
    devices = {str(p.device) for p in parameters}
    if len(devices) > 1:
        raise DeviceError(f"the parameters lie on different devices: {', '.join(sorted(devices))}")
