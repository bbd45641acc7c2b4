"""The graph under construction: names for values and nodes, and initializers for what is given."""

from collections import Counter

import numpy as np

from .. import arrays
from .ir import DOMAIN, Graph, Node


class Builder:
    """Puts nodes and initializers into a graph, each under a name of its own.

    names   {id of an array: its value's name}
    values  {name: array} of every value that was seen, for its shape and dtype
    """

    def __init__(self, name, given, plain):
        self.graph = Graph(name, [], [], [], buffers=set())
        self.names, self.values = {}, {}
        self.used = Counter({key: 1 for key, _, _ in given})    # names of values, and how often they were wanted
        self.nodes = Counter()                                  # the same of nodes
        self.given = {id(array): (key, kind) for key, array, kind in given}
        self.plain = plain                      # {id of an array: a name for it}, of tensors that modules hold unregistered

    # names

    def unique(self, name):
        """The name for a value, with a number behind it if it is taken."""
        return _unique(name, self.used)

    def bind(self, array, name):
        """From now on the array is the value of this name."""
        self.names[id(array)] = name
        self.values[name] = array

    def value(self, operand, near, dtype=None):
        """The name of an operand: a value, a weight, or a constant, which is named after the node that it is used by."""
        if id(operand) in self.names:
            return self.names[id(operand)]
        if id(operand) in self.given:
            return self.state(*self.given[id(operand)], operand)
        array = operand if arrays.is_array(operand) else np.asarray(operand, dtype)
        keep = operand if arrays.is_array(operand) else None
        return self.initializer(self.unique(self.plain.get(id(operand), near)), array, keep)

    def state(self, name, kind, array):
        """The initializer for a parameter or a buffer; a buffer that the state_dict does not have is a constant."""
        {"parameter": self.graph.parameters, "buffer": self.graph.buffers, "constant": set()}[kind].add(name)
        return self.initializer(name, array, array)

    def initializer(self, name, array, operand=None):
        """What is given, under a name; `operand` is the array by which it is known."""
        self.graph.initializers[name] = self.values[name] = arrays.to_numpy(array)
        if operand is not None:
            self.bind(operand, name)
        return name

    def constant(self, near, numbers, dtype=np.int64):
        """A constant made for a node: a shape, axes, a ratio."""
        return self.initializer(self.unique(near), np.asarray(numbers, dtype))

    # nodes

    def node(self, op_type, inputs, outputs, name, domain="", **attributes):
        """Add a node whose outputs have names."""
        self.graph.nodes.append(Node(op_type, list(inputs), list(outputs), attributes, _unique(name, self.nodes), domain))


def _unique(name, used):
    used[name] += 1
    return name if used[name] == 1 else _unique(f"{name}_{used[name] - 1}", used)


class Translation:
    """One recorded call that is being translated: its operands' names, and the nodes that stand for it.

    name  what its node is called; its first output too
    """

    def __init__(self, builder, call, name):
        self.builder, self.call, self.name = builder, call, name
        self.arguments = call.arguments

    @property
    def x(self):
        """The first operand's array."""
        return self.call.inputs[0] if self.call.inputs else next(iter(self.arguments.values()))

    @property
    def y(self):
        """The (first) result's array."""
        return self.call.outputs[0]

    def value(self, operand, role="constant", dtype=None):
        """The name of an operand's value; "" for None."""
        return "" if operand is None else self.builder.value(operand, f"{self.name}.{role}", dtype)

    def operands(self):
        """The names of an operation's operands; numbers get the dtype of the arrays among them."""
        dtype = next((x.dtype for x in self.call.inputs if arrays.is_array(x)), None)
        return [self.value(x, dtype=dtype) for x in self.call.inputs]

    def constant(self, role, numbers, dtype=np.int64):
        return self.builder.constant(f"{self.name}.{role}", numbers, dtype)

    def finish(self, op_type, inputs, domain="", **attributes):
        """The node that computes the call's results."""
        outputs = []
        for number, array in enumerate(self.call.outputs):
            output = self.builder.unique(self.name if number == 0 else f"{self.name}.{number}")
            self.builder.bind(array, output)
            outputs.append(output)
        self.builder.node(op_type, inputs, outputs, self.name, domain, **attributes)

    def own(self, op_type, inputs, **attributes):
        """A node of the domain "minicnn"."""
        while inputs and inputs[-1] == "":
            inputs = inputs[:-1]
        self.finish(op_type, inputs, DOMAIN, **{name: plain(value) for name, value in attributes.items()})

    def before(self, op_type, inputs, array, **attributes):
        """A node that comes before the last one; returns the name of its value, which is the array."""
        name = f"{self.name}.{op_type.lower()}"
        output = self.builder.unique(name)
        self.builder.bind(array, output)
        self.builder.node(op_type, inputs, [output], name, **attributes)
        return output

    def same(self):
        """The result is the operand's value: nothing is computed."""
        self.builder.bind(self.y, self.value(self.x))


def plain(value):
    """An attribute as JSON has it."""
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    if isinstance(value, np.dtype) or isinstance(value, type) and issubclass(value, np.generic):
        return str(np.dtype(value))
    return value.item() if isinstance(value, np.generic) else value
