"""What an operation is: the two tiers.

An `Elementary` operation is one line of calculus: a forward on arrays, and for each input a rule for its derivative that is
written with operations which work on arrays and on tensors alike. On arrays the rule is fast; on tensors it is itself
recorded, so that gradients of gradients come for free.

A `Layer` operation is a hand-written pair, forward and backward, on arrays alone, with a *definition*: the same function
in elementary operations. The pair is what runs; the definition is what it is checked against, and what is
differentiated when a gradient of a gradient is asked for.
"""

import inspect
from collections import namedtuple

import numpy as np

from ..arrays import device_of, is_array
from ..errors import DeviceError, GraphError, ShapeError
from ..tensor import Tensor, wrap
from .graph import Leaf, Node, as_recorded, version_of, versions_of
from .mode import mode


class Operation:
    """Runs a forward on the arrays of its inputs, and records a node when a gradient may be asked for.

    Inputs (tensors, arrays or numbers) are positional, attributes are keywords. Without any tensor among the inputs it is a
    plain function on arrays.
    """

    pair = False                # whether forward returns (y, saved) instead of y
    saves = True                # whether there is anything to put aside for the backward

    def __init__(self, name, forward):
        self.name = name
        self.input_names = input_names(forward)
        self.forward = np.errstate(all="ignore")(forward)       # 1/0 is inf and 0/0 is nan, without a warning
        self.__doc__ = forward.__doc__

    def __call__(self, *inputs, **attributes):
        arrays = []
        has_tensors = tracked = False
        for x in inputs:
            if isinstance(x, Tensor):
                has_tensors = True
                if x.tracked:
                    tracked = True
                if x._version is not None:
                    x.check_current()
                x = x.array
            arrays.append(x)
        try:
            result = self.forward(*arrays, **attributes)
        except TypeError as error:
            check_devices(self.name, arrays, error)
            raise
        y, saved = result if self.pair else (result, None)
        if not has_tensors:
            return y
        out = wrap(y)
        if mode.watch is not None:
            mode.watch.result(self, inputs, attributes, arrays, out)
        if tracked and mode.enabled:
            node = Node(self, inputs, attributes)
            node.shapes = [a.shape if type(a) is np.ndarray else getattr(a, "shape", ()) for a in arrays]
            if self.saves:
                self.save(node, inputs, arrays, saved, out)
            out.node, out.tracked = node, True
        return out

    def __repr__(self):
        return f"<{type(self).__name__} operation {self.name}>"


class Elementary(Operation):
    """`Elementary(name, forward, rule, rule, ...)`: one rule per input, or None where there is no derivative.

    A rule is called with the output's gradient `dy` and, by their names, whatever else it has as parameters: inputs,
    attributes, or `out`, the output. Nothing else is saved. When inputs were broadcast, the engine sums their gradients
    back to their shapes.

    A forward of any number of inputs, `def forward(*xs, ...)`, has a single rule, with a parameter `position` that says for
    which input; a parameter `xs` is the tuple of all inputs.
    """

    def __init__(self, name, forward, *rules):
        super().__init__(name, forward)
        self.variadic = not self.input_names
        self.positions = {name: i for i, name in enumerate(self.input_names)}
        given = {"position", *attribute_names(forward)}
        missing = (None,) * (len(self.input_names) - len(rules))
        self.rules = [rule and Rule(rule, given) for rule in rules + missing]
        self.saves = any(rule is None or rule.saved for rule in self.rules)

    def save(self, node, inputs, arrays, saved, out):
        """Put aside what the rules of the inputs that need a gradient will ask for."""
        node.saved, tensors = {}, []
        for position, edge in enumerate(node.edges):
            if edge is not None:
                rule = self.rules[0 if self.variadic else position]
                if rule is None:
                    raise GraphError(f"{self.name} has no derivative with respect to its input {position}; detach() it")
                for name in rule.saved:
                    node.saved[name], sources = self._source(name, inputs, arrays, out)
                    tensors += sources
        node.versions = versions_of(tensors)
        node.saved = node.saved or None

    def _source(self, name, inputs, arrays, out):
        """The array that a rule's parameter stands for, and the tensors that it belongs to."""
        if name == "out":
            return out.array, (out,)
        if self.variadic:
            return tuple(arrays), inputs
        position = self.positions[name]
        return arrays[position], (inputs[position],)

    def gradients(self, node, dy, needed, create_graph):
        gradients = []
        for position, wanted in enumerate(needed):
            if not wanted:
                gradients.append(None)
                continue
            rule = self.rules[0 if self.variadic else position]
            if rule.names:
                dx = rule.function(dy, *[self._value(node, name, position, create_graph) for name in rule.names])
            else:
                dx = rule.function(dy)
            if mode.watch is not None:
                mode.watch.gradient(self, dx, dy)
            gradients.append(self._fitting(dx, node.shapes[position]))
        return gradients

    def _fitting(self, dx, shape):
        """The gradient in its input's shape; None where a rule says that nothing flows."""
        if dx is None:
            return None
        if dx.shape != shape:
            return unbroadcast(dx, shape)
        return dx if shape else _array(dx)

    def _value(self, node, name, position, create_graph):
        """What a rule's parameter stands for: a saved array (a tensor in its place in the graph, when recording)."""
        if name == "position":
            return position
        if name in node.attributes:
            return node.attributes[name]
        value = node.saved[name]
        if not create_graph:
            return value
        if name == "out":
            return as_recorded(value, node)
        if self.variadic:
            return tuple(as_recorded(x, edge) for x, edge in zip(value, node.edges))
        return as_recorded(value, node.edges[self.positions[name]])


