"""Small graphs, each with one thing that a reader of ONNX may get wrong: versions, defaults, left-out inputs, odd sizes, names."""

import io

import numpy as np
import pytest

pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")

from build import FLOAT, INT64, model, node, tensor, value, weight  # noqa: E402
from onnx import GraphProto, TensorProto, helper  # noqa: E402
from onnx.reference import ReferenceEvaluator  # noqa: E402

import minicnn  # noqa: E402
from minicnn.onnx import load  # noqa: E402

CASES = {}


def add(name, *nodes, **options):
    CASES[name] = (nodes, options)


def ints(*values):
    return np.array(values, "int64")


W = {"w": weight(4, 3, 3, 3), "b": weight(4)}
C = {"s": np.abs(weight(3)) + 0.5, "o": weight(3), "m": weight(3), "v": np.abs(weight(3)) + 0.5}

# Convolutions and pools: padding, strides, dilation, groups, what is left out

for auto in ("SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET"):
    add(f"Conv {auto} stride 2", node("Conv", "x w b", "y", auto_pad=auto, strides=[2, 2]), tensors=W)
add("Conv SAME_LOWER of even windows", node("Conv", "x w", "y", auto_pad="SAME_LOWER", kernel_shape=[2, 4]), tensors={"w": weight(4, 3, 2, 4)})
add("Conv asymmetric pads", node("Conv", "x w", "y", pads=[0, 1, 2, 3]), tensors=W)
add("Conv without kernel_shape, dilated", node("Conv", "x w", "y", dilations=[2, 3], pads=[2, 3, 2, 3]), tensors=W)
add("Conv depthwise with a multiplier", node("Conv", "x w", "y", group=3, strides=[1, 2]), tensors={"w": weight(6, 1, 3, 3)})
add("Conv bias left out by name", node("Conv", "x w _", "y"), tensors=W)
add("Conv with computed weights", node("Mul", "w two", "w2"), node("Conv", "x w2 b", "y"), tensors={**W, "two": np.float32(2)})
add("Conv with weights from the input", node("GlobalAveragePool", "x", "g"), node("Slice", "g a e", "h"), node("Conv", "x h", "y"),
    tensors={"a": ints(0), "e": ints(1)}, sizes=(1,))
add("Conv1d", node("Conv", "x w", "y", pads=[1, 1], strides=[2]), inputs=[("x", ("N", 3, 9))], tensors={"w": weight(4, 3, 3)})
add("Conv shared weights", node("Conv", "x w", "a"), node("Conv", "x w b", "c"), node("Sub", "a c", "y"), tensors=W)
for auto in ("SAME_UPPER", "SAME_LOWER"):
    add(f"ConvTranspose {auto}", node("ConvTranspose", "x w", "y", auto_pad=auto, strides=[2, 2]), tensors={"w": weight(3, 4, 3, 3)}, reference=True)
add("ConvTranspose output_padding and pads", node("ConvTranspose", "x w b", "y", strides=[3, 2], output_padding=[2, 1], pads=[1, 0, 2, 1]),
    tensors={"w": weight(3, 4, 3, 3), "b": weight(4)})
add("ConvTranspose output_shape", node("ConvTranspose", "x w", "y", strides=[2, 2], output_shape=[16, 17]), tensors={"w": weight(3, 4, 3, 3)})
add("ConvTranspose grouped, dilated", node("ConvTranspose", "x w", "y", group=3, dilations=[2, 1]), tensors={"w": weight(3, 2, 3, 3)})
for auto in ("SAME_UPPER", "SAME_LOWER"):
    add(f"MaxPool {auto}", node("MaxPool", "x", "y", kernel_shape=[3, 3], strides=[2, 2], auto_pad=auto))
    add(f"AveragePool {auto}", node("AveragePool", "x", "y", kernel_shape=[2, 3], strides=[2, 3], auto_pad=auto))
add("MaxPool ceil_mode with pads", node("MaxPool", "x", "y", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 0, 0], ceil_mode=1))
add("MaxPool ceil_mode whose last window is outside", node("MaxPool", "x", "y", kernel_shape=[1, 1], strides=[3, 3], ceil_mode=1),
    inputs=[("x", ("N", 3, 8, 8))])
add("MaxPool dilated", node("MaxPool", "x", "y", kernel_shape=[2, 2], dilations=[3, 2]))
add("MaxPool of negative numbers, padded", node("Abs", "x", "a"), node("Neg", "a", "n"),
    node("MaxPool", "n", "y", kernel_shape=[3, 3], pads=[1, 1, 1, 1]))
