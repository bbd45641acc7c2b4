"""`Function`: an operation of the user's own, with a forward and a backward written on tensors, as in PyTorch.

    class Cube(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x * x

        @staticmethod
        def backward(ctx, dy):
            (x,) = ctx.saved_tensors
            return dy * 3 * x * x

    y = Cube.apply(x)

The `ctx` is the function's node in the graph. A backward made of differentiable operations can be differentiated itself.
"""

from functools import wraps

import numpy as np

from ..errors import BadType, GraphError, ShapeError
from ..tensor import Tensor, wrap
from .graph import Leaf, Node, as_recorded, edge_of, versions_of
from .mode import is_grad_enabled, mode, no_grad
from .operation import Elementary, unbroadcast


class Function:
    """Base of the user's operations: define the static methods `forward` and `backward`, then call `apply`.

    forward(ctx, *inputs) computes on tensors, unrecorded. Alternatively forward(*inputs), with
    setup_context(ctx, inputs, output) to save what backward needs.
    backward(ctx, *gradients of the outputs) returns the gradient of each input, None for what is no tensor or needs none.
    """

    @staticmethod
    def forward(*args):
        raise NotImplementedError("a Function needs a static method forward(ctx, *inputs)")

    @staticmethod
    def backward(ctx, *gradients):
        raise NotImplementedError("a Function needs a static method backward(ctx, *gradients)")

    setup_context = None

    @classmethod
    def apply(cls, *inputs):
        """Run forward on the inputs, and record this function where a gradient may be asked for."""
        ctx = Context(cls, inputs)
        with no_grad():
            if cls.setup_context is None:
                output = cls.forward(ctx, *inputs)
            else:
                output = cls.forward(*inputs)
                cls.setup_context(ctx, inputs, output)
        outputs = output if isinstance(output, tuple) else (output,)
        if mode.watch is not None:
            mode.watch.custom(cls, inputs, outputs)
        results = ctx.connect(inputs, outputs)
        return results if isinstance(output, tuple) else results[0]


