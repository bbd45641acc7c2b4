"""Files that are damaged or that mean harm: {name: function of a folder that writes one and returns its path}.

As a program, it loads each in turn, for 3 GB of memory and 20 seconds at most, runs what could be loaded once, and prints what became
of it: `python hostile.py FOLDER [NAME ...]`.
"""

import os
import sys
import time

import numpy as np
from build import FLOAT, INT64, model, node, save, tensor, value, weight
from onnx import AttributeProto, GraphProto, TensorProto, helper

CASES = {}
MEMORY, SECONDS = 3 * 10**9, 20


def case(name):
    def register(make):
        CASES[name] = make
        return make

    return register


def add(name, make):
    """A case that is one ModelProto, or bytes."""
    CASES[name] = lambda folder: save(make(), folder / "model.onnx")


def conv(**changes):
    """A network of one convolution, in which something is wrong."""
    w = changes.pop("w", weight(4, 3, 3, 3))
    return model([node("Conv", "x w", "y", **changes)], tensors={"w": w})


def changed(change, proto=None):
    """A good model after `change(proto)`."""
    proto = proto or conv()
    change(proto)
    return proto


def big(name, shape, kind=INT64):
    return helper.make_tensor(name, INT64, [len(shape)], shape) if kind == INT64 else None


GOOD = conv().SerializeToString()

# Bytes

