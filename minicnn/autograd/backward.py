"""Backpropagation: one walk over the graph, from the outputs to the leaves.

Each node is met once, after everything that used its output, so that its gradient is complete: nodes wait in a heap and
the youngest comes first; leaves come last, in the order in which gradients arrived. No recursion: a chain of any length will do.

Gradients are plain arrays on the way, unless a graph of the gradients themselves is asked for (`create_graph`): then they
are tensors, and what the walk computes is recorded like any other operation.
"""

from heapq import heappop, heappush

import numpy as np

from ..arrays import is_view
from ..errors import BadType, BadValue, GraphError, ShapeError
from ..kernels import of
from ..tensor import Tensor, wrap
from .deferred import settle_all
from .graph import Leaf, accumulate, edge_of
from .hooks import keeps_grad
from .mode import mode

LARGE = 1 << 13         # elements, from which on a kernel is faster than NumPy


def backward(tensors, grad_tensors=None, retain_graph=None, create_graph=False, inputs=None):
    """Add d(Σ tensors · grad_tensors)/d(leaf) to the `.grad` of every leaf they depend on (or of `inputs` only)."""
    roots = _roots(_as_list(tensors), _as_list(grad_tensors), create_graph)
    keep = create_graph if retain_graph is None else retain_graph
    if inputs is None:
        Walk(create_graph, keep).run(roots)
        return
    inputs = _as_list(inputs)
    if not inputs:
        raise GraphError("backward(inputs=...) needs at least one input")
    for x, dx in zip(inputs, _gradients(roots, inputs, keep, create_graph)):
        if dx is not None and not keeps_grad(x):
            accumulate(x, dx)


def tensor_backward(self, gradient=None, retain_graph=None, create_graph=False, inputs=None):
    """Compute the gradient of this tensor with respect to every leaf it depends on, added to the leaves' `.grad`.

    A tensor of more than one element needs the `gradient` to start from, of its own shape.
    """
    if inputs is None:
        keep = create_graph if retain_graph is None else retain_graph
        Walk(create_graph, keep).run([(_root_edge(self), _seed(self, gradient, create_graph))])
    else:
        backward([self], [gradient], retain_graph, create_graph, inputs)


def grad(outputs, inputs, grad_outputs=None, retain_graph=None, create_graph=False, only_inputs=True, allow_unused=None,
         is_grads_batched=False, materialize_grads=False):
    """The gradients of `outputs` (weighted by `grad_outputs`) with respect to `inputs`, as a tuple; `.grad` stays untouched.

    With `create_graph=True` the gradients are themselves recorded and can be differentiated again, to any order. An
    input that the outputs do not depend on is an error, unless `allow_unused` (None in its place) or
    `materialize_grads` (zeros in its place).
    """
    if is_grads_batched or not only_inputs:
        raise BadValue("grad() has neither is_grads_batched=True nor only_inputs=False")
    if allow_unused is False and materialize_grads:
        raise BadValue("materialize_grads=True puts zeros in the place of unused inputs: allow_unused cannot be False")
    inputs = _as_list(inputs)
    roots = _roots(_as_list(outputs), _as_list(grad_outputs), create_graph)
    keep = create_graph if retain_graph is None else retain_graph
    found = _gradients(roots, inputs, keep, create_graph)
    unused = [i for i, dx in enumerate(found) if dx is None]
    if unused and not allow_unused and not materialize_grads:
        raise GraphError(f"the outputs do not depend on input {unused[0]} of grad(); pass allow_unused=True to get "
                         "None for it, or materialize_grads=True for zeros")
    return tuple(_result(dx, x, materialize_grads) for dx, x in zip(found, inputs))


def _result(dx, x, materialize):
    if dx is None:
        return wrap(np.zeros_like(x.array)) if materialize else None
    return dx if isinstance(dx, Tensor) else wrap(dx)


def _gradients(roots, inputs, retain_graph, create_graph):
    """What arrives at each of the inputs: an array of its own, a tensor when a graph is created, None when nothing does."""
    for position, x in enumerate(inputs):
        if not isinstance(x, Tensor) or not x.tracked:
            raise GraphError(f"input {position} of grad() does not require a gradient")
    edges = [edge_of(x) for x in inputs]
    found = Walk(create_graph, retain_graph, set(edges)).run(roots)
    return [found.get(edge) if create_graph else _copy(found.get(edge)) for edge in edges]


def _copy(array):
    return None if array is None else array.copy()


# Where to start ----------------------------------------------------------------------------------------------------------


def _as_list(tensors):
    return list(tensors) if isinstance(tensors, (tuple, list)) else [tensors]