for count in (0, 1):
    add(f"AveragePool pads, count_include_pad {count}", node("AveragePool", "x", "y", kernel_shape=[3, 3], pads=[1, 0, 2, 1], count_include_pad=count))
    add(f"AveragePool ceil_mode, count_include_pad {count}",
        node("AveragePool", "x", "y", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], ceil_mode=1, count_include_pad=count), opset=19)
add("LpPool", node("LpPool", "x", "y", kernel_shape=[2, 2], p=1, strides=[2, 2]))
add("GlobalLpPool", node("GlobalLpPool", "x", "y", p=2))

# Dense layers

for a, b in ((0, 0), (0, 1), (1, 0), (1, 1)):
    add(f"Gemm transA {a} transB {b}", node("Gemm", "x w c", "y", transA=a, transB=b, alpha=0.5, beta=2.0), inputs=[("x", (4, 4))],
        tensors={"w": weight(4, 4), "c": weight(1, 4)}, batches=(4,))
add("Gemm without c", node("Gemm", "x w", "y"), inputs=[("x", ("N", 6))], tensors={"w": weight(6, 5)})
add("Gemm with a number as c", node("Gemm", "x w c", "y", transB=1), inputs=[("x", ("N", 6))], tensors={"w": weight(5, 6), "c": np.float32(3)})
add("Gemm of opset 6 with broadcast", node("Gemm", "x w c", "y", broadcast=1), inputs=[("x", ("N", 6))], opset=6, reference=True,
    tensors={"w": weight(6, 5), "c": weight(5)})
add("MatMul and Add", node("MatMul", "x w", "a"), node("Add", "c a", "y"), inputs=[("x", ("N", 6))], tensors={"w": weight(6, 5), "c": weight(5)})
add("MatMul and Add of opset 9", node("MatMul", "x w", "a"), node("Add", "a c", "y"), inputs=[("x", ("N", 6))], opset=9,
    tensors={"w": weight(6, 5), "c": weight(1, 5)})
add("MatMul and Add of a column", node("MatMul", "x w", "a"), node("Add", "a c", "y"), inputs=[("x", ("N", 6))],
    tensors={"w": weight(6, 5), "c": weight(5, 1)}, batches=(5,))
add("MatMul by a transposed matrix", node("Transpose", "w", "t", perm=[1, 0]), node("MatMul", "x t", "y"), inputs=[("x", ("N", 6))],
    tensors={"w": weight(5, 6)})
add("MatMul from the left", node("MatMul", "w x", "y"), inputs=[("x", (6, "N"))], tensors={"w": weight(5, 6)}, sizes=(6, 3))
add("MatMul of four axes", node("MatMul", "x w", "y"), tensors={"w": weight(3, 8, 5)})
add("MatMul whose result is used twice", node("MatMul", "x w", "a"), node("Add", "a c", "d"), node("Mul", "a d", "y"), inputs=[("x", ("N", 6))],
    tensors={"w": weight(6, 5), "c": weight(5)})
add("MatMul whose result is an output", node("MatMul", "x w", "a"), node("Add", "a c", "y"), inputs=[("x", ("N", 6))], outputs=("a", "y"),
    tensors={"w": weight(6, 5), "c": weight(5)})
add("Flatten of axis 0, 2 and -1", node("Flatten", "x", "a", axis=0), node("Flatten", "x", "b", axis=2), node("Flatten", "x", "c", axis=-1),
    outputs=("a", "b", "c"))

# Normalization, activations

add("BatchNormalization of opset 7", node("BatchNormalization", "x s o m v", "y", epsilon=1e-2), tensors=C, opset=7)
add("BatchNormalization of opset 14", node("BatchNormalization", "x s o m v", "y"), tensors=C, opset=14)
add("BatchNormalization of opset 6, is_test", node("BatchNormalization", "x s o m v", "y", is_test=1), tensors=C, opset=6, ir=3, reference=True)
add("BatchNormalization of a matrix", node("BatchNormalization", "x s o m v", "y"), inputs=[("x", ("N", 3))], tensors=C)
add("BatchNormalization with five outputs, opset 9", node("BatchNormalization", "x s o m v", "y"), tensors=C, opset=9)
add("InstanceNormalization", node("InstanceNormalization", "x s o", "y", epsilon=0.1), tensors=C)
add("LayerNormalization of the last two axes", node("LayerNormalization", "x g", "y", axis=-2), tensors={"g": weight(8, 8)})
add("GroupNormalization of opset 21", node("GroupNormalization", "x g h", "y", num_groups=3), tensors={"g": weight(3), "h": weight(3)}, opset=21)
add("LRN of an even size", node("LRN", "x", "y", size=2, alpha=0.1, beta=0.5, bias=2.0),
    expected=lambda x: x / (2 + 0.05 * (x**2 + np.concatenate([x[:, 1:]**2, 0 * x[:, :1]], 1)))**0.5)
