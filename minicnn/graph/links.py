"""Who computes and who uses each value of a graph: what passes that rewrite it ask."""

from collections import defaultdict

from .order import names_of, needed
from .rename import fresh, renamed


class Links:
    """Producers and users of a graph's values, taken when it is made; a pass that changes nodes makes its own."""

    def __init__(self, graph):
        self.graph = graph
        self.producers = {name: node for node in graph.nodes for name in node.outputs if name}
        self.users = defaultdict(list)
        for node in graph.nodes:
            for name in needed(node):
                self.users[name].append(node)
        self.results = {value.name for value in graph.outputs}
        self.names = names_of(graph)

    def producer(self, name, *op_types):
        """The node of one of these kinds that computes a value, else None."""
        node = self.producers.get(name)
        return node if node is not None and node.op_type in op_types and not node.domain else None

    def only_user(self, name, *op_types):
        """The one node that uses a value, if it is of one of these kinds and the value is no output of the graph; else None."""
        users = self.users[name]
        alone = len(users) == 1 and name not in self.results and users[0].inputs.count(name) == 1
        return users[0] if alone and users[0].op_type in op_types and not users[0].domain else None

    def constant(self, name):
        """The array of an initializer, else None."""
        return self.graph.initializers.get(name)

    def scalar(self, name):
        """The number of an initializer of one element, else None."""
        array = self.constant(name)
        return array.reshape(-1)[0].item() if array is not None and array.size == 1 else None

    def given(self, node, name, index):
        """What newer versions have as an input and older ones as an attribute; None where it is computed or left out."""
        if name in node.attributes:
            return node.attributes[name]
        return self.constant(node.inputs[index]) if index < len(node.inputs) else None

    def renewed(self, name, array):
        """The name of an initializer that holds `array` in the place of another: the same one where nobody else uses it."""
        if len(self.users[name]) > 1 or name in self.results:
            name = fresh(name, self.names)
        self.graph.initializers[name] = array
        return name


def operands(node, links):
    """(the operand that is computed, the name of the one that is given) of a node of two operands; None where it is not so."""
    a, b = node.inputs
    if (a in links.graph.initializers) == (b in links.graph.initializers):
        return None
    return (b, a) if a in links.graph.initializers else (a, b)


def substitute(graph, new):
    """Every use of a name in {old: new} becomes one of what it finally stands for; the graph's outputs keep their names."""
    def final(name):
        while name in new:
            name = new[name]
        return name

    if new:
        graph.nodes = [with_inputs(node, final) for node in graph.nodes]


def with_inputs(node, final):
    """The node with other inputs; what it computes itself keeps its name, as do the values inside its graphs."""
    own = set(node.outputs)
    return renamed(node, lambda name: name if name in own else final(name))


def sweep(graph):
    """Nodes whose results nobody needs go, and initializers with them."""
    wanted, kept = {value.name for value in graph.outputs}, []
    for node in reversed(graph.nodes):
        if wanted.intersection(node.outputs):
            kept.append(node)
            wanted.update(needed(node))
    graph.nodes = kept[::-1]
    graph.initializers = {name: array for name, array in graph.initializers.items() if name in wanted}
