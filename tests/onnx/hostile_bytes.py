"""Harm in a file's bytes: damage, lengths and nesting, tensors that are not what they say, weights that lie elsewhere."""

import os

import numpy as np
from build import FLOAT, model, node, save, tensor, weight
from hostile_case import CASES, add, case, changed, conv
from onnx import TensorProto, helper

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
