"""What operators meant in older versions, and what the tests of the newest ones do not reach."""

import numpy as np
import pytest

from minicnn import Tensor, errors
from minicnn.graph.facts import Known
from minicnn.graph.ir import Graph, Node, Value
from minicnn.graph.module import GraphModule
from minicnn.graph.shapes import outcome


def run(op_type, inputs, attributes, opset, outputs=1, dtype=None):
    """One node's outputs as arrays."""
    names = [f"x{i}" for i in range(len(inputs))]
    ends = [f"y{i}" for i in range(outputs)]
    graph = Graph("g", [Value(n, str(x.dtype)) for n, x in zip(names, inputs)], [Value(n) for n in ends], [Node(op_type, names, ends, attributes)],
                  opset=opset)
    found = GraphModule(graph)(*inputs)
    return [y.numpy() for y in (found if isinstance(found, tuple) else (found,))]


def rand(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("op_type, function", [("Add", np.add), ("Sub", np.subtract), ("Mul", np.multiply), ("Div", np.divide)])
@pytest.mark.parametrize("shape, axis", [((3,), 1), ((3, 4), 1), ((4, 5), 2), ((2,), 0), ((5,), None), ((4,), -2)])
def test_broadcasting_before_version_7(op_type, function, shape, axis):
    """The second operand's first axis stands beside the axis given; without one, its last beside the last."""
    a, b = rand(2, 3, 4, 5), rand(*shape) + 3
    axis = None if axis is None else axis
    start = 4 - b.ndim if axis is None else axis % 4
    spread = b.reshape((1,) * start + shape + (1,) * (4 - start - len(shape)))
    attributes = {"broadcast": 1} | ({} if axis is None else {"axis": axis})
    np.testing.assert_array_equal(run(op_type, [a, b], attributes, 6)[0], function(a, spread))


def test_comparisons_before_version_7():
    a, b = rand(2, 3, 4), rand(3)
    np.testing.assert_array_equal(run("Greater", [a, b], {"axis": 1, "broadcast": 1}, 6)[0], a > b[:, None])


def test_gemm_before_version_7():
    a, b, c = rand(2, 3), rand(3, 4), rand(4)
    np.testing.assert_allclose(run("Gemm", [a, b, c], {"broadcast": 1}, 6)[0], a @ b + c, rtol=1e-5)


def test_prelu_before_version_7_has_a_slope_for_each_channel():
    x, slope = rand(2, 3, 4, 4), rand(3)
    np.testing.assert_allclose(run("PRelu", [x, slope], {}, 6)[0], np.where(x > 0, x, x * slope[:, None, None]), rtol=1e-6)


def test_batch_norm_before_version_9_may_have_statistics_of_each_feature():
    x, given = rand(2, 3, 4), [rand(3, 4), rand(3, 4), rand(3, 4), np.abs(rand(3, 4)) + 1]
    scale, b, mean, var = given
    np.testing.assert_allclose(run("BatchNormalization", [x, *given], {"spatial": 0, "epsilon": 0.1, "is_test": 1, "consumed_inputs": [0, 0]}, 6)[0],
                               (x - mean) / np.sqrt(var + 0.1) * scale + b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("op_type", ["Softmax", "LogSoftmax"])
def test_softmax_before_version_13_takes_all_axes_behind_as_one(op_type):
    x = rand(2, 3, 4)
    e = np.exp(x.reshape(2, 12))
    wanted = (e / e.sum(1, keepdims=True)).reshape(x.shape)
    found = run(op_type, [x], {}, 12)[0]
    np.testing.assert_allclose(found if op_type == "Softmax" else np.exp(found), wanted, rtol=1e-5)
    np.testing.assert_allclose(np.exp(run("LogSoftmax", [x], {}, 13)[0]).sum(-1), np.ones((2, 3)), rtol=1e-5)


def test_attributes_that_became_inputs():
    x = rand(2, 3, 4, 5)
    np.testing.assert_array_equal(run("Reshape", [x], {"shape": [0, -1]}, 1)[0], x.reshape(2, -1))
    np.testing.assert_array_equal(run("Slice", [x], {"starts": [1, -2], "ends": [2, 100], "axes": [0, 3]}, 1)[0], x[1:2, :, :, -2:])
    np.testing.assert_array_equal(run("Pad", [x], {"pads": [0, 0, 1, 0, 0, 0, 0, 2], "value": 3.0}, 2)[0],
                                  np.pad(x, ((0, 0), (0, 0), (1, 0), (0, 2)), constant_values=3))
    np.testing.assert_array_equal(run("Clip", [x], {"max": 0.5}, 6)[0], np.minimum(x, 0.5))
    np.testing.assert_array_equal(run("Unsqueeze", [x], {"axes": [0, 5]}, 1)[0], x[None, ..., None])
    np.testing.assert_array_equal(run("Squeeze", [x[:1]], {"axes": [0]}, 1)[0], x[0])
    np.testing.assert_array_equal(run("Split", [x], {"axis": 3, "split": [2, 3]}, 2, outputs=2)[1], x[..., 2:])
    np.testing.assert_array_equal(run("TopK", [x], {"k": 1, "axis": 1}, 1, outputs=2)[0], x.max(1, keepdims=True))
    np.testing.assert_allclose(run("ReduceSum", [x], {"axes": [1, 3], "keepdims": 0}, 1)[0], x.sum((1, 3)), rtol=1e-5)
    np.testing.assert_array_equal(run("Upsample", [x], {"scales": [1.0, 1.0, 2.0, 3.0]}, 7)[0], x.repeat(2, 2).repeat(3, 3))
    np.testing.assert_array_equal(run("Dropout", [x], {"ratio": 0.3, "is_test": 1}, 6)[0], x)
    np.testing.assert_array_equal(run("Cast", [x], {"to": "INT32"}, 1)[0], x.astype(np.int32))


def test_casts_to_half_precision_round_and_stay_in_single():
    x = rand(50)
    found = run("Cast", [x], {"to": 10}, 13)[0]
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, x.astype(np.float16).astype(np.float32))


@pytest.mark.parametrize("number, dtype, held", [(4, "uint16", "int32"), (12, "uint32", "int64"), (13, "uint64", "int64")])
def test_casts_to_unsigned_integers_cut_and_are_held_by_wider_ones(number, dtype, held):
    x = np.array([0, 3, 70_000, -2**40], "int64")
    found = run("Cast", [x], {"to": number}, 13)[0]
    assert found.dtype == held
    np.testing.assert_array_equal(found, x.astype(dtype).astype(held))


def test_casts_to_bfloat16_stay_as_they_are():
    x = rand(50)
    np.testing.assert_array_equal(run("Cast", [x], {"to": 16}, 13)[0], x)


@pytest.mark.parametrize("number", range(25))
@pytest.mark.parametrize("op_type, name", [("Cast", "to"), ("EyeLike", "dtype")])
def test_operators_and_rules_of_shapes_know_the_same_types(op_type, name, number):
    x, node = rand(2, 3), Node(op_type, ["x0"], ["y0"], {name: number})
    try:
        dtype = run(op_type, [x], {name: number}, 17)[0].dtype
    except errors.BadType:
        with pytest.raises(errors.DataError, match="there are no tensors of type"):
            outcome(node, [Known("float32", (2, 3))], 17)
    else:
        assert outcome(node, [Known("float32", (2, 3))], 17) == [Known(str(dtype), (2, 3))]


def test_casts_are_differentiable_between_floating_types():
    x = Tensor(rand(3)).requires_grad_()
    for number in (1, 10, 11):
        x.grad = None
        GraphModule(Graph("g", [Value("x")], [Value("y")], [Node("Cast", ["x"], ["y"], {"to": number})]))(x).sum().backward()
        assert (x.grad == 1).all()


def test_group_normalization_before_version_21_has_a_scale_for_each_group():
    x, scale, bias = rand(2, 4, 3), rand(2), rand(2)
    grouped = x.reshape(2, 2, 6)
    wanted = (grouped - grouped.mean(-1, keepdims=True)) / np.sqrt(grouped.var(-1, keepdims=True) + 1e-5) * scale[:, None] + bias[:, None]
    np.testing.assert_allclose(run("GroupNormalization", [x, scale, bias], {"num_groups": 2}, 18)[0], wanted.reshape(x.shape), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("op_type, inputs, attributes, message", [
    ("Conv", [rand(1, 3, 5, 5), rand(4, 2, 3, 3)], {}, "expected C=2 channels"),
    ("Conv", [rand(1, 3, 5, 5), rand(4, 3, 3, 3), rand(3)], {}, "expected the b to have shape \\(4,\\)"),
    ("Conv", [rand(1, 3, 5, 5), rand(4, 3, 3, 3).astype(float)], {}, "the input is float32 but the weight is float64"),
    ("Conv", [rand(1, 3, 5, 5), rand(4, 3, 3, 3)], {"strides": [0, 1]}, "strides must have 2 numbers of at least 1"),
    ("Conv", [rand(1, 3, 5, 5), rand(4, 3, 3, 3)], {"pads": [-1, 0, 0, 0]}, "pads must have 4 numbers of at least 0"),
    ("Conv", [rand(1, 3, 5, 5), rand(4, 3, 3, 3)], {"group": 0}, "groups must be a positive integer"),
    ("Conv", [rand(1, 3, 5, 5), rand(4, 3, 3, 3)], {"kernel_shape": [2, 2]}, "kernel_shape is \\[2, 2\\]"),
    ("Conv", [rand(1, 3, 5, 5), rand(4, 3, 7, 7)], {}, "the window does not fit"),
    ("ConvTranspose", [rand(1, 3, 5, 5), rand(3, 4, 3, 3), rand(3)], {}, "expected the b to have shape \\(4,\\)"),
    ("AveragePool", [rand(1, 3, 5, 5)], {"kernel_shape": [2, 2], "pads": [2, 0, 0, 0]}, "would see nothing else"),
    ("LpPool", [rand(1, 3, 0, 5)], {"kernel_shape": [2, 2], "pads": [1, 1, 1, 1]}, "not empty"),
    ("LpPool", [rand(3, 5)], {"kernel_shape": [2, 2]}, "as many as kernel_shape"),
    ("Transpose", [rand(2, 3)], {"perm": [0, 0]}, "does not name each of the 2 dimensions once"),
    ("Concat", [rand(2, 3), rand(3, 3)], {"axis": 1}, "must agree"),
    ("Concat", [rand(2, 3), rand(2, 3)], {"axis": 2}, "axis 2 is outside"),
    ("Gather", [rand(2, 3), np.array([2])], {}, "an index is outside -2 .. 1"),
    ("Resize", [rand(1, 1, 2, 2), rand(0), np.array([1, 1, 0, 2], np.float32)], {}, "a positive number for each of 4 axes"),
    ("Pad", [rand(2, 3), np.array([0, 4, 0, 0])], {"mode": "reflect"}, "mirrored by less than its length"),
    ("Split", [rand(2, 4), np.array([1, 2])], {"axis": 1}, "do not make up the 4 of axis 1"),
    ("Cast", [rand(2)], {"to": 8}, "there are no tensors of type"),
])
def test_what_does_not_fit_is_refused_with_what_was_expected(op_type, inputs, attributes, message):
    with pytest.raises(errors.Error, match=f"the node that computes 'y0' .{op_type}.: .*{message}.*inputs: "):
        run(op_type, inputs, attributes, 17)


def test_sizes_that_would_take_all_memory_are_refused():
    x, sizes = np.zeros((1, 1, 100_000, 1), np.float32), np.array([1, 1, 120_000, 1])
    graph = Graph("g", [Value("x")], [Value("y")], [Node("Resize", ["x", "", "", "sizes"], ["y"], {"mode": "linear"})], {"sizes": sizes})
    with pytest.raises(errors.BadValue, match="at most 1 GiB"):
        GraphModule(graph)(x)
    with pytest.raises(errors.BadValue, match="there are 2 outputs"):
        run("Split", [rand(4, 3)], {"num_outputs": 10**9}, 18, outputs=2)
