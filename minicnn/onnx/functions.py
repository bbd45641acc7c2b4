"""A model's own functions: each call is replaced by the nodes of the function's body.

    y = f(a, b), f(x, w) = g(h(x), w)   becomes   f_1/t = h(a); y = g(f_1/t, b)

Names inside a body get the call's number before them, so that two calls do not meet.
"""

from dataclasses import replace
from typing import NamedTuple

from ..errors import DataError
from ..graph import Graph, Node
from ..graph.order import MAX_NODES, label, subgraphs
from ..graph.rename import renamed

MAX_DEPTH = 50                      # functions that call functions


class Reference(NamedTuple):
    """An attribute inside a body whose value is the call's."""

    name: str


class Function(NamedTuple):
    """A body, and what a call puts into it."""

    inputs: list
    outputs: list
    defaults: dict
    nodes: list


class Expansion:
    """Puts bodies in the place of calls.

    functions  {(domain, op_type): Function}
    """

    def __init__(self, functions):
        self.functions, self.calls, self.nodes = functions, 0, 0

    def graph(self, graph):
        """The graph without calls, also in the graphs inside its nodes."""
        graph.nodes = self.expanded(graph.nodes)
        for node in graph.nodes:
            for inner in subgraphs(node):
                self.graph(inner)
        return graph

    def expanded(self, nodes):
        done, stack = [], [iter(nodes)]
        while stack:
            node = next(stack[-1], None)
            function = node and self.functions.get((node.domain, node.op_type))
            if node is None:
                stack.pop()
            elif function is None:
                self.nodes += 1
                done.append(node)
            elif len(stack) > MAX_DEPTH:
                raise DataError(f"{label(node)} calls a function that calls itself, or more than {MAX_DEPTH} in turn")
            else:
                self.calls += 1
                stack.append(iter(body(node, function, f"{node.op_type}_{self.calls}/")))
            if self.nodes + self.calls > MAX_NODES:
                raise DataError(f"with its functions' bodies it has more than {MAX_NODES:,} nodes")
        return done


def body(call, function, prefix):
    """The nodes that a call stands for."""
    if len(call.inputs) > len(function.inputs) or len(call.outputs) > len(function.outputs):
        raise DataError(f"{label(call)} has more inputs or outputs than the function that it calls")
    given = dict(zip(function.inputs, call.inputs + [""] * len(function.inputs)))
    results = {inner: outer for inner, outer in zip(function.outputs, call.outputs) if outer}
    copies = [Node("Identity", [given[inner]], [outer]) for inner, outer in results.items() if inner in given]
    names = {**results, **given}
    attributes = {**function.defaults, **call.attributes}

    def new(name):
        return names.get(name, prefix + name)

    return copies + [renamed(replace(with_attributes(node, attributes), name=prefix + node.name), new) for node in function.nodes]


def with_attributes(node, given):
    """The node of a body with the call's attributes where it refers to them; one that nobody gives is left to its default."""
    attributes = {name: given.get(value.name) if isinstance(value, Reference) else value for name, value in node.attributes.items()}
    attributes = {name: inside(value, given) for name, value in attributes.items() if value is not None}
    return replace(node, attributes=attributes)


def inside(value, given):
    return replace(value, nodes=[with_attributes(node, given) for node in value.nodes]) if isinstance(value, Graph) else value
