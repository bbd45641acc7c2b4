"""Harm in a well-formed file: what a model says of itself, nodes, attributes, sizes, graphs in nodes, functions."""

import numpy as np
from build import FLOAT, INT64, model, node, value, weight
from hostile_case import add, changed, conv
from onnx import AttributeProto, GraphProto, TensorProto, helper

# What a model says of itself

add("no graph", lambda: changed(lambda m: m.ClearField("graph")))
add("no opset", lambda: changed(lambda m: m.ClearField("opset_import")))
add("two opsets", lambda: changed(lambda m: m.opset_import.add(domain="", version=9)))
add("opset 999", lambda: changed(lambda m: setattr(m.opset_import[0], "version", 999)))
add("opset -1", lambda: changed(lambda m: setattr(m.opset_import[0], "version", -1)))
add("IR version 0", lambda: changed(lambda m: setattr(m, "ir_version", 0)))
add("IR version 10^9", lambda: changed(lambda m: setattr(m, "ir_version", 10**9)))
add("no output", lambda: changed(lambda m: m.graph.ClearField("output")))
add("no nodes", lambda: changed(lambda m: m.graph.ClearField("node")))
add("output twice", lambda: changed(lambda m: m.graph.output.append(m.graph.output[0])))
add("input twice", lambda: changed(lambda m: m.graph.input.append(m.graph.input[0])))
add("nameless input", lambda: changed(lambda m: setattr(m.graph.input[0], "name", "")))
add("input without a type", lambda: changed(lambda m: m.graph.input[0].ClearField("type")))
add("input of an unknown type", lambda: changed(lambda m: setattr(m.graph.input[0].type.tensor_type, "elem_type", 77)))
add("input of strings", lambda: changed(lambda m: setattr(m.graph.input[0].type.tensor_type, "elem_type", 8)))
add("input is a sequence", lambda: changed(lambda m: m.graph.input.append(helper.make_tensor_sequence_value_info("s", FLOAT, None))))
add("input is optional", lambda: changed(lambda m: m.graph.input.append(helper.make_value_info(
    "o", helper.make_optional_type_proto(helper.make_tensor_type_proto(FLOAT, [1]))))))
add("input of huge sizes", lambda: model([node("Conv", "x w", "y")], inputs=[("x", (1, 3, 10**9, 10**9))], tensors={"w": weight(4, 3, 3, 3)}))
add("a name that is not UTF-8", lambda: conv().SerializeToString().replace(b"Conv", b"\xff\xfe\xfd\xfc"))
add("names of modules' parts", lambda: model([node("Conv", "x __class__.forward", "y", name="../../forward")],
                                             tensors={"__class__.forward": weight(4, 3, 3, 3)}))

# Nodes

add("cycle", lambda: model([node("Add", "x b", "a"), node("Relu", "a", "b"), node("Relu", "b", "y")]))
add("self-loop", lambda: model([node("Add", "x y", "y")]))
add("input from nowhere", lambda: model([node("Add", "x nothing", "y")]))
add("output from nowhere", lambda: model([node("Relu", "x", "z")]))
add("computed twice", lambda: model([node("Relu", "x", "y"), node("Abs", "x", "y")]))
add("computes its input", lambda: model([node("Relu", "x", "x"), node("Relu", "x", "y")]))
add("computes an initializer", lambda: model([node("Relu", "x", "w"), node("Add", "x w", "y")], tensors={"w": weight(1)}))
add("no operator", lambda: changed(lambda m: setattr(m.graph.node[0], "op_type", "")))
add("no inputs", lambda: changed(lambda m: m.graph.node[0].ClearField("input")))
add("no outputs", lambda: changed(lambda m: m.graph.node[0].ClearField("output")))
add("hundred inputs", lambda: changed(lambda m: m.graph.node[0].input.extend(["x"] * 100)))
add("hundred outputs", lambda: changed(lambda m: m.graph.node[0].output.extend([f"o{i}" for i in range(100)])))
add("unknown operators", lambda: model([node("Evil", "x", "a"), node("Loop2", "a", "b", domain="com.evil"), node("Relu", "b", "y")]))
add("hundred thousand nodes", lambda: model([node("Relu", f"v{i}", f"v{i + 1}") for i in range(100_000)], inputs=[("v0", ("N", 3))],
                                            outputs=["v100000"]))
