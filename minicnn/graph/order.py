"""The order of a graph: every name stands for one value, and each node comes after those that its inputs are from."""

from ..errors import DataError
from .ir import Graph

MAX_NODES = 10_000                  # with those inside other nodes; the largest networks of images have a fifth of it
NEW, BEGUN, PLACED = range(3)       # of a node while the order is sought


def in_order(graph):
    """The graph, its nodes put into an order in which they can be computed. Raises DataError that names node and value."""
    if sum(1 for _ in all_nodes(graph)) > MAX_NODES:
        raise DataError(f"it has more than {MAX_NODES:,} nodes")
    return checked(graph, frozenset())


def all_nodes(graph):
    """Every node of a graph and of the graphs inside its nodes."""
    stack = [graph]
    while stack:
        for node in stack.pop().nodes:
            yield node
            stack.extend(subgraphs(node))


def subgraphs(node):
    """The graphs among a node's attributes."""
    return [value for value in node.attributes.values() if isinstance(value, Graph)]


def label(node):
    """How messages call a node."""
    name = node.name or next((name for name in node.outputs if name), "")
    return f"the {node.op_type} node {name!r:.80}"


def checked(graph, outside):
    """A graph whose nodes may use the values `outside` it."""
    given = given_names(graph)
    producers = producers_of(graph, given | outside)
    graph.nodes = ordered(graph.nodes, producers, given | outside)
    there = set(given | outside)
    for node in graph.nodes:
        for inner in subgraphs(node):
            checked(inner, frozenset(there))
        there.update(node.outputs)
    missing = [value.name for value in graph.outputs if value.name not in there]
    if missing:
        raise DataError(f"the output {missing[0]!r:.80} is computed by no node")
    return graph


def given_names(graph):
    names = [value.name for value in graph.inputs]
    for values, what in ((names, "input"), ([value.name for value in graph.outputs], "output")):
        if "" in values or len(set(values)) < len(values):
            twice = next(name for name in values if not name or values.count(name) > 1)
            raise DataError(f"two {what}s have the name {twice!r:.80}" if twice else f"an {what} has no name")
    if not graph.outputs:
        raise DataError("it has no output")
    return frozenset(names) | frozenset(graph.initializers)


def producers_of(graph, given):
    """{value: index of the node that computes it}."""
    producers = {}
    for index, node in enumerate(graph.nodes):
        for name in filter(None, node.outputs):
            if name in producers or name in given:
                raise DataError(f"{label(node)} computes {name!r:.80}, which is there already")
            producers[name] = index
    return producers


def ordered(nodes, producers, given):
    """The nodes in their order as far as possible, each after those whose outputs it needs."""
    needs = [needed(node) for node in nodes]
    for node, names in zip(nodes, needs):
        for name in names:
            if name not in producers and name not in given:
                raise DataError(f"{label(node)} needs {name!r:.80}, which is nowhere computed")
    order, state = [], [NEW] * len(nodes)
    for start in range(len(nodes)):
        stack = [(start, iter(needs[start]))] if state[start] == NEW else []
        while stack:
            index, waiting = stack[-1]
            state[index] = BEGUN
            before = next((producers[name] for name in waiting if name in producers and state[producers[name]] != PLACED), None)
            if before is None:
                order.append(stack.pop()[0])
                state[index] = PLACED
            elif state[before] == BEGUN:
                raise DataError(f"{label(nodes[before])} needs its own result: the nodes form a cycle")
            else:
                stack.append((before, iter(needs[before])))
    return [nodes[index] for index in order]


def needed(node):
    """The names of the values that a node uses, with those that the graphs inside it use from outside."""
    return list(dict.fromkeys([name for name in node.inputs if name] + [name for graph in subgraphs(node) for name in free_names(graph)]))


def names_of(graph):
    """Every name that stands for a value at the top of a graph."""
    return {*(value.name for value in graph.inputs), *graph.initializers, *(name for node in graph.nodes for name in node.outputs if name)}


def free_names(graph):
    """What a graph inside a node uses and does not have itself."""
    own = names_of(graph)
    used = [name for node in graph.nodes for name in needed(node)] + [value.name for value in graph.outputs]
    return [name for name in used if name not in own]
