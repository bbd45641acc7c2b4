"""New names for values, so that parts of graphs can be put together."""

from dataclasses import replace

from .ir import Graph


def fresh(name, taken):
    """The name, or one like it that is not taken; it is added to `taken` where that is a set."""
    found, count = name, 1
    while found in taken:
        found, count = f"{name}_{count}", count + 1
    if isinstance(taken, set):
        taken.add(found)
    return found


def renamed(node, new):
    """The node with `new(name)` for each name of a value that is not left out, also inside its graphs."""
    attributes = {key: renamed_graph(value, new) if isinstance(value, Graph) else value for key, value in node.attributes.items()}
    return replace(node, inputs=names(node.inputs, new), outputs=names(node.outputs, new), attributes=attributes)


def names(values, new):
    return [name and new(name) for name in values]


def renamed_graph(graph, new):
    return replace(graph, inputs=[replace(value, name=new(value.name)) for value in graph.inputs],
                   outputs=[replace(value, name=new(value.name)) for value in graph.outputs],
                   nodes=[renamed(node, new) for node in graph.nodes],
                   initializers={new(name): array for name, array in graph.initializers.items()})
