"""The graph that backpropagation walks: one node for each operation that was recorded, one leaf for each parameter.

A node points to the nodes that made its inputs (its `edges`), never to their tensors: an activation lives only as long as
someone's backward needs it. Nodes are numbered as they are made; since an operation's inputs exist before it
does, falling numbers are a topological order.
"""

import weakref
from itertools import count

from ..errors import GraphError

FREED = "freed"
_next_number = count(1).__next__


class Node:
    """One recorded operation: how to get from the gradient of its output to those of its inputs."""

    __slots__ = ("operation", "edges", "saved", "inputs", "attributes", "versions", "number", "hooks")

    def __init__(self, operation, inputs, attributes):
        self.operation = operation
        self.edges = tuple([edge_of(x) for x in inputs])
        self.attributes = attributes
        self.saved = self.inputs = self.hooks = None
        self.versions = ()
        self.number = _next_number()

    def name(self):
        return self.operation.name

    def watch(self, tensor):
        """Remember how often this tensor has been changed in place, as of now."""
        cell = tensor.version_cell()
        self.versions += ((cell, cell[0]),)

    def check_usable(self):
        """Refuse to go backward over arrays that were freed, or overwritten since they were saved."""
        if self.saved is FREED:
            raise GraphError(
                f"backward went through {self.name()} a second time, after its saved arrays were freed; call the first "
                "backward with retain_graph=True, or run the forward pass again"
            )
        for cell, version in self.versions:
            if cell[0] != version:
                raise GraphError(
                    f"an array that {self.name()} saved for its backward was changed in place afterwards "
                    f"(version {cell[0]}, expected {version}); change a clone() of it, or change it after backward()"
                )

    def release(self):
        """Free what was saved. An operation that saved nothing can be walked again."""
        if self.saved:
            self.saved = FREED
            self.inputs = None
            self.versions = ()

    def gradients(self, dy, needed, create_graph):
        """The gradient of each input (None where it is not needed) from the output's."""
        self.check_usable()
        return self.operation.gradients(self, dy, needed, create_graph)

    def __repr__(self):
        return f"<{self.name()} node {self.number}>"


class Leaf(Node):
    """Where the walk ends: a tensor that the user made. Holds it weakly: the graph keeps nobody's parameters alive."""

    __slots__ = ("tensor",)

    def __init__(self, tensor):
        self.tensor = weakref.ref(tensor)
        self.edges, self.number, self.hooks, self.saved = (), _next_number(), None, None

    def name(self):
        return "AccumulateGrad"

    def gradients(self, dy, needed, create_graph):
        return ()

    def release(self):
        pass


def edge_of(x):
    """The node that a gradient for `x` goes to, or None when `x` needs none (or is no tensor at all)."""
    if not getattr(x, "tracked", False):
        return None
    if x.node is not None:
        return x.node
    if x.leaf is None:
        x.leaf = Leaf(x)
    return x.leaf
