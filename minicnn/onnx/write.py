"""Graph -> the ONNX model: the same words in protocol buffers."""

import json

import numpy as np

from .. import arrays
from ..graph.ir import ELEMENT_TYPES, Value
from .package import onnx_package

IR_VERSION = 8
LARGE = 4096                            # bytes, from which on an initializer holds no shape or axes that a checker would want to know


def used_initializers(graph):
    """{name: array} of those that a node needs: how many batches a batch norm has seen, none does."""
    used = {name for node in graph.nodes for name in node.inputs} | {value.name for value in graph.outputs}
    return {name: arrays.to_numpy(array) for name, array in graph.initializers.items() if name in used}


def model_of(graph, without_weights=False):
    """The ModelProto of a graph that has ONNX's own operators only.

    without_weights  large initializers are inputs instead: the same graph in a few kilobytes, to be checked
    """
    onnx = onnx_package()
    helper = onnx.helper
    given = used_initializers(graph)
    left_out = {name for name, array in given.items() if without_weights and array.nbytes >= LARGE}
    inputs = graph.inputs + [Value(name, str(given[name].dtype), given[name].shape) for name in left_out]
    tensors = [onnx.numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), name)
               for name, array in given.items() if name not in left_out]
    body = helper.make_graph([node_of(node, helper) for node in graph.nodes], graph.name, [value_of(value, helper) for value in inputs],
                             [value_of(value, helper) for value in graph.outputs], tensors)
    model = helper.make_model(body, ir_version=IR_VERSION, producer_name="minicnn",
                              opset_imports=[helper.make_opsetid("", graph.opset)])
    helper.set_model_props(model, {key: value if isinstance(value, str) else json.dumps(value) for key, value in graph.metadata.items()})
    return model


def node_of(node, helper):
    return helper.make_node(node.op_type, node.inputs, node.outputs, name=node.name, **node.attributes)


def value_of(value, helper):
    return helper.make_tensor_value_info(value.name, ELEMENT_TYPES[value.dtype], value.shape)
