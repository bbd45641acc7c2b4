"""Hooks: functions that see a gradient, or change it, on its way back."""

import weakref
from collections import OrderedDict
from itertools import count

from ..errors import BadType, GraphError, ShapeError
from ..tensor import Tensor, wrap
from .graph import accumulate, edge_of

_next_id = count().__next__


class RemovableHandle:
    """Stands for one registered hook; `remove()` takes it away, also at the end of a `with` block."""

    def __init__(self, hooks):
        self.hooks, self.id = hooks, _next_id()

    def remove(self):
        self.hooks.pop(self.id, None)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.remove()


class Hooks:
    """What is to happen when a node's gradient is complete: first the functions, in the order of their registration; then,
    after `retain_grad()`, the tensor keeps the result."""

    def __init__(self):
        self.functions = OrderedDict()
        self.retaining = None                   # a weak reference: the graph must not keep its own results alive

    def run(self, dy):
        """The gradient, an array or (when a graph is created) a tensor, as the hooks leave it."""
        is_array = not isinstance(dy, Tensor)
        t = wrap(dy) if is_array else dy
        for function in list(self.functions.values()):
            t = _replaced(t, function(t))
        tensor = self.retaining and self.retaining()
        if tensor is not None:
            accumulate(tensor, t.array.copy() if is_array else t)
        return t.array.copy() if is_array else t        # a hook may have kept the tensor that it saw


def _replaced(before, after):
    """What a hook returned, in the place of what it was given."""
    if after is None:
        return before
    if not isinstance(after, Tensor):
        raise BadType(f"a hook must return a tensor or None, got {type(after).__name__}")
    if after.array.shape != before.array.shape:
        raise ShapeError(f"a hook must return a gradient of the shape {before.array.shape} that it was given, "
                         f"got {after.array.shape}")
    return after if after.dtype == before.dtype else after.to(before.dtype)


def hooks_of(tensor):
    """The hooks on a tensor's gradient, to be added to."""
    node = edge_of(tensor)
    if node is None:
        raise GraphError("a hook can be registered only on a tensor that requires a gradient")
    if node.hooks is None:
        node.hooks = Hooks()
    return node.hooks


def add_hook(tensor, hook):
    """Call `hook(gradient)` when this tensor's gradient is complete; what it returns, if anything, replaces the gradient."""
    functions = hooks_of(tensor).functions
    handle = RemovableHandle(functions)
    functions[handle.id] = hook
    return handle


def retain_grad(tensor):
    """Let a computed tensor keep its gradient in `.grad`, as leaves do: as its hooks, however late registered, leave it."""
    if edge_of(tensor) is None:
        raise GraphError("retain_grad() on a tensor that does not require a gradient")
    if tensor.node is not None:
        hooks_of(tensor).retaining = weakref.ref(tensor)


def keeps_grad(tensor):
    """Whether a computed tensor keeps its gradient by itself, after `retain_grad()`."""
    hooks = edge_of(tensor).hooks
    return hooks is not None and hooks.retaining is not None and hooks.retaining() is tensor