add("nine thousand nodes", lambda: model([node("Relu", f"v{i}", f"v{i + 1}") for i in range(9_900)], inputs=[("v0", ("N", 3))],
                                          outputs=["v9900"]))
add("nine thousand nodes backwards", lambda: model([node("Relu", f"v{i}", f"v{i + 1}") for i in range(9_900)][::-1],
                                                    inputs=[("v0", ("N", 3))], outputs=["v9900"]))
add("nine thousand Transposes", lambda: model([node("Transpose", f"v{i}", f"v{i + 1}", perm=[1, 2, 0]) for i in range(9_900)],
                                               inputs=[("v0", ("N", 3, 4))], outputs=["v9900"]))
add("one node of fifty thousand inputs", lambda: model([node("Concat", " ".join(["x"] * 50_000), "y", axis=1)]))
add("doubled shapes", lambda: model([node("Shape", "x", "s0"), *[node("Mul", f"s{i} s{i}", f"s{i + 1}") for i in range(200)],
                                     node("Expand", "x s200", "y")]))
add("added shapes", lambda: model([node("Shape", "x", "s0"), node("Add", "s0 one", "t0"),
                                   *[node("Sub", f"t{i} s0", f"u{i}") for i in range(200)],
                                   *[node("Mul", f"u{i} t{i}", f"t{i + 1}") for i in range(200)], node("Reshape", "x t200", "y")],
                                  tensors={"one": np.array([1])}))

# Attributes

for name, attributes in {
    "strides 0": {"strides": [0, 0]}, "strides -1": {"strides": [-1, -1]}, "strides of words": {"strides": "two"},
    "one stride": {"strides": [1]}, "strides of halves": {"strides": [0.5, 0.5]}, "dilations 0": {"dilations": [0, 0]},
    "group 0": {"group": 0}, "group 2": {"group": 2}, "group -1": {"group": -1}, "group 2^40": {"group": 2**40}, "pads -9": {"pads": [-9] * 4},
    "pads 2^40": {"pads": [2**40] * 4}, "pads 30000": {"pads": [30000] * 4}, "three pads": {"pads": [1] * 3}, "kernel of others": {"kernel_shape": [5, 5]},
    "auto_pad of no kind": {"auto_pad": "MAYBE"}, "an attribute of others": {"epsilon": 1.0}, "dilations 10^9": {"dilations": [10**9] * 2},
}.items():
    add(f"Conv with {name}", lambda attributes=attributes: conv(**attributes))
add("an attribute twice", lambda: changed(lambda m: m.graph.node[0].attribute.extend([helper.make_attribute("group", 1)] * 2)))
add("an attribute of no type", lambda: changed(lambda m: m.graph.node[0].attribute.append(AttributeProto(name="group"))))
add("an attribute's reference", lambda: changed(lambda m: m.graph.node[0].attribute.append(
    AttributeProto(name="group", ref_attr_name="g", type=AttributeProto.INT))))
add("pool of 10^9", lambda: model([node("AveragePool", "x", "y", kernel_shape=[10**9, 10**9], pads=[10**9] * 4)]))
add("pool stretched", lambda: model([node("MaxPool", "x", "y", kernel_shape=[20000, 20000], pads=[19999] * 4)]))
add("transposed convolution, stride 10^6", lambda: model([node("ConvTranspose", "x w", "y", strides=[10**6, 10**6])],
                                                         tensors={"w": weight(3, 4, 3, 3)}))
add("batch norm of other channels", lambda: model([node("BatchNormalization", "x a a a a", "y")], tensors={"a": weight(5)}))
add("Gemm of other sizes", lambda: model([node("Flatten", "x", "f"), node("Gemm", "f w", "y")], tensors={"w": weight(7, 5)}))
add("softmax over axis 99", lambda: model([node("Softmax", "x", "y", axis=99)]))
add("concat over axis -99", lambda: model([node("Concat", "x x", "y", axis=-99)]))
add("perm of nonsense", lambda: model([node("Transpose", "x", "y", perm=[0, 0, 7, -1])]))
add("keepdims of 2", lambda: model([node("ReduceMax", "x", "y", keepdims=2)]))
add("LRN of size -1", lambda: model([node("LRN", "x", "y", size=-1)]))
add("weights of three axes", lambda: conv(w=weight(4, 3, 3)))
add("weights of no numbers", lambda: conv(w=weight(0, 3, 3, 3)))
add("NaN weights", lambda: conv(w=np.full((4, 3, 3, 3), np.nan, "float32")))
add("split into -3", lambda: model([node("Split", "x s", "y z", axis=1)], tensors={"s": np.array([-3, 6])}))
add("depth to space of block 0", lambda: model([node("DepthToSpace", "x", "y", blocksize=0)]))

