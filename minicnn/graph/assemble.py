"""From a graph to the steps that a GraphModule runs, and to the layers, parameters and buffers that it holds."""

import numpy as np

from ..autograd.mode import mode
from ..errors import Error, GraphError
from ..nn import init
from ..nn.parameter import Parameter
from ..tensor import Tensor, wrap
from .ir import DOMAIN
from .layers import layer_for
from .names import path_of, place, prefix_of
from .operators import TABLE, compute, described
from .order import free_names, needed, subgraphs
from .own import compute_own
from .ranks import ranks_of


class Step:
    """One node to run: by the layer at `path` (a tuple of names), or without one, by the table. `finished` is not needed afterwards."""

    def __init__(self, node, path, opset):
        self.node, self.path, self.opset = node, path, opset
        self.finished = ()

    def run(self, module, values):
        """The node's outputs, as a tuple."""
        node = self.node
        if self.path is not None:
            return (self.layer(module)(values[node.inputs[0]]),)
        if mode.watch is None:
            return run_node(node, values, self.opset, module.training)
        with mode.watch.inside(node.name):                              # traced again, it keeps its name
            return run_node(node, values, self.opset, module.training)

    def layer(self, module):
        """The layer as it is now: it may have been replaced by another one under its name."""
        for name in self.path:
            module = module._modules.get(name)
            if module is None:
                raise GraphError(f"{described(self.node)} runs the layer {'.'.join(self.path)!r}, which is not there any more")
        return module


def run_node(node, values, opset, training):
    """A node's outputs by the table of operators, as a tuple."""
    if node.op_type == "If" and not node.domain:
        return _run_if(node, values, opset, training)
    inputs = [values[name] if name else None for name in node.inputs]
    return compute_own(node, inputs, training) if node.domain == DOMAIN else compute(node, inputs, opset)


def _run_if(node, values, opset, training):
    """The branch that the condition chooses, which sees the values around it."""
    branch = node.attributes["then_branch" if bool(values[node.inputs[0]]) else "else_branch"]
    values = values | {name: wrap(array) for name, array in branch.initializers.items()}
    for inner in branch.nodes:
        values.update(zip(inner.outputs, run_node(inner, values, opset, training)))
    return tuple(values[value.name] for value in branch.outputs)


class Slot:
    """Where a module keeps an initializer that is also read by itself: at a path, perhaps in another form than in the graph."""

    def __init__(self, path, shape, transposed):
        *self.above, self.name = path.split(".")
        self.shape, self.transposed = shape, transposed

    def read(self, module):
        for name in self.above:
            module = module._modules[name]
        x = getattr(module, self.name)
        x = x.T if self.transposed else x
        return x if x.shape == self.shape else x.reshape(self.shape)


