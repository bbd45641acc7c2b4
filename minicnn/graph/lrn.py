"""Local response normalization that an exporter wrote as its parts.

    x / (bias + alpha · mean over `size` neighbouring channels of x²) ** beta

PyTorch writes the mean as AveragePool over an image whose height is the channels: Reshape to (N, 1, C, H, W) or Unsqueeze, Pad,
AveragePool, and back. The parts are followed from the Div upwards.
"""

from .facts import Known
from .identities import RESHAPES
from .links import Links, operands, sweep
from .patterns import rank, spatial_zeros


def find_lrn(graph, facts):
    """The graph with an LRN in the place of each such Div."""
    links = Links(graph)
    for node in graph.nodes:
        attributes = normalization(node, links, facts) if node.op_type == "Div" and not node.domain else None
        if attributes:
            node.op_type, node.inputs, node.attributes = "LRN", node.inputs[:1], attributes
    sweep(graph)
    return graph


def normalization(node, links, facts):
    """LRN's attributes where a Div is one, else None."""
    x = node.inputs[0]
    mean, beta = scaled(node.inputs[1], "Pow", links)
    mean, bias = scaled(mean, "Add", links)
    mean, alpha = scaled(mean, "Mul", links)
    square, size = channel_mean(mean, facts.get(x, Known()).shape, links, facts) if mean else (None, None)
    if square is None or not is_square_of(square, x, links):
        return None
    return {"alpha": alpha, "beta": beta, "bias": bias, "size": size}


def scaled(name, op_type, links):
    """(what a node of that kind takes beside a number, the number) of a value that it computes; (None, None) if it does not."""
    node = links.producer(name, op_type) if name else None
    pair = operands(node, links) if node is not None else None
    number = links.scalar(pair[1]) if pair else None
    if number is None or op_type == "Pow" and pair[0] != node.inputs[0]:
        return None, None
    return pair[0], number


def is_square_of(name, x, links):
    node = links.producer(name, "Mul", "Pow")
    if node is None:
        return False
    return node.inputs == [x, x] if node.op_type == "Mul" else node.inputs[0] == x and links.scalar(node.inputs[1]) == 2


def channel_mean(name, shape, links, facts):
    """(value, size) where `name` is the mean over `size` channels around each of a value of that shape; else (None, None)."""
    pool = links.producer(before_reshapes(name, links), "AveragePool")
    if pool is None or shape is None or facts.get(name, Known()).shape != shape or pool.attributes.get("ceil_mode", 0):
        return None, None
    padded, pads = pool.inputs[0], list(pool.attributes.get("pads", ()))
    pad = links.producer(padded, "Pad")
    if pad is not None and not any(pads):
        padded, pads = pad.inputs[0], spatial_zeros(pad, links)
    elif any(pads) and pool.attributes.get("count_include_pad", 0) != 1:
        return None, None
    kernel = list(pool.attributes["kernel_shape"])
    size, place = kernel[0], rank(padded, facts)
    wanted = [(size - 1) // 2, *[0] * (len(kernel) - 1), size // 2, *[0] * (len(kernel) - 1)]
    plain = {*kernel[1:], *pool.attributes.get("strides", []), *pool.attributes.get("dilations", [])} <= {1}
    fits = place == len(kernel) + 2 and channels_first(facts[padded].shape, shape) and pads == wanted
    return (before_reshapes(padded, links), size) if plain and fits else (None, None)


def before_reshapes(name, links):
    """The value that a row of reshapes begins with."""
    while (node := links.producer(name, *RESHAPES)) is not None:
        name = node.inputs[0]
    return name


def channels_first(view, shape):
    """Whether (N, 1, C, ...) is a view of (N, C, ...)."""
    return view is not None and view[1] == 1 and view[0] == shape[0] and view[2] == shape[1]