# Sizes


def shaped(op, shape, **tensors):
    """A node whose second input is a shape."""
    return model([node(op, "x s", "y")], tensors={"s": np.array(shape, "int64"), **tensors})


add("Reshape to 10^18", lambda: shaped("Reshape", [10**9, 10**9]))
add("Reshape to two -1", lambda: shaped("Reshape", [-1, -1]))
add("Reshape to -7", lambda: shaped("Reshape", [-7, 3]))
add("Reshape to a wrong size", lambda: shaped("Reshape", [0, 191]))
add("Reshape by 0 beyond", lambda: shaped("Reshape", [0, 0, 0, 0, 0]))
add("Expand to 10^12", lambda: shaped("Expand", [10**6, 3, 1000, 1000]))
add("Tile by 10^6", lambda: shaped("Tile", [1, 10**6, 10**3, 10**3]))
add("Tile by -1", lambda: shaped("Tile", [1, -1, 1, 1]))
add("Pad by 10^9", lambda: shaped("Pad", [0] * 6 + [10**9] * 2))
add("Pad of words", lambda: model([node("Pad", "x s", "y", mode="mirror")], tensors={"s": np.zeros(8, "int64")}))
add("Resize by 10^9", lambda: model([node("Resize", "x _ s", "y")], tensors={"s": np.array([1, 1, 1e9, 1e9], "float32")}))
add("Resize by NaN", lambda: model([node("Resize", "x _ s", "y")], tensors={"s": np.array([1, 1, np.nan, -1], "float32")}))
add("Resize to 10^9", lambda: model([node("Resize", "x _ _ s", "y")], tensors={"s": np.array([1, 3, 10**9, 10**9])}))
add("ConstantOfShape 10^15", lambda: model([node("ConstantOfShape", "s", "c"), node("Add", "x c", "y")], tensors={"s": np.array([10**5] * 3)}))
add("ConstantOfShape -1", lambda: model([node("ConstantOfShape", "s", "c"), node("Add", "x c", "y")], tensors={"s": np.array([-1])}))
add("forty ConstantOfShape", lambda: model(
    [node("ConstantOfShape", "s", f"c{i}") for i in range(40)] + [node("Sum", "x " + " ".join(f"c{i}" for i in range(40)), "y")],
    tensors={"s": np.array([1, 3, 5000, 5000])}))
add("constants squared", lambda: model([node("Mul", "a b", "c"), node("Add", "x c", "y")],
                                       tensors={"a": weight(100_000, 1), "b": weight(1, 100_000)}))
add("constants doubled", lambda: model([*[node("Concat", f"c{i} c{i}", f"c{i + 1}", axis=0) for i in range(60)], node("Add", "x c60", "y")],
                                       tensors={"c0": weight(8)}))
add("nine thousand folds", lambda: model([*[node("Neg", f"c{i}", f"c{i + 1}") for i in range(9_900)], node("Add", "x c9900", "y")],
                                          tensors={"c0": weight(100_000)}))
add("Range without end", lambda: model([node("Range", "a b c", "r"), node("Add", "x r", "y")],
                                       tensors={"a": np.float32(0), "b": np.float32(np.inf), "c": np.float32(1)}))
add("Range in steps of 0", lambda: model([node("Range", "a b c", "r"), node("Add", "x r", "y")],
                                         tensors={"a": np.int64(0), "b": np.int64(9), "c": np.int64(0)}))
add("OneHot of 10^12", lambda: model([node("OneHot", "i d v", "h"), node("ReduceSum", "h", "s"), node("Add", "x s", "y")],
                                     tensors={"i": np.arange(10), "d": np.int64(10**12), "v": weight(2)}))
