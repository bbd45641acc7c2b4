"""Nodes of the domain "minicnn": operations of ours that ONNX has no operator for, by their names."""

from ..errors import UnsupportedOperator


def check_own(node):
    """Raises UnsupportedOperator for a name that no operation has."""
    raise UnsupportedOperator([f"{node.domain}.{node.op_type}"])


def compute_own(node, inputs, training=False):
    """The outputs of an operation of ours, as a tuple."""
    check_own(node)
