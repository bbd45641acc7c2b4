"""A model's own functions: each call is replaced by the nodes of the function's body.

    y = f(a, b), f(x, w) = g(h(x), w)   becomes   y/t = h(a); y = g(y/t, b)

Names inside a body get the call's first output's before them, so that two calls do not meet.
"""

from dataclasses import replace
from typing import NamedTuple

from ..errors import DataError
from ..graph import Graph, Node
from ..graph.order import MAX_NODES, label
from ..graph.rename import renamed

MAX_DEPTH = 50                      # functions that call functions


class Reference(NamedTuple):
    """An attribute inside a body whose value is the call's."""

    name: str


class Function(NamedTuple):
    """A body and what a call puts into it. `nodes` are pairs: a Node, and the key of the function that it calls, or None."""

    inputs: list
    outputs: list
    defaults: dict
    nodes: list


def key(proto):
    """By what a call finds its function; also a function's own."""
    return proto.domain, proto.op_type if hasattr(proto, "op_type") else proto.name, proto.overload


def expanded(nodes, functions):
    """The nodes, calls replaced by what they stand for.

    nodes      pairs as in a Function
    functions  {key: Function}
    """
    done, stack = [], [iter(nodes)]
    while stack:
        entry = next(stack[-1], None)
        if entry is None:
            stack.pop()
            continue
        node, called = entry
        if called is None:
            done.append(node)
        elif len(stack) > MAX_DEPTH:
            raise DataError(f"{label(node)} calls a function that calls itself, or more than {MAX_DEPTH} in turn")
        else:
            stack.append(iter(body(node, functions[called])))
        if len(done) > MAX_NODES:
            raise DataError(f"with its functions' bodies it has more than {MAX_NODES:,} nodes")
    return done


def body(call, function):
    """The nodes that a call stands for, as pairs."""
    if len(call.inputs) > len(function.inputs) or len(call.outputs) > len(function.outputs):
        raise DataError(f"{label(call)} has more inputs or outputs than the function that it calls")
    prefix = f"{next(filter(None, call.outputs), call.op_type)}/"
    given = dict(zip(function.inputs, call.inputs + [""] * len(function.inputs)))
    results = {inner: outer for inner, outer in zip(function.outputs, call.outputs) if outer}
    copies = [(Node("Identity", [given[inner]], [outer]), None) for inner, outer in results.items() if inner in given]
    names = {**results, **given}
    attributes = {**function.defaults, **call.attributes}

    def new(name):
        return names.get(name, prefix + name)

    return copies + [(renamed(replace(with_attributes(node, attributes), name=prefix + node.name), new), called)
                     for node, called in function.nodes]


def with_attributes(node, given):
    """The node of a body with the call's attributes where it refers to them; one that nobody gives is left to its default."""
    attributes = {name: given.get(value.name) if isinstance(value, Reference) else value for name, value in node.attributes.items()}
    attributes = {name: inside(value, given) for name, value in attributes.items() if value is not None}
    return replace(node, attributes=attributes)


def inside(value, given):
    return replace(value, nodes=[with_attributes(node, given) for node in value.nodes]) if isinstance(value, Graph) else value
