"""Groups of nodes that are one layer: exporters write them apart, and a layer can be trained, replaced and run faster.

    Pad, Conv                                             ->  Conv with pads
    MatMul, Add; MatMul                                   ->  Gemm
    Conv or Gemm, Add of one number for each channel      ->  the same with a bias
    Mul, Pad, AveragePool, Mul, Add, Pow, Div             ->  LRN (in lrn.py)

Every function takes (graph, facts) and returns the graph; nodes that nobody needs any more are swept away.
"""

from .facts import Known
from .links import Links, operands, sweep
from .pads import pads_of


def rank(name, facts):
    shape = facts.get(name, Known()).shape
    return None if shape is None else len(shape)


def pad_into_conv(graph, facts):
    """Conv(Pad(x, zeros)) = Conv with more pads; also AveragePool where it counts its own pads."""
    links = Links(graph)
    for node in graph.nodes:
        pad = links.producer(node.inputs[0], "Pad") if takes_pads(node) else None
        more = None if pad is None else spatial_zeros(pad, links)
        if more is not None:
            own = pads_of(node.attributes, len(more) // 2)
            node.inputs[0] = pad.inputs[0]
            node.attributes = {**node.attributes, "pads": [a + b for a, b in zip(own, more)]}
            node.attributes.pop("auto_pad", None)
    sweep(graph)
    return graph


def takes_pads(node):
    kind = node.op_type == "Conv" or node.op_type == "AveragePool" and counts_pads(node)
    return kind and not node.domain and node.attributes.get("auto_pad", "NOTSET") in ("NOTSET", "VALID")


def counts_pads(node):
    """Whether an AveragePool's mean is over all of the window, whatever lies outside the image; rounded up, the last window is cut."""
    return node.attributes.get("count_include_pad", 0) == 1 and not node.attributes.get("ceil_mode", 0)


def spatial_zeros(pad, links):
    """The pads of the axes after the first two as Conv has them, where a Pad puts zeros there and nowhere else; else None."""
    pads = links.given(pad, "pads", 1)
    value = links.scalar(pad.inputs[2]) if len(pad.inputs) > 2 and pad.inputs[2] else pad.attributes.get("value", 0)
    if pads is None or value != 0 or pad.attributes.get("mode", "constant") != "constant" or len(pad.inputs) > 3 and pad.inputs[3]:
        return None
    pads = [int(n) for n in pads]
    half = len(pads) // 2
    if any(pads[:2] + pads[half:half + 2]) or min(pads) < 0:
        return None
    return pads[2:half] + pads[half + 2:]


# Dense layers

def matmul_into_gemm(graph, facts):
    """x @ w + b of matrices is a Gemm; so is x @ w alone from opset 11 on. A transposed w is taken as it is."""
    links = Links(graph)
    for node in graph.nodes:
        if node.op_type == "MatMul" and not node.domain and rank(node.inputs[0], facts) == 2:
            weight, attributes = weights(node.inputs[1], links)
            bias = None if weight is None else added(node, links, weight.shape[attributes.get("transB", 0) - 1])
            if weight is not None and (bias or graph.opset >= 11):
                node.op_type, node.attributes = "Gemm", attributes
                node.inputs[1] = transposed_from(node.inputs[1], attributes, links)
                take_bias(node, bias, links)
    sweep(graph)
    return graph


def weights(name, links):
    """(the matrix, what Gemm is to be told) where a value is a given matrix or a given one transposed; else (None, {})."""
    transpose = links.producer(name, "Transpose")
    source = name if transpose is None else transpose.inputs[0]
    array = links.constant(source)
    if array is None or array.ndim != 2 or array.dtype.kind != "f":
        return None, {}
    return array, {} if transpose is None else {"transB": 1}


def transposed_from(name, attributes, links):
    return links.producer(name, "Transpose").inputs[0] if attributes else name


def added(node, links, size):
    """(the Add after a node, the name of its constant) where it adds `size` numbers along the last axis; else None."""
    add, name = constant_added(node, links)
    array = links.constant(name)
    return (add, name) if add and array.shape[-1:] == (size,) and array.size == size and array.ndim <= 2 else None


def constant_added(node, links):
    """(the one user of a node's result, an Add, the name of the constant in it); else (None, None)."""
    add = links.only_user(node.outputs[0], "Add")
    pair = operands(add, links) if add is not None and not add.attributes else None
    return (None, None) if pair is None else (add, pair[1])


def take_bias(node, bias, links):
    """The node gets a bias and computes what the Add after it did."""
    if bias:
        add, name = bias
        node.inputs = [*node.inputs[:2], links.renewed(name, links.constant(name).reshape(-1))]
        node.outputs, add.outputs = add.outputs, [""]


def bias_into_layer(graph, facts):
    """Conv(x, w) + b, one number for each channel, is Conv(x, w, b); so is a Gemm's."""
    links = Links(graph)
    for node in graph.nodes:
        if node.op_type in ("Conv", "ConvTranspose", "Gemm") and not node.domain and not any(node.inputs[2:]):
            take_bias(node, channel_bias(node, links, facts), links)
    sweep(graph)
    return graph


def channel_bias(node, links, facts):
    """(the Add after a layer, the name of its constant) where it adds one number for each channel; else None."""
    add, name = constant_added(node, links)
    weight, shape = links.constant(node.inputs[1]), facts.get(node.outputs[0], Known()).shape
    if add is None or weight is None or shape is None or shape[1] == 1:
        return None
    array, axes = links.constant(name), len(shape)
    whole = (1,) * (axes - array.ndim) + array.shape
    return (add, name) if whole == (1, shape[1], *[1] * (axes - 2)) and array.dtype == weight.dtype else None