class Context(Node):
    """The node of one call of a Function, and the `ctx` that its forward and backward share. Has room for any attribute."""

    def __init__(self, function, inputs):
        super().__init__(function, inputs)
        self.needs_input_grad = tuple(edge is not None for edge in self.edges)
        self.shapes = [x.array.shape if isinstance(x, Tensor) else None for x in inputs]
        self.to_save = self.non_differentiable = self.dirty = ()
        self.materialize = True

    # For forward

    def save_for_backward(self, *tensors):
        """Keep inputs, outputs or other tensors (or None) for backward, where `saved_tensors` gives them back."""
        for t in tensors:
            if t is not None and not isinstance(t, Tensor):
                raise BadType(f"save_for_backward takes tensors, got {type(t).__name__}; put other things on ctx: ctx.n = n")
        self.to_save = tensors

    def mark_non_differentiable(self, *tensors):
        """Say that no gradient flows through these outputs, for instance because they are indices."""
        self.non_differentiable = tensors

    def mark_dirty(self, *tensors):
        """Say that forward changed these inputs in place; they must be among the outputs."""
        self.dirty = tensors

    def set_materialize_grads(self, value):
        """Whether backward gets zeros (the default) or None for an output that nothing was computed from."""
        self.materialize = value

    # For backward

    @property
    def saved_tensors(self):
        self.check_usable()
        return tuple(kept and self._restored(*kept) for kept in self.saved or ())

    def _restored(self, array, place):
        return as_recorded(array, Slot(self, place) if isinstance(place, int) else place)

    def name(self):
        return f"{self.operation.__name__}Backward"

    # Into the graph

    def connect(self, inputs, outputs):
        """The outputs, each in its place in the graph: behind a slot of this node."""
        recording = is_grad_enabled() and any(self.needs_input_grad)
        results = tuple(self._result(y, i, inputs, recording) for i, y in enumerate(outputs))
        if recording:
            self.zeros = [_zeros_like(y) if self.materialize and isinstance(y, Tensor) else None for y in outputs]
            self.saved = tuple(self._kept(t, outputs) for t in self.to_save) or None
            self.versions = versions_of(self.to_save)
        self.to_save = ()
        return results

    def _kept(self, t, outputs):
        """A tensor to save as its array and its place: a node, or the number of an output (the node would be a cycle)."""
        if t is None:
            return None
        position = next((i for i, y in enumerate(outputs) if y is t), None)
        return t.array, edge_of(t) if position is None else position

    def _result(self, y, position, inputs, recording):
        if not isinstance(y, Tensor):
            return y
        differentiable = recording and y.is_floating_point() and not _among(y, self.non_differentiable)
        if not differentiable and not _among(y, inputs):
            return y
        result = as_recorded(y.array, Slot(self, position) if differentiable else None)
        result._version = y.version_cell()
        return self._put_in_place(y, result) if _among(y, self.dirty) else result

    def _put_in_place(self, x, result):
        """An input that forward changed becomes the output."""
        if x.tracked and x.node is None and result.tracked:
            raise GraphError(f"{self.name()} changed a leaf that requires a gradient in place")
        x.bump_version()
        x.node, x.tracked = result.node, result.tracked
        return x

    # The walk

    def gradients(self, dy, needed, create_graph):
        self.check_usable()
        arrived = [as_tensor(dy.get(position, zeros)) for position, zeros in enumerate(self.zeros)]
        given = self.operation.backward(self, *arrived)
        given = given if isinstance(given, tuple) else (given,)
        if len(given) < len(needed) or any(dx is not None for dx in given[len(needed):]):
            raise GraphError(f"the backward of {self.operation.__name__} returned {len(given)} gradients for {len(needed)} inputs")
        return [self._fitting(dx, i, create_graph) if wanted else None for i, (dx, wanted) in enumerate(zip(given, needed))]

    def _fitting(self, dx, position, create_graph):
        """What backward returned for one input, checked, in the input's shape."""
        if dx is None:
            return None
        if not isinstance(dx, Tensor):
            raise GraphError(f"the backward of {self.operation.__name__} must return tensors or None, got {type(dx).__name__}")
        shape = self.shapes[position]
        if dx.array.shape != shape:
            dx = _reduced(dx, shape, f"the backward of {self.operation.__name__} returned a gradient of shape {dx.array.shape} for "
                          f"input {position} of shape {shape}")
        if create_graph:
            return dx
        return dx.array.copy() if type(self.edges[position]) is Leaf else dx.array


def as_tensor(dy):
    return dy if dy is None or isinstance(dy, Tensor) else wrap(dy)


def _zeros_like(y):
    """Zeros of a tensor's shape that take no memory."""
    return np.broadcast_to(np.zeros((), y.dtype, like=y.array), y.array.shape)


def _among(t, tensors):
    return any(t is other for other in tensors)


def _reduced(dx, shape, complaint):
    """A gradient summed to a shape that it was broadcast from."""
    ndim = len(dx.array.shape)
    if len(shape) > ndim or any(n not in (1, m) for n, m in zip(shape[::-1], dx.array.shape[::-1])):
        raise ShapeError(complaint)
    return unbroadcast(dx, shape)


class Slot(Node):
    """One output of a Function: hands its gradient on to the function's node, with its number."""

    def __init__(self, context, position):
        super().__init__(context.operation, ())
        self.edges, self.position = [context], position

    def name(self):
        return self.edges[0].name()

    def gradients(self, dy, needed, create_graph):
        return (Received({self.position: dy}),)


class Received(dict):
    """The gradients that have arrived at a Function's node so far, by the output's number."""

    def __add__(self, other):
        return Received({**self, **other})


def once_differentiable(backward):
    """Marks a backward that is not made of differentiable operations: differentiating its result is an error."""

    @wraps(backward)
    def marked(ctx, *gradients):
        with no_grad():
            found = backward(ctx, *gradients)
        if not is_grad_enabled() or not any(isinstance(g, Tensor) and g.requires_grad for g in gradients):
            return found
        results = found if isinstance(found, tuple) else (found,)
        return tuple(_final(dx.detach().requires_grad_()) if isinstance(dx, Tensor) else dx for dx in results)

    return marked


def _refuse(dy):
    raise GraphError("the gradient of a gradient was asked for, through a backward that is marked once_differentiable")


_final = Elementary("OnceDifferentiable", lambda x: x, _refuse)
