"""A model as a table: for each layer its output, parameters, multiply-adds and receptive field.

One forward pass is recorded. What each layer computed is read off the graph, so that it counts wherever it was called.
"""

from collections.abc import Iterable
from math import prod
from typing import NamedTuple

import numpy as np

from .. import arrays, kernels
from ..autograd import enable_grad
from ..autograd.graph import Leaf
from ..errors import BadType, BadValue
from ..nn import Module
from ..tensor import Tensor
from .receptive_field import ReceptiveFields


class Row(NamedTuple):
    """One call of one layer, for a batch of one image."""

    path: str               # "features.0"; "" for the model itself
    kind: str               # "Conv2d"
    output: tuple           # shape of the (first) output, without the batch axis; None if there is no tensor
    parameters: int         # elements of the layer's own parameters; 0 when it is called again
    multiply_adds: int      # of convolutions and matrix products; additions of biases, normalization, ... are not counted
    receptive_field: object     # a Field; None where it is not known


class Summary(NamedTuple):
    """The rows in the order of the calls, and the totals of the model."""

    rows: list
    input_size: tuple
    parameters: int
    trainable: int
    multiply_adds: int      # of one image

    @property
    def outputs(self):
        """How many numbers all layers give for one image."""
        return sum(prod(row.output) for row in self.rows if row.output is not None)

    @property
    def receptive_field(self):
        """The largest Field of a layer that does not see the whole image yet; None where there is none."""
        fields = [row.receptive_field for row in self.rows if row.receptive_field is not None and str(row.receptive_field) != "all"]
        return max(fields, key=lambda field: field.size, default=None)

    def __str__(self):
        table = [HEADERS, *map(cells, self.rows)]
        widths = [max(map(len, column)) for column in zip(*table)]
        lines = ["  ".join(align(cell, width) for align, cell, width in zip(ALIGNMENT, line, widths)) for line in table]
        lines[1:1] = ["  ".join("-" * width for width in widths)]
        return "\n".join([line.rstrip() for line in lines] + ["", self.totals()])

    def totals(self):
        frozen = f" ({self.trainable:,} of them trainable)" if self.trainable != self.parameters else ""
        return f"{self.parameters:,} parameters{frozen}, {self.multiply_adds:,} multiply-adds for an input of {dims(self.input_size)}"


HEADERS = ("layer", "type", "output", "parameters", "multiply-adds", "receptive field")
ALIGNMENT = (str.ljust, str.ljust, str.ljust, str.rjust, str.rjust, str.rjust)


def cells(row):
    """A row as text, in the order of HEADERS."""
    output = "–" if row.output is None else dims(row.output)
    field = "–" if row.receptive_field is None else str(row.receptive_field)
    return row.path, row.kind, output, f"{row.parameters:,}", f"{row.multiply_adds:,}", field


def dims(shape):
    return "x".join(map(str, shape)) or "1"


def summary(model, input_size):
    """The Summary of a model, by one forward pass of a batch of one image of zeros in evaluation mode.

    input_size  the input's shape without the batch axis, such as (1, 28, 28)

    The model is left as it was. Raises BadType for other things, BadValue for sizes below 1, ShapeError where the input does
    not fit the model.
    """
    if not isinstance(model, Module) or not isinstance(input_size, Iterable):
        raise BadType(f"summary takes a Module and a shape such as (1, 28, 28), got {type(model).__name__} and {input_size!r}")
    input_size = tuple(input_size)
    if any(isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1 for n in input_size):
        raise BadValue(f"input_size must be whole numbers of at least 1, such as (1, 28, 28), got {input_size}")
    rows = _Recorder(model, _zeros(model, input_size)).run()
    sizes = [(p.numel(), p.requires_grad) for p in model.parameters()]
    return Summary([row for row in rows if row.kind != OUTSIDE or row.multiply_adds], input_size, sum(n for n, _ in sizes),
                   sum(n for n, trainable in sizes if trainable), sum(row.multiply_adds for row in rows))


