"""The graph that backpropagation walks: one node for each operation that was recorded, one leaf for each parameter.

A node points to the nodes that made its inputs (its `edges`), never to their tensors: an activation lives only as long as
someone's backward needs it. Nodes are numbered as they are made; since an operation's inputs exist before it
does, falling numbers are a topological order.
"""

import weakref
from itertools import count

from .. import arrays
from ..errors import GraphError
from ..tensor import Tensor, wrap

FREED = "freed"
next_number = count(1).__next__


class Node:
    """One recorded operation: how to get from the gradient of its output to those of its inputs.

    operation   what was computed; it knows the derivative
    edges       for each input, the node that its gradient goes to, or None where no gradient is needed
    saved       what the forward put aside for the backward, or FREED
    versions    how often the saved arrays had been changed in place when they were saved
    inputs      a layer operation's inputs, for its definition, with their versions
    """

    saved = inputs = hooks = None
    versions = ()

    def __init__(self, operation, inputs, attributes=None):
        self.operation = operation
        self.edges = [x.node or edge_of(x) if isinstance(x, Tensor) else None for x in inputs]
        self.number = next_number()
        self.attributes = attributes

    def name(self):
        return self.operation.name

    @property
    def next_functions(self):
        """The edges as PyTorch shows them: pairs of (node, 0)."""
        return tuple((edge, 0) for edge in self.edges)

    def check_usable(self):
        """Refuse to go backward over arrays that were freed, or overwritten since they were saved."""
        if self.saved is FREED:
            raise GraphError(
                f"backward went through {self.name()} a second time, after its saved arrays were freed; call the first "
                "backward with retain_graph=True, or run the forward pass again"
            )
        self.check_unchanged(self.versions)

    def check_unchanged(self, versions):
        for cell, version in versions:
            if cell[0] != version:
                raise GraphError(f"an array that {self.name()} saved for its backward was changed in place afterwards; "
                                 "change a clone() of it, or change it after backward()")

    def gradients(self, dy, needed, create_graph):
        """The gradient of each input (None where it is not needed) from the output's."""
        if self.saved is not None:
            self.check_usable()
        return self.operation.gradients(self, dy, needed, create_graph)

    def release(self):
        """Free what was saved. An operation that saved nothing can be walked again."""
        if self.saved is not None:
            self.saved, self.inputs, self.versions = FREED, None, ()

    def __repr__(self):
        return f"<{self.name()} node {self.number}>"


class Leaf(Node):
    """Where the walk ends: a tensor that the user made. Holds it weakly: the graph keeps nobody's parameters alive."""

    def __init__(self, tensor):
        super().__init__(None, ())
        self.tensor = weakref.ref(tensor)

    @property
    def variable(self):
        return self.tensor()

    def name(self):
        return "AccumulateGrad"

    def receive(self, dy):
        """The gradient is complete: add it to the tensor's `.grad`."""
        tensor = self.tensor()
        if tensor is not None:
            accumulate(tensor, dy)


def accumulate(tensor, dy):
    """tensor.grad += dy. The first gradient becomes `.grad` itself, so nobody else may hold its memory."""
    grad = tensor._grad
    if isinstance(dy, Tensor):              # a graph is being created: the gradient can be differentiated itself
        tensor._grad = dy.clone() if grad is None else grad + dy
    elif grad is None:
        tensor._grad = wrap(dy)
    elif grad.tracked:
        tensor._grad = grad.detach() + wrap(dy)
    else:
        grad.array += dy
        if grad._version is not None:
            grad.bump_version()


def version_of(tensor):
    """How often a tensor has been changed in place, as of now: (the counter, its value)."""
    cell = tensor._version or tensor.version_cell()
    return cell, cell[0]


def versions_of(tensors):
    """The same for each of them that is a tensor."""
    return [version_of(t) for t in tensors if isinstance(t, Tensor)]


def edge_of(x):
    """The node that a gradient for `x` goes to, or None when `x` needs none (or is no tensor at all)."""
    if not isinstance(x, Tensor) or not x.tracked:
        return None
    if x.node is not None:
        return x.node
    if x.leaf is None:
        x.leaf = Leaf(x)
    return x.leaf


def as_recorded(value, edge):
    """A tensor with this array that stands where `edge` is in the graph; outside of it for None. Numbers stay numbers."""
    if edge is None and not arrays.is_array(value):
        return value
    t = wrap(value)
    if edge is not None:
        t.tracked = True
        if type(edge) is Leaf:
            t.leaf = edge
        else:
            t.node = edge
    return t
