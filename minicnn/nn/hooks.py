"""Hooks of modules: functions that see, or change, what goes into a module, what comes out, and the gradients on the way back.

A module without hooks never comes here.
"""

from collections import OrderedDict, namedtuple
from functools import partial

from ..autograd.hooks import RemovableHandle
from ..errors import GraphError
from ..tensor import Tensor

KINDS = ("forward_pre", "forward", "backward_pre", "backward")
Hook = namedtuple("Hook", ["function", "with_kwargs", "always"])


def register(module, kind, function, prepend=False, with_kwargs=False, always=False):
    """Add a hook of one kind to a module, behind (or before) those it has. Returns a handle with `remove()`."""
    if module._hooks is None:
        module._hooks = {kind: OrderedDict() for kind in KINDS}
    hooks = module._hooks[kind]
    handle = RemovableHandle(hooks)
    hooks[handle.id] = Hook(function, with_kwargs, always)
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle


def has_hooks(module):
    """Whether a module has hooks now: those that it had once may all have been removed."""
    return module._hooks is not None and any(module._hooks.values())


def call(module, args, kwargs):
    """`module.forward(*args, **kwargs)` with all hooks around it."""
    waiting, output = list(module._hooks["forward"].values()), None
    try:
        args, kwargs = _before(module, args, kwargs)
        args, leave = _enter_backward(module, args)
        output = module.forward(*args, **kwargs)
        while waiting:
            output = _after(module, waiting.pop(0), args, kwargs, output)
        return leave(output)
    except Exception:
        for hook in waiting:
            if hook.always:
                _after(module, hook, args, kwargs, output)
        raise


def _before(module, args, kwargs):
    """Let the pre-hooks change the arguments."""
    for hook in list(module._hooks["forward_pre"].values()):
        if hook.with_kwargs:
            changed = hook.function(module, args, kwargs)
            if changed is not None:
                args, kwargs = _pair(changed)
        else:
            changed = hook.function(module, args)
            if changed is not None:
                args = changed if isinstance(changed, tuple) else (changed,)
    return args, kwargs


def _pair(changed):
    if not (isinstance(changed, tuple) and len(changed) == 2):
        raise GraphError(f"a forward pre-hook with kwargs must return None or (new_args, new_kwargs), got {changed!r}")
    return changed


def _after(module, hook, args, kwargs, output):
    """Let one forward hook change the output."""
    given = (args, kwargs, output) if hook.with_kwargs else (args, output)
    changed = hook.function(module, *given)
    return output if changed is None else changed


def _enter_backward(module, args):
    """Put gates for the gradients around a module. Returns its arguments, and what its output is to be passed through."""
    if not (module._hooks["backward"] or module._hooks["backward_pre"]):
        return args, lambda output: output
    passage = _Passage(module)
    return passage.enter(args), passage.leave


class _Passage:
    """One call of a module, as its backward hooks see it: first the output's gradients come by, then the input's."""

    def __init__(self, module):
        self.module = module
        self.pre, self.post = ([hook.function for hook in module._hooks[kind].values()] for kind in ("backward_pre", "backward"))

    def enter(self, args):
        self.number_of_inputs = len(args)
        self.input_tracked = any(_tracked(x) for x in args)
        return _gate(args, self._on_grad_input) if self.input_tracked and self.post else args

    def leave(self, output):
        if isinstance(output, Tensor):
            return _gate((output,), self._on_grad_output)[0]
        return _gate(output, self._on_grad_output) if isinstance(output, tuple) else output

    def _on_grad_output(self, gradients):
        for hook in self.pre:
            gradients = _changed(hook(self.module, gradients), gradients, "grad_output")
        self.grad_output = gradients
        if not self.input_tracked:                    # nothing more will come: there is no gradient for the inputs
            for hook in self.post:
                hook(self.module, (None,) * self.number_of_inputs, gradients)
        return gradients

    def _on_grad_input(self, gradients):
        for hook in self.post:
            gradients = _changed(hook(self.module, gradients, self.grad_output), gradients, "grad_input")
        return gradients


def _changed(answer, gradients, what):
    """What a hook made of the gradients: None leaves them, a tensor stands for a tuple of one."""
    if answer is None:
        return gradients
    answer = answer if isinstance(answer, tuple) else (answer,)
    if len(answer) != len(gradients):
        raise GraphError(f"a backward hook returned {len(answer)} {what}, expected {len(gradients)}")
    return answer


def _gate(values, act):
    """Let values through unchanged; on the way back, act(gradients) sees all their gradients at once and may change them.

    Two identities stand behind each other in every tensor's way. Backward reaches all the later ones first: they
    only note what passes. The first of the earlier ones to be reached calls `act`, and each hands on its own part. What
    no gradient comes back through has None.
    """
    earlier = [_identity(x) for x in values]
    later = [_identity(x) for x in earlier]
    meeting = _Meeting(len(later), act)
    for position, (first, second) in enumerate(zip(earlier, later)):
        if _tracked(second):
            second.register_hook(partial(meeting.note, position))
            first.register_hook(partial(meeting.answer, position))
    return tuple(later)


class _Meeting:
    """Collects several tensors' gradients, calls `act` with all of them once, and gives each its part of the answer."""

    def __init__(self, size, act):
        self.size, self.act, self.noted, self.answers = size, act, {}, None

    def note(self, position, gradient):
        self.noted[position], self.answers = gradient, None

    def answer(self, position, gradient):
        if self.answers is None:
            self.answers = self.act(tuple(self.noted.get(i) for i in range(self.size)))
            self.noted = {}
        return self.answers[position]


def _tracked(x):
    return isinstance(x, Tensor) and x.requires_grad


def _identity(x):
    return x.view_as(x) if _tracked(x) else x
