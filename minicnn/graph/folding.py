"""Constant folding: what does not depend on a graph's inputs is computed once, and what depends on their shapes as far as they are known.

    Shape(x) = (N, 64, 7, 7);  Gather(.., 0) = N;  Concat(N, 3136) = (N, 3136);  Reshape(x, ..)   becomes   Reshape(x, (0, 3136))

An `If` whose condition is known is replaced by the branch that it takes.
"""

import numpy as np

from ..autograd.mode import no_grad
from ..errors import DataError
from ..tensor import wrap
from .facts import RULES, Known
from .ir import Node
from .order import label, names_of, subgraphs
from .rename import fresh, renamed
from .shapes import outcome
from .sizes import Size, known

MAX_BYTES = 2**30                   # of what is computed here: nearly twice VGG-19's weights
MAX_WORK = 2**33                    # bytes that are read and written for it; what is beyond is left to be computed when the network runs

# Not computed here: what is drawn anew each time, and what takes far longer than reading its inputs.
LEFT = set("""RandomNormal RandomUniform RandomNormalLike RandomUniformLike Bernoulli Multinomial Dropout Conv ConvTranspose MatMul Gemm
Einsum If Loop Scan Resize Upsample GridSample MaxPool AveragePool LpPool TopK BatchNormalization""".split())


def fold(graph, held=frozenset()):
    """The facts {value: Known}; the graph has fewer nodes and more initializers afterwards.

    held  initializers whose Transposes stay, for a pass to come that puts the initializer itself to use

    Raises DataError, naming the node, where inputs do not fit their operator, or constants would take too much memory.
    """
    folding = Folding(graph, held)
    folding.walk()
    return folding.facts


class Folding:
    """The state of one walk: the graph, what is known of its values and of those around it, how much was computed."""

    def __init__(self, graph, held, around=None):
        self.graph, self.held, self.taken, self.work = graph, held, 0, 0
        self.facts = {value.name: Known(value.dtype, dimensions(value.shape)) for value in graph.inputs}
        self.facts |= {name: Known(str(array.dtype), array.shape, array) for name, array in graph.initializers.items()}
        self.facts = {**around.facts, **self.facts} if around else self.facts
        self.names = {*names_of(graph), *self.facts}

    def walk(self):
        waiting, kept = self.graph.nodes[::-1], []
        while waiting:
            node = waiting.pop()
            branch = self.branch(node)
            if branch is not None:
                waiting.extend(reversed(branch))
            elif not self.folded(node):
                kept.append(node)
        self.graph.nodes = kept

    def inside(self, node):
        """Folds the graphs inside a node that stays; they see what is known here."""
        for graph in subgraphs(node):
            folding = Folding(graph, self.held, self)
            folding.taken, folding.work = self.taken, self.work
            folding.walk()
            self.taken, self.work = folding.taken, folding.work

    def folded(self, node):
        """Whether the node's outputs are constants now; else it may have a simpler input."""
        inputs = [self.facts.get(name, Known()) if name else None for name in node.inputs]
        results = [constant_node(node)] if node.op_type == "Constant" and not node.domain else outcome(node, inputs, self.graph.opset)
        if self.can_compute(node, inputs, results):
            results = self.computed(node, inputs, results)
        self.facts.update(zip(node.outputs, results))
        if not all(result.constant for result in results) or self.is_held(node):
            self.inside(node)
            simplify_reshape(node, inputs, self.graph, self.names)
            return False
        self.graph.initializers.update((name, as_array(result)) for name, result in zip(node.outputs, results) if name)
        return True

    def is_held(self, node):
        return node.op_type == "Transpose" and node.inputs[0] in self.held

    def can_compute(self, node, inputs, results):
        if node.domain or node.op_type in LEFT or node.op_type not in RULES or subgraphs(node) or self.is_held(node):
            return False
        if not inputs or not all(x is None or x.constant for x in inputs) or any(y.shape is None or not known(*y.shape) for y in results):
            return False
        self.work += sum(x.least_bytes for x in [*inputs, *results] if x is not None)
        return self.work <= MAX_WORK

    def computed(self, node, inputs, results):
        from .operators import compute              # the table imports every operation, and a graph may need none

        size = sum(y.least_bytes for y in results)
        if self.taken + size > MAX_BYTES:
            raise DataError(f"{label(node)}: constants that are computed take more than {MAX_BYTES / 2**30} GiB")
        given = [None if x is None else as_array(x) for x in inputs]
        with no_grad(), np.errstate(all="ignore"):
            outputs = compute(node, [None if x is None else wrap(x) for x in given], self.graph.opset)
        arrays = [np.asarray(output.array, order="C") for output in outputs]
        self.taken += sum(y.nbytes for y in arrays if not any(np.may_share_memory(x, y) for x in given if x is not None))
        return [Known(str(array.dtype), array.shape, array) for array in arrays]

    def branch(self, node):
        """The nodes of the branch that an If takes, with names that are free here; None where that is not known."""
        if node.op_type != "If" or node.domain or not self.facts.get(node.inputs[0], Known()).constant:
            return None
        condition = bool(self.facts[node.inputs[0]].content.reshape(-1)[0])
        graph = node.attributes["then_branch" if condition else "else_branch"]
        if len(graph.outputs) != len(node.outputs):
            raise DataError(f"{label(node)} has {len(node.outputs)} outputs, its branch has {len(graph.outputs)}")
        own = [*graph.initializers, *(name for inner in graph.nodes for name in inner.outputs if name)]
        names = {name: fresh(name, self.names) for name in own}
        for name, array in graph.initializers.items():
            self.graph.initializers[names[name]] = array
            self.facts[names[name]] = Known(str(array.dtype), array.shape, array)
        results = [Node("Identity", [names.get(value.name, value.name)], [output])
                   for value, output in zip(graph.outputs, node.outputs) if output]
        return [renamed(inner, lambda name: names.get(name, name)) for inner in graph.nodes] + results


def dimensions(shape):
    return None if shape is None else tuple(Size.named(size) if isinstance(size, str) else size for size in shape)


def as_array(result):
    """The content of a constant: what was followed as Python's numbers gets its dtype back."""
    return result.content if result.content.dtype != object else result.content.astype(result.dtype)


VALUES = {"value": None, "value_float": "float32", "value_floats": "float32", "value_int": "int64", "value_ints": "int64"}


def constant_node(node):
    """What a Constant says."""
    (name, value), *more = node.attributes.items() or [("nothing", None)]
    if more or name not in VALUES:
        raise DataError(f"{label(node)} has {name}; a constant can be given as {', '.join(VALUES)}")
    array = np.asarray(value, VALUES[name])
    return Known(str(array.dtype), array.shape, array)


def simplify_reshape(node, inputs, graph, names):
    """A target shape with free sizes becomes a constant: 0 where a size is the input's at the same place, -1 for one more."""
    if node.op_type != "Reshape" or len(inputs) < 2 or inputs[1].content is None or inputs[1].constant or node.attributes.get("allowzero"):
        return
    given = inputs[0].shape or ()
    wanted = [0 if not known(size) and given[axis:axis + 1] == (size,) else size for axis, size in enumerate(inputs[1].content.tolist())]
    free = [axis for axis, size in enumerate(wanted) if not known(size)]
    if len(free) + wanted.count(-1) > 1:
        return
    target = np.array([size if known(size) else -1 for size in wanted], "int64")
    node.inputs[1] = fresh(f"{node.outputs[0]}_shape", names)
    graph.initializers[node.inputs[1]] = target
