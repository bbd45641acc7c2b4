"""Transposes are moved towards the graph's outputs until they meet their inverse, so that networks of channels-last programs
become ones of convolutions, activations and joins, as they would be written here.

    Relu(T(x)) = T(Relu(x));   T(x) + c = T(x + T⁻¹(c));   Concat over axis a of T(x), T(y) = T(Concat over axis perm[a] of x, y)

The walk goes through the nodes once. A Transpose is not kept but remembered: its result is *pending*, (source, perm), and a node
that a Transpose can pass gets the source. In front of any other node it is written out.
"""

from dataclasses import replace

import numpy as np

from .axes import axis_of
from .facts import Known
from .ir import Node
from .links import Links, sweep, with_inputs
from .order import needed
from .rename import fresh
from .shape_rules import REDUCTIONS

UNARY = set("""Relu Sigmoid Tanh LeakyRelu Elu Selu Celu HardSigmoid HardSwish ThresholdedRelu Softplus Softsign Mish Gelu Neg Abs Exp Log
Sqrt Reciprocal Floor Ceil Round Sign Erf Not Cast Identity Dropout Clip Sin Cos Atan""".split())
BINARY = set("Add Sub Mul Div Pow Max Min Sum Mean PRelu Equal Less Greater And Or Where LessOrEqual GreaterOrEqual".split())
RESHAPES = {"Reshape", "Flatten"}


def move_transposes(graph, facts):
    """The graph with fewer Transposes, and those it has as late as they can be."""
    Walk(graph, facts).through()
    sweep(graph)
    return graph


class Walk:
    """pending  {value: (source, perm)}: value = Transpose(source, perm), not written out yet."""

    def __init__(self, graph, facts):
        self.graph, self.facts, self.links = graph, facts, Links(graph)
        self.pending, self.alias, self.nodes = {}, {}, []

    def through(self):
        for node in self.graph.nodes:
            node = with_inputs(node, lambda name: self.alias.get(name, name))
            if node.op_type == "Transpose" and not node.domain and node.inputs[0] not in self.graph.initializers:
                self.remember(node)
            else:
                self.place(node)
        for value in self.graph.outputs:
            self.write_out(value.name)
        self.graph.nodes = self.nodes

    def remember(self, node):
        source, output = node.inputs[0], node.outputs[0]
        rank = self.rank(source) or len(node.attributes.get("perm", ()))
        perm = node.attributes.get("perm", list(range(rank))[::-1])
        if not rank:
            return self.place(node)
        if source in self.pending:
            source, first = self.pending[source]
            perm = [first[axis] for axis in perm]
        self.is_transposed(output, source, perm)

    def is_transposed(self, name, source, perm):
        """Notes that a value is a Transpose of another."""
        if perm != sorted(perm):
            self.pending[name] = (source, perm)
        elif name in self.links.results:
            self.nodes.append(Node("Identity", [source], [name]))
        else:
            self.alias[name] = source

    def rank(self, name):
        if name in self.pending:
            return len(self.pending[name][1])
        shape = self.facts.get(name, Known()).shape
        return None if shape is None else len(shape)

    def place(self, node):
        """Writes a node, past the Transposes of its inputs where it can pass them."""
        perm = next((self.pending[name][1] for name in node.inputs if name in self.pending), None)
        passing = PASSING.get(node.op_type) if perm is not None and not node.domain else None
        if passing is None or not passing(self, node, perm):
            for name in needed(node):
                self.write_out(name)
            self.nodes.append(node)

    def write_out(self, name):
        """Computes a pending value by a Transpose after all."""
        if name in self.pending:
            source, perm = self.pending.pop(name)
            self.nodes.append(Node("Transpose", [source], [name], {"perm": perm}))

    def emit(self, node, inputs, perm, **attributes):
        """The node on the sources; each of its results is what the Transpose by `perm` makes the old one of."""
        outputs = [name and (fresh(f"{name}_moved", self.links.names)) for name in node.outputs]
        self.nodes.append(replace(node, inputs=inputs, outputs=outputs, attributes={**node.attributes, **attributes}))
        for name, moved in zip(node.outputs, outputs):
            if name:
                self.facts[moved] = moved_fact(self.facts.get(name, Known()), perm)
                self.is_transposed(name, moved, perm)
        return True

    def source(self, name):
        return self.pending[name][0]


def moved_fact(fact, perm):
    """What is known of x, by what is known of Transpose(x, perm)."""
    shape = None if fact.shape is None or len(fact.shape) != len(perm) else tuple(fact.shape[i] for i in np.argsort(perm))
    return Known(fact.dtype, shape)


# What passes: (walk, node, perm) -> True where the node was written

def unary(walk, node, perm):
    """f(T(x)) = T(f(x))"""
    if any(name in walk.pending for name in node.inputs[1:]):
        return False
    return walk.emit(node, [walk.source(node.inputs[0]), *node.inputs[1:]], perm)


