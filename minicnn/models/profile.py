"""Where a training step's time goes: for each layer and pass its seconds, its operations, and the memory of its output.

The step is the real one, but that layers which one pair of functions computes otherwise are computed one by one. Hooks around the layers
take the time of the forward pass; in the backward pass, the nodes of the graph do that a layer recorded. What is computed outside of
any layer, by functions in `forward`, has rows of its own.

A GPU works on while Python goes on, so the clock is read only when it has done what it was given. That is the time of each layer, and
a little more in all than a step takes in which nobody waits.
"""

import time
from functools import partial
from statistics import median
from typing import NamedTuple

import numpy as np

from .. import cuda, kernels
from ..arrays import module_for
from ..autograd.graph import Leaf
from ..errors import BadValue
from ..nn.functional import cross_entropy
from ..optim import SGD
from ..tensor import wrap
from .summary import is_layer, multiply_adds, tensors_in

WARM = 2                # steps that are made before the clock starts: kernels are compiled, memory is got


class Row(NamedTuple):
    """One call of one layer: medians over the steps, for the whole batch."""

    path: str               # "features.0"; "" for what belongs to no layer
    kind: str               # "Conv2d"; or what was computed: "Relu"
    output: tuple           # shape of the output, without the batch axis; None if there is none
    bytes: int              # of the output
    forward: float          # seconds
    backward: float
    forward_operations: int     # floating-point operations of convolutions and matrix products: two for each multiply-add
    backward_operations: int
    algorithm: str = ""     # by which a convolution's output was computed, on the CPU

    @property
    def seconds(self):
        return self.forward + self.backward


class Profile(NamedTuple):
    """The rows in the order of the calls; the last three are the loss, what autograd itself takes, and the optimizer's update."""

    rows: list
    input_size: tuple
    batch: int
    threads: int
    device: str             # "cpu" or "cuda:0"
    step: float             # seconds of a whole training step
    peak: float             # floating-point operations a second that the CPU reaches at best; None where that is not known


def profile(model, input_size, batch=64, repeat=10):
    """The Profile of training steps (forward, cross-entropy, backward, SGD with momentum) on noise. The model is left as it was.

    input_size  the input's shape without the batch axis, such as (1, 28, 28)
    repeat      how many steps are timed

    Raises BadValue for a batch or a repeat below 1, ShapeError where the input does not fit the model.
    """
    for name, count in (("batch", batch), ("repeat", repeat)):
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise BadValue(f"{name} must be a whole number of at least 1, got {count!r}")
    state, training = {name: t.clone() for name, t in model.state_dict().items()}, [(m, m.training) for m in model.modules()]
    try:
        steps = _steps(model.train(), tuple(input_size), batch, repeat)
    finally:
        model.load_state_dict(state)
        model.zero_grad()
        for module, before in training:
            module.training = before
    first = next(model.parameters())
    peak = kernels.peak(first.dtype.name) if kernels.is_compiled() and not first.is_cuda else None
    return Profile(_medians(steps), tuple(input_size), batch, kernels.get_num_threads(), str(first.device),
                   median(step.seconds for step in steps), peak)


def _steps(model, input_size, batch, repeat):
    """The steps that count, each made and timed."""
    parameter = next(model.parameters(), None)
    if parameter is None:
        raise BadValue("the model has no parameters: there is nothing to train")
    x = _noise((batch, *input_size), parameter)
    optimizer = SGD(model.parameters(), lr=1e-3, momentum=0.9)
    return [_Step(model, optimizer).run(x) for _ in range(WARM + repeat)][WARM:]


def clock(device):
    """A function that gives the time in seconds; on a GPU, when it has done what it was given."""
    if device.type == "cpu":
        return time.perf_counter

    def now():
        cuda.synchronize()
        return time.perf_counter()

    return now


def _noise(shape, like):
    noise = np.random.default_rng(0).standard_normal(shape)
    return wrap(module_for(like.device).asarray(noise.astype(like.dtype.name)))


def _medians(steps):
    """One list of Rows of those of several steps: a step calls the same layers in the same order each time."""
    return [rows[0]._replace(forward=median(row.forward for row in rows), backward=median(row.backward for row in rows))
            for rows in zip(*(step.rows for step in steps))]


# One step ------------------------------------------------------------------------------------------------------------------