add("empty", lambda: b"")
add("text", lambda: b"hello, this is a text\n" * 30)
add("zip", lambda: b"PK\x03\x04" + bytes(200))
add("random", lambda: np.random.default_rng(0).bytes(5000))
add("zeros", lambda: bytes(100_000))
add("ones", lambda: b"\xff" * 100_000)
for share in (1, 10, 50, 90, 99):
    add(f"truncated {share}%", lambda share=share: GOOD[:len(GOOD) * share // 100])
for seed in range(6):
    def flipped(seed=seed):
        data, random = bytearray(GOOD), np.random.default_rng(seed)
        for place in random.integers(0, len(data), 12):
            data[place] ^= int(random.integers(1, 256))
        return bytes(data)
    add(f"flipped {seed}", flipped)
add("length beyond the end", lambda: b"\x3a\xff\xff\xff\xff\x0f" + GOOD)
add("endless number", lambda: b"\x08" + b"\xff" * 50)
add("a million empty nodes", lambda: b"\x08\x08\x3a" + varint(4 * 10**6) + b"\x0a\x00" * (2 * 10**6))
add("ten million empty strings", lambda: b"\x08\x08\x3a" + varint(2 * 10**7 + 6) + b"\x0a" + varint(2 * 10**7) + b"\x0a\x00" * 10**7)
add("packed numbers", lambda: b"\x08\x08\x3a" + nested(5, nested(7, bytes(3 * 10**8))))
add("nested messages", lambda: b"\x08\x08" + deep(5000))
add("nothing but a version", lambda: b"\x08\x08")


def varint(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes(out) + bytes([n])


def nested(field, content):
    head = bytes([field << 3 | 2]) + varint(len(content))
    return varint(len(head) + len(content)) + head + content if field == 5 else head + content


def deep(levels):
    """Graphs in attributes of nodes of graphs."""
    data = b""
    for _ in range(levels):
        for tag in (b"\x0a", b"\x2a", b"\x32"):             # graph.node, node.attribute, attribute.g
            data = tag + varint(len(data)) + data
    return b"\x3a" + varint(len(data)) + data


@case("absent")
def _absent(folder):
    return str(folder / "model.onnx")


@case("a folder")
def _folder(folder):
    (folder / "model.onnx").mkdir()
    return str(folder / "model.onnx")


@case("huge and sparse")
def _sparse(folder):
    path = folder / "model.onnx"
    with open(path, "wb") as file:
        file.write(GOOD)
        file.truncate(2**40)
    return str(path)


@case("two gigabytes of nothing")
def _two(folder):
    path = folder / "model.onnx"
    with open(path, "wb") as file:
        file.write(GOOD)
        file.truncate(2**31 - 10)
    return str(path)


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
add("a name that is not UTF-8", lambda: GOOD.replace(b"Conv", b"\xff\xfe\xfd\xfc"))
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

# Tensors


def raw(**fields):
    """An initializer made field by field."""
    return conv(w=TensorProto(name="w", **{"data_type": FLOAT, "dims": [4, 3, 3, 3], **fields}))


add("too few bytes", lambda: raw(raw_data=bytes(100)))
add("too many bytes", lambda: raw(raw_data=bytes(500)))
add("no bytes", lambda: raw())
add("huge shape", lambda: raw(dims=[10**6, 10**6, 3, 3], raw_data=bytes(432)))
add("shape that overflows", lambda: raw(dims=[2**33, 2**33, 2**33, 2**33], raw_data=bytes(432)))
add("negative size", lambda: raw(dims=[-4, 3, 3, 3], raw_data=bytes(432)))
add("negative sizes", lambda: raw(dims=[-4, -3, 3, 3], raw_data=bytes(432)))
add("hundred axes", lambda: raw(dims=[1] * 100, raw_data=bytes(4)))
add("unknown data type", lambda: raw(data_type=99, raw_data=bytes(432)))
add("no data type", lambda: raw(data_type=0, raw_data=bytes(432)))
add("strings", lambda: raw(data_type=8, dims=[1], string_data=[b"x"]))
add("complex", lambda: raw(data_type=14, dims=[54, 1, 1, 1], raw_data=bytes(432)))
add("float8", lambda: raw(data_type=17, raw_data=bytes(108)))
add("int4", lambda: raw(data_type=22, raw_data=bytes(54)))
add("numbers in two places", lambda: raw(raw_data=bytes(432), float_data=[0.0] * 108))
add("numbers in the wrong place", lambda: raw(int64_data=[0] * 108))
add("too few numbers", lambda: raw(float_data=[0.0] * 107))
add("int8 of 999", lambda: raw(data_type=3, dims=[1], int32_data=[999]))
add("segment", lambda: raw(raw_data=bytes(432), segment=TensorProto.Segment(begin=0, end=10**12)))
add("initializer twice", lambda: changed(lambda m: m.graph.initializer.append(m.graph.initializer[0])))
add("nameless initializer", lambda: changed(lambda m: setattr(m.graph.initializer[0], "name", "")))
add("sparse initializer", lambda: changed(lambda m: m.graph.sparse_initializer.add(
    values=tensor("v", weight(1)), indices=tensor("i", np.array([0])), dims=[10**9])))
add("sparse constant", lambda: model([node("Constant", "", "c", sparse_value=helper.make_sparse_tensor(
    tensor("v", weight(1)), tensor("i", np.array([5])), [10**12])), node("Add", "x c", "y")]))
add("string constant", lambda: model([node("Constant", "", "c", value_string="x"), node("Add", "x c", "y")]))
add("huge constant", lambda: model([node("Constant", "", "c", value=TensorProto(data_type=FLOAT, dims=[2**40], raw_data=b"")),
                                    node("Add", "x c", "y")]))
add("two constants in one", lambda: model([node("Constant", "", "c", value_int=1, value_float=2.0), node("Add", "x c", "y")]))

# External data


def external(folder, location, offset=None, length=None, shape=(4, 3, 3, 3), count=1, write=432):
    """A model whose weights are said to lie elsewhere; `write` bytes are put at weights.bin."""
    if write:
        (folder / "weights.bin").write_bytes(bytes(write))
    entries = {"location": location, "offset": offset, "length": length}
    names = ["w"] + [f"w{i}" for i in range(1, count)]
    tensors = {name: TensorProto(name=name, data_type=FLOAT, dims=shape, data_location=TensorProto.EXTERNAL) for name in names}
    for proto in tensors.values():
        for key, text in entries.items():
            if text is not None:
                proto.external_data.add(key=key, value=str(text))
    nodes = [node("Conv", "x w", "y0")] + [node("Mul", f"y{i - 1} w{i}", f"y{i}") for i in range(1, count)]
    return save(model(nodes, outputs=[f"y{count - 1}"], tensors=tensors), folder / "model.onnx")


for name, arguments in {
    "absolute path": {"location": "/etc/passwd"}, "path upwards": {"location": "../../../../../../etc/passwd"},
    "path around": {"location": "a/../../weights.bin"}, "device": {"location": "/dev/zero"}, "empty path": {"location": ""},
    "the folder": {"location": "."}, "absent file": {"location": "none.bin"}, "NUL in the path": {"location": "weights.bin\0.txt"},
    "Windows path": {"location": "C:\\weights.bin"}, "Windows path upwards": {"location": "..\\weights.bin"},
    "offset beyond": {"location": "weights.bin", "offset": 10**12}, "offset -1": {"location": "weights.bin", "offset": -1},
    "offset of words": {"location": "weights.bin", "offset": "zero"}, "length -1": {"location": "weights.bin", "length": -1},
    "length of 10^15": {"location": "weights.bin", "length": 10**15}, "too short a file": {"location": "weights.bin", "write": 100},
    "huge shape": {"location": "weights.bin", "shape": [2**20, 2**20, 1, 1]}, "a very long path": {"location": "a/" * 5000 + "b"},
}.items():
    CASES[f"external data: {name}"] = lambda folder, arguments=arguments: external(folder, **arguments)


@case("external data: link out")
def _link(folder):
    os.symlink("/etc/passwd", folder / "weights.bin")
    return external(folder, "weights.bin", shape=(1, 3, 1, 1), write=0)


@case("external data: folder that is a link out")
def _folder_link(folder):
    os.symlink("/etc", folder / "sub")
    return external(folder, "sub/passwd", shape=(1, 3, 1, 1), write=0)


@case("external data: pipe")
def _pipe(folder):
    os.mkfifo(folder / "weights.bin")
    return external(folder, "weights.bin", write=0)


@case("external data: sparse file of a terabyte")
def _sparse_data(folder):
    with open(folder / "weights.bin", "wb") as file:
        file.truncate(2**40)
    return external(folder, "weights.bin", shape=(2**20, 2**18, 1, 1), write=0)


@case("external data: one region a hundred times")
def _again(folder):
    with open(folder / "weights.bin", "wb") as file:
        file.truncate(2**28)
    return external(folder, "weights.bin", shape=(2**25, 1, 1), count=100, write=0)


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


# As a program

def main(folder, names):
    import resource
    from pathlib import Path

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    import warnings

    import minicnn
    from minicnn.errors import Error

    warnings.simplefilter("ignore")
    for name in names:
        below = Path(folder) / str(list(CASES).index(name))
        if not below.exists():
            below.mkdir()
            try:
                CASES[name](below)
            except (ValueError, OverflowError) as error:
                print(f"{name}\tNOT WRITTEN\t{error!r:.100}", flush=True)
                continue
        start = time.perf_counter()
        outcome = attempt(below / "model.onnx", minicnn, Error)
        print(f"{name}\t{outcome}\t{time.perf_counter() - start:.2f}", flush=True)


def attempt(path, minicnn, Error):
    """One word for what became of a file, and the message."""
    try:
        network = minicnn.onnx.load(path)
    except Error as error:
        told = str(path) in str(error)
        return f"{'refused' if told else 'REFUSED WITHOUT ITS NAME'}\t{type(error).__name__}: {str(error).replace(str(path), 'FILE')!r:.300}"
    except BaseException as error:
        return f"LOAD BROKE\t{error!r:.300}"
    try:
        with minicnn.no_grad():
            network(*[minicnn.zeros([s if isinstance(s, int) else 1 for s in v.shape], dtype=getattr(minicnn, v.dtype)) for v in network.graph.inputs])
    except Error as error:
        return f"refused to run\t{type(error).__name__}: {error!s:.200}"
    except BaseException as error:
        return f"RUN BROKE\t{error!r:.300}"
    return "loaded\t"


if __name__ == "__main__":
    import minicnn.onnx  # noqa: F401

    main(sys.argv[1], sys.argv[2:] or list(CASES))
