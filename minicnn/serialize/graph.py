"""A network as a document: nodes in ONNX's words that a person can read, and a tensor for each weight.

    {"kind": "graph", "name": "LeNet5", "opset": 17,
     "inputs": [{"name": "input", "dtype": "float32", "shape": ["N", 1, 28, 28]}],
     "outputs": [...],
     "nodes": [{"name": "features.0", "op_type": "Conv", "inputs": ["input", "features.0.weight", ...], "outputs": ["features.0"],
                "attributes": {"kernel_shape": [5, 5], ...}}, ...],
     "initializers": {"features.0.weight": {"parameter": "tensors/0.npy"}, "dropout.ratio": {"float64": 0.5}, ...},
     "metadata": {"classes": [...], ...}}

A small constant stands in the document itself. What JSON has no words for is an object with one key that begins with "$": {"$tensor": ...},
{"$float": "inf"}, {"$graph": ...} of an If.
"""

import math

import numpy as np

from .. import arrays
from ..errors import BadType, DataError, Error
from ..graph.check import check_graph
from ..graph.ir import Graph, Node, Value
from .container import member_name
from .npy import DTYPES

SMALL = 16                                      # numbers in a constant that stands in the document itself
ROLES = ("parameter", "buffer", "constant")
MOST_DIMENSIONS = 32
MOST = 2**20                                    # nodes, or lengths of one axis ... of what a document may name


# Writing ------------------------------------------------------------------------------------------------------------------


class Writer:
    """Turns a graph into words, and collects the arrays that these refer to."""

    def __init__(self):
        self.arrays = []

    def store(self, array):
        if str(array.dtype) not in DTYPES:
            raise BadType(f"a file cannot hold an array of {array.dtype}")
        self.arrays.append(array)
        return member_name(len(self.arrays) - 1)

    def graph(self, graph):
        """The words for a graph."""
        return {
            "name": graph.name, "opset": graph.opset,
            "inputs": [value_words(v) for v in graph.inputs], "outputs": [value_words(v) for v in graph.outputs],
            "nodes": [self.node(n) for n in graph.nodes],
            "initializers": {name: self.initializer(graph, name, array) for name, array in graph.initializers.items()},
        }

    def node(self, node):
        words = {"name": node.name, "op_type": node.op_type, "inputs": list(node.inputs), "outputs": list(node.outputs)}
        if node.domain:
            words["domain"] = node.domain
        if node.attributes:
            words["attributes"] = {name: self.attribute(value) for name, value in node.attributes.items()}
        return words

    def attribute(self, value):
        if isinstance(value, (list, tuple)):
            return [self.attribute(part) for part in value]
        if isinstance(value, Graph):
            return {"$graph": self.graph(value)}
        if isinstance(value, np.ndarray):
            return {"$tensor": self.store(value)}
        value = value.item() if isinstance(value, np.generic) else value
        if isinstance(value, float) and not math.isfinite(value):
            return {"$float": repr(value)}
        if not isinstance(value, (str, int, float, bool, type(None))):
            raise BadType(f"a file cannot hold an attribute of type {type(value).__name__}")
        return value

    def initializer(self, graph, name, array):
        array = arrays.to_numpy(array)
        role = role_of(graph, name)
        if role == "constant" and array.size <= SMALL and array.ndim <= 1 and np.isfinite(array).all() and str(array.dtype) in DTYPES:
            return {str(array.dtype): array.tolist()}
        return {role: self.store(array)}


def role_of(graph, name):
    """Whether an initializer is a parameter, a buffer or a constant."""
    if name in graph.parameters:
        return "parameter"
    return "constant" if graph.buffers is not None and name not in graph.buffers else "buffer"


def value_words(value):
    return {"name": value.name, "dtype": value.dtype, "shape": None if value.shape is None else list(value.shape)}


def encode(graph):
    """(document, [arrays]) that say what the graph is."""
    writer = Writer()
    words = writer.graph(graph)
    return {"kind": "graph", **words, "metadata": graph.metadata}, writer.arrays


# Reading ------------------------------------------------------------------------------------------------------------------