class _Entry:
    """What becomes a Row: a call of a layer, or the functions between two such calls."""

    def __init__(self, now, path="", kind=None):
        self.now, self.path, self.kind, self.output, self.bytes, self.nodes = now, path, kind, None, 0, []
        self.forward = self.backward = 0.0
        self.dtype = None                       # of the output, where it lies on the CPU

    def took_output(self, tensors):
        if tensors:
            self.dtype = None if tensors[0].is_cuda else tensors[0].dtype
            self.output, self.bytes = tuple(tensors[0].shape[1:]), sum(t.array.nbytes for t in tensors)

    def gradients(self, compute, *arguments):
        """In the place of a node's `gradients`: the same, and the time goes to this entry."""
        began = self.now()
        try:
            return compute(*arguments)
        finally:
            self.backward += self.now() - began

    def row(self):
        counts = [(multiply_adds(node), sum(edge is not None for edge in node.edges[:2])) for node in self.nodes]
        kind = self.kind or ", ".join(dict.fromkeys(node.name() for node in reversed(self.nodes)))
        algorithms = dict.fromkeys(algorithm(node, self.dtype) for node in self.nodes if node.name() == "Conv" and self.dtype)
        return Row(self.path, kind, self.output, self.bytes, self.forward, self.backward, 2 * sum(n for n, _ in counts),
                   2 * sum(n * needed for n, needed in counts), ", ".join(algorithms))


def algorithm(node, dtype):
    """By which algorithm a convolution was computed."""
    (images, channels, *_), (outs, *_) = node.shapes[:2]
    return kernels.conv2d_algorithm(images, channels, outs, node.attributes["window"], node.attributes["groups"], dtype)


class _Step:
    """Makes one training step, and keeps the time: what passes from one event to the next goes to the innermost layer."""

    def __init__(self, model, optimizer):
        self.model, self.optimizer, self.now = model, optimizer, clock(next(model.parameters()).device)
        self.entries, self.inside, self.known = [], [], {None}

    def run(self, x):
        self.optimizer.zero_grad()
        handles = [handle for path, module in self.model.named_modules() if is_layer(module) for handle in self._hook(path, module)]
        began = self.mark = self.now()
        try:
            output = self.model(x)
            self._outside([output])
        finally:
            for handle in handles:
                handle.remove()
        loss = self._loss(output)
        forward = self.now()
        self._backward(loss)
        backward = self.now()
        self.optimizer.step()
        end = self.now()
        self.seconds = end - began
        self.rows = [entry.row() for entry in self.entries]
        self._account_for_the_rest(forward - began, backward - forward, end - backward)
        self.entries.clear()                        # and with them the graph
        return self

    def _hook(self, path, module):
        return (module.register_forward_pre_hook(lambda _, args: self._enter(path, module, args)),
                module.register_forward_hook(lambda _, args, output: self._leave(tensors_in(output))))

    def _elapsed(self):
        return self.now() - self.mark

    def _enter(self, path, module, args):
        if self.inside:
            self._charge(self.inside[-1], self._elapsed(), tensors_in(args))
        else:
            self._outside(tensors_in(args))
        self.inside.append(_Entry(self.now, path, type(module).__name__))
        self.mark = self.now()

    def _leave(self, tensors):
        seconds, entry = self._elapsed(), self.inside.pop()
        self._charge(entry, seconds, tensors)
        entry.took_output(tensors)
        self.entries.append(entry)
        self.mark = self.now()

    def _outside(self, tensors):
        """What functions computed since the last layer."""
        entry = _Entry(self.now)
        self._charge(entry, self._elapsed(), tensors)
        if entry.nodes:
            entry.took_output(tensors)
            self.entries.append(entry)
        self.mark = self.now()

    def _charge(self, entry, seconds, tensors):
        """Give an entry the time, and the nodes that led to these tensors and were nobody's yet."""
        entry.forward += seconds
        waiting = [t.node for t in tensors]
        while waiting:
            node = waiting.pop()
            if node not in self.known:
                self.known.add(node)
                if not isinstance(node, Leaf):
                    entry.nodes.append(node)
                    waiting += node.edges

    def _loss(self, output):
        """The cross-entropy of arbitrary labels; for outputs that are no logits, the mean."""
        entry, labels = _Entry(self.now, kind="loss"), np.arange(len(output)) % output.shape[1] if output.ndim > 1 else None
        self.mark = self.now()
        loss = cross_entropy(output, wrap(module_for(output.device).asarray(labels))) if output.ndim == 2 else output.mean()
        self._charge(entry, self._elapsed(), [loss])
        self.entries.append(entry)
        return loss

    def _backward(self, loss):
        nodes = [(node, entry) for entry in self.entries for node in entry.nodes]
        for node, entry in nodes:
            node.gradients = partial(entry.gradients, node.gradients)
        try:
            loss.backward()
        finally:
            for node, _ in nodes:
                del node.gradients

    def _account_for_the_rest(self, forward, backward, update):
        known = sum(row.forward for row in self.rows), sum(row.backward for row in self.rows)
        self.rows += [Row("", "between the layers", None, 0, forward - known[0], backward - known[1], 0, 0),
                      Row("", f"{type(self.optimizer).__name__} update", None, 0, update, 0.0, 0, 0)]
