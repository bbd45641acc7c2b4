"""A network for inference alone: traced, batch norms folded, activations put into convolutions, weights brought into order once.

    fast = model.compile_for_inference()
    logits = fast(images)

What is gained: no batch norm, no dropout, a way less over memory for each activation; no tensor and no check around each array; and
weights in the order in which the kernels read them, which counts most for single images (see `kernels/cpu/inference.py`).
"""

from collections import OrderedDict
from copy import deepcopy
from threading import Lock

import numpy as np

from .. import arrays
from ..autograd import no_grad
from ..errors import BadType, BadValue, Error
from ..nn import Module
from ..nn.convert import device_of
from ..tensor import Tensor, wrap
from .fusing import fuse
from .simplify import simplify
from .steps import step_for
from .trace import trace

MOST_SIZES = 8                  # of inputs, for which what is worked out is kept


class InferenceModule(Module):
    """What a model computes in evaluation mode, for inputs like those that it is called with; without gradients, and not to be trained.

    The weights are those that the model had when this was made. For each size of input, but for the number of images, the model is traced
    once. Several threads may call it at once.

    Raises GraphError for a model that is no one graph, UnsupportedOperator where it does something that a graph has no word for.
    """

    def __init__(self, model):
        super().__init__()
        self._source = (deepcopy(model).eval(),)        # in a tuple, so that it is no part with parameters
        self._programs, self._lock = OrderedDict(), Lock()
        self.training = False

    def forward(self, *inputs):
        given = [_array(x) for x in inputs]
        outputs = tuple(wrap(y) for y in self.program(given).run(given))
        return outputs[0] if len(outputs) == 1 else outputs

    def program(self, given):
        """The Program for inputs like these arrays."""
        key = tuple((x.shape[1:], x.dtype.name, arrays.device_of(x)) for x in given)
        found = self._programs.get(key)
        if found is None:
            with self._lock:
                found = self._programs[key] = self._programs.get(key) or Program(self._source[0], given)
                while len(self._programs) > MOST_SIZES:
                    self._programs.popitem(last=False)
        return found

    def train(self, mode=True):
        """Raises BadValue for any mode but evaluation."""
        if mode:
            raise BadValue("this model is compiled for inference and cannot be trained; train the model that it was made of, and compile "
                           "it again")
        return self

    def extra_repr(self):
        return f"compiled from {type(self._source[0]).__name__}"


class Program:
    """The steps for inputs of one size."""

    def __init__(self, model, given):
        with no_grad():
            graph = fuse(simplify(_traced(model, given)))
        place = device_of(model)
        weights = {name: _own_copy(array, place) for name, array in graph.initializers.items()}
        self.inputs, self.outputs = ([value.name for value in values] for values in (graph.inputs, graph.outputs))
        self.steps = [(*step_for(node, weights, graph.opset), node.outputs) for node in graph.nodes]
        used = {name for _, names, _ in self.steps for name in names}
        self.constants = {name: weights[name] for name in weights if name in used or name in self.outputs}
        self.finished = _finished(self.steps, self.outputs)

    def run(self, given):
        """The outputs for arrays, as a list."""
        values = {**self.constants, **dict(zip(self.inputs, given))}
        with no_grad(), np.errstate(all="ignore"):
            for (function, names, outputs), finished in zip(self.steps, self.finished):
                found = function(*[values[name] for name in names])
                if type(found) is tuple:
                    values.update(zip(outputs, found))
                else:
                    values[outputs[0]] = found
                for name in finished:
                    del values[name]
        return [values[name] for name in self.outputs]


def compile_for_inference(model, *example):
    """The model as an InferenceModule.

    example  inputs as the model takes them, for which everything is made ready now; without, that is done in the first call

    The model is left as it was.
    """
    if isinstance(model, InferenceModule):
        return model
    compiled = InferenceModule(model)
    if example:
        compiled(*example)
    return compiled


def _traced(model, given):
    """The Graph of a model. What is wrong with the arrays is said of these, not of the batches that `trace` makes of them."""
    try:
        return trace(model, *map(wrap, _with_images(given)))
    except Error as error:
        mistake = error
    model(*map(wrap, given))
    raise mistake


def _with_images(given):
    """The arrays; for an empty batch, of which nothing can be traced, a batch of one black image."""
    if not given or given[0].shape[:1] != (0,):
        return given
    return [np.zeros((1, *x.shape[1:]), x.dtype) if x.shape[:1] == (0,) else x for x in given]


def _array(x):
    if isinstance(x, Tensor):
        return x.array
    if arrays.is_array(x):
        return x
    raise BadType(f"expected tensors, got {type(x).__name__}")


def _own_copy(array, place):
    """A copy, where the model's parameters are; what shapes are computed from stays on the CPU."""
    return arrays.to_device(array, place).copy() if array.dtype.kind == "f" else array.copy()


def _finished(steps, kept):
    """For each step the values that nobody needs after it."""
    kept, found = set(kept), []
    for _, names, outputs in reversed(steps):
        done = {*names, *filter(None, outputs)} - kept
        kept |= done
        found.append(sorted(done))
    return found[::-1]
