"""From a model to its graph: it is run twice on examples, and what both runs did is written down in ONNX's words."""

import inspect
from collections import Counter

import numpy as np

from .. import arrays
from ..errors import BadType, BadValue, GraphError, UnsupportedOperator
from ..nn import Module
from ..tensor import Tensor, wrap
from . import functions, operations
from .batch import Pair
from .build import Builder, Translation
from .ir import DOMAIN, Value
from .own import OWN
from .record import Recorder, Traced, flat, left_alone

BATCHES = (2, 5)                        # no rule of thumb makes the same of both: halves, rests, numbers of pairs


def trace(model, *inputs, dynamic_batch=True, input_names=None, output_names=None, name=None):
    """The Graph of a model, by running it in evaluation mode on two batches made of the given inputs.

    inputs         tensors or arrays, as the model's forward takes them; the first axis of each is the batch
    dynamic_batch  the graph is for batches of any size; False: for inputs of these very shapes
    input_names    how the graph's inputs are called; "input", of several what forward calls them, unless given
    output_names   how its outputs are called: "output", or "output_0", ... unless given

    Nodes have the names of the modules that they ran in ("features.0"), parameters and buffers those of the state_dict. What a module does
    in training only is not in the graph. The model is left as it was; the graph's initializers are its very arrays.

    Raises GraphError for a model that is no one graph: its forward decides by numbers or by the batch's size, or takes numbers out by
    item() or numpy(). Raises UnsupportedOperator for operations that only occur in gradients.
    """
    if not isinstance(model, Module):
        raise BadType(f"trace() expects a Module, got {type(model).__name__}")
    if not any(isinstance(x, Tensor) or arrays.is_array(x) for x in inputs):
        raise BadType("trace() needs an example of each input: trace(model, minicnn.zeros(1, 3, 32, 32))")
    given = [arrays.to_numpy(x.array) if isinstance(x, Tensor) else x for x in inputs]
    first, second = _examples(given, dynamic_batch)
    runs = []
    for seed, example in enumerate((first, second)):
        with left_alone(model):
            arrays.manual_seed(seed)                    # what is drawn at random differs, and so is no constant
            runs.append(_Run(model, example, input_names, output_names, name))
    batches = (len(first[0]), len(second[0])) if dynamic_batch else (None, None)
    pair = Pair(*(run.builder.graph for run in runs), *(run.builder.values for run in runs), batches)
    return pair.merged()


def _examples(given, dynamic_batch):
    """Two examples of other numbers and, if wanted, of other batches."""
    if not dynamic_batch:
        return given, [_varied(x) for x in given]
    images = next(x for x in given if arrays.is_array(x))
    if not images.ndim or not len(images):
        raise BadValue(f"the first input needs a batch axis with at least one image, got shape {images.shape}")
    batched = [arrays.is_array(x) and x.ndim > 0 and len(x) == len(images) for x in given]
    sized = [[x[np.arange(n) % len(images)] if many else x for x, many in zip(given, batched)] for n in BATCHES]
    return sized[0], [_varied(x) for x in sized[1]]


def _varied(x):
    """Other numbers of the same kind; integers, which may be indices, in another order."""
    if not arrays.is_array(x):
        return x
    other = np.roll(x.reshape(-1), 1).reshape(x.shape)
    return other + np.random.default_rng(0).standard_normal(x.shape).astype(x.dtype) if x.dtype.kind == "f" else other


