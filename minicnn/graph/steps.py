"""What an inference does for each node: functions of arrays, with everything that does not depend on their numbers worked out before.

The nodes that most networks consist of go straight to the kernels, without a tensor around each array: for a single image of a small
network, tensors would take most of the time. All other nodes are computed by the table of operators.
"""

from math import prod

from ..kernels import cut_array, of
from ..kernels.inference import RELU
from ..shapes import window
from ..tensor import wrap
from .assemble import run_node
from .fusing import CUT
from .operators.linear_algebra import is_unscaled
from .operators.values import integers
from .order import needed
from .pads import pads_of

STEPS = {}


def step(name):
    """Puts the function that follows into the table. It gets (node, {initializer: array}) and gives None, or what computes the node:
    (function of arrays, the names of these)."""

    def register(build):
        STEPS[name] = build
        return build

    return register


def step_for(node, weights, opset):
    """(function of arrays that gives one array or several in a tuple, names of the values that it is called with)"""
    found = STEPS[node.op_type](node, weights) if node.op_type in STEPS and not any(node.outputs[1:]) else None
    return found or by_table(node, opset)


def by_table(node, opset):
    """Any node, on tensors."""
    names = needed(node)

    def run(*values):
        given = {name: wrap(array) for name, array in zip(names, values)}
        return tuple(y.array for y in run_node(node, given, opset, training=False))
    return run, names


def windows_of(attributes, kernel):
    """A function that gives the Window on images x; None for windows that are not described by numbers alone, or not on images."""
    pads = pads_of(attributes, 2)
    if len(kernel) != 2 or pads is None or min(pads) < 0 or attributes.get("ceil_mode", 0):
        return None
    stride, dilation = (tuple(integers(attributes.get(name)) or (1, 1)) for name in ("strides", "dilations"))
    padding, known = tuple(zip(pads[:2], pads[2:])), {}

    def window_on(x):
        size = x.shape[2:]
        if size not in known:
            known[size] = window(tuple(size), tuple(kernel), stride, padding, dilation)
        return known[size]
    return window_on


# Layers with weights -----------------------------------------------------------------------------------------------------------


@step("Conv")
def conv(node, weights):
    """y = cut(w * x + b), w and b in the order in which the kernels want them."""
    w, *bias = given = [weights.get(name) for name in node.inputs[1:] if name]
    window_on = windows_of(node.attributes, w.shape[2:]) if w is not None else None
    if window_on is None or any(a is None for a in given):
        return None
    arguments, made = (w, bias[0] if bias else None, node.attributes.get("group", 1), node.attributes.get(CUT, 0)), {}

    def run(x):
        kernels = of(x)
        if id(kernels) not in made:                     # one of a few that live as long as the program
            made[id(kernels)] = kernels.PreparedConv2d(*arguments)
        return made[id(kernels)](x, window_on(x))
    return run, node.inputs[:1]


@step("Gemm")
def gemm(node, weights):
    """y = cut(x wᵀ + b)"""
    w, *bias = given = [weights.get(name) for name in node.inputs[1:] if name]
    if not is_unscaled(node) or any(a is None for a in given):
        return None
    w = w if node.attributes.get("transB", 0) else w.T.copy()
    b, cut = bias[0].reshape(-1) if bias else None, node.attributes.get(CUT, 0)
    if b is not None and b.shape != w.shape[:1]:
        return None
    if cut == RELU:
        return (lambda x: of(x).linear_relu(x, w, b)), node.inputs[:1]
    return (lambda x: cut_array(of(x).linear(x, w, b), cut)), node.inputs[:1]


# Layers without ----------------------------------------------------------------------------------------------------------------


@step("Relu")
def relu(node, weights):
    return (lambda x: of(x).relu(x)), node.inputs


@step("Add")
def add(node, weights):
    """x + y; or max(x + y, 0), of whatever shapes."""
    if any(name in weights for name in node.inputs):
        return None
    cut = node.attributes.get(CUT, 0)

    def run(x, y):
        if x.shape == y.shape and x.dtype == y.dtype and x.ndim == 4:
            return of(x).add_relu(x, y) if cut else of(x).add(x, y)
        return cut_array(x + y, cut)
    return run, node.inputs


@step("MaxPool")
def max_pool(node, weights):
    window_on = windows_of(node.attributes, node.attributes["kernel_shape"])
    return window_on and ((lambda x: of(x).max_pool2d(x, window_on(x))[0]), node.inputs)


@step("GlobalAveragePool")
def global_average_pool(node, weights):
    return (lambda x: x.mean(tuple(range(2, x.ndim)), keepdims=True)), node.inputs


@step("Flatten")
def flatten(node, weights):
    axis = node.attributes.get("axis", 1)
    return None if axis < 0 else ((lambda x: x.reshape(prod(x.shape[:axis]), prod(x.shape[axis:]))), node.inputs)


@step("Reshape")
def reshape(node, weights):
    """To a shape that is known, with 0 for the lengths that stay."""
    target = weights.get(node.inputs[1]) if len(node.inputs) > 1 else None
    if target is None or node.attributes.get("allowzero", 0):
        return None
    target = target.tolist()
    return (lambda x: x.reshape([length or x.shape[axis] for axis, length in enumerate(target)])), node.inputs[:1]


@step("Concat")
def concat(node, weights):
    if any(name in weights for name in node.inputs):
        return None
    return (lambda *xs: of(xs[0]).cat(xs, node.attributes["axis"] % xs[0].ndim)), node.inputs
