"""Which initializers of an .onnx file are trained. The file does not say: it holds weights, statistics and plain constants alike.

Trained are the floating weights of layers, and vectors that an Add or a Mul applies, for these are biases and scales that an exporter
wrote apart. Not trained are running statistics, single numbers, tensors of PyTorch's expressions ("onnx::Mul_12"), and what is added
to or multiplied with the network's input before its first layer: that is normalisation.
"""

WEIGHTS = {                         # the inputs of an operator that are trained
    "Conv": (1, 2), "ConvTranspose": (1, 2), "Gemm": (1, 2), "MatMul": (0, 1), "PRelu": (1,),
    "BatchNormalization": (1, 2), "InstanceNormalization": (1, 2),
    "LayerNormalization": (1, 2), "GroupNormalization": (1, 2), "RMSNormalization": (1,),
}
APPLIED = {"Add", "Mul"}
PASSED = APPLIED | {"Sub", "Div", "Cast", "Transpose", "Identity"}        # between the input and the first layer


def trained(graph):
    """The names of the initializers that are trained."""
    found, raw = set(), {value.name for value in graph.inputs}
    for node in graph.nodes:
        places = WEIGHTS.get(node.op_type, ()) if not node.domain else ()
        found.update(node.inputs[i] for i in places if i < len(node.inputs))
        if raw.isdisjoint(node.inputs):
            found.update(name for name in node.inputs if node.op_type in APPLIED and is_vector(name, graph))
        elif node.op_type in PASSED:
            raw.update(node.outputs)
    return {name for name in found if name in graph.initializers and graph.initializers[name].dtype.kind == "f"}


def is_vector(name, graph):
    return name in graph.initializers and graph.initializers[name].size > 1 and not name.startswith("onnx::")