for opset in (9, 12, 13):
    add(f"Softmax of opset {opset}", node("Softmax", "x", "y"), opset=opset)
    add(f"LogSoftmax of opset {opset}, axis 2", node("LogSoftmax", "x", "y", axis=2), opset=opset)
add("Clip of opset 6", node("Clip", "x", "y", min=-0.5, max=0.25), opset=6)
add("Clip of opset 6 without max", node("Clip", "x", "y", min=0.1), opset=6)
add("Clip of opset 11, min left out", node("Clip", "x _ b", "y"), tensors={"b": np.float32(0.3)}, opset=11)
add("Clip of opset 13 without either", node("Clip", "x", "y"))
add("PRelu of one number", node("PRelu", "x s", "y"), tensors={"s": weight(1)})
add("PRelu of channels", node("PRelu", "x s", "y"), tensors={"s": weight(3, 1, 1)})
add("LeakyRelu's and Elu's defaults", node("LeakyRelu", "x", "a"), node("Elu", "a", "b"), node("Selu", "b", "c"), node("HardSigmoid", "c", "d"),
    node("ThresholdedRelu", "x", "e"), node("Celu", "x", "f"), node("Sum", "d e f", "y"))
add("Dropout of opset 6 with its mask unused", node("Dropout", "x", "y _", ratio=0.5, is_test=1), opset=6, expected=lambda x: x)
add("Dropout of opset 13", node("Dropout", "x r t", "y"), tensors={"r": np.float32(0.5), "t": np.array(False)}, opset=13)
add("Gelu of both kinds, opset 20", node("Gelu", "x", "a"), node("Gelu", "x", "b", approximate="tanh"), node("Sub", "a b", "y"), opset=20)

# Arithmetic, old broadcasting

add("Add of opset 6 along an axis", node("Add", "x c", "y", broadcast=1, axis=1), tensors={"c": weight(3)}, opset=6,
    expected=lambda x: x + weight(3).reshape(3, 1, 1))
add("Mul of opset 6 by the last axes", node("Mul", "x c", "y", broadcast=1), tensors={"c": weight(8, 8)}, opset=6, reference=True)
add("Pow of a number", node("Abs", "x", "a"), node("Pow", "a p", "y"), tensors={"p": np.float32(1.5)})
add("Div of integers", node("Shape", "x", "s"), node("Div", "s d", "y"), tensors={"d": ints(3)}, outputs=[value("y", None, INT64)])
add("Max and Min of several", node("Max", "x a b", "m"), node("Min", "m b", "y"), tensors={"a": weight(8), "b": np.float32(0.2)})
add("Where, Less and Not", node("Less", "x z", "l"), node("Not", "l", "n"), node("Where", "n x z", "y"), tensors={"z": np.float32(0.1)})
add("Mod with fmod", node("Mod", "x d", "y", fmod=1), tensors={"d": np.float32(0.3)})

# Moves: shapes, axes as attributes and as inputs

for opset in (11, 13):
    axes = {"axes": [0, 4]} if opset < 13 else {}
    given = "" if opset < 13 else " a"
    add(f"Unsqueeze and Squeeze of opset {opset}", node("Unsqueeze", f"x{given}", "u", **axes), node("Squeeze", f"u{given}", "s", **axes),
        node("Relu", "s", "y"), tensors={"a": ints(0, 4)} if opset > 11 else {}, opset=opset)
    add(f"ReduceSum of opset {opset}", node("ReduceSum", f"x{given and ' r'}", "y", keepdims=0, **({"axes": [-1, 1]} if opset < 13 else {})),
        tensors={"r": ints(-1, 1)} if opset > 11 else {}, opset=opset)
for opset in (17, 18):
    add(f"ReduceMean of opset {opset}", node("ReduceMean", "x" if opset < 18 else "x r", "y", **({"axes": [2, 3]} if opset < 18 else {})),
        tensors={} if opset < 18 else {"r": ints(2, 3)}, opset=opset)