OUTSIDE = "(functions in forward)"


def _zeros(model, input_size):
    first = next(model.parameters(), None)
    dtype, where = (arrays.float32, "cpu") if first is None else (first.dtype, first.device)
    return Tensor(arrays.module_for(where).zeros((1, *input_size), dtype), requires_grad=True)


class _Recorder:
    """Runs a model once, with hooks that write down a row whenever a layer was called."""

    def __init__(self, model, image):
        self.model, self.image = model, image
        self.fields, self.rows = ReceptiveFields(image), []
        self.counted, self.outputs = {None}, []

    def run(self):
        before = [(module, module.training) for module in self.model.modules()]
        handles = [handle for path, module in self.model.named_modules() if is_layer(module) for handle in self._hook(path, module)]
        try:
            self.model.eval()
            with enable_grad(), kernels.shapes_only(), np.errstate(all="ignore"):
                self._count_outside(self.model(self.image))
        finally:
            for handle in handles:
                handle.remove()
            for module, training in before:
                module.training = training
        return self.rows

    def _hook(self, path, module):
        fresh = [sum(p.numel() for p in module.parameters(recurse=False))]
        return (module.register_forward_pre_hook(lambda _, args: self._count_outside(args)),
                module.register_forward_hook(lambda _, args, output: self._add(path, module, output, fresh)))

    def _count_outside(self, value):
        """What was computed since the last layer, outside of any, gets a row of its own."""
        self.rows.append(Row("", OUTSIDE, None, 0, self._new_multiply_adds(tensors_in(value)), None))

    def _add(self, path, module, output, fresh):
        found = tensors_in(output)
        self.outputs += found                       # keeps the graph alive, and with it the nodes' identity
        shape, field = (tuple(found[0].shape[1:]), self.fields.of(found[0])) if found else (None, None)
        self.rows.append(Row(path, type(module).__name__, shape, fresh[0], self._new_multiply_adds(found), field))
        fresh[0] = 0

    def _new_multiply_adds(self, tensors):
        """The sum over the operations that led to these tensors and were not counted yet."""
        total, waiting = 0, [t.node for t in tensors]
        while waiting:
            node = waiting.pop()
            if node not in self.counted:
                self.counted.add(node)
                total += multiply_adds(node)
                waiting += node.edges
        return total


def is_layer(module):
    """Modules without parts, and those with parameters of their own, are layers; the others are made of layers."""
    return not any(True for _ in module.children()) or any(True for _ in module.parameters(recurse=False))


def tensors_in(value):
    """The tensors in an output of any nesting."""
    if isinstance(value, Tensor):
        return [value]
    values = value.values() if isinstance(value, dict) else value if isinstance(value, (tuple, list)) else ()
    return [t for part in values for t in tensors_in(part)]


def multiply_adds(node):
    """Of one recorded operation, for the batch that it was run with; 0 for all that is neither convolution nor product."""
    count = None if isinstance(node, Leaf) else COUNTS.get(node.name())
    return int(count(node.attributes, *node.shapes)) if count else 0


def _of_conv(attributes, x, w, *bias):
    """Each output pixel is the product of every filter with one window."""
    return x[0] * prod(attributes["window"].output) * prod(w)


def _of_conv_transpose(attributes, x, w, *bias):
    """Each input pixel stamps its kernels onto the output."""
    return x[0] * prod(x[2:]) * prod(w)


def _of_dense(attributes, x, w, *bias):
    """(…, I) times (O, I) transposed."""
    return prod(x[:-1]) * prod(w)


def _of_matmul(attributes, x, y):
    """(…, n, k) @ (…, k, m)."""
    return prod(np.broadcast_shapes(x[:-2], y[:-2])) * x[-2] * x[-1] * y[-1]


COUNTS = {"Conv": _of_conv, "ConvTranspose": _of_conv_transpose, "Gemm": _of_dense, "GemmRelu": _of_dense,
          "MatMul": _of_matmul}
