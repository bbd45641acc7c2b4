"""Backpropagation: one walk over the graph, from the outputs to the leaves.

Each node is met once, after everything that used its output, so that its gradient is complete: nodes wait in a heap and
the youngest comes first. No recursion: a chain of any length will do.
"""

from heapq import heappop, heappush

from ..errors import BadValue, GraphError, ShapeError
from ..tensor import Tensor, wrap
from .graph import Leaf, edge_of
from .mode import enable_grad, no_grad


def backward(tensors, grad_tensors=None, retain_graph=None, create_graph=False):
    """Add d(sum of tensors · grad_tensors)/d(leaf) to the `.grad` of every leaf they depend on."""
    roots = _roots(_as_list(tensors), _as_list(grad_tensors), create_graph)
    keep = create_graph if retain_graph is None else retain_graph
    _walk(roots, None, keep, create_graph)


def grad(outputs, inputs, grad_outputs=None, retain_graph=None, create_graph=False, allow_unused=None,
         materialize_grads=False):
    """The gradients of `outputs` (weighted by `grad_outputs`) with respect to `inputs`, as a tuple; `.grad` stays untouched.

    With `create_graph=True` the gradients are themselves recorded and can be differentiated again, to any order. An
    input that the outputs do not depend on is an error, unless `allow_unused` (None in its place) or
    `materialize_grads` (zeros in its place).
    """
    inputs = _as_list(inputs)
    roots = _roots(_as_list(outputs), _as_list(grad_outputs), create_graph)
    for position, x in enumerate(inputs):
        if not x.requires_grad:
            raise GraphError(f"input {position} of grad() does not require a gradient")
    edges = [edge_of(x) for x in inputs]
    keep = create_graph if retain_graph is None else retain_graph
    found = _walk(roots, set(edges), keep, create_graph)
    return tuple(_found(found.get(e), x, i, allow_unused, materialize_grads) for i, (e, x) in enumerate(zip(edges, inputs)))


def _found(gradient, x, position, allow_unused, materialize):
    if gradient is not None:
        return gradient if isinstance(gradient, Tensor) else wrap(gradient)
    if materialize:
        return Tensor(x.array * 0)
    if not allow_unused:
        raise GraphError(f"the outputs do not depend on input {position} of grad(); pass allow_unused=True to get None for it")
    return None


def _as_list(tensors):
    return list(tensors) if isinstance(tensors, (tuple, list)) else [tensors]


def _roots(tensors, gradients, create_graph):
    """Pairs of (node, gradient to start from): a Tensor when a graph is created, else a plain array."""
    if gradients == [None]:
        gradients = [None] * len(tensors)
    if len(gradients) != len(tensors):
        raise BadValue(f"expected one gradient for each of the {len(tensors)} outputs, got {len(gradients)}")
    return [(_root_edge(y), _seed(y, g, create_graph)) for y, g in zip(tensors, gradients)]


def _root_edge(y):
    if not y.requires_grad:
        raise GraphError(
            "this tensor does not require a gradient and was not made by a recorded operation; set requires_grad=True on "
            "what it is computed from, and compute it outside no_grad()"
        )
    return edge_of(y)


def _seed(y, gradient, create_graph):
    if gradient is None:
        if y.array.size != 1:
            raise GraphError(f"backward needs a gradient for an output of shape {tuple(y.shape)}: only a scalar has "
                             "the implicit gradient 1. Reduce it first (loss.mean()), or pass gradient=")
        gradient = wrap(y.array * 0 + 1)
    if not isinstance(gradient, Tensor):
        gradient = Tensor(gradient)
    if gradient.shape != y.shape:
        raise ShapeError(f"the gradient passed to backward has shape {tuple(gradient.shape)}; "
                         f"the output has shape {tuple(y.shape)}")
    if create_graph:
        return gradient
    return gradient.array if gradient.array.dtype == y.array.dtype else gradient.array.astype(y.array.dtype)


def _walk(roots, targets, retain_graph, create_graph):
    """Walk once. Leaves accumulate into `.grad`; with `targets`, their gradients are returned instead."""
    useful = None if targets is None else _leading_to(targets, [edge for edge, _ in roots])
    pending, queue, found = {}, [], {}
    for edge, dy in roots:
        _arrive(edge, dy, pending, queue)
    with enable_grad() if create_graph else no_grad():
        while queue:
            node = heappop(queue)[1]
            dy = _run_hooks(node, pending.pop(node), create_graph)
            if targets is not None and node in targets:
                found[node] = dy
            elif targets is None and type(node) is Leaf:
                _accumulate(node.tensor(), dy)
            _pass_on(node, dy, useful, create_graph, pending, queue)
            if not retain_graph:
                node.release()
    return found


def _pass_on(node, dy, useful, create_graph, pending, queue):
    """Ask a node for its inputs' gradients and hand them to the nodes that made those inputs."""
    edges = node.edges
    needed = [e is not None and (useful is None or e in useful) for e in edges]
    if True not in needed:
        return
    for edge, wanted, dx in zip(edges, needed, node.gradients(dy, needed, create_graph)):
        if wanted and dx is not None:
            if type(edge) is Leaf and not create_graph and (dx is dy or dx.base is not None):
                dx = dx.copy()          # a leaf keeps what it gets: it must not share memory with anybody
            _arrive(edge, dx, pending, queue)


def _arrive(edge, dx, pending, queue):
    """Add a gradient to what waits at a node; the first to arrive puts the node in the queue."""
    if edge in pending:
        pending[edge] = pending[edge] + dx
    else:
        pending[edge] = dx
        heappush(queue, (-edge.number, edge))


def _run_hooks(node, dy, create_graph):
    if not node.hooks:
        return dy
    dy = dy if create_graph else wrap(dy)
    for hook in list(node.hooks.values()):
        changed = hook(dy)
        dy = dy if changed is None else changed
    return dy if create_graph else dy.array


def _accumulate(tensor, dy):
    if tensor is None:
        return
    if tensor.grad is None:
        tensor.grad = dy if isinstance(dy, Tensor) else wrap(dy)
    elif isinstance(dy, Tensor) or tensor.grad.requires_grad:
        tensor.grad = tensor.grad + dy
    else:
        tensor.grad.array += dy
        tensor.grad.bump_version()


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