class Reader:
    """Turns words back into a graph; refuses, with DataError, words that `Writer` does not use."""

    def __init__(self, tensors):
        self.tensors, self.unread = tensors, set(tensors)

    def graph(self, words, metadata=None):
        check_keys("the graph", words, "name opset inputs outputs nodes initializers")
        roles = {role: set() for role in ROLES}
        inputs, outputs = ([value_of(v) for v in listed(words[key], key)] for key in ("inputs", "outputs"))
        nodes = [self.node(n) for n in listed(words["nodes"], "nodes")]
        initializers = {name: self.initializer(name, entry, roles)
                        for name, entry in mapping(words["initializers"], "initializers").items()}
        return Graph(text(words["name"], "name"), inputs, outputs, nodes, initializers, roles["parameter"],
                     integer(words["opset"], "opset"), metadata or {}, roles["buffer"])

    def node(self, words):
        check_keys("a node", words, "name op_type inputs outputs", "domain attributes")
        attributes = mapping(words.get("attributes", {}), "attributes")
        return Node(text(words["op_type"], "op_type"), texts(words["inputs"], "inputs"), texts(words["outputs"], "outputs"),
                    {name: self.attribute(value) for name, value in attributes.items()}, text(words["name"], "name"),
                    text(words.get("domain", ""), "domain"))

    def attribute(self, words):
        if isinstance(words, list):
            return [self.attribute(part) for part in words]
        if not isinstance(words, dict):
            return words
        kind, value = single(words, "an attribute")
        if kind == "$graph":
            return self.graph(mapping(value, "$graph"))
        if kind == "$tensor":
            return self.tensor(value)
        if kind == "$float" and value in ("inf", "-inf", "nan"):
            return float(value)
        raise DataError(f"an attribute has words that this minicnn does not know: {str(words):.80}")

    def initializer(self, name, words, roles):
        kind, value = single(words, f"the initializer {name!r:.80}")
        if kind in ROLES:
            array = self.tensor(value)
            if kind == "parameter" and array.dtype.kind != "f":
                raise DataError(f"the parameter {name!r:.80} has the dtype {array.dtype}")
            roles[kind].add(name)
            return array
        if kind not in DTYPES:
            raise DataError(f"the initializer {name!r:.80} is of the kind {kind!r:.40}")
        return small_constant(name, value, DTYPES[kind])

    def tensor(self, name):
        if not isinstance(name, str) or name not in self.unread:
            raise DataError(f"the graph refers to {str(name)!r:.80}, which is not among its tensors, or twice")
        self.unread.remove(name)
        return self.tensors[name]


def small_constant(name, value, dtype):
    """The array of a constant whose numbers stand in the document, each of which the dtype can hold."""
    numbers = value if isinstance(value, list) else [value]
    kinds = {"f": (int, float), "b": (bool,)}.get(dtype.kind, (int,))
    if len(numbers) > SMALL or not all(type(n) in kinds for n in numbers):
        raise DataError(f"the constant {name!r:.80} is not a number or a list of at most {SMALL} of {dtype}")
    if dtype.kind in "iu" and not all(np.iinfo(dtype).min <= n <= np.iinfo(dtype).max for n in numbers):
        raise DataError(f"the constant {name!r:.80} has a number that {dtype} cannot hold")
    if dtype.kind == "f" and not all(abs(n) <= float(np.finfo(dtype).max) for n in numbers):
        raise DataError(f"the constant {name!r:.80} has a number that {dtype} cannot hold")
    return np.array(value, dtype)


def value_of(words):
    check_keys("an input or output", words, "name dtype shape")
    shape = words["shape"]
    if shape is not None:
        shape = tuple(listed(shape, "shape"))
        if len(shape) > MOST_DIMENSIONS or not all(type(n) is str or type(n) is int and 0 <= n < 2**31 for n in shape):
            raise DataError(f"a shape is a list of lengths and names, not {str(shape):.80}")
    if text(words["dtype"], "dtype") not in DTYPES:
        raise DataError(f"an input or output has the dtype {str(words['dtype']):.40}")
    return Value(text(words["name"], "name"), words["dtype"], shape)


def check_keys(what, words, needed, allowed=""):
    """Refuse an object that lacks a key or has one more."""
    keys = set(mapping(words, what))
    surplus = keys - set(needed.split()) - set(allowed.split()) or set(needed.split()) - keys
    if surplus:
        raise DataError(f"{what} lacks {min(surplus)!r:.40}, or has it and should not")


def mapping(value, what):
    if not isinstance(value, dict):
        raise DataError(f"{what} must be an object, not {str(value):.80}")
    return value


def listed(value, what):
    if not isinstance(value, list):
        raise DataError(f"{what} must be a list, not {str(value):.80}")
    return value


def text(value, what):
    if not isinstance(value, str):
        raise DataError(f"{what} must be a string, not {str(value):.80}")
    return value


def texts(value, what):
    return [text(part, what) for part in listed(value, what)]


def integer(value, what):
    if type(value) is not int or not 1 <= value <= 1000:
        raise DataError(f"{what} must be a whole number, not {str(value):.80}")
    return value


def single(words, what):
    """The one pair of key and value of an object."""
    if len(mapping(words, what)) != 1:
        raise DataError(f"{what} must be an object with one key, not {str(words):.80}")
    return next(iter(words.items()))


def decode(document, tensors):
    """The Graph that `encode` was given. Raises DataError for what it cannot have written, or what is no graph."""
    document = {key: value for key, value in document.items() if key != "kind"}
    metadata = mapping(document.pop("metadata", None), "metadata")
    reader = Reader(tensors)
    graph = reader.graph(document, metadata)
    if reader.unread:
        raise DataError(f"{min(reader.unread)!r} belongs to no initializer")
    try:
        check_graph(graph)
    except Error as error:
        raise DataError(str(error)) from None
    return graph
