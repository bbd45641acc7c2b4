"""ONNX files in and out (extra `onnx`)."""

from ..errors import UnsupportedOperator
from .export import export
from .load import load
