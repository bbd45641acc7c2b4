"""What a graph is made of: values that have names, nodes that compute some of them from others, and arrays for those that are given.

The words and the meaning are ONNX's (opset 17 where nothing else is said), so that a graph can be written as ONNX as it stands. What
ONNX has no operator for is a node of the domain "minicnn", whose op_type is the name of one of our operations.
"""

from dataclasses import dataclass, field

DOMAIN = "minicnn"
OPSET = 17

# ONNX's numbers for dtypes, in attributes such as Cast's "to".
ELEMENT_TYPES = {"float32": 1, "uint8": 2, "int8": 3, "uint16": 4, "int16": 5, "int32": 6, "int64": 7, "bool": 9, "float16": 10,
                 "float64": 11, "uint32": 12, "uint64": 13}


@dataclass
class Value:
    """A named tensor that enters or leaves a graph.

    dtype  NumPy's name, "float32"
    shape  ints, and names for sizes that are free, ("N", 3, 224, 224); None: unknown
    """

    name: str
    dtype: str = "float32"
    shape: tuple | None = None


@dataclass
class Node:
    """One computation: outputs = op_type(inputs, attributes).

    inputs, outputs  names of values; "" for an optional one that is left out
    attributes       ints, floats, strings, lists of these, ndarrays and (for If) Graphs, by name
    name             the path of the module that it came from where there is one, "features.0"
    """

    op_type: str
    inputs: list
    outputs: list
    attributes: dict = field(default_factory=dict)
    name: str = ""
    domain: str = ""


@dataclass
class Graph:
    """Nodes in an order in which each one's inputs are there before it.

    initializers  {name: ndarray} of the values that are given: weights by their state_dict's keys, and constants
    parameters    which of them are trained
    buffers       which of the others are a model's state, such as running statistics, and no constants; None: it is not known
    opset         the version of ONNX's operators that the nodes are meant by
    metadata      JSON-ready: class names, how the input is to be normalised
    values        {name: Value} of what lies in between, where it is known
    """

    name: str
    inputs: list
    outputs: list
    nodes: list
    initializers: dict = field(default_factory=dict)
    parameters: set = field(default_factory=set)
    opset: int = OPSET
    metadata: dict = field(default_factory=dict)
    buffers: set | None = None
    values: dict = field(default_factory=dict)
