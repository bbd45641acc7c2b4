"""Functions that users register around an optimizer's `step`, `state_dict` and `load_state_dict`."""

from collections import OrderedDict, defaultdict
from functools import wraps

from ..autograd.hooks import RemovableHandle
from ..errors import BadType


class Hooks:
    """Keeps the hooks of one optimizer; every `register_...` returns a handle whose `remove()` takes the hook away."""

    def __init__(self):
        self._hooks = defaultdict(OrderedDict)

    def register_step_pre_hook(self, hook):
        """Call `hook(optimizer, args, kwargs)` before each step; it may return changed (args, kwargs)."""
        return self._register("before step", hook)

    def register_step_post_hook(self, hook):
        """Call `hook(optimizer, args, kwargs)` after each step."""
        return self._register("after step", hook)

    def register_state_dict_pre_hook(self, hook, prepend=False):
        """Call `hook(optimizer)` before each `state_dict()`."""
        return self._register("before state_dict", hook, prepend)

    def register_state_dict_post_hook(self, hook, prepend=False):
        """Call `hook(optimizer, state_dict)` after each `state_dict()`; it may return another dict."""
        return self._register("after state_dict", hook, prepend)

    def register_load_state_dict_pre_hook(self, hook, prepend=False):
        """Call `hook(optimizer, state_dict)` before each `load_state_dict()`; it may return another dict."""
        return self._register("before load_state_dict", hook, prepend)

    def register_load_state_dict_post_hook(self, hook, prepend=False):
        """Call `hook(optimizer)` after each `load_state_dict()`."""
        return self._register("after load_state_dict", hook, prepend)

    def _register(self, when, hook, prepend=False):
        hooks = self._hooks[when]
        handle = RemovableHandle(hooks)
        hooks[handle.id] = hook
        if prepend:
            hooks.move_to_end(handle.id, last=False)
        return handle

    def _run_hooks(self, when, *args):
        """Call the hooks in order; where one returns something, that takes the place of the last argument."""
        for hook in list(self._hooks[when].values()):
            changed = hook(self, *args)
            if changed is not None and args:
                args = (*args[:-1], changed)
        return args[-1] if args else None


def with_step_hooks(step):
    """`step` with the registered hooks before and after it, and a note that a step was taken."""

    @wraps(step)
    def hooked(self, *args, **kwargs):
        args, kwargs = _before_step(self, (self, *args), kwargs)
        result = step(*args, **kwargs)
        self._opt_called = True
        for hook in list(self._hooks["after step"].values()):
            hook(self, args, kwargs)
        return result

    return hooked


def _before_step(optimizer, args, kwargs):
    for hook in list(optimizer._hooks["before step"].values()):
        changed = hook(optimizer, args, kwargs)
        if changed is not None:
            if not isinstance(changed, tuple) or len(changed) != 2:
                raise BadType(f"a step pre-hook must return None or a pair (args, kwargs), got {changed!r}")
            args, kwargs = changed
    return args, kwargs
