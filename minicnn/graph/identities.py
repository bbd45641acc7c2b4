"""Nodes whose result is their input: Identity, a Cast to what it is, moves that add up to nothing."""

import numpy as np

from .dtypes import type_of
from .facts import Known
from .ir import Node
from .links import Links, substitute, sweep

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
    same = SAME.get(node.op_type)
    return node.inputs[0] if same is not None and same(node, x, y, links) else None


def same_as_origin(node, y, facts, links, origins):
    """What stood before a row of reshapes, where the last one restores its shape; else the row is cut short."""
    origin = origins.get(node.inputs[0], node.inputs[0])
    for name in (origin, node.inputs[0]):
        shape = facts.get(name, Known()).shape
        if shape is not None and shape == y.shape:
            return name
    target = links.constant(node.inputs[1]) if node.op_type == "Reshape" and len(node.inputs) > 1 else None
    if target is not None and not node.attributes.get("allowzero") and all(target.reshape(-1) != 0):
        node.inputs[0] = origin
    origins[node.outputs[0]] = origin
    return None


def same_shape(node, x, y, links):
    return x.shape is not None and x.shape == y.shape


def same_dtype(node, x, y, links):
    """Half precision is computed in single; unsigned integers that are held by wider ones are cut."""
    return x.dtype is not None and x.dtype == y.dtype and type_of(node.attributes["to"]) not in ("uint16", "uint32", "uint64")


def whole_slice(node, x, y, links):
    """Of the same shape, in steps of 1."""
    return same_shape(node, x, y, links) and (len(node.inputs) < 5 or not node.inputs[4] or is_all(node, "steps", 4, 1, links))


def no_pads(node, x, y, links):
    return is_all(node, "pads", 1, 0, links)


def one_input(node, x, y, links):
    return len(node.inputs) == 1


def in_order(node, x, y, links):
    perm = node.attributes.get("perm")
    return perm is not None and perm == sorted(perm)


def always(node, x, y, links):
    return True


SAME = {
    "Identity": always, "Cast": same_dtype, "Expand": same_shape, "Tile": same_shape, "Slice": whole_slice, "Pad": no_pads,
    "Transpose": in_order, "Concat": one_input, "Sum": one_input, "Max": one_input, "Min": one_input, "Mean": one_input,
}


def is_all(node, attribute, index, number, links):
    values = links.given(node, attribute, index)
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