class Assembly:
    """What has been built so far. `places` says for each initializer where it stands: (its tensor, its slot, its form there)."""

    def __init__(self, module, graph):
        self.module, self.graph = module, graph
        self.ranks = ranks_of(graph)
        self.places, self.layers = {}, {}

    def layer(self, node):
        """The path of the layer for a node, as a tuple of names; None where it is none. The same layer twice is one layer: that is,
        where its initializers bear its name. Others have one name because they are equal, as some exporters have it."""
        try:
            with init.skipped():
                found = layer_for(node, self.graph, self.ranks)
        except Error as error:
            error.args = (f"{described(node)}: {error}",)
            raise
        if found is None or any(form != self._form(name) for name, form in found.tensors.values() if name in self.places):
            return None
        names = {part: name for part, (name, _) in found.tensors.items()}
        key = node.op_type, repr(found.layer), *names.items(), None if prefix_of(names) is not None else node.name or id(node)
        if key in self.layers:
            return self.layers[key]
        path = path_of(node, names)
        path = f"{path}_{node.op_type.lower()}" if path in self.graph.initializers else path            # a tensor keeps its name
        path = place(self.module, path, found.layer, lambda owner, name, layer: owner.add_module(name, layer))
        tied = any(name in self.places and self.graph.initializers[name].ndim > 1 for name in names.values())
        for part, (name, form) in found.tensors.items():
            self._give(found.layer, part, name, form, path, tied)
        self.layers[key] = tuple(path.split("."))
        return self.layers[key]

    def _form(self, name):
        return self.places[name][2]

    def _give(self, layer, part, name, form, path, tied):
        """Put an initializer into its layer as a parameter or buffer, in the form in which the layer has it.

        What another layer has already is shared if the layers are `tied`, which means that they share a matrix or a kernel. If they only
        share vectors, these happen to be equal (biases that are 0), and each layer gets its own.
        """
        is_buffer, array = part in layer._buffers, self.graph.initializers[name]
        if name in self.places and tied and not is_buffer:
            tensor = self.places[name][0]
        else:
            array = array.copy() if name in self.places else array
            array = array.T if form == "transposed" else array.reshape(-1) if form == "vector" else array
            tensor = self._tensor(name, array, is_buffer)
        slot = Slot(f"{path}.{part}", self.graph.initializers[name].shape, form == "transposed")
        self.places.setdefault(name, (tensor, slot, form))
        (layer._buffers if is_buffer else layer._parameters)[part] = tensor

    def _tensor(self, name, array, is_buffer=False):
        """A parameter or a buffer around an array, which is copied where it may not be written to."""
        array = np.asarray(array) if array.flags.writeable else np.array(array)
        return Tensor(array) if is_buffer else Parameter(array, requires_grad=name in self.graph.parameters)

    def stand_alone(self, name):
        """Register an initializer that no layer has: a parameter if it is trained, else a buffer."""
        array, trained = self.graph.initializers[name], name in self.graph.parameters
        state = self.graph.buffers is None or name in self.graph.buffers

        def add(owner, last, tensor):
            if trained:
                owner.register_parameter(last, tensor)
            else:
                owner.register_buffer(last, tensor, persistent=state)

        tensor = self._tensor(name, array, not trained)
        path = place(self.module, name, tensor, add)
        self.places[name] = tensor, Slot(path, array.shape, False), "same"

    def constants(self, steps):
        """The initializers that are no state: integers, single numbers, and what is read as plain numbers only."""
        state = {*self.places, *self.graph.parameters, *(self.graph.buffers or ())}
        tensors = {name for step in steps for name in read_as_tensors(step.node)}
        return {name for name, array in self.graph.initializers.items()
                if name not in state and (array.dtype.kind != "f" or array.ndim == 0 or name not in tensors)}


def assemble(module, graph):
    """Fill a module with a graph's layers and tensors. Returns its steps, the slots of tensors that are read apart from a layer, and its
    constants {name: array}."""
    built = Assembly(module, graph)
    steps = [Step(node, built.layer(node), graph.opset) for node in graph.nodes]
    read = {name for step in steps if step.path is None for name in needed(step.node)} | {value.name for value in graph.outputs}
    options = {name for step in steps for name in needed(step.node)} - read - set(built.places)     # what a layer was made with
    constants = {name: graph.initializers[name] for name in built.constants(steps) & read}
    for name in graph.initializers:
        if name not in {*built.places, *constants, *options} and not _count_of_batches(built, name):
            built.stand_alone(name)
    slots = {name: slot for name, (_, slot, _) in built.places.items() if name in read}
    _mark_finished(steps, {value.name for value in graph.outputs})
    return steps, slots, constants


def _count_of_batches(built, name):
    """Whether this is the number of batches that a batch norm has seen, which ONNX has no place for: then the layer gets it."""
    path, _, last = name.rpartition(".")
    if last != "num_batches_tracked" or tuple(path.split(".")) not in built.layers.values():
        return False
    count = getattr(built.module.get_submodule(path), last, None)
    if count is not None:
        count.array[...] = built.graph.initializers[name]
    return count is not None


def read_as_tensors(node):
    """The names that a node reads, itself or in the graphs among its attributes, but not as plain numbers."""
    numbers = () if node.domain or node.op_type not in TABLE else TABLE[node.op_type].numbers
    own = [name for i, name in enumerate(node.inputs) if name and i not in numbers]
    return own + [name for branch in subgraphs(node) for name in free_names(branch)]


def _mark_finished(steps, kept):
    """Say at each step which values nobody needs after it."""
    for step in reversed(steps):
        names = {*needed(step.node), *step.node.outputs} - kept - {""}
        step.finished = tuple(names)
        kept = kept | names