add("RandomNormal of 10^12", lambda: model([node("RandomNormal", "", "r", shape=[10**6, 10**6]), node("Add", "x r", "y")]))
add("EyeLike", lambda: model([node("Expand", "x s", "e"), node("Flatten", "e", "f"), node("EyeLike", "f", "y")],
                             tensors={"s": np.array([1, 3, 30000, 30000])}))
add("outer product", lambda: model([node("Reshape", "x s", "a"), node("Transpose", "a", "b", perm=[1, 0]), node("MatMul", "a b", "c"),
                                    node("MatMul", "c c", "y")], inputs=[("x", (100_000,))], tensors={"s": np.array([-1, 1])}))
add("Einsum outer product", lambda: model([node("Einsum", "x x", "y", equation="a,b->ab")], inputs=[("x", (200_000,))]))
add("Gather far outside", lambda: model([node("Gather", "x i", "y", axis=1)], tensors={"i": np.array([10**12])}))
add("Gather of many", lambda: model([node("Gather", "w i", "g"), node("Add", "x g", "y")],
                                    tensors={"w": weight(1, 100_000), "i": np.zeros(100_000, "int64")}))


# Graphs in nodes, functions


def branch(name, nodes, output="b"):
    return GraphProto(name=name, node=nodes, output=[value(output, None)])


def conditional(then, other, condition="c", **tensors):
    return model([node("If", condition, "y", then_branch=then, else_branch=other)], tensors={"c": np.array(True), **tensors})


add("If by a number from outside", lambda: conditional(branch("t", [node("Relu", "x", "b")]), branch("e", [node("Abs", "x", "b")])))
add("If without a branch", lambda: changed(lambda m: m.graph.node[0].attribute.pop(), conditional(
    branch("t", [node("Relu", "x", "b")]), branch("e", [node("Abs", "x", "b")]))))
add("If whose branch has nothing", lambda: conditional(branch("t", []), branch("e", [])))
add("If whose branch needs its result", lambda: conditional(branch("t", [node("Relu", "y", "b")]), branch("e", [node("Abs", "x", "b")])))
add("If whose branch is a cycle", lambda: conditional(branch("t", [node("Relu", "q", "b"), node("Relu", "b", "q")]), branch("e", [node("Abs", "x", "b")])))


def nested_ifs(levels):
    inner = branch("t", [node("Relu", "x", "b")])
    for level in range(levels):
        inner = branch(f"t{level}", [node("If", "c", "b", then_branch=inner, else_branch=branch("e", [node("Abs", "x", "b")]))])
    return conditional(inner, branch("e", [node("Abs", "x", "b")]))


add("thirty Ifs in each other", lambda: nested_ifs(28))
add("Loop", lambda: model([node("Loop", "n c x", "y", body=helper.make_graph(
    [node("Concat", "v v", "w", axis=0), node("Identity", "k", "k2")], "body", [value("i", [], INT64), value("k", [], TensorProto.BOOL), value("v", None)],
    [value("k2", [], TensorProto.BOOL), value("w", None)]))], tensors={"n": np.int64(10**9), "c": np.array(True)}))


def functions(bodies, start="F0"):
    """Functions of one input and one output, by their nodes."""
    proto = model([node(start, "x", "y", domain="own")])
    proto.opset_import.add(domain="own", version=1)
    for name, nodes in bodies.items():
        proto.functions.append(helper.make_function("own", name, ["a"], ["z"], nodes, [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]))
    return proto


def doubling(levels):
    bodies = {f"F{i}": [node(f"F{i + 1}", "a", "b", domain="own"), node(f"F{i + 1}", "b", "z", domain="own")] for i in range(levels)}
    return functions({**bodies, f"F{levels}": [node("Relu", "a", "z")]})


add("function that calls itself", lambda: functions({"F0": [node("F0", "a", "z", domain="own")]}))
add("functions that call each other", lambda: functions({"F0": [node("F1", "a", "z", domain="own")], "F1": [node("F0", "a", "z", domain="own")]}))
add("functions that double", lambda: doubling(40))
add("function without a body", lambda: functions({"F0": []}))
add("function of another opset", lambda: changed(lambda m: setattr(m.functions[0].opset_import[0], "version", 9), functions(
    {"F0": [node("Relu", "a", "z")]})))
add("function that is called with too much", lambda: changed(lambda m: m.graph.node[0].input.extend(["x"] * 3), functions(
    {"F0": [node("Relu", "a", "z")]})))
