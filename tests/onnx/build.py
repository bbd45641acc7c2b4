"""Small .onnx files in a line each."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


def tensor(name, values, dtype=None):
    return numpy_helper.from_array(np.asarray(values, dtype or ("float32" if np.asarray(values).dtype.kind == "f" else None)), name)


def value(name, shape, kind=FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def node(op, inputs, outputs, **attributes):
    """Inputs and outputs as words: "x w b"; "_" is one that is left out."""
    return helper.make_node(op, *[[name.strip("_") if name == "_" else name for name in words.split()] for words in (inputs, outputs)], **attributes)


def model(nodes, inputs=(("x", ("N", 3, 8, 8)),), outputs=("y",), tensors=None, opset=17, ir=8, graph_name="g", **more):
    """A ModelProto; `tensors` are {name: values}, the outputs' shapes are left open."""
    made = [tensor(name, values) if not isinstance(values, TensorProto) else values for name, values in (tensors or {}).items()]
    ins = [value(*entry) if isinstance(entry, tuple) else entry for entry in inputs]
    outs = [value(name, None) if isinstance(name, str) else name for name in outputs]
    graph = helper.make_graph(list(nodes), graph_name, ins, outs, made)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir, **more)


def weight(*shape, seed=0):
    return np.random.default_rng(seed).normal(0, 0.5, shape).astype("float32")


def save(proto, path):
    path.write_bytes(proto if isinstance(proto, bytes) else proto.SerializeToString())
    return str(path)


def load_checked(path):
    return onnx.load(path, load_external_data=False)