add("ReduceSum with no axes, noop", node("ReduceSum", "x", "y", noop_with_empty_axes=1))
add("ReduceL2, ReduceMax of all", node("ReduceL2", "x", "a"), node("ReduceMax", "x", "b", keepdims=0), node("Add", "a b", "y"))
for opset in (9, 10, 13):
    if opset < 10:
        add("Slice of opset 9", node("Slice", "x", "y", starts=[1, -6], ends=[100, -1], axes=[1, 3]), opset=9)
    else:
        add(f"Slice of opset {opset}, backwards", node("Slice", "x a e i s", "y"), opset=opset,
            tensors={"a": ints(-1, 1), "e": ints(-1000, 7), "i": ints(3, 2), "s": ints(-2, 3)})
for opset in (11, 13, 18):
    add(f"Split of opset {opset}", node("Split", "x" if opset != 13 else "x p", "a b", axis=3, **({"split": [3, 5]} if opset == 11 else {}),
                                        **({"num_outputs": 2} if opset == 18 else {})),
        tensors={"p": ints(3, 5)} if opset == 13 else {}, opset=opset, outputs=("a", "b"))
add("Split into parts that differ, opset 18", node("Split", "x", "a b c", axis=3, num_outputs=3), opset=18, outputs=("a", "b", "c"))
for opset in (6, 11):
    add(f"Pad of opset {opset}", node("Pad", "x" if opset < 11 else "x p v", "y", **(
        {"pads": [0, 0, 1, 2, 0, 0, 3, 0], "value": 0.5} if opset < 11 else {})), opset=opset,
        tensors={} if opset < 11 else {"p": ints(0, 0, 1, 2, 0, 0, 3, 0), "v": np.float32(0.5)})
add("Pad that crops", node("Pad", "x p", "y"), tensors={"p": ints(0, 0, -1, 2, 0, 0, -2, -1)})
for mode in ("reflect", "edge", "wrap"):
    add(f"Pad {mode}", node("Pad", "x p", "y", mode=mode), tensors={"p": ints(0, 0, 2, 1, 0, 0, 3, 0)}, opset=19)
add("Pad of two axes, opset 18", node("Pad", "x p _ a", "y"), tensors={"p": ints(1, 2, 0, 1), "a": ints(3, -2)}, opset=18)
add("Pad and Conv", node("Pad", "x p", "q"), node("Conv", "q w b", "y", pads=[1, 0, 1, 0]), tensors={**W, "p": ints(0, 0, 0, 1, 0, 0, 1, 2)})
add("Pad by ones and Conv", node("Pad", "x p v", "q"), node("Conv", "q w b", "y"),
    tensors={**W, "p": ints(0, 0, 1, 1, 0, 0, 1, 1), "v": np.float32(1)})
add("Pad, Conv and a Relu of the padded", node("Pad", "x p", "q"), node("Conv", "q w b", "c"), node("Relu", "q", "r"),
    tensors={**W, "p": ints(0, 0, 1, 1, 0, 0, 1, 1)}, outputs=("c", "r"))
add("Pad and AveragePool", node("Pad", "x p", "q"), node("AveragePool", "q", "y", kernel_shape=[3, 3]), tensors={"p": ints(0, 0, 1, 1, 0, 0, 1, 1)})
add("Pad and AveragePool that counts", node("Pad", "x p", "q"), node("AveragePool", "q", "y", kernel_shape=[3, 3], count_include_pad=1),
    tensors={"p": ints(0, 0, 1, 1, 0, 0, 1, 1)})
add("Pad and MaxPool", node("Pad", "x p", "q"), node("MaxPool", "q", "y", kernel_shape=[3, 3]), tensors={"p": ints(0, 0, 1, 1, 0, 0, 1, 1)})
add("Tile and Expand", node("Tile", "x t", "a"), node("Expand", "a e", "y"), tensors={"t": ints(1, 2, 1, 3), "e": ints(2, 1, 6, 1, 1)})
add("Gather of negative indices", node("Gather", "x i", "y", axis=1), tensors={"i": ints(-1, 0)})
add("Gather by a number", node("Gather", "x i", "y", axis=2), tensors={"i": np.int64(3)})
for mode in ("DCR", "CRD"):
    add(f"DepthToSpace {mode}", node("DepthToSpace", "x", "y", blocksize=2, mode=mode), inputs=[("x", ("N", 8, 3, 4))])
add("SpaceToDepth", node("SpaceToDepth", "x", "y", blocksize=2))
add("ArgMax with the last of equals", node("Relu", "x", "r"), node("ArgMax", "r", "y", axis=1, keepdims=0, select_last_index=1),
    outputs=[value("y", None, INT64)])