def binary(walk, node, perm):
    """f(T(x), y) = T(f(x, T⁻¹(y))), a constant y transposed at once"""
    if walk.graph.opset < 7 or any(not passable(walk, name, perm) for name in node.inputs):
        return False
    return walk.emit(node, [inverse(walk, name, perm) for name in node.inputs], perm)


def passable(walk, name, perm):
    array = walk.links.constant(name)
    return array.ndim <= len(perm) if array is not None else walk.rank(name) == len(perm)


def inverse(walk, name, perm):
    """A value whose Transpose by `perm` is the value of that name."""
    array = walk.links.constant(name)
    if array is not None:
        return walk.links.renewed(name, whole(array, len(perm)).transpose(np.argsort(perm))) if array.size > 1 else name
    source, own = walk.pending.get(name, (name, list(range(len(perm)))))
    back = [own[axis] for axis in np.argsort(perm)]
    if back == sorted(back):
        return source
    moved = fresh(f"{name}_moved", walk.links.names)
    walk.nodes.append(Node("Transpose", [source], [moved], {"perm": back}))
    return moved


def whole(array, rank):
    return array.reshape((1,) * (rank - array.ndim) + array.shape)


def concat(walk, node, perm):
    if any(walk.links.constant(name) is not None or not passable(walk, name, perm) for name in node.inputs):
        return False
    axis = perm[axis_of(node.attributes["axis"], len(perm))]
    return walk.emit(node, [inverse(walk, name, perm) for name in node.inputs], perm, axis=axis)


def along_axis(walk, node, perm):
    """Softmax and Split work along one axis; before opset 13 Softmax joined all axes after it."""
    if node.op_type != "Split" and walk.graph.opset < 13:
        return False
    axis = node.attributes.get("axis", 0 if node.op_type == "Split" else -1)
    return walk.emit(node, [walk.source(node.inputs[0]), *node.inputs[1:]], perm, axis=perm[axis_of(axis, len(perm))])


def reduction(walk, node, perm):
    """The axes that go are those of the source; what is left is transposed as before, or not at all."""
    return along_axes(walk, node, perm, node.attributes.get("keepdims", 1))


def squeeze(walk, node, perm):
    return along_axes(walk, node, perm, False)


def along_axes(walk, node, perm, keep):
    given = walk.links.given(node, "axes", 1)
    if given is None or not len(given):
        return False
    out = [axis_of(int(axis), len(perm)) for axis in given]
    inside = [perm[axis] for axis in out]
    rest = perm if keep else without(perm, out)
    if "axes" in node.attributes:
        return walk.emit(node, [walk.source(node.inputs[0])], rest, axes=inside)
    return walk.emit(node, [walk.source(node.inputs[0]), new_constant(walk, node.inputs[1], inside)], rest)


def without(perm, gone):
    """The perm of the axes that are left when those at the places `gone` are taken out."""
    left = [axis for place, axis in enumerate(perm) if place not in gone]
    return [sorted(left).index(axis) for axis in left]


def new_constant(walk, name, values):
    return walk.links.renewed(name, np.array(values, "int64"))


def pad(walk, node, perm):
    """Pads are listed by axes: all the beginnings, then all the ends."""
    pads = walk.links.given(node, "pads", 1)
    if pads is None or len(pads) != 2 * len(perm) or len(node.inputs) > 3:
        return False
    back = np.argsort(perm)
    moved = [int(pads[axis + half]) for half in (0, len(perm)) for axis in back]
    if "pads" in node.attributes:
        return walk.emit(node, [walk.source(node.inputs[0]), *node.inputs[1:]], perm, pads=moved)
    return walk.emit(node, [walk.source(node.inputs[0]), new_constant(walk, node.inputs[1], moved), *node.inputs[2:]], perm)


def reshape(walk, node, perm):
    """A Transpose that moves only axes of size 1 leaves the numbers in their order: a reshape does not see it."""
    name = node.inputs[0]
    shape = walk.facts.get(walk.source(name), Known()).shape
    if shape is None:
        return False
    order = [axis for axis in perm if shape[axis] != 1]
    if order != sorted(order) or not fixed_target(walk, node, shape, perm):
        return False
    walk.nodes.append(replace(node, inputs=[walk.source(name), *node.inputs[1:]]))
    return True


def fixed_target(walk, node, shape, perm):
    """Whether the target means the same for the source: a 0 stands for the size of an axis that the Transpose leaves in its place."""
    if node.op_type == "Flatten":
        axis = node.attributes.get("axis", 1)
        return axis == 1 and perm[0] == 0
    target = walk.links.constant(node.inputs[1]) if len(node.inputs) > 1 else None
    return target is not None and all(size != 0 or perm[axis] == axis for axis, size in enumerate(target.reshape(-1).tolist()))


PASSING = {
    **dict.fromkeys(UNARY, unary), **dict.fromkeys(BINARY, binary), **dict.fromkeys(REDUCTIONS, reduction),
    **dict.fromkeys(RESHAPES, reshape),
    "Concat": concat, "Softmax": along_axis, "LogSoftmax": along_axis, "Split": along_axis, "Squeeze": squeeze, "Pad": pad,
}
