"""Graphs as programs export them -> graphs of layers: the same function, in fewer nodes.

    constants folded -> identities gone -> Transposes moved together -> groups of nodes that are one layer
"""

from .folding import fold
from .identities import remove_identities
from .links import sweep
from .lrn import find_lrn
from .patterns import bias_into_layer, matmul_into_gemm, pad_into_conv
from .transposes import move_transposes

PASSES = (remove_identities, find_lrn, matmul_into_gemm, move_transposes, remove_identities, pad_into_conv, bias_into_layer,
          matmul_into_gemm)


def simplify(graph):
    """The graph, rewritten in place. Raises DataError, naming the node, where it cannot be computed.

    A network as PyTorch or Keras exports it comes out as convolutions, activations, joins and dense layers; a batch size that is
    free stays free, and initializers keep their names.
    """
    weights = {name for name, array in graph.initializers.items() if array.dtype.kind == "f"}
    sweep(graph)
    facts = fold(graph, held=weights)
    sweep(graph)
    for rewrite in PASSES:
        facts = facts if rewrite is not matmul_into_gemm else fold(graph, held=weights)
        rewrite(graph, facts)
    fold(graph)
    sweep(graph)
    return graph
