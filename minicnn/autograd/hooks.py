"""Hooks: functions that see a gradient, or change it, on its way back."""

from collections import OrderedDict
from itertools import count

from ..errors import GraphError
from .graph import edge_of

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


def add_hook(tensor, hook):
    """Register `hook(gradient)` on a tensor; see `Tensor.register_hook`."""
    node = edge_of(tensor)
    if node is None:
        raise GraphError("a hook can be registered only on a tensor that requires a gradient")
    if node.hooks is None:
        node.hooks = OrderedDict()
    handle = RemovableHandle(node.hooks)
    node.hooks[handle.id] = hook
    return handle
