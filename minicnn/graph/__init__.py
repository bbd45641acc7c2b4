"""A network as a graph of named operations, in ONNX's words: what the native file, real ONNX and pictures are spellings of."""

from .ir import Graph, Node, Value

__all__ = ["Graph", "Node", "Value"]
