"""ONNX models as our graphs, by the onnx package's own reader: what the tests of operators need, and no more."""

from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from minicnn.graph.ir import Graph, Node, Value

WHEEL = Path(onnx.__file__).parent / "backend" / "test" / "data"


def graph_of(model, trained=()):
    """A ModelProto as a Graph; functions of the model are not looked into."""
    opset = next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), 1)
    return _graph(model.graph, opset, trained)


def _graph(proto, opset, trained=()):
    initializers = {tensor.name: np.array(numpy_helper.to_array(tensor)) for tensor in proto.initializer}
    return Graph(proto.name, [_value(v) for v in proto.input if v.name not in initializers], [_value(v) for v in proto.output],
                 [_node(node, opset) for node in proto.node], initializers, set(trained), opset)


def _value(proto):
    tensor = proto.type.tensor_type
    shape = tuple(d.dim_value if d.HasField("dim_value") else d.dim_param or "?" for d in tensor.shape.dim) if tensor.HasField("shape") else None
    dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type) if tensor.elem_type else "float32"
    return Value(proto.name, str(dtype), shape)


def _node(proto, opset):
    attributes = {a.name: _attribute(onnx.helper.get_attribute_value(a), opset) for a in proto.attribute}
    return Node(proto.op_type, list(proto.input), list(proto.output), attributes, proto.name, proto.domain)


def _attribute(value, opset):
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, onnx.TensorProto):
        return np.array(numpy_helper.to_array(value))
    if isinstance(value, onnx.GraphProto):
        return _graph(value, opset)
    return value


def folders(name):
    """The folders of a group of the wheel's models: each has model.onnx and data sets."""
    return sorted(path for path in (WHEEL / name).iterdir() if (path / "model.onnx").exists())


def data_sets(folder):
    """(inputs, outputs) of each data set beside a model, as arrays."""
    for found in sorted(folder.glob("test_data_set_*")):
        yield tuple([_array(path) for path in sorted(found.glob(f"{end}_*.pb"), key=lambda path: int(path.stem.rpartition("_")[2]))]
                    for end in ("input", "output"))


def _array(path):
    tensor = onnx.TensorProto()
    tensor.ParseFromString(path.read_bytes())
    return array_of(tensor)


def array_of(value):
    """A TensorProto, an array or a number as an array."""
    return np.array(numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else value)


def element_types(model):
    """ONNX's numbers of all types of tensors that a model's inputs, outputs and initializers have; 0 for what is no tensor."""
    ends = {value.type.tensor_type.elem_type for value in (*model.graph.input, *model.graph.output)}
    return ends | {tensor.data_type for tensor in model.graph.initializer}
