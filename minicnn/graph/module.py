"""A module that runs a graph: its nodes as layers where they are such, else by the table of operators; trainable like any other."""

from dataclasses import replace

from .. import arrays
from ..errors import BadType, BadValue, ShapeError
from ..nn.module import Module
from ..tensor import Tensor, wrap
from .assemble import assemble
from .check import check_graph


class GraphModule(Module):
    """Runs a Graph; inputs by position in the graph's order, one output as a tensor, several as a tuple.

    Where a node with its initializers is what one of our layers computes (Conv, Gemm, BatchNormalization, Relu, ...), it becomes that
    layer: `state_dict()`, `parameters()`, `train()`, `to()` and hooks work as in the model that the graph came from, with its names (see
    `names.py`). Other trained initializers are parameters by themselves, other floating ones are buffers. Constants, which are neither
    and stay on the CPU, are integers and bools, from which nodes reckon shapes and indices, and single numbers, such as the 0.5 of x · 0.5.

    It starts in evaluation: dropout does nothing, batch norm uses its running statistics; `train()` changes that. It takes over the arrays
    of the graph's initializers: training changes them. `graph` is the graph without them.

    Raises UnsupportedOperator, with all of them, for operators that are not in the table; ValueError for a graph that is not valid.
    """

    def __init__(self, graph):
        super().__init__()
        check_graph(graph)
        self.graph = replace(graph, initializers={})
        self._steps, self._tensors, self._constants = assemble(self, graph)
        self.eval()

    def forward(self, *inputs):
        values = self._given(inputs)
        for step in self._steps:
            values.update(zip(step.node.outputs, step.run(self, values)))
            for name in step.finished:
                values.pop(name, None)
        outputs = tuple([values[value.name] for value in self.graph.outputs])
        return outputs[0] if len(outputs) == 1 else outputs

    def _given(self, inputs):
        """The values that are there before the first node: inputs, parameters and buffers that no layer has, and constants."""
        wanted = self.graph.inputs
        if len(inputs) != len(wanted):
            raise BadValue(f"expected {len(wanted)} inputs ({', '.join(value.name for value in wanted)}), got {len(inputs)}")
        values = {name: wrap(array) for name, array in self._constants.items()}
        values.update((name, slot.read(self)) for name, slot in self._tensors.items())
        values.update((value.name, _checked(x, value)) for x, value in zip(inputs, wanted))
        return values

    def extra_repr(self):
        ends = [f"{value.name}{'' if value.shape is None else f' {tuple(value.shape)}'}"
                for value in (*self.graph.inputs, *self.graph.outputs)]
        count = len(self.graph.inputs)
        by_table = sum(step.path is None for step in self._steps)
        return (f"{self.graph.name}: {', '.join(ends[:count])} -> {', '.join(ends[count:])}; {len(self._steps)} nodes, "
                f"{by_table} of them by the table of operators")


def _checked(x, value):
    """An input as a tensor with as many dimensions as the graph says."""
    if arrays.is_array(x):
        x = wrap(x)
    if not isinstance(x, Tensor):
        raise BadType(f"expected a tensor for the input {value.name!r}, got {type(x).__name__}")
    if value.shape is not None and x.ndim != len(value.shape):
        raise ShapeError(f"expected the input {value.name!r} to have {len(value.shape)} dimensions, {tuple(value.shape)}, got shape "
                         f"{tuple(x.shape)}")
    return x
