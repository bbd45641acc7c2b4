"""One graph out of two, which were traced with batches of different sizes and different numbers: what differs is the batch, or an error.

A length in a shape that follows the batch becomes 0 (as in the input) or -1 (what is left) in a Reshape, and is read off an input for an
Expand or a constant of the batch's length. Whatever else differs says that the model is not one graph.
"""

from itertools import zip_longest

import numpy as np

from ..errors import GraphError
from .ir import Node, Value
from .rename import fresh

BATCH = "N"


class Pair:
    """Two graphs of one model. `values` and `others` are {name: array} of what each value was."""

    def __init__(self, graph, other, values, others, batches):
        self.graph, self.other, self.values, self.others = graph, other, values, others
        self.batches = batches                      # how many images the two batches had
        self.nodes = []

    def merged(self):
        """The graph, of any batch size. Raises GraphError, naming the node, where there is no such graph."""
        self._check_steps()
        for node in self.graph.nodes:
            for name in node.inputs:
                if name in self.graph.initializers and name not in self.graph.parameters:
                    self._check_constant(node, name)
            self.nodes.append(node)
        self.graph.nodes = self.nodes
        for value in (*self.graph.inputs, *self.graph.outputs):
            value.shape = self.symbolic(value.name)
        named = [name for node in self.nodes for name in node.outputs if name in self.values]
        self.graph.values = {name: Value(name, str(self.values[name].dtype), self.symbolic(name)) for name in named}
        return self.graph

    def _check_steps(self):
        """Both graphs must have the same nodes with the same attributes."""
        steps = [[(n.op_type, n.domain, n.name, n.inputs, n.outputs) for n in g.nodes] for g in (self.graph, self.other)]
        differing = next((a or b for a, b in zip_longest(*steps) if a != b), None)
        if differing is not None:
            raise GraphError(f"the model does other things for other inputs, first at {differing[2]!r} ({differing[0]}): a graph has "
                             "only one way. Its forward may not decide by numbers or by the batch's size (x.shape[0], a loop over images)")
        for a, b in zip(self.graph.nodes, self.other.nodes):
            if a.attributes != b.attributes:
                name = next(name for name in a.attributes if a.attributes[name] != b.attributes.get(name))
                raise GraphError(f"{name} of {a.name!r} ({a.op_type}) depends on the batch or on the numbers in it: it was "
                                 f"{a.attributes[name]} for one batch, {b.attributes.get(name)} for another")

    # constants

    def _check_constant(self, node, name):
        mine, its = self.graph.initializers[name], self.other.initializers[name]
        if mine.dtype == its.dtype and mine.shape == its.shape and mine.tobytes() == its.tobytes():
            return
        is_shape = node.inputs.index(name) == 1
        if node.op_type == "Reshape" and is_shape:
            self.graph.initializers[name] = self._reshape(node, mine, its)
        elif node.op_type == "Expand" and is_shape:
            del self.graph.initializers[name]
            self._computed_shape(node, name, [self._length(a, b) for a, b in zip(mine, its)])
        else:
            self._repeat(node, name, mine, its)

    def _reshape(self, node, mine, its):
        """The shape with 0 for a length that stays, and -1 for the one that follows the batch."""
        before, after = self.values[node.inputs[0]].shape, self.others[node.inputs[0]].shape
        shape = [int(a) if a == b else 0 if axis < len(before) and (a, b) == (before[axis], after[axis]) else -1
                 for axis, (a, b) in enumerate(zip(mine, its))]
        if shape.count(-1) > 1 or -1 in shape and 0 in mine.tolist():
            raise GraphError(f"{node.name!r} (Reshape) makes several lengths that follow the batch: {mine.tolist()} for a batch of "
                             f"{self.batches[0]}, {its.tolist()} for one of {self.batches[1]}")
        return np.asarray(shape, np.int64)

    def _repeat(self, node, name, mine, its):
        """A constant with one entry for each image, all of them the same: one entry, repeated."""
        if mine.shape[1:] != its.shape[1:] or mine.shape[:1] + its.shape[:1] != self.batches or not _all_alike(mine, its):
            raise GraphError(f"a constant of {node.name!r} ({node.op_type}), {name!r}, depends on the batch or on the numbers in it. "
                             "Compute it with tensor operations from the input")
        self.graph.initializers[name] = mine[:1]
        shape, repeated = self._free(f"{name}.shape"), self._free(f"{name}.repeated")
        self._computed_shape(node, shape, [BATCH, *mine.shape[1:]])
        self.nodes.append(Node("Expand", [name, shape], [repeated], {}, repeated))
        node.inputs = [repeated if x == name else x for x in node.inputs]

    def _free(self, name):
        return fresh(name, {*self.values, *(output for node in self.nodes for output in node.outputs)})

    def _length(self, a, b):
        if a != b and (a, b) != self.batches:
            raise GraphError(f"a graph cannot say a length that is {a} for a batch of {self.batches[0]}, {b} for one of {self.batches[1]}")
        return BATCH if a != b else int(a)

    def _computed_shape(self, node, name, lengths):
        """Nodes that put a shape together from the first input's batch and given numbers."""
        batch, given = self._free(f"{name}.batch"), []
        self.nodes.append(Node("Shape", [self.graph.inputs[0].name], [batch], {"start": 0, "end": 1}, batch))
        for part in _runs(lengths):
            if part == BATCH:
                given.append(batch)
            else:
                given.append(self._free(f"{name}.{len(given)}"))
                self.graph.initializers[given[-1]] = np.asarray(part, np.int64)
                self.values[given[-1]] = self.graph.initializers[given[-1]]
        self.nodes.append(Node("Concat", given, [name], {"axis": 0}, name))

    def symbolic(self, name):
        """The shape of a value, with names for the lengths that follow the batch."""
        mine, its = self.values[name].shape, self.others[name].shape
        return tuple(a if a == b else BATCH if (a, b) == self.batches else f"{name}.{axis}" for axis, (a, b) in enumerate(zip(mine, its)))


def _all_alike(mine, its):
    """Whether every entry along the first axis is the same, in both."""
    return len(mine) and all(np.array_equal(entry, mine[0], equal_nan=mine.dtype.kind == "f") for array in (mine, its) for entry in array)


def _runs(lengths):
    """Numbers that follow each other in one list, and BATCH by itself."""
    runs = []
    for n in lengths:
        if n == BATCH:
            runs.append(BATCH)
        elif runs and runs[-1] != BATCH:
            runs[-1].append(n)
        else:
            runs.append([n])
    return runs
