"""What an operation is: the two tiers.

An `Elementary` operation is one line of calculus: a forward on arrays, and for each input a rule for its derivative that is
written with operations which work on arrays and on tensors alike. On arrays the rule is fast; on tensors it is itself
recorded, so that gradients of gradients come for free.

A `Layer` operation is a hand-written pair, forward and backward, on arrays alone, with a *definition*: the same function
in elementary operations. The pair is what runs; the definition is what it is checked against, and what is
differentiated when a gradient of a gradient is asked for.
"""

import inspect
from collections import namedtuple

import numpy as np

from ..errors import GraphError
from ..tensor import Tensor, wrap
from .graph import Leaf, Node
from .mode import mode


class Operation:
    """Runs a forward on the arrays of its inputs, and records a node when a gradient may be asked for.

    Inputs (tensors, arrays or numbers) are positional, attributes are keywords. Without any tensor among the inputs it is a
    plain function on arrays.
    """

    def __init__(self, name, forward):
        self.name = name
        self.forward = forward
        self.__doc__ = forward.__doc__

    def __call__(self, *inputs, **attributes):
        tracked = tensors = False
        arrays = []
        for x in inputs:
            if isinstance(x, Tensor):
                tensors = True
                tracked = tracked or x.tracked
                x = x.array
            arrays.append(x)
        y, saved = self.run(arrays, attributes)
        if not tensors:
            return y
        out = wrap(y)
        if mode.anomaly:
            check_finite(self.name, out.array)
        if tracked and mode.enabled:
            self.record(out, inputs, arrays, saved, attributes)
        return out

    def __repr__(self):
        return f"<{type(self).__name__} operation {self.name}>"


class Elementary(Operation):
    """`Elementary(name, forward, rule, rule, ...)`: one rule per input, or None where there is no derivative.

    A rule is called with the output's gradient `dy` and, by their names, whatever else it has as parameters: inputs,
    attributes, or `out`, the output. Nothing else is saved. A single rule with a parameter `position` serves every
    input of a variadic operation. Where inputs were broadcast, the engine sums the gradient back to their shape.
    """

    def __init__(self, name, forward, *rules):
        super().__init__(name, forward)
        self.rules = [rule and (rule, tuple(inspect.signature(rule).parameters)[1:]) for rule in rules]
        self.positions = {name: i for i, name in enumerate(_input_names(forward))}
        self.shared_rule = bool(rules[0]) and "position" in self.rules[0][1]

    def run(self, arrays, attributes):
        return self.forward(*arrays, **attributes), None

    def rule(self, index):
        return self.rules[0 if self.shared_rule else index]

    def record(self, out, inputs, arrays, saved, attributes):
        node = Node(self, inputs, attributes)
        wanted = {}
        for index, edge in enumerate(node.edges):
            if edge is not None:
                self._save(index, arrays, out, inputs, wanted, node)
        node.saved = wanted or None
        node.inputs = [(a.shape, a.dtype) if e is not None else None for a, e in zip(arrays, node.edges)]
        out.node, out.tracked = node, True

    def _save(self, index, arrays, out, inputs, wanted, node):
        """Put aside what the rule of one input will ask for."""
        rule = self.rule(index)
        if rule is None:
            raise GraphError(f"{self.name} has no derivative with respect to its input {index}; detach() that input")
        for name in rule[1]:
            if name in self.positions:
                position = self.positions[name]
                wanted[name] = arrays[position]
                if isinstance(inputs[position], Tensor):
                    node.watch(inputs[position])
            elif name == "out":
                wanted[name] = out.array
                node.watch(out)

    def gradients(self, node, dy, needed, create_graph):
        result = []
        for index, wanted in enumerate(needed):
            if not wanted:
                result.append(None)
                continue
            rule, names = self.rule(index)
            dx = rule(dy, *[self._value(node, name, index, create_graph) for name in names]) if names else rule(dy)
            if mode.anomaly:
                check_finite(f"the backward of {self.name}", getattr(dx, "array", dx))
            result.append(_fit(dx, *node.inputs[index]))
        return result

    def _value(self, node, name, index, create_graph):
        """What a rule's parameter stands for: a saved array (a tensor in its place in the graph, when recording)."""
        if name == "position":
            return index
        if name in node.attributes:
            return node.attributes[name]
        value = node.saved[name]
        if not create_graph:
            return value
        edge = node if name == "out" else node.edges[self.positions[name]]
        return as_recorded(value, edge)