class Rule:
    """How to get one input's gradient from the output's.

    names  what the function takes after `dy`
    saved  those of them that must be put aside in the forward: inputs and output, not attributes
    """

    def __init__(self, function, given):
        self.function = function
        self.names = input_names(function)[1:]
        self.saved = tuple(name for name in self.names if name not in given)


class Layer(Operation):
    """`Layer(name, forward, backward, definition)`: a pair of array functions and what they compute.

    forward(x, w, ..., *, attribute, ...) -> y, saved
    backward(dy, saved, needed) -> a tuple with the gradient of each input; `needed.w` is False where nobody asks for it
    definition(x, w, ..., *, attribute, ...) -> y, in elementary operations on tensors

    The inputs are kept for the definition, unless `replay(saved)` gives back inputs that serve it as well: relu's output
    does as its input, and the memory of the input is spared.
    """

    pair = True

    def __init__(self, name, forward, backward, definition, replay=None):
        super().__init__(name, forward)
        self.backward, self.definition, self.replay = backward, definition, replay
        self.needed = namedtuple("needed", self.input_names)
        self.asked = {}                                         # the `needed` of each combination, made when first met

    def save(self, node, inputs, arrays, saved, out):
        if self.backward is None:
            raise GraphError(f"{self.name} has no backward; compute it under no_grad(), or detach() its inputs")
        node.saved = () if saved is None else saved
        held, node.versions, versions = _ids(node.saved), [], []
        for x in inputs:
            if isinstance(x, Tensor):
                version = version_of(x)
                versions.append(version)
                if id(x.array) in held:
                    node.versions.append(version)
        if id(out.array) in held:
            node.versions.append(version_of(out))
        if self.replay is None:
            node.inputs = arrays, versions

    def gradients(self, node, dy, needed, create_graph):
        if create_graph:
            return self._differentiate_definition(node, dy, needed)
        gradients = self.backward(dy, node.saved, self._asked(needed))
        if mode.watch is not None:
            for dx in gradients:
                mode.watch.gradient(self, dx, dy)
        held = _ids(node.saved)
        return [self._checked(dx, node, position, held) if wanted is not None and dx is not None else None
                for position, (dx, wanted) in enumerate(zip(gradients, needed))]

    def _asked(self, needed):
        """For each input by its name, whether its gradient is asked for."""
        flags = tuple([edge is not None for edge in needed])
        if flags not in self.asked:
            self.asked[flags] = self.needed(*flags)
        return self.asked[flags]

    def _checked(self, dx, node, position, held):
        """A gradient that fits its input, and is none of the arrays (by their ids) that somebody holds already where a leaf may keep it."""
        if dx.shape != node.shapes[position]:
            raise ShapeError(f"the backward of {self.name} gave a gradient of shape {dx.shape} for {self.input_names[position]}, "
                             f"which has shape {node.shapes[position]}")
        dx = _array(dx)
        if id(dx) in held and type(node.edges[position]) is Leaf:
            return dx.copy()
        held.add(id(dx))
        return dx

    def _differentiate_definition(self, node, dy, needed):
        """The same gradients as recorded operations: those of the definition, at the same inputs."""
        from .backward import grad

        xs = [identity(x) if asked else x for x, asked in zip(self._replayed(node), needed)]
        y = self.definition(*xs, **node.attributes)
        wanted = [x for x, asked in zip(xs, needed) if asked]
        found = iter(grad(y, wanted, dy, create_graph=True, materialize_grads=True))
        return [next(found) if asked else None for asked in needed]

    def _replayed(self, node):
        """The inputs once more, each in its place in the graph."""
        if self.definition is None:
            raise GraphError(f"{self.name} has no definition, so its gradient cannot be differentiated again")
        if self.replay is not None:
            arrays = self.replay(node.saved)
        else:
            arrays, versions = node.inputs
            node.check_unchanged(versions)
        return [as_recorded(a, edge) for a, edge in zip(arrays, node.edges)]


def input_names(forward):
    """The positional parameters of a forward; NumPy's ufuncs have x, or x and y. None where there are any number."""
    if isinstance(forward, np.ufunc):
        return ("x", "y")[: forward.nin]
    parameters = inspect.signature(forward).parameters.values()
    return tuple(p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD)


def attribute_names(forward):
    """The keyword-only parameters of a forward."""
    if isinstance(forward, np.ufunc):
        return ()
    parameters = inspect.signature(forward).parameters.values()
    return tuple(p.name for p in parameters if p.kind is p.KEYWORD_ONLY)


def _array(x):
    """NumPy makes scalars of 0-d results; gradients are arrays (or tensors)."""
    return np.asarray(x) if isinstance(x, np.generic) else x


def unbroadcast(dx, shape):
    """dx summed over the axes that broadcasting added or stretched."""
    added = len(dx.shape) - len(shape)
    axes = tuple(i for i, n in enumerate(dx.shape) if i < added or (shape[i - added] == 1 and n != 1))
    return dx.sum(axes, keepdims=True).reshape(shape)


def _ids(saved):
    """What tells the saved objects from others."""
    return set(map(id, saved)) if isinstance(saved, tuple) else {id(saved)}


def check_devices(name, operands, error=None):
    """Say so when a failure comes from arrays on different devices, given or made on the way."""
    places = {str(device_of(x)) for x in operands if is_array(x)}
    if len(places) > 1:
        raise DeviceError(f"{name} got arrays on {' and '.join(sorted(places))}; bring them together with .to(device)") from None
    if places == {"cuda:0"} and "numpy.ndarray" in str(error):          # as CuPy says it
        raise DeviceError(f"{name} got arrays on the GPU and uses a NumPy array with them ({error}); "
                          "make that with like= one of them") from error


identity = Elementary("Identity", lambda x: x, lambda dy: dy)