add("TopK", node("TopK", "x k", "y i", axis=2, largest=0), tensors={"k": ints(3)}, outputs=("y", value("i", None, INT64)))
add("Cast to integers and back", node("Mul", "x t", "a"), node("Cast", "a", "b", to=INT64), node("Cast", "b", "y", to=FLOAT), tensors={"t": np.float32(5)})

# Resize

for opset, op, inputs in ((7, "Upsample", "x"), (9, "Upsample", "x s"), (10, "Resize", "x s"), (11, "Resize", "x r s"), (13, "Resize", "x _ s")):
    for mode in ("nearest", "linear"):
        add(f"{op} of opset {opset}, {mode}", node(op, inputs, "y", mode=mode, **({"scales": [1.0, 1.0, 2.0, 3.0]} if opset == 7 else {})), opset=opset,
            tensors={} if opset == 7 else {"s": np.array([1, 1, 2, 3], "float32"), **({"r": np.zeros(0, "float32")} if opset == 11 else {})})
for transform in ("asymmetric", "align_corners", "pytorch_half_pixel", "half_pixel"):
    for mode in ("nearest", "linear", "cubic"):
        add(f"Resize to sizes, {transform}, {mode}", node("Resize", "x _ _ s", "y", mode=mode, coordinate_transformation_mode=transform),
            tensors={"s": ints(2, 3, 5, 13)}, batches=(2,))
add("Resize of two axes, opset 18", node("Resize", "x _ s", "y", axes=[3, 2], mode="linear"), tensors={"s": np.array([2, 1.5], "float32")}, opset=18)
add("Resize downwards with antialias", node("Resize", "x _ s", "y", antialias=1, mode="linear"), tensors={"s": np.array([1, 1, 0.5, 0.5], "float32")}, opset=18)

# Shapes that are computed

add("Reshape by Shape, Gather and Concat", node("Shape", "x", "s"), node("Gather", "s z", "n"), node("Unsqueeze", "n z1", "u"),
    node("Concat", "u m", "t", axis=0), node("Reshape", "x t", "y"), tensors={"z": np.int64(0), "z1": ints(0), "m": ints(-1)})
add("Reshape by a product of sizes", node("Shape", "x", "s"), node("Slice", "s a e", "p"), node("ReduceProd", "p", "q", keepdims=1),
    node("Slice", "s a0 e0", "n"), node("Concat", "n q", "t", axis=0), node("Reshape", "x t", "y"),
    tensors={"a": ints(1), "e": ints(4), "a0": ints(0), "e0": ints(1)})
add("Reshape of a batch into its halves", node("Shape", "x", "s"), node("Gather", "s z", "n"), node("Mul", "n two", "m"),
    node("Concat", "m h", "t", axis=0), node("Reshape", "x t", "y"), tensors={"z": ints(0), "two": ints(2), "h": ints(12, 8)})
add("Reshape whose 0 copies and -1 takes the rest", node("Reshape", "x t", "a"), node("Reshape", "a u", "y"), tensors={"t": ints(0, -1, 4), "u": ints(-1, 8, 8)})
add("Reshape of opset 6's successor by a Constant", node("Constant", "", "t", value=tensor("", ints(0, 192))), node("Reshape", "x t", "y"), opset=9)
add("Expand to the shape of another", node("Shape", "x", "s"), node("Expand", "c s", "e"), node("Add", "x e", "y"), tensors={"c": weight(3, 1, 1)})
add("ConstantOfShape of the batch", node("Shape", "x", "s"), node("ConstantOfShape", "s", "c", value=tensor("", np.array([2.5], "float32"))),
    node("Add", "x c", "y"))
add("Range over the height", node("Shape", "x", "s"), node("Gather", "s i", "h"), node("Range", "z h o", "r"), node("Cast", "r", "f", to=FLOAT),
    node("Mul", "x f", "y"), tensors={"i": np.int64(2), "z": np.int64(0), "o": np.int64(1)})
add("If by the number of channels", node("Shape", "x", "s"), node("Gather", "s i", "c"), node("Equal", "c k", "e"), node(
    "If", "e", "y", then_branch=GraphProto(name="t", node=[node("Relu", "x", "b")], output=[value("b", None)]),
    else_branch=GraphProto(name="e", node=[node("Neg", "x", "b")], output=[value("b", None)])), tensors={"i": np.int64(1), "k": np.int64(4)})
