"""An .onnx file -> Graph: everything that the file says is checked here, so that what comes after can rely on it.

    bytes -> (wire.check) -> ModelProto -> (functions, schema, tensors) -> Graph -> (in_order)

The `onnx` package is used for its classes that unpack the bytes and for its table of operators, nothing else: its own loader
follows paths in the file, and its shape inference and checker trust what they are given.
"""

import os

from ..errors import DataError
from ..graph import Graph, Node, Value
from ..graph.order import all_nodes, in_order, label
from ..serialize.archive import naming
from ..serialize.container import is_path, name_of, opened
from . import wire
from .attributes import attributes
from .functions import Expansion, Function
from .package import onnx_package
from .schema import check_node
from .tensors import Tensors, dtype_of

MAX_FILE = 2**31                    # bytes: protocol buffers have no larger messages
OPSETS = range(6, 29)              # those after 22 added types and operators, and changed no result
PLAIN_DOMAINS = ("", "ai.onnx")


def read(f):
    """The Graph of an .onnx file, as it stands there.

    f  a path, or a file opened for reading in binary mode (then external data is refused)

    Raises DataError that names the file, the node or tensor, and the reason.
    """
    onnx = onnx_package()
    with naming(name_of(f)):
        try:
            folder = os.path.dirname(os.path.abspath(f)) if is_path(f) else None
            return model_graph(parsed(f, onnx), Reader(onnx, Tensors(folder)))
        except MemoryError:
            raise DataError("there is not enough memory for what it describes") from None
        except RecursionError:
            raise DataError("its parts are nested too deeply") from None


def parsed(f, onnx):
    """The ModelProto of a file; DataError for anything else."""
    check_is_file(f)
    with opened(f) as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        if not 0 < size < MAX_FILE:
            raise DataError(f"it has {size:,} bytes; an .onnx file has fewer than {MAX_FILE:,}" if size else "it is empty")
        data = file.read()
    wire.check(data, onnx.ModelProto.DESCRIPTOR)
    try:
        return onnx.ModelProto.FromString(data)
    except decode_error() as error:
        raise DataError(f"it is not an .onnx file: {str(error):.80}") from None


def decode_error():
    """What protocol buffers raise for bytes that are no message."""
    from google.protobuf.message import DecodeError

    return DecodeError


def check_is_file(f):
    if is_path(f) and not os.path.isfile(f):
        raise DataError("there is no such file" if not os.path.exists(f) else "it is not a file")


class Reader:
    """What reading one file needs everywhere: the onnx package, the tensors' maker, the operators' version."""

    def __init__(self, onnx, tensors):
        self.onnx, self.tensors, self.opset = onnx, tensors, None


def model_graph(model, reader):
    """The checked Graph of a ModelProto."""
    if not model.HasField("graph"):
        raise DataError("it is not an .onnx file: it holds no graph")
    if not 1 <= model.ir_version <= reader.onnx.IR_VERSION:
        raise DataError(f"its IR version is {model.ir_version}; 1 to {reader.onnx.IR_VERSION} can be read")
    reader.opset = opset(model.opset_import)
    functions = {(proto.domain, called(proto.name, proto)): function_of(proto, reader) for proto in model.functions}
    graph = Expansion(functions).graph(graph_of(model.graph, reader))
    graph.metadata = {pair.key: pair.value for pair in model.metadata_props}
    in_order(graph)
    for node in all_nodes(graph):
        with naming(label(node)):
            check_node(node, reader)
    return graph


def opset(imports):
    """The version of ONNX's own operators that a model imports."""
    versions = {entry.version for entry in imports if entry.domain in PLAIN_DOMAINS}
    if len(versions) != 1:
        raise DataError(f"it imports {'no version' if not versions else 'several versions'} of ONNX's operators")
    version = versions.pop()
    if version not in OPSETS:
        raise DataError(f"its operators are of opset {version}; {OPSETS[0]} to {OPSETS[-1]} can be read")
    return version


def graph_of(proto, reader):
    """The Graph of a GraphProto, which may be one inside a node."""
    if proto.sparse_initializer:
        raise DataError(f"the initializer {proto.sparse_initializer[0].values.name!r:.80} is sparse; only dense ones can be read")
    initializers = initializers_of(proto, reader)
    inputs = [value(entry) for entry in proto.input if entry.name not in initializers]
    return Graph(proto.name, inputs, [value(entry, result=True) for entry in proto.output],
                 [node_of(node, reader) for node in proto.node], initializers, opset=reader.opset)


def initializers_of(proto, reader):
    found = {}
    for tensor in proto.initializer:
        with naming(f"the initializer {tensor.name!r:.80}"):
            if tensor.name in found or not tensor.name:
                raise DataError("another one has the same name" if tensor.name else "it has no name")
            found[tensor.name] = reader.tensors.array(tensor)
    return found


def value(proto, result=False):
    """A graph's input or output. Sizes that are free get a name; the shape of a result may be left out altogether."""
    with naming(f"the {'output' if result else 'input'} {proto.name!r:.80}"):
        kind = proto.type.WhichOneof("value")
        if kind is None and result:
            return Value(proto.name, None, None)
        if kind != "tensor_type":
            raise DataError(f"it is of the kind {kind or 'that is left out'}; only tensors can be computed with")
        tensor = proto.type.tensor_type
        shape = tuple(size(dim, f"{proto.name}_{axis}") for axis, dim in enumerate(tensor.shape.dim))
        return Value(proto.name, dtype_of(tensor.elem_type), shape if tensor.HasField("shape") else None)


def size(dim, fallback):
    """Some programs write 0 or -1 for a size that is free."""
    return dim.dim_value if dim.dim_value > 0 else dim.dim_param or fallback


def node_of(proto, reader):
    domain = "" if proto.domain in PLAIN_DOMAINS else proto.domain
    node = Node(called(proto.op_type, proto), list(proto.input), list(proto.output), {}, proto.name, domain)
    with naming(label(node)):
        node.attributes = attributes(proto.attribute, reader, graph_of)
    return node


def called(name, proto):
    """A function may have several bodies, for one name and different types of input."""
    return f"{name}:{proto.overload}" if proto.overload else name


def function_of(proto, reader):
    with naming(f"the function {proto.name!r:.80}"):
        if {entry.version for entry in proto.opset_import if entry.domain in PLAIN_DOMAINS} - {reader.opset}:
            raise DataError("it uses another version of ONNX's operators than the model does")
        defaults = {**dict.fromkeys(proto.attribute), **attributes(proto.attribute_proto, reader, graph_of)}
        return Function(list(proto.input), list(proto.output), defaults, [node_of(node, reader) for node in proto.node])