class _Run:
    """One pass of a model over one example, and its graph."""

    def __init__(self, model, example, input_names, output_names, name):
        place = next((p.device for p in model.parameters()), None)
        self.model = model
        self.inputs = [_as_input(x, place) for x in example]
        given = [x.array for x in self.inputs if isinstance(x, Tensor)]
        weights = _weights(model)
        recorder = Recorder(given + [array for _, array, _ in weights])
        with recorder.watching(model):
            result = model(*self.inputs)
        self.builder = Builder(name or type(model).__name__, weights, _plain_tensors(model))
        found = list(_named_outputs(result, "output"))
        input_names = self._reserve("input_names", input_names, _input_names(model, self.inputs))
        output_names = self._reserve("output_names", output_names, [name for name, _ in found])
        self._add_inputs(given, input_names)
        self._add_calls(recorder.calls)
        self._add_outputs([tensor for _, tensor in found], output_names)
        self._add_counts()

    def _reserve(self, what, wanted, usual):
        """The names of inputs or outputs, which nothing else gets; those that the user wants must be unlike each other."""
        if wanted is None:
            return [self.builder.unique(name) for name in usual]
        if isinstance(wanted, str) or not all(isinstance(name, str) for name in wanted):
            raise BadType(f"{what} must be a list of strings, got {wanted!r}")
        if len(wanted) != len(usual):
            raise BadValue(f"expected {len(usual)} {what}, got {len(wanted)}: {list(wanted)}")
        taken = [name for name in wanted if self.builder.unique(name) != name]
        if taken:
            raise BadValue(f"{what}: {taken[0]!r} is the name of another input, output or parameter")
        return list(wanted)

    def _add_inputs(self, given, names):
        for x, name in zip(given, names):
            self.builder.bind(x, name)
            self.builder.graph.inputs.append(Value(name, str(x.dtype), tuple(x.shape)))

    def _add_calls(self, calls):
        unknown = [c.name for c in calls if not (c.name.lstrip("_") in functions.RULES or c.name.lstrip("_") in OWN if c.whole
                                                 else c.name in operations.RULES)]
        if unknown:
            raise UnsupportedOperator(unknown)
        for call, name in zip(calls, _names(calls)):
            step = Translation(self.builder, call, name)
            if call.whole:
                functions.translate(step)
            else:
                operations.RULES[call.name](step)
            if call.detached:
                self._detach(call, name)

    def _detach(self, call, name):
        """What ran under no_grad gives no gradient."""
        for array in call.outputs:
            output = self.builder.unique(f"{name}.detach")
            self.builder.node("detach", [self.builder.names[id(array)]], [output], output, DOMAIN)
            self.builder.bind(array, output)

    def _add_outputs(self, found, names):
        for tensor, name in zip(found, names):
            source = self.builder.value(tensor.array, f"{name}.constant")
            self.builder.values[name] = tensor.array
            self._rename(source, name)
            self.builder.graph.outputs.append(Value(name, str(tensor.dtype), tuple(tensor.shape)))

    def _rename(self, source, name):
        """Let the node that computes a value give it the output's name; what is an input, a weight or an output already is handed on."""
        graph = self.builder.graph
        node = next((n for n in graph.nodes if source in n.outputs), None)
        if node is None or source in [value.name for value in graph.outputs]:
            return self.builder.node("Identity", [source], [name], name)
        for n in graph.nodes:
            n.inputs = [name if x == source else x for x in n.inputs]
            n.outputs = [name if x == source else x for x in n.outputs]
        self.builder.names = {key: name if value == source else value for key, value in self.builder.names.items()}
        return None

    def _add_counts(self):
        """How many batches a batch norm has seen goes along with its running statistics, though no node needs it."""
        used = {name.rpartition(".")[0] for name in self.builder.graph.initializers if name.endswith("running_mean")}
        for key, buffer in self.model.named_buffers():
            path, _, last = key.rpartition(".")
            if last == "num_batches_tracked" and path and path in used:
                self.builder.state(key, "buffer", buffer.array)


def _as_input(x, place):
    if not arrays.is_array(x):
        return x
    x = wrap(np.array(x))
    x = x if place is None else x.to(place)
    x.__class__ = Traced
    return x


def _weights(model):
    """(name, array, "parameter", "buffer" or "constant") of every parameter and buffer; frozen parameters count as such all the same."""
    state = model.state_dict()
    return [(name, p.array, "parameter") for name, p in model.named_parameters()] + [
        (name, b.array, "buffer" if name in state else "constant") for name, b in model.named_buffers()]


def _plain_tensors(model):
    """{id of an array: "path.attribute"} of the tensors that modules hold without registering them."""
    return {id(value.array): f"{path}.{name}".lstrip(".") for path, module in model.named_modules()
            for name, value in vars(module).items() if isinstance(value, Tensor)}


def _input_names(model, inputs):
    if sum(isinstance(x, Tensor) for x in inputs) == 1:
        return ["input"]
    bound = inspect.signature(model.forward).bind(*inputs).arguments
    flat_names = []
    for name, value in bound.items():
        values = list(value) if isinstance(value, tuple) else [value]
        flat_names += [name if len(values) == 1 else f"{name}_{i}" for i, v in enumerate(values) if isinstance(v, Tensor)]
    return flat_names


def _named_outputs(result, name):
    """(name, tensor) of each tensor in a result of any nesting."""
    if isinstance(result, Tensor):
        yield name, result
    elif isinstance(result, dict):
        for key, part in result.items():
            yield from _named_outputs(part, str(key))
    elif isinstance(result, (tuple, list)):
        for key, part in zip(getattr(result, "_fields", range(len(result))), result):
            yield from _named_outputs(part, key if isinstance(key, str) else f"{name}_{key}")
    elif result is not None:
        raise GraphError(f"a graph's outputs are tensors, the model gave {type(result).__name__}")


def _names(calls):
    """What each call's node is called: like its module, if that has one call only or this one takes its weights; else path.operation."""
    counts = Counter(id(call.visit) for call in calls)
    leaders = {}
    for call in calls:
        own = [] if call.visit.module is None else [t.array for t in call.visit.module._parameters.values() if t is not None]
        if any(x is a for x in flat([*call.inputs, *call.arguments.values()]) for a in own) and id(call.visit) not in leaders:
            leaders[id(call.visit)] = call
    for call in calls:
        path, alone = call.visit.path, counts[id(call.visit)] == 1 and not _has_parts(call.visit.module)
        if path and (alone or leaders.get(id(call.visit)) is call):
            yield path
        else:
            yield f"{path}.{call.name.strip('_').lower()}".lstrip(".")


def _has_parts(module):
    return module is not None and any(True for _ in module.children())
