"""Whether a graph can be run: everything that is wrong with it is found before anything is built or computed."""

from ..errors import BadValue, UnsupportedOperator
from .ir import DOMAIN, Graph
from .operators import TABLE, described
from .order import subgraphs
from .own import check_own

CONTROL = {"If"}


def check_graph(graph):
    """Raises UnsupportedOperator with all operators that are unknown, or ValueError for the first node that does not fit."""
    unknown = unsupported(graph)
    if unknown:
        raise UnsupportedOperator(unknown, f" (graph {graph.name!r}, opset {graph.opset})")
    given = [value.name for value in graph.inputs]
    if len(set(given)) != len(given):
        raise BadValue(f"graph {graph.name!r}: two inputs have one name: {given}")
    _check_nodes(graph, {*given, *graph.initializers})


def unsupported(graph):
    """The operators of a graph, and of the graphs in its nodes, that are not in the table."""
    found = []
    for node in graph.nodes:
        if node.domain == DOMAIN:
            continue
        if node.domain not in ("", "ai.onnx"):
            found.append(f"{node.domain}.{node.op_type}")
        elif node.op_type in CONTROL:
            found += [name for branch in subgraphs(node) for name in unsupported(branch)]
        elif node.op_type not in TABLE:
            found.append(node.op_type)
    return found


def _check_nodes(graph, known):
    """Every input is there before its node, no value is computed twice, and the outputs are there at the end."""
    known = set(known)
    for node in graph.nodes:
        missing = [name for name in node.inputs if name and name not in known]
        if missing:
            raise BadValue(f"{described(node)}: its input {missing[0]!r} is neither an input of graph {graph.name!r}, nor an initializer, "
                           "nor computed before it")
        _check_node(node, known)
        outputs = [name for name in node.outputs if name]
        again = [name for name in outputs if name in known or outputs.count(name) > 1]
        if again or not node.outputs:
            raise BadValue(f"{described(node)}: " + (f"its output {again[0]!r} is there already" if again else "it has no outputs"))
        known.update(outputs)
    missing = [value.name for value in graph.outputs if value.name not in known]
    if missing:
        raise BadValue(f"graph {graph.name!r}: nothing computes its output {missing[0]!r}")


def _check_node(node, known):
    if node.domain == DOMAIN:
        check_own(node)
    elif node.op_type in CONTROL:
        _check_if(node, known)
    else:
        TABLE[node.op_type].check(node)


def _check_if(node, known):
    """An If has a condition and two graphs, which see what was computed before it."""
    branches = [node.attributes.get(name) for name in ("then_branch", "else_branch")]
    if len(node.inputs) != 1 or not all(isinstance(branch, Graph) for branch in branches):
        raise BadValue(f"{described(node)}: expected one input, the condition, and two graphs, then_branch and else_branch")
    for branch in branches:
        if branch.inputs or len(branch.outputs) != len(node.outputs):
            raise BadValue(f"{described(node)}: each branch must have no inputs and {len(node.outputs)} outputs, got "
                           f"{len(branch.inputs)} and {len(branch.outputs)}")
        _check_nodes(branch, {*known, *branch.initializers})