def _roots(tensors, gradients, create_graph):
    """Pairs of (node, gradient to start from)."""
    if gradients == [None]:
        gradients = [None] * len(tensors)
    if len(gradients) != len(tensors):
        raise BadValue(f"expected one gradient for each of the {len(tensors)} outputs, got {len(gradients)}")
    return [(_root_edge(y), _seed(y, g, create_graph)) for y, g in zip(tensors, gradients)]


def _root_edge(y):
    edge = edge_of(y)
    if edge is None:
        raise GraphError(
            "this tensor does not require a gradient and was not made by a recorded operation; set requires_grad=True on "
            "what it is computed from, and compute it outside no_grad()"
        )
    return edge


def _seed(y, gradient, create_graph):
    """The gradient to start from: 1 for a scalar, else what was passed, checked."""
    if gradient is None:
        return _one(y, create_graph)
    if not isinstance(gradient, Tensor):
        raise BadType(f"the gradient passed to backward must be a tensor, got {type(gradient).__name__}")
    if gradient.array.shape != y.array.shape:
        raise ShapeError(f"the gradient passed to backward has shape {gradient.array.shape}; "
                         f"the output has shape {y.array.shape}")
    if create_graph:
        return gradient.to(y.array.dtype)
    return gradient.array.astype(y.array.dtype)             # a copy: a leaf may keep it


def _one(y, create_graph):
    if y.array.size != 1:
        raise GraphError(f"backward needs a gradient for an output of shape {y.array.shape}: only a scalar has "
                         "the implicit gradient 1. Reduce it first (loss.mean()), or pass gradient=")
    one = y.array.copy()
    one.fill(1)
    return wrap(one) if create_graph else one


# The walk ----------------------------------------------------------------------------------------------------------------


class Walk:
    """One walk. Leaves add to their `.grad`; with `targets` (nodes), nothing does, and what arrives there is returned."""

    def __init__(self, create_graph, retain_graph, targets=None):
        self.create_graph, self.retain_graph, self.targets = create_graph, retain_graph, targets
        self.pending, self.queue, self.found = {}, [], {}

    @np.errstate(all="ignore")
    def run(self, roots):
        settle_all()                            # or a hook that looks at what was skipped would change the graph under way
        self.useful = None if self.targets is None else _leading_to(self.targets, [edge for edge, _ in roots])
        for edge, dy in roots:
            self.arrive(edge, dy)
        before, mode.enabled = mode.enabled, self.create_graph
        try:
            while self.queue:
                node = heappop(self.queue)[1]
                self.visit(node, self.pending.pop(node))
            for leaf, dy in self.pending.items():
                self.visit(leaf, dy)
        finally:
            mode.enabled = before
        return self.found

    def visit(self, node, dy):
        """The node's gradient is complete: use it, and hand the inputs' gradients on to the nodes that made them."""
        if node.hooks is not None:
            dy = node.hooks.run(dy)
        if self.targets is None:
            if type(node) is Leaf:
                node.receive(dy)
                return
            needed = node.edges                 # whatever has a node needs its gradient
        else:
            if node in self.targets:
                self.found[node] = dy
            needed = [edge if edge in self.useful else None for edge in node.edges]
            if not any(needed):
                return
        for edge, dx in zip(needed, node.gradients(dy, needed, self.create_graph)):
            if edge is not None and dx is not None:
                self.arrive(edge, dx, dy)
        if not self.retain_graph:
            node.release()

    def arrive(self, edge, dx, dy=None):
        """Add a gradient to what waits at a node; the first to arrive puts the node in the queue. Leaves wait until that is empty."""
        waiting = self.pending.get(edge)
        if waiting is not None:
            self.pending[edge] = waiting + dx if self.create_graph else sum_of(waiting, dx)
            return
        if type(edge) is not Leaf:
            heappush(self.queue, (-edge.number, edge))
        elif not self.create_graph and (dx is dy or is_view(dx)):
            dx = dx.copy()                      # it may become the leaf's `.grad`: nobody else may hold its memory
        self.pending[edge] = dx


def sum_of(x, y):
    """Two gradients of one place; by a kernel where they are large."""
    return of(x).add(x, y) if getattr(x, "size", 0) >= LARGE else x + y


def _leading_to(targets, roots):
    """The nodes from which some target can be reached; only these need to be walked."""
    oldest = min((target.number for target in targets), default=0)
    seen, stack = set(roots), list(roots)
    while stack:
        for edge in stack.pop().edges:
            if edge is not None and edge.number >= oldest and edge not in seen:
                seen.add(edge)
                stack.append(edge)
    useful = set(targets)
    for node in sorted(seen, key=lambda node: node.number):
        if any(edge in useful for edge in node.edges):
            useful.add(node)
    return useful
