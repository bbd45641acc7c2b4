"""Rewriting a graph for inference: what only training needs goes, and what can be computed along with a convolution is put into it.

    Dropout                                               ->  nothing
    Conv or Gemm, BatchNormalization                      ->  Conv or Gemm with other weights
    Conv or Gemm or Add, Relu or Clip(0, 6)               ->  one node of the domain "minicnn", with the attribute `cut`

Batch norm in evaluation is y = s·x + t for each channel, with s = scale/√(variance + ε) and t = shift - s·mean; and a convolution is
linear: s·(w * x + b) + t = (s·w) * x + (s·b + t).
"""

import numpy as np

from ..kernels.inference import LIMIT, RELU, RELU6
from .identities import keep_results
from .ir import DOMAIN
from .links import Links, substitute, sweep
from .operators.linear_algebra import is_unscaled
from .rename import fresh

CUT = "cut"                     # the attribute, by its kernels' numbers
LIMITS = {(0, None): RELU, (0, LIMIT): RELU6}


def fuse(graph):
    """The graph, rewritten in place, for evaluation alone. Initializers that change get new names; their arrays are left as they are."""
    for rewrite in (remove_dropout, fold_norms, cut_at_once):
        rewrite(graph)
        sweep(graph)
    return graph


def remove_dropout(graph):
    """In evaluation its output is its input."""
    links = Links(graph)
    idle = {node.outputs[0]: node.inputs[0] for node in graph.nodes if _is_idle(node, links)}
    keep_results(graph, idle, links)
    substitute(graph, idle)


def _is_idle(node, links):
    """Whether it is a Dropout of which nobody asks for the mask, nor for the behaviour in training."""
    if node.op_type != "Dropout" or node.domain:
        return False
    asked = any(name and (links.users[name] or name in links.results) for name in node.outputs[1:])
    return not asked and not any(node.inputs[2:])


# Batch norm --------------------------------------------------------------------------------------------------------------------


def fold_norms(graph):
    """Batch norm goes into the Conv or Gemm before it, where that has no other user."""
    for norm in list(graph.nodes):
        links = Links(graph)
        layer = links.producer(norm.inputs[0], "Conv", "Gemm") if norm.op_type == "BatchNormalization" and not norm.domain else None
        if layer is not None and _only_user(links, layer, norm) and _can_take(layer, norm, links):
            weight, bias = _folded(layer, norm, links)
            layer.inputs = [layer.inputs[0], _added(graph, links, layer.inputs[1], weight),
                            _added(graph, links, f"{layer.outputs[0]}.bias", bias)]
            _replace(graph, layer, norm)


def _only_user(links, layer, node):
    """Whether a node is the one that uses what a layer computes."""
    value = layer.outputs[0]
    return links.users[value] == [node] and node.inputs.count(value) == 1 and value not in links.results


def _can_take(layer, norm, links):
    given = [links.constant(name) for name in (layer.inputs[1], *norm.inputs[1:])]
    bias = links.constant(layer.inputs[2]) if any(layer.inputs[2:]) else 0
    return all(a is not None for a in given) and bias is not None and is_unscaled(layer) and not any(norm.outputs[1:]) \
        and not norm.attributes.get("training_mode", 0) and norm.attributes.get("spatial", 1)


def _folded(layer, norm, links):
    """(weight, bias) in the layer's dtype, computed in float64."""
    weight, scale, shift, mean, variance = (links.constant(name) for name in (layer.inputs[1], *norm.inputs[1:]))
    s = scale.astype(np.float64) / np.sqrt(variance.astype(np.float64) + norm.attributes.get("epsilon", 1e-5))
    bias = links.constant(layer.inputs[2]).reshape(-1) if any(layer.inputs[2:]) else 0
    transposed = layer.op_type == "Gemm" and not layer.attributes.get("transB", 0)
    along = (1, -1) if transposed else (-1,) + (1,) * (weight.ndim - 1)
    return (weight * s.reshape(along)).astype(weight.dtype), ((bias - mean) * s + shift).astype(weight.dtype)


def _added(graph, links, name, array):
    """The name of a new initializer, made of another name."""
    name = fresh(f"{name}.folded", links.names)
    graph.initializers[name] = array
    return name


def _replace(graph, node, last):
    """A node computes what the last one did, which is taken out."""
    node.outputs = [last.outputs[0]]
    graph.nodes = [other for other in graph.nodes if other is not last]


# Activations -------------------------------------------------------------------------------------------------------------------


def cut_at_once(graph):
    """Relu, Clip(0, 6) and our own hardtanh(0, 6) are computed by the node before them, where that has no other user."""
    for activation in list(graph.nodes):
        links = Links(graph)
        cut = _cut(activation, links)
        layer = links.producer(activation.inputs[0], "Conv", "Gemm", "Add") if cut else None
        if layer is not None and _only_user(links, layer, activation) and (layer.op_type != "Add" or cut == RELU):
            layer.domain, layer.attributes = DOMAIN, {**layer.attributes, CUT: cut}
            _replace(graph, layer, activation)


def _cut(node, links):
    """What the attribute `cut` says for an activation; 0 for other nodes."""
    if node.op_type == "hardtanh" and node.domain == DOMAIN:
        return LIMITS.get((node.attributes.get("min_val"), node.attributes.get("max_val")), 0)
    if node.domain or node.op_type not in ("Relu", "Clip"):
        return 0
    if node.op_type == "Relu":
        return RELU
    limits = [node.attributes.get(name) if i >= len(node.inputs) or not node.inputs[i] else links.scalar(node.inputs[i])
              for i, name in ((1, "min"), (2, "max"))]
    computed = any(name and links.constant(name) is None for name in node.inputs[1:])
    return 0 if computed else LIMITS.get(tuple(limits), 0)
