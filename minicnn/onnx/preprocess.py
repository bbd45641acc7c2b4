"""Normalisation inside a graph, which then takes images as they are read from files: uint8 in 0..255."""

import numpy as np

from ..errors import BadValue
from ..graph.ir import ELEMENT_TYPES, Node, Value
from ..graph.order import names_of
from ..graph.rename import fresh

LAYOUTS = ("NHWC", "NCHW")


def take_images(graph, layout):
    """Let the graph take images uint8: brought into the order NCHW, cast, and normalised by the metadata's mean and std.

    layout  "NCHW" or "NHWC", the order of the axes of the images
    """
    value = graph.inputs[0]
    check(graph, value, layout)
    images = fresh("images", names_of(graph))
    steps = [("Transpose", [], {"perm": [0, 3, 1, 2]})] if layout == "NHWC" else []
    steps += [("Cast", [], {"to": ELEMENT_TYPES[value.dtype]})]
    steps += [(op, [of_pixels(graph, images, role, value.dtype)], {}) for op, role in (("Sub", "mean"), ("Div", "std"))]
    nodes, at = [], images
    for number, (op, others, attributes) in enumerate(steps, 1):
        name = f"{images}.{op.lower()}"
        result = value.name if number == len(steps) else name
        nodes.append(Node(op, [at, *others], [result], attributes, name))
        at = result
    graph.nodes[:0] = nodes
    n, c, h, w = value.shape
    graph.inputs[0] = Value(images, "uint8", value.shape if layout == "NCHW" else (n, h, w, c))


def check(graph, value, layout):
    """Refuse what is no model of images, or has no mean and std."""
    if layout not in LAYOUTS:
        raise BadValue(f'preprocessing must be "NCHW" or "NHWC", got {layout!r}')
    found = [graph.metadata.get(name) for name in ("mean", "std")]
    channels = value.shape[1] if len(value.shape) == 4 else None
    if len(graph.inputs) != 1 or channels is None or not all(isinstance(v, list) and len(v) == channels for v in found):
        raise BadValue("preprocessing needs a model of images (N, C, H, W), and metadata with mean and std, a number for each channel")


def of_pixels(graph, images, role, dtype):
    """An initializer (C, 1, 1) with the metadata's numbers, which are for pixels in 0..1, for pixels in 0..255."""
    name = fresh(f"{images}.{role}", names_of(graph))
    graph.initializers[name] = (np.asarray(graph.metadata[role], dtype) * np.dtype(dtype).type(255)).reshape(-1, 1, 1)
    return name
