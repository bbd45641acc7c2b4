"""Whether a node has the inputs, outputs and attributes that its operator has in this version, by onnx's own table."""

import numpy as np

from ..errors import DataError
from ..graph import Graph
from .functions import Reference

KINDS = {"TENSOR": np.ndarray, "FLOAT": float, "INT": int, "STRING": str, "GRAPH": Graph,
         "FLOATS": (list, float), "INTS": (list, int), "STRINGS": (list, str)}

# Integers that mean yes or no: with another number, every program does something else.
FLAGS = set("""keepdims transA transB ceil_mode count_include_pad noop_with_empty_axes select_last_index largest sorted allowzero
training_mode align_corners exclude_outside antialias""".split())


def check_node(node, reader):
    """Raises DataError with the reason. An operator that the table does not have is left to whoever computes it."""
    if not node.op_type or not any(node.outputs):
        raise DataError("it has no operator" if not node.op_type else "it has no output")
    if any(isinstance(value, Reference) for value in node.attributes.values()):
        raise DataError("an attribute refers to one of a function, and the node is in none")
    schema = found(node, reader)
    if schema is None:
        return
    for what, names, least, most in (("inputs", node.inputs, schema.min_input, schema.max_input),
                                     ("outputs", node.outputs, schema.min_output, schema.max_output)):
        if not least <= len(names) <= most:
            allowed = f"{least} to {most}" if most != least else least
            raise DataError(f"it has {len(names)} {what}; {node.op_type} has {allowed} in opset {reader.opset}")
    check_needed(node, schema)
    for name, value in node.attributes.items():
        check_attribute(name, value, schema, reader)


def found(node, reader):
    """The table's entry, or None."""
    if node.domain:
        return None
    try:
        return reader.onnx.defs.get_schema(node.op_type, min(reader.opset, reader.onnx.defs.onnx_opset_version()), "")
    except reader.onnx.defs.SchemaError:
        return None


def check_needed(node, schema):
    """Every input and attribute that is not optional is there."""
    options = [schema.inputs[min(i, len(schema.inputs) - 1)].option for i in range(len(node.inputs))]
    for index, (name, option) in enumerate(zip(node.inputs, options)):
        if not name and option.name == "Single":
            raise DataError(f"its input {index} ({schema.inputs[index].name}) is left out, which it needs")
    missing = [name for name, attribute in schema.attributes.items() if attribute.required and name not in node.attributes]
    if missing:
        raise DataError(f"it has no attribute {missing[0]!r}, which it needs")


def check_attribute(name, value, schema, reader):
    if name not in schema.attributes:
        known = ", ".join(schema.attributes) or "none"
        raise DataError(f"it has the attribute {name!r:.80}; {schema.name} has {known} in opset {reader.opset}")
    kind = schema.attributes[name].type.name
    expected = KINDS.get(kind)
    if isinstance(expected, tuple):
        fits = isinstance(value, list) and all(type(part) is expected[1] for part in value)
    else:
        fits = expected is None or type(value) is expected
    if not fits:
        raise DataError(f"its attribute {name!r} is not of the type {kind}")
    if name in FLAGS and value not in (0, 1):
        raise DataError(f"its attribute {name!r} is {value}, expected 0 or 1")
