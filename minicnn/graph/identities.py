"""Nodes whose result is their input: Identity, a Cast to what it is, moves that add up to nothing."""

import numpy as np

from .ir import Node
from .links import Links, substitute, sweep
from .shapes import Known

RESHAPES = {"Reshape", "Flatten", "Squeeze", "Unsqueeze"}       # the numbers stay in their order


def remove_identities(graph, facts):
    """Takes out what changes nothing, and the first of two reshapes in a row."""
    links, new, origins = Links(graph), {}, {}
    for node in graph.nodes:
        source = same_as(node, facts, links, origins)
        if source is not None:
            new[node.outputs[0]] = source
    keep_results(graph, new, links)
    substitute(graph, new)
    sweep(graph)
    return graph


def same_as(node, facts, links, origins):
    """The value that a node's result is the same as, or None."""
    if node.domain or not node.inputs or not node.outputs[0]:
        return None
    x, y = (facts.get(name, Known()) for name in (node.inputs[0], node.outputs[0]))
    if node.op_type in RESHAPES:
        return same_as_origin(node, y, facts, links, origins)
    same_shape = x.shape is not None and x.shape == y.shape
    same = {
        "Identity": True, "Concat": len(node.inputs) == 1, "Sum": len(node.inputs) == 1, "Expand": same_shape, "Tile": same_shape,
        "Cast": x.dtype is not None and x.dtype == y.dtype, "Slice": same_shape and forwards(node, links),
        "Pad": same_shape and is_all(node, "pads", 1, 0, links), "Transpose": node.attributes.get("perm") == list(range(len(x.shape or ()))),
    }
    return node.inputs[0] if same.get(node.op_type) else None


def same_as_origin(node, y, facts, links, origins):
    """What stood before a row of reshapes, where the last one restores its shape; else the row is cut short."""
    origin = origins.get(node.inputs[0], node.inputs[0])
    shape = facts.get(origin, Known()).shape
    if shape is not None and shape == y.shape:
        return origin
    target = links.constant(node.inputs[1]) if node.op_type == "Reshape" and len(node.inputs) > 1 else None
    if target is not None and not node.attributes.get("allowzero") and all(target.reshape(-1) != 0):
        node.inputs[0] = origin
    origins[node.outputs[0]] = origin
    return None


def forwards(node, links):
    """Whether a Slice takes steps of 1, known here."""
    return len(node.inputs) < 5 or not node.inputs[4] or is_all(node, "steps", 4, 1, links)


def is_all(node, attribute, index, number, links):
    values = node.attributes.get(attribute, links.constant(node.inputs[index]) if len(node.inputs) > index else None)
    return values is not None and bool(np.all(np.asarray(values) == number))


def keep_results(graph, new, links):
    """A graph's output has its name to the end: either what it is the same as takes that name, or an Identity gives it."""
    for value in graph.outputs:
        source = new.pop(value.name, None)
        while source in new:
            source = new[source]
        if source is None:
            continue
        node = links.producers[value.name]
        graph.nodes[next(i for i, n in enumerate(graph.nodes) if n is node)] = Node("Identity", [source], [value.name], name=node.name)
        producer = links.producers.get(source)
        if producer is not None and source not in links.results:
            links.results.add(source)
            rename_result(graph, producer, source, value.name, new)


def rename_result(graph, producer, old, name, new):
    """`producer` computes `name` where it computed `old`; the Identity between them goes."""
    graph.nodes = [node for node in graph.nodes if name not in node.outputs]
    producer.outputs = [name if output == old else output for output in producer.outputs]
    new[old] = name
