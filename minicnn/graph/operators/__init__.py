"""ONNX's operators as functions of our tensors, by family; importing this fills the table."""

from . import (
    activation, arithmetic, comparison, constants, convolution, indexing, linear_algebra, loss, normalization, pooling, random, reduction,
    resize, sampling, shape,
)
from .table import TABLE, compute, described, operator
