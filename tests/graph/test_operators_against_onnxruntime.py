"""Operators with attributes and versions of all kinds, drawn at random, against onnxruntime."""

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from onnx import helper, numpy_helper  # noqa: E402

from helpers.onnx_models import graph_of  # noqa: E402
from minicnn.graph.module import GraphModule  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::Warning")
onnxruntime.set_default_logger_severity(4)

CASES = 30                              # of each kind of operator


class Draw:
    """Random choices, the same ones for the same seed."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)

    def pick(self, *values):
        return values[self.random.integers(len(values))]

    def ints(self, count, low, high):
        return [int(n) for n in self.random.integers(low, high + 1, count)]

    def int(self, low, high):
        return self.ints(1, low, high)[0]

    def floats(self, *shape):
        return self.random.standard_normal(shape).astype(np.float32)

    def given(self, *positions):
        """Which inputs are initializers: those named, or none."""
        return self.pick(positions, ())


def i64(*values):
    return np.array(values, np.int64)


def f32(*values):
    return np.array(values, np.float32)


# Kinds: each returns operator, inputs, attributes (None: left out), version, number of outputs, which inputs are initializers ---------


def conv(d):
    dims, group, way = d.pick(1, 2, 2, 3), d.pick(1, 1, 2, 4), d.pick("pads", "pads", "SAME_UPPER", "SAME_LOWER", "VALID", None)
    attributes = dict(strides=d.ints(dims, 1, 3), dilations=[1] * dims if str(way).startswith("SAME") else d.ints(dims, 1, 2), group=group)
    attributes |= {"pads": d.ints(2 * dims, 0, 2)} if way == "pads" else {"auto_pad": way}
    inputs = [d.floats(d.int(1, 2), 4, *d.ints(dims, 7, 10)), d.floats(4, 4 // group, *d.ints(dims, 1, 4)), d.floats(4)]
    return "Conv", inputs[: d.int(2, 3)], attributes, d.pick(7, 11, 17, 22), 1, d.given(1, 2)


def conv_transpose(d):
    dims, group, way = d.pick(1, 2, 2, 3), d.pick(1, 1, 2), d.pick("pads", "pads", "SAME_UPPER", "SAME_LOWER", "VALID", "shape", None)
    strides, dilations, size, kernel = d.ints(dims, 1, 3), d.ints(dims, 1, 2), d.ints(dims, 3, 5), d.ints(dims, 1, 4)
    attributes = dict(strides=strides, dilations=dilations, group=group)
    if way == "shape":
        attributes["output_shape"] = [s * (n - 1) + f * (k - 1) + 1 + d.int(-1, s - 1) for s, n, f, k in zip(strides, size, dilations, kernel)]
        attributes["auto_pad"] = d.pick("SAME_UPPER", "SAME_LOWER", None)
    else:
        attributes |= {"pads": d.ints(2 * dims, 0, 1)} if way == "pads" else {"auto_pad": way}
        attributes["output_padding"] = [d.int(0, s - 1) for s in strides] if way in ("pads", None) else None
    inputs = [d.floats(d.int(1, 2), 4, *size), d.floats(4, 2, *kernel), d.floats(2 * group)]
    return "ConvTranspose", inputs[: d.int(2, 3)], attributes, d.pick(7, 11, 17, 22), 1, d.given(1, 2)


def pool(d):
    name, dims, version = d.pick("MaxPool", "AveragePool", "LpPool"), d.pick(1, 2, 2, 3), d.pick(7, 8, 10, 11, 12, 17, 19, 22)
    kernel, way = d.ints(dims, 1, 4), d.pick("pads", "pads", "SAME_UPPER", "SAME_LOWER", "VALID", None)
    same = str(way).startswith("SAME")
    attributes = dict(kernel_shape=kernel, strides=[1] * dims if same else d.ints(dims, 1, 3))
    attributes |= {"pads": [d.int(0, k - 1) for k in kernel * 2]} if way == "pads" else {"auto_pad": way}
    attributes |= {"count_include_pad": d.int(0, 1)} if name == "AveragePool" else {"p": d.int(1, 3)} if name == "LpPool" else {}
    if not same and name != "LpPool" and version >= 10:
        attributes["ceil_mode"] = d.int(0, 1)
        attributes["dilations"] = d.ints(dims, 1, 2) if name == "MaxPool" or version >= 19 else None
    outputs = d.pick(1, 2) if name == "MaxPool" and dims < 3 and version >= 8 else 1
    return name, [d.floats(d.int(1, 2), 3, *d.ints(dims, 7, 10))], attributes, version, outputs, ()


def resize(d):
    version = d.pick(10, 11, 13, 18, 19)
    mode, x = d.pick("nearest", "linear") if version == 10 else d.pick("nearest", "linear", "cubic"), d.floats(d.int(1, 2), 2, *d.ints(2, 3, 6))
    scales = f32(1, 1, d.pick(0.5, 2, 1.5, 0.7, 3), d.pick(0.5, 2, 4))
    if version == 10:
        return "Resize", [x, scales], dict(mode=mode), 10, 1, (1,)
    place = d.pick("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel")
    attributes = dict(mode=mode, coordinate_transformation_mode=place)
    attributes["nearest_mode"] = d.pick("round_prefer_floor", "round_prefer_ceil", "floor", "ceil") if mode == "nearest" else None
    if mode == "cubic":
        attributes |= dict(cubic_coeff_a=d.pick(-0.5, -0.75), exclude_outside=d.int(0, 1))
    if version >= 18 and mode != "nearest" and place == "half_pixel":
        attributes["antialias"] = d.int(0, 1)
    if place == "align_corners" or d.pick(True, False):             # by scales, ONNX itself aligns corners otherwise than onnxruntime
        return "Resize", [x, f32(), f32() if version < 13 else None, i64(len(x), 2, *d.ints(2, 2, 9))], attributes, version, 1, (1, 2, 3)
    return "Resize", [x, f32(), scales], attributes, version, 1, (1, 2)


def upsample(d):
    x, scales, mode = d.floats(1, 2, *d.ints(2, 2, 5)), [1.0, 1.0, *map(float, d.ints(2, 1, 3))], d.pick("nearest", "linear")
    if d.pick(True, False):
        return "Upsample", [x], dict(mode=mode, scales=scales), d.pick(7, 8), 1, ()
    return "Upsample", [x, f32(*scales)], dict(mode=mode), 9, 1, (1,)


def softmax(d):
    x = d.floats(*d.ints(d.int(2, 4), 1, 4))
    return d.pick("Softmax", "LogSoftmax", "Hardmax"), [x], dict(axis=d.pick(None, d.int(0, x.ndim - 1))), d.pick(7, 11, 12, 13, 17), 1, ()


def pad(d):
    version, mode = d.pick(7, 10, 11, 13, 18), d.pick("constant", "reflect", "edge")
    x, pads = d.floats(2, 3, *d.ints(2, 3, 5)), [0, 0, *d.ints(2, 0, 2), 0, 0, *d.ints(2, 0, 2)]
    if version < 11:
        return "Pad", [x], dict(pads=pads, mode=mode, value=d.pick(None, 1.5)), version, 1, ()
    value = [np.array(1.5, np.float32)] if mode == "constant" and d.pick(True, False) else []
    return "Pad", [x, i64(*pads), *value], dict(mode=mode), version, 1, d.given(1, 2)


def slice_(d):
    version, x, axes = d.pick(7, 10, 11, 13), d.floats(*d.ints(3, 4, 6)), [int(a) for a in d.random.permutation(3)[: d.int(1, 3)]]
    starts, steps = d.ints(len(axes), -7, 7), [d.pick(1, 2, -1, -2, 3) for _ in axes]
    if version < 10:
        return "Slice", [x], dict(starts=starts, ends=[d.pick(d.int(-7, 7), 2**31 - 1) for _ in axes], axes=axes), version, 1, ()
    ends = [d.pick(d.int(-7, 7), 2**31 - 1 if step > 0 else -(2**31)) for step in steps]
    return "Slice", [x, i64(*starts), i64(*ends), i64(*axes), i64(*steps)], {}, version, 1, d.given(1, 2, 3, 4)


def reduction(d):
    name = d.pick(*(f"Reduce{word}" for word in "Sum Mean Max Min Prod L1 L2 SumSquare LogSumExp LogSum".split()))
    version, axes, keep = d.pick(7, 11, 13, 17, 18), d.pick(None, [0], [1, 2], [0, 1, 2]), dict(keepdims=d.int(0, 1))
    x = abs(d.floats(2, 3, 4))
    if version >= 18 or name == "ReduceSum" and version >= 13:
        return name, [x, *([i64(*axes)] if axes else [])], keep, version, 1, (1,)
    return name, [x], dict(axes=axes, **keep), version, 1, ()


def normalization(d):
    name, x = d.pick("BatchNormalization", "LRN", "InstanceNormalization", "LpNormalization", "LayerNormalization", "GroupNormalization"), d.floats(2, 6, 3, 4)
    epsilon = dict(epsilon=d.pick(None, 1e-3))
    if name == "BatchNormalization":
        x = d.floats(2, 6, *d.ints(d.int(0, 3), 2, 4))
        return name, [x, *d.floats(3, 6), abs(d.floats(6)) + np.float32(0.1)], epsilon, d.pick(7, 8, 9, 14, 15), 1, d.given(1, 2, 3, 4)
    if name == "LRN":
        return name, [x], dict(size=d.pick(1, 3, 5), alpha=0.5, beta=0.75, bias=1.5), d.pick(7, 13), 1, ()
    if name == "LpNormalization":
        return name, [x], dict(axis=d.pick(None, 0, 1, -1), p=d.pick(1, 2)), d.pick(7, 17), 1, ()
    if name == "LayerNormalization":
        axis = d.pick(-1, -2, 1, 3)
        return name, [x, d.floats(*x.shape[axis:]), d.floats(*x.shape[axis:])][: d.int(2, 3)], dict(axis=axis, **epsilon), 17, 1, d.given(1, 2)
    if name == "GroupNormalization":
        return name, [x, *d.floats(2, 6)], dict(num_groups=d.pick(1, 2, 3), **epsilon), 21, 1, d.given(1, 2)
    return name, [x, *d.floats(2, 6)], epsilon, d.pick(7, 17), 1, d.given(1, 2)


def gemm(d):
    (n, k, m), transposed = d.ints(3, 1, 4), dict(transA=d.int(0, 1), transB=d.int(0, 1))
    a, b = d.floats(n, k), d.floats(k, m)
    c = d.pick(d.floats(m), d.floats(1, m), d.floats(n, m), d.floats(n, 1), d.floats(1))
    inputs = [a.T.copy() if transposed["transA"] else a, b.T.copy() if transposed["transB"] else b, c]
    return "Gemm", inputs, dict(**transposed, alpha=d.pick(None, 0.5), beta=d.pick(None, 2.0)), d.pick(7, 9, 11, 13), 1, d.pick((), (1,), (1, 2))


def shapes(d):
    x = d.floats(2, 3, 4, 5)
    return d.pick(
        ("Reshape", [x, i64(*d.pick([0, -1], [2, 0, -1], [-1], [0, 0, 20], [6, 20]))], {}, d.pick(7, 13, 14), 1, d.given(1)),
        ("Flatten", [x], dict(axis=d.pick(None, 0, 1, 2, 3, 4)), d.pick(7, 9, 13), 1, ()),
        ("Split", [x], dict(axis=3, split=[2, 3]), d.pick(7, 11), 2, ()), ("Split", [x, i64(1, 3)], dict(axis=2), 13, 2, (1,)),
        ("Split", [x], dict(axis=3, num_outputs=2), 18, 2, ()), ("Transpose", [x], dict(perm=d.pick(None, [0, 2, 3, 1], [3, 1, 0, 2])), 13, 1, ()),
        ("Tile", [x, i64(1, 2, 1, 2)], {}, 13, 1, d.given(1)), ("Expand", [d.floats(3, 1), i64(*d.pick([2, 3, 4], [1, 1], [3, 4]))], {}, 13, 1, ()),
        ("DepthToSpace", [d.floats(1, 8, 2, 3)], dict(blocksize=2, mode=d.pick("DCR", "CRD")), d.pick(11, 13), 1, ()),
        ("SpaceToDepth", [d.floats(1, 2, 4, 6)], dict(blocksize=2), 13, 1, ()),
        ("Gather", [x, d.random.integers(-2, 2, (2, 2)).astype(d.pick(np.int32, np.int64))], dict(axis=d.pick(0, 1, 2, -1)), 13, 1, d.given(1)),
        ("Unsqueeze", [x, i64(0, -1)], {}, 13, 1, d.given(1)), ("Squeeze", [d.floats(1, 2, 1)], dict(axes=d.pick(None, [0], [0, 2])), 11, 1, ()))


def elements(d):
    x, number = d.floats(2, 3, 4, 4), lambda value: np.array(value, np.float32)
    return d.pick(
        (d.pick("Elu", "LeakyRelu", "ThresholdedRelu", "Celu"), [x], dict(alpha=d.pick(None, 0.3)), d.pick(12, 17), 1, ()),
        ("HardSigmoid", [x], dict(alpha=d.pick(None, 1 / 6), beta=d.pick(None, 0.5)), d.pick(7, 17), 1, ()),
        ("Selu", [x], dict(alpha=d.pick(None, 1.1), gamma=d.pick(None, 0.9)), 17, 1, ()), ("Gelu", [x], dict(approximate=d.pick(None, "tanh")), 20, 1, ()),
        ("Clip", [x], dict(min=d.pick(None, -0.3, 0.0), max=d.pick(None, 0.5, 6.0)), 7, 1, ()),
        ("Clip", [x, d.pick(None, number(-0.3), number(0)), d.pick(number(0.5), number(6))], {}, d.pick(11, 13), 1, d.given(1, 2)),
        ("PRelu", [x, d.pick(d.floats(3, 1, 1), d.floats(1), d.floats(4), d.floats(1, 3, 1, 1))], {}, d.pick(7, 9, 16), 1, d.given(1)),
        ("Pow", [abs(x), d.pick(number(2), d.floats(4), i64(3), number(0.5))], {}, 13, 1, d.given(1)), ("Mod", [x, d.floats(4)], dict(fmod=1), 13, 1, ()),
        ("TopK", [x, i64(2)], dict(axis=d.pick(-1, 1), largest=d.int(0, 1)), 11, 2, (1,)),
        ("CumSum", [x, np.array(d.int(-4, 3))], dict(exclusive=d.int(0, 1), reverse=d.int(0, 1)), 14, 1, (1,)),
        ("ArgMax", [np.round(x)], dict(axis=d.int(-3, 3), keepdims=d.int(0, 1), select_last_index=d.int(0, 1)), 13, 1, ()),
        (d.pick("Mean", "Max", "Min", "Sum"), [x, d.floats(4), d.floats(3, 1, 1)], {}, 13, 1, ()),
        ("GridSample", [x, d.random.uniform(-1.2, 1.2, (2, 3, 2, 2)).astype(np.float32)],
         dict(mode=d.pick("linear", "cubic"), padding_mode=d.pick("zeros", "border", "reflection"), align_corners=d.int(0, 1)), 20, 1, ()),
        (d.pick("HardSwish", "Softplus", "Softsign", "Erf", "Round", "GlobalMaxPool", "GlobalLpPool"), [x], {}, 17, 1, ()))


KINDS = [conv, conv_transpose, pool, resize, upsample, softmax, pad, slice_, reduction, normalization, gemm, shapes, elements]


def model_of(operator, inputs, attributes, version, outputs, initializers):
    """One node as a model; the initializers are among its inputs' positions."""
    names = ["" if x is None else f"input_{i}" for i, x in enumerate(inputs)]
    node = helper.make_node(operator, names, [f"output_{i}" for i in range(outputs)], **{k: v for k, v in attributes.items() if v is not None})
    given = [(i, name) for i, name in enumerate(names) if name]
    graph = helper.make_graph(
        [node], "one node",
        [helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(inputs[i].dtype), inputs[i].shape) for i, name in given if i not in initializers],
        [helper.make_empty_tensor_value_info(name) for name in node.output],
        [numpy_helper.from_array(inputs[i], name) for i, name in given if i in initializers])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", version)], ir_version=8)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_operators(kind):
    d = Draw(0)
    for _ in range(CASES):
        operator, inputs, attributes, version, outputs, initializers = case = kind(d)
        model = model_of(*case)
        feed = {f"input_{i}": x for i, x in enumerate(inputs) if x is not None and i not in initializers}
        wanted = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, feed)
        found = GraphModule(graph_of(model))(*feed.values())
        said = f"{operator} of opset {version}, {attributes}, shapes {[None if x is None else x.shape for x in inputs]}"
        for y, expected in zip(found if isinstance(found, tuple) else (found,), wanted):
            y = y.numpy(force=True)
            assert (y.shape, y.dtype) == (expected.shape, expected.dtype), said
            np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-4, err_msg=said)
