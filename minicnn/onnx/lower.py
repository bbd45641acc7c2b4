"""What ONNX has no operator for, in operators that it has: a node of the domain "minicnn" becomes several of ONNX's, where that is exact.

    silu(x)  ->  Mul(x, Sigmoid(x))

The rules are in `lower_pointwise.py`, `lower_layers.py` and `lower_tensors.py`, by the function's name.
"""

from dataclasses import replace

import numpy as np

from ..errors import UnsupportedOperator
from ..graph.ir import DOMAIN, Node, Value
from ..graph.rename import fresh

RULES = {}


class NotExpressible(Exception):
    """ONNX has no form for a node with these attributes; the message says which ones."""


def rule(*names):
    """Puts a rule(step) into the table, for nodes of these op_types."""
    def add(function):
        RULES.update(dict.fromkeys(names, function))
        return function
    return add


def lowered(graph):
    """A graph without nodes of the domain "minicnn". Raises UnsupportedOperator with all of those that ONNX cannot express."""
    known = {value.name: value for value in graph.inputs} | graph.values
    known |= {name: Value(name, str(array.dtype), array.shape) for name, array in graph.initializers.items()}
    found, missing = replace(graph, nodes=[], initializers=dict(graph.initializers)), []
    for node in graph.nodes:
        if node.domain != DOMAIN:
            found.nodes.append(node)
            continue
        try:
            if node.op_type not in RULES:
                raise NotExpressible("")
            RULES[node.op_type](Lowering(found, node, known))
        except NotExpressible as reason:
            missing.append(f"{node.op_type}{f' ({reason})' if str(reason) else ''}")
    if missing:
        raise UnsupportedOperator(missing, ". ONNX (opset 17) has no form for them; compute with other operations")
    return found


class Lowering:
    """One node that is being replaced: what it has, and the nodes that stand for it."""

    def __init__(self, graph, node, known):
        self.graph, self.node, self.known = graph, node, known
        self.inputs, self.attributes = node.inputs, node.attributes

    @property
    def x(self):
        return self.inputs[0]

    def input(self, i):
        """The name of an input; "" where it is left out."""
        return self.inputs[i] if i < len(self.inputs) else ""

    def get(self, name, default=None):
        return self.attributes.get(name, default)

    def shape(self, name=None):
        """The shape of a value; lengths that follow the batch are names."""
        return self.known[name or self.x].shape

    def length(self, axis):
        """The length of an axis, which must be known."""
        found = self.shape()[axis]
        if not isinstance(found, int):
            raise NotExpressible("over the batch")
        return found

    def lengths(self, first):
        """The lengths of the axes from `first` on, which must be known."""
        return tuple(self.length(axis) for axis in range(first, self.rank))

    @property
    def rank(self):
        return len(self.shape())

    @property
    def dtype(self):
        return np.dtype(self.known[self.x].dtype)

    def axes(self, dim):
        """Axes counted from the front: one, several, or all for None."""
        dims = range(self.rank) if dim is None or dim == [] else [dim] if isinstance(dim, int) else dim
        return [axis % self.rank for axis in dims]

    def constant(self, role, numbers, dtype=np.int64):
        """An initializer for this node."""
        name = self._free(f"{self.node.name}.{role}")
        self.graph.initializers[name] = array = np.asarray(numbers, dtype)
        self.known[name] = Value(name, str(array.dtype), array.shape)
        return name

    def like(self, role, numbers):
        """An initializer of the input's dtype."""
        return self.constant(role, numbers, self.dtype)

    def step(self, op_type, inputs, outputs=1, **attributes):
        """A node before the last one; returns the name of its output, or of several."""
        name = self._free(f"{self.node.name}.{op_type.lower()}")
        names = [name, *(self._free(f"{name}.{i}") for i in range(1, outputs))]
        self.graph.nodes.append(Node(op_type, list(inputs), names, attributes, name))
        for output in names:
            self.known.setdefault(output, Value(output, str(self.dtype), None))
        return name if outputs == 1 else names

    def last(self, op_type, inputs, output=0, **attributes):
        """The node that gives the result (or one of them) its name."""
        name = self.node.outputs[output]
        self.graph.nodes.append(Node(op_type, list(inputs), [name], attributes, self.node.name if output == 0 else name))

    def in_turn(self, parts):
        """Each part of a list with what adds its node: `step`, for the last one `last`."""
        for part in parts[:-1]:
            yield part, self.step
        for part in parts[-1:]:
            yield part, self.last

    def same(self, name=None):
        """The result is this value."""
        self.last("Identity", [name or self.x])

    def affine(self, y, weight, bias, shape):
        """The result is y · weight + bias, these in another shape; either may be left out."""
        parts = [(op, self.step("Reshape", [name, self.constant("shape", shape)])) for op, name in (("Mul", weight), ("Add", bias)) if name]
        if not parts:
            return self.same(y)
        for (op, name), add in self.in_turn(parts):
            y = add(op, [y, name])
        return None

    def _free(self, name):
        found = fresh(name, self.known)
        self.known[found] = Value(found, "float32", None)
        return found
