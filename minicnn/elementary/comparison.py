"""Comparisons and tests: bool results, through which no gradient flows."""

import numpy as np

from .. import arrays
from ..errors import BadType, BadValue, DeviceError
from ..tensor import Tensor, wrap
from .arguments import deliver, tensor_argument
from .arithmetic import alike, between
from ..autograd.operation import Operation


def _plain(name, function, inputs=2):
    """NumPy's function on tensors, never recorded."""
    operation = Operation(name, function)