class Layer(Operation):
    """`Layer(name, forward, backward, definition)`: a pair of array functions and what they compute.

    forward(x, w, ..., *, attribute, ...) -> y, saved
    backward(dy, saved, needed) -> a tuple with the gradient of each input; `needed.w` is False where nobody asks for it
    definition(x, w, ..., *, attribute, ...) -> y, in elementary operations on tensors

    The inputs are kept for the definition, unless `replay(saved)` gives back inputs that serve it as well: relu's output
    does as its input, and the memory of the input is spared.
    """

    def __init__(self, name, forward, backward, definition, replay=None):
        super().__init__(name, forward)
        self.backward, self.definition, self.replay = backward, definition, replay
        self.input_names = _input_names(forward)
        self.needed = namedtuple("needed", self.input_names)

    def run(self, arrays, attributes):
        return self.forward(*arrays, **attributes)

    def record(self, out, inputs, arrays, saved, attributes):
        node = Node(self, inputs, attributes)
        node.saved, node.inputs = saved, arrays if self.replay is None else None
        for t in (*inputs, out):
            if isinstance(t, Tensor) and _holds(saved, t.array):
                node.watch(t)
        out.node, out.tracked = node, True

    def gradients(self, node, dy, needed, create_graph):
        if create_graph:
            return self._differentiate_definition(node, dy, needed)
        gradients = self.backward(dy, node.saved, self.needed(*needed))
        if mode.anomaly:
            for dx in gradients:
                check_finite(f"the backward of {self.name}", dx)
        return gradients

    def _differentiate_definition(self, node, dy, needed):
        """The same gradients as recorded operations: those of the definition, at the same inputs."""
        from .backward import grad

        arrays = node.inputs if self.replay is None else self.replay(node.saved)
        stand_ins = [stand_in(as_recorded(a, e)) if e is not None else a if a is None else wrap(a)
                     for a, e in zip(arrays, node.edges)]
        y = self.definition(*stand_ins, **node.attributes)
        wanted = [x for x, asked in zip(stand_ins, needed) if asked]
        found = iter(grad(y, wanted, dy, create_graph=True, materialize_grads=True))
        return [next(found) if asked else None for asked in needed]


def _input_names(forward):
    """The positional parameters of a forward; NumPy's ufuncs have x, or x and y."""
    if isinstance(forward, np.ufunc):
        return ("x", "y")[: forward.nin]
    parameters = inspect.signature(forward).parameters.values()
    return tuple(p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD)


stand_in = Elementary("Identity", lambda x: x, lambda dy: dy)


def as_recorded(array, edge):
    """A tensor with this array that stands where `edge` is in the graph (nowhere, for None)."""
    if not isinstance(array, np.ndarray) and not hasattr(array, "__cuda_array_interface__"):
        return array
    t = wrap(array)
    if edge is not None:
        t.tracked = True
        if type(edge) is Leaf:
            t.leaf = edge
        else:
            t.node = edge
    return t


def _fit(dx, shape, dtype):
    """A gradient in its input's shape and dtype: summed over the axes that broadcasting added or stretched."""
    if dx.shape != shape:
        dx = _unbroadcast(dx, shape)
    return dx if dx.dtype == dtype else dx.astype(dtype) if not isinstance(dx, Tensor) else dx.to(dtype)


def _unbroadcast(dx, shape):
    added = len(dx.shape) - len(shape)
    axes = tuple(i for i, n in enumerate(dx.shape) if i < added or (shape[i - added] == 1 and n != 1))
    return dx.sum(axes, keepdims=True).reshape(shape)


def _holds(saved, array):
    return any(item is array for item in saved) if isinstance(saved, tuple) else saved is array


def check_finite(what, array):
    """Under `detect_anomaly`: refuse the first NaN or infinity."""
    if array is None or array.dtype.kind != "f":
        return
    bad = ~np.isfinite(array)
    if bad.any():
        raise GraphError(f"{what} made the first non-finite value: {int(bad.sum())} of {array.size} elements, "
                         f"shape {tuple(array.shape)}")
