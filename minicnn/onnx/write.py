"""Graph -> the ONNX model: the same words in protocol buffers."""

import json

import numpy as np

from .. import arrays
from ..graph.operations import ELEMENT_TYPES
from .package import onnx_package

IR_VERSION = 8
MAX_BYTES = 2**31 - 1                   # a protocol buffer's message has no more


def model_of(graph):
    """The ModelProto of a graph that has ONNX's own operators only."""
    onnx = onnx_package()
    helper = onnx.helper
    used = {name for node in graph.nodes for name in node.inputs} | {value.name for value in graph.outputs}
    tensors = [onnx.numpy_helper.from_array(np.ascontiguousarray(arrays.to_numpy(array)).reshape(array.shape), name)
               for name, array in graph.initializers.items() if name in used]
    body = helper.make_graph([node_of(node, helper) for node in graph.nodes], graph.name,
                             [value_of(value, helper) for value in graph.inputs], [value_of(value, helper) for value in graph.outputs],
                             tensors)
    model = helper.make_model(body, ir_version=IR_VERSION, producer_name="minicnn",
                              opset_imports=[helper.make_opsetid("", graph.opset)])
    helper.set_model_props(model, {key: value if isinstance(value, str) else json.dumps(value) for key, value in graph.metadata.items()})
    return model


def node_of(node, helper):
    return helper.make_node(node.op_type, node.inputs, node.outputs, name=node.name, **node.attributes)


def value_of(value, helper):
    return helper.make_tensor_value_info(value.name, ELEMENT_TYPES[value.dtype], value.shape)
