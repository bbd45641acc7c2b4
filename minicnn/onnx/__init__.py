"""ONNX files in and out."""

from .read import read
