"""How many dimensions the values of a graph have, as far as it can be told without computing: which batch norm layer a node is."""

from .ir import DOMAIN

SAME = set("Relu LeakyRelu Elu Selu Celu Sigmoid Tanh HardSigmoid HardSwish Softplus Softsign Gelu Mish PRelu Clip Dropout Identity Cast "
           "BatchNormalization InstanceNormalization LRN GlobalAveragePool GlobalMaxPool MaxPool AveragePool LpPool Pad Softmax LogSoftmax "
           "Exp Log Sqrt Abs Neg Concat Transpose GroupNormalization Resize Upsample DepthToSpace SpaceToDepth Slice".split())
SAME_OURS = set("silu mish gelu celu hardtanh logsigmoid softplus prelu dropout dropout1d dropout2d batch_norm instance_norm group_norm "
                "layer_norm local_response_norm pad interpolate avg_pool1d avg_pool2d lp_pool2d max_pool1d max_pool2d_with_indices "
                "adaptive_avg_pool1d adaptive_avg_pool2d adaptive_max_pool1d adaptive_max_pool2d linear pow rsqrt expm1 log1p trunc detach "
                "setitem flip roll".split())
BROADCAST = set("Add Sub Mul Div Pow Max Min Sum Mean".split())


def ranks_of(graph):
    """{value: number of dimensions}, without those that are not known."""
    ranks = {value.name: len(value.shape) for value in graph.inputs if value.shape is not None}
    ranks.update((name, array.ndim) for name, array in graph.initializers.items())
    for node in graph.nodes:
        rank = _rank(node, ranks, graph.initializers)
        if rank is not None:
            ranks.update((name, rank) for name in node.outputs[:1] if name)
    return ranks


def _rank(node, ranks, initializers):
    """The number of dimensions of a node's first output, or None."""
    of_inputs = [ranks.get(name) for name in node.inputs if name]
    if node.domain:
        return of_inputs[0] if node.domain == DOMAIN and node.op_type in SAME_OURS else None
    if node.op_type in ("Conv", "ConvTranspose"):
        return of_inputs[1]
    if node.op_type in ("Flatten", "Gemm"):
        return 2
    if node.op_type in SAME:
        return of_inputs[0]
    if node.op_type in BROADCAST:
        return None if None in of_inputs else max(of_inputs)
    if node.op_type == "Reshape" and len(node.inputs) == 2 and node.inputs[1] in initializers:
        return initializers[node.inputs[1]].size
    if node.op_type == "MatMul" and None not in of_inputs and min(of_inputs) > 1:
        return max(of_inputs)
    return None
