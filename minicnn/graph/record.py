"""Writing down what a model does: the operations of one forward pass, in order, each with the module that it ran in.

Every value is an array that some call made, so the array's identity says which call. What reaches an operation in no recorded way
is a constant. Changes in place do not touch memory meanwhile: the tensor takes another array (see `elementary/in_place.py`).
"""

import inspect
from contextlib import contextmanager
from dataclasses import dataclass, field

from .. import arrays
from ..autograd import enable_grad
from ..autograd.mode import mode
from ..autograd.watch import Watch
from ..errors import GraphError
from ..nn import hooks
from ..tensor import Tensor, wrap


@dataclass
class Visit:
    """One run of one module."""

    path: str
    module: object


@dataclass
class Call:
    """One operation, or one function that is a step of its own, as it was called.

    name       the operation's name, "Conv", or the function's, "batch_norm"
    inputs     an operation's operands: arrays and numbers
    arguments  an operation's attributes, or all of a function's arguments by name; tensors as their arrays
    outputs    arrays
    visit      the run of the module that it happened in
    detached   whether no gradient flows through it, because it ran under `no_grad`
    """

    name: str
    inputs: list
    arguments: dict
    outputs: list
    visit: Visit
    detached: bool = False
    whole: bool = False


class Traced(Tensor):
    """A value of the graph: while it is being written down, it has no numbers that Python could decide by."""

    def item(self):
        return super().item() if _refuse(self, "item()") else None

    def tolist(self):
        return super().tolist() if _refuse(self, "tolist()") else None

    def numpy(self, *, force=False):
        return super().numpy(force=force) if _refuse(self, "numpy()") else None

    def detach(self):
        detached = super().detach()
        if isinstance(mode.watch, Recorder):
            detached.array = self.array[...]
            mode.watch.add("detach", [self.array], {}, [detached])
        return detached


def _refuse(tensor, what):
    """True outside of tracing, and in a function that is one step of the graph; else an error for a tensor that depends on the input."""
    if isinstance(mode.watch, Recorder):
        raise GraphError(f"{what} takes a number out of the computation, on which the rest may depend: a graph has only one way. "
                         "Compute with tensors (where(), masks) instead of deciding in Python by their values")
    return True


class _Muted(Watch):
    """Watches a function that is recorded as one step, and so not what happens inside."""

    tracing = True


class Recorder(Watch):
    """The calls of one forward pass that depend on the given arrays: inputs, parameters and buffers."""

    tracing = True

    def __init__(self, given):
        self.known = {id(array): array for array in given}          # keeps them alive, and so their identity theirs
        self.calls, self.visits = [], [Visit("", None)]

    def result(self, operation, inputs, attributes, operands, out):
        """An operation has run. One that gives its operand back has done nothing."""
        if any(out.array is x for x in operands):
            return
        if self.depends([*operands, *attributes.values()]):
            self.add(operation.name, operands, attributes, [out])

    def custom(self, function, inputs, outputs):
        """The values are what the Function has computed, its gradient is not in the graph."""
        given = [x.array for x in inputs if isinstance(x, Tensor)]
        for y in outputs:
            if isinstance(y, Tensor) and id(y.array) in self.known:
                source, y.array = y.array, y.array[...]
                self.add("custom_gradient", [source, *given], {"function": function.__name__}, [y])

    def call(self, function, args, kwargs):
        """Run a function that is one step of the graph."""
        bound = inspect.signature(function).bind(*args, **kwargs)
        bound.apply_defaults()
        arguments = {name: arrays_in(value) for name, value in bound.arguments.items()}
        mode.watch = _Muted()
        try:
            result = function(*args, **kwargs)
        finally:
            mode.watch = self
        if self.depends(arguments.values()):
            outputs = [result] if isinstance(result, Tensor) else list(result)
            outputs = [self._apart(y, bound.arguments) for y in outputs]
            self.add(function.__name__, [], arguments, outputs, whole=True)
            result = outputs[0] if isinstance(result, Tensor) else type(result)(*outputs) if hasattr(result, "_fields") else tuple(outputs)
        return result

    def _apart(self, y, arguments):
        """A result that is one of the inputs (dropout in evaluation) in an array of its own, in which it can be told from that."""
        if id(y.array) not in self.known:
            return y
        if arguments.get("inplace"):
            y.array = y.array[...]
            return y
        return wrap(y.array[...])

    def depends(self, values):
        """Whether a known array is among the values, or in lists of them."""
        return any(id(x) in self.known for x in flat(values))

    def add(self, name, inputs, arguments, outputs, whole=False):
        for tensor in outputs:
            self.known[id(tensor.array)] = tensor.array
            if type(tensor) is Tensor:
                tensor.__class__ = Traced
        self.calls.append(Call(name, list(inputs), dict(arguments), [y.array for y in outputs], self.visits[-1], not mode.enabled, whole))

    @contextmanager
    def inside(self, name):
        """Inside, calls belong to a part of this name that is no module: a node of a graph."""
        self.visits.append(Visit(name, None))
        yield
        self.visits.pop()

    @contextmanager
    def watching(self, model):
        """Inside, what this thread computes is recorded, and the modules' runs are followed."""
        handles = [handle for path, module in model.named_modules() for handle in self._follow(path, module)]
        before = mode.watch
        mode.watch = self
        try:
            with enable_grad():
                yield
        finally:
            mode.watch = before
            for handle in handles:
                handle.remove()

    def _follow(self, path, module):
        enter = hooks.register(module, "forward_pre", lambda *_: self.visits.append(Visit(path, module)), prepend=True)
        leave = hooks.register(module, "forward", lambda *_: self.visits.pop() and None, always=True)
        return enter, leave


def arrays_in(value):
    """A value with the arrays of its tensors in their place."""
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        return type(value)(arrays_in(part) for part in value)
    return value.array if isinstance(value, Tensor) else value


def flat(values):
    """What is in lists and tuples of any nesting."""
    for value in values:
        if isinstance(value, (list, tuple)):
            yield from flat(value)
        else:
            yield value


@contextmanager
def left_alone(model):
    """Inside, the model may be run in evaluation mode; then it is what it was: mode, hooks, buffers, and the random stream."""
    kept = [_Kept(module) for module in model.modules()]
    random = arrays.get_rng_state()
    try:
        yield model.eval()
    finally:
        arrays.set_rng_state(random)
        for state in kept:
            state.put_back()


@dataclass
class _Kept:
    """What a run could change of one module."""

    module: object
    attributes: dict = field(init=False)
    buffers: dict = field(init=False)

    def __post_init__(self):
        self.attributes = {name: self.module.__dict__.get(name) for name in ("training", "_hooks")}
        self.buffers = {name: (b, dict(b.__dict__), b.array.copy()) for name, b in self.module._buffers.items() if b is not None}

    def put_back(self):
        self.module.__dict__.update(self.attributes)
        for name, (buffer, state, values) in self.buffers.items():
            self.module._buffers[name] = buffer
            buffer.__dict__.clear()
            buffer.__dict__.update(state)
            buffer.array[...] = values
