"""ONNX files in and out (extra `onnx`)."""

from .load import load