add("If by the batch", node("Shape", "x", "s"), node("Gather", "s i", "c"), node("Equal", "c k", "e"), node(
    "If", "e", "y", then_branch=GraphProto(name="t", node=[node("Relu", "x", "b")], output=[value("b", None)]),
    else_branch=GraphProto(name="e", node=[node("Mul", "x own", "d")], initializer=[tensor("own", weight(3, 1, 1))], output=[value("d", None)])),
    tensors={"i": np.int64(0), "k": np.int64(1)})

# Names, order, ends

add("nodes out of order", node("Relu", "a", "y"), node("Conv", "x w b", "a"), tensors=W)
add("output that is an initializer", node("Relu", "x", "y"), outputs=("y", "w"), tensors={"w": weight(3)}, reference=True)
add("output that is an input", node("Relu", "x", "y"), outputs=("y", value("x", ("N", 3, 8, 8))))
add("output by Identity of an input", node("Identity", "x", "y"))
add("output by Identity of a result that is an output", node("Relu", "x", "r"), node("Identity", "r", "i"), node("Identity", "i", "y"), outputs=("r", "y", "i"))
add("output is a constant", node("Constant", "", "c", value_floats=[1.0, 2.0]), node("Relu", "x", "y"), outputs=("y", "c"))
add("result that nobody needs", node("Relu", "x", "y"), node("Conv", "x w", "unused"), tensors=W)
add("unused input", node("Relu", "x", "y"), inputs=[("x", ("N", 3, 8, 8)), ("z", ("N", 2))])
add("two inputs", node("Concat", "x z", "y", axis=1), inputs=[("x", ("N", 3, 8, 8)), ("z", ("N", 2, 8, 8))])
add("names of every kind", node("Conv", "x 1/weights:0 a.b.", "training", name="forward"), node("Relu", "training", "y", name=""),
    tensors={"1/weights:0": W["w"], "a.b.": W["b"]})
add("one name for all nodes", node("Conv", "x w", "a", name="n"), node("Relu", "a", "r", name="n"), node("Neg", "r", "y", name="n"), tensors=W, reference=True)
add("initializers among the inputs", node("Conv", "x w b", "y"), tensors=W, ir=3,
    inputs=[("x", ("N", 3, 8, 8)), ("w", (4, 3, 3, 3)), ("b", (4,))])
add("weights in every form", node("Conv", "x w b", "c"), node("Mul", "c h", "y"), tensors={
    "w": TensorProto(name="w", data_type=FLOAT, dims=(4, 3, 3, 3), float_data=W["w"].ravel()), "b": W["b"],
    "h": helper.make_tensor("h", FLOAT, [1, 4, 1, 1], [1.0, 2.0, 3.0, 4.0])})
add("float64", node("Cast", "x", "d", to=TensorProto.DOUBLE), node("Mul", "d h", "y"), tensors={"h": tensor("h", np.array(1 / 3), "float64")},
    outputs=[value("y", None, TensorProto.DOUBLE)])


def sample(graph, batch, sizes, random):
    """{input: array}: free sizes are the batch's, or those given."""
    found = {}
    for given in graph.inputs:
        shape = [size if isinstance(size, int) else (sizes[axis] if axis < len(sizes) else batch) for axis, size in enumerate(given.shape)]
        found[given.name] = random.normal(size=shape).astype(given.dtype)
    return found


def evaluator(data, reference, expected):
    """{input: array} -> [arrays], by what the case asks for: onnxruntime, ONNX's own evaluator, or a function of the input."""
    if expected:
        return lambda given: [expected(*given.values())]
    other = ReferenceEvaluator(data) if reference else ort.InferenceSession(data)
    return lambda given: other.run(None, given)


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_onnxruntime(name):
    nodes, options = CASES[name]
    options = dict(options)
    sizes, batches, reference = options.pop("sizes", ()), options.pop("batches", (1, 3)), options.pop("reference", False)
    expected = options.pop("expected", None)
    data = model(nodes, **options).SerializeToString()
    network, evaluate = load(io.BytesIO(data)), evaluator(data, reference, expected)
    for batch in batches:
        given = sample(network.graph, batch, sizes, np.random.default_rng(batch))
        expected = evaluate(given)
        with minicnn.no_grad():
            y = network(*[minicnn.tensor(x) for x in given.values()])
        for ours, theirs in zip(y if isinstance(y, tuple) else (y,), expected):
            assert tuple(ours.shape) == theirs.shape and str(ours.dtype).removeprefix("minicnn.") == str(theirs.dtype)
            np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-4, atol=1e-5)
