"""Every pass that rewrites a graph: the same outputs with and without it, and the layers that are to be found by it."""

from collections import Counter
from copy import deepcopy

import numpy as np
import pytest

import minicnn
from minicnn.errors import DataError
from minicnn.graph import Graph, Node, Value
from minicnn.graph.folding import fold
from minicnn.graph.identities import remove_identities
from minicnn.graph.links import sweep
from minicnn.graph.lrn import find_lrn
from minicnn.graph.module import GraphModule
from minicnn.graph.patterns import bias_into_layer, matmul_into_gemm, pad_into_conv
from minicnn.graph.simplify import simplify
from minicnn.graph.sizes import Size, broadcast
from minicnn.graph.transposes import move_transposes

NHWC, NCHW = [0, 2, 3, 1], [0, 3, 1, 2]


def weight(*shape, seed=0):
    return np.random.default_rng(seed).normal(0, 0.5, shape).astype("float32")


def ints(*values):
    return np.array(values, "int64")


def node(op, inputs, outputs, **attributes):
    return Node(op, ["" if name == "_" else name for name in inputs.split()], outputs.split(), attributes)


def graph(*nodes, shape=("N", 3, 8, 8), outputs="y", opset=17, **tensors):
    return Graph("g", [Value("x", "float32", shape)], [Value(name, None) for name in outputs.split()], list(nodes), tensors, opset=opset)


def run(g, x):
    with minicnn.no_grad():
        y = GraphModule(deepcopy(g))(minicnn.tensor(x))
    return [part.numpy() for part in (y if isinstance(y, tuple) else (y,))]


def check(g, rewrite, expected=None, sizes=(1, 3)):
    """The outputs are the same before and after; the operators afterwards are those expected, in words: "Conv Relu Relu"."""
    before = deepcopy(g)
    rewrite(g)
    for n in sizes:
        x = np.random.default_rng(n).normal(size=[n if isinstance(s, str) else s for s in g.inputs[0].shape]).astype("float32")
        for a, b in zip(run(before, x), run(g, x)):
            assert a.shape == b.shape
            np.testing.assert_allclose(b, a, rtol=1e-5, atol=1e-5)
    if expected is not None:
        assert Counter(n.op_type for n in g.nodes) == Counter(expected.split())
    return g


def by(*passes):
    """A rewriting of a graph by passes, after what they need to know was found."""
    def rewrite(g):
        facts = fold(g, held={name for name, array in g.initializers.items() if array.dtype.kind == "f"})
        for step in passes:
            step(g, facts)
    return rewrite


# Constant folding

def test_shapes_of_a_free_batch_become_a_reshape_s_0_and_minus_1():
    g = check(graph(node("Shape", "x", "s"), node("Gather", "s i", "n"), node("Unsqueeze", "n a", "u"), node("Concat", "u k", "t", axis=0),
                    node("Reshape", "x t", "y"), i=np.int64(0), a=ints(0), k=ints(192)), simplify, "Reshape")
    assert g.initializers[g.nodes[0].inputs[1]].tolist() == [0, 192]


def test_a_batch_that_is_split_is_the_rest():
    g = check(graph(node("Shape", "x", "s"), node("Gather", "s i", "n"), node("Mul", "n two", "m"), node("Concat", "m k", "t", axis=0),
                    node("Reshape", "x t", "y"), i=ints(0), two=ints(2), k=ints(96)), simplify, "Reshape")
    assert g.initializers[g.nodes[0].inputs[1]].tolist() == [-1, 96]


def test_two_free_sizes_stay_computed():
    check(graph(node("Shape", "x", "s"), node("Slice", "s a b", "h"), node("Concat", "m h", "t", axis=0), node("Reshape", "x t", "y"),
                shape=("N", 3, "H", "W"), a=ints(2), b=ints(4), m=ints(-1)), simplify, "Shape Slice Concat Reshape", sizes=(4,))


def test_what_depends_on_constants_alone_is_computed():
    g = check(graph(node("ConstantOfShape", "s", "w", value=np.array([0.5], "float32")), node("Constant", "", "c", value_float=2.0),
                    node("Mul", "w c", "v"), node("Conv", "x v", "y"), s=ints(4, 3, 3, 3)), simplify, "Conv")
    assert g.initializers["v"].shape == (4, 3, 3, 3) and set(g.initializers) == {"v"}


def test_random_numbers_are_not_computed_once():
    g = graph(node("RandomNormal", "", "r", shape=[3, 8, 8]), node("Add", "x r", "y"))
    simplify(g)
    assert [n.op_type for n in g.nodes] == ["RandomNormal", "Add"]


@pytest.mark.parametrize("channels, taken", [(3, "Relu"), (4, "Neg")])
def test_an_if_by_a_known_number_is_its_branch(channels, taken):
    def branch(op):
        return Graph("b", [], [Value("r", None)], [node(op, "x", "q"), node("Add", "q own", "r")], {"own": weight(3, 1, 1)})

    check(graph(node("Shape", "x", "s"), node("Gather", "s i", "c"), node("Equal", "c k", "e"),
                node("If", "e", "q", then_branch=branch("Relu"), else_branch=branch("Neg")), node("Abs", "q", "y"),
                i=np.int64(1), k=np.int64(channels)), simplify, f"{taken} Add Abs")


def test_constants_are_bounded():
    with pytest.raises(DataError, match="GiB"):
        simplify(graph(*[node("Concat", f"c{i} c{i}", f"c{i + 1}", axis=0) for i in range(40)], node("Add", "x c40", "y"), c0=weight(8)))


def test_shapes_that_do_not_fit_are_told_with_the_node():
    with pytest.raises(DataError, match="Conv.*'y'.*3 channels"):
        simplify(graph(node("Conv", "x w", "y"), w=weight(4, 5, 3, 3)))


# Identities

def test_what_changes_nothing_goes():
    check(graph(node("Identity", "x", "a"), node("Cast", "a", "b", to=1), node("Pad", "b p", "c"), node("Expand", "c e", "d"), node("Relu", "d", "f"),
                node("Reshape", "f t", "g"), node("Flatten", "g", "h"), node("Reshape", "h u", "i"), node("Transpose", "i", "j", perm=[0, 1, 2, 3]),
                node("Slice", "j z m", "y"), p=ints(*[0] * 8), e=ints(1, 1, 8, 1), t=ints(0, 3, 64), u=ints(-1, 3, 8, 8), z=ints(0), m=ints(2**62)),
          by(remove_identities), "Relu")


def test_outputs_keep_their_names():
    g = check(graph(node("Relu", "x", "a"), node("Identity", "a", "y"), node("Neg", "a", "z"), outputs="y z"), by(remove_identities), "Relu Neg")
    assert [value.name for value in g.outputs] == ["y", "z"]
    check(graph(node("Identity", "x", "y"), node("Identity", "y", "z"), outputs="y z"), by(remove_identities), "Identity Identity")
    check(graph(node("Relu", "x", "a"), node("Identity", "a", "y"), node("Identity", "a", "z"), outputs="a y z"), by(remove_identities))


def test_a_slice_backwards_is_no_identity():
    check(graph(node("Slice", "x a e i s", "y"), a=ints(-1), e=ints(-100), i=ints(3), s=ints(-1)), by(remove_identities), "Slice")


@pytest.mark.parametrize("to, left", [(4, "Cast Cast Cast"), (6, "Cast Cast")])
def test_a_cast_that_cuts_numbers_stays(to, left):
    """uint16 is held by int32, to which -1 and 65535 are not the same."""
    check(graph(node("Cast", "x", "a", to=6), node("Cast", "a", "b", to=to), node("Cast", "b", "y", to=1)), simplify, left)


def test_dropout_stays():
    check(graph(node("Dropout", "x", "d"), node("Relu", "d", "y"), opset=9), simplify, "Dropout Relu")


# Layers

CONV = {"w": weight(4, 3, 3, 3), "b": weight(4)}


@pytest.mark.parametrize("value, expected", [(0.0, "Conv"), (1.0, "Pad Conv")])
def test_a_pad_with_zeros_goes_into_the_convolution(value, expected):
    check(graph(node("Pad", "x p v", "q"), node("Conv", "q w b", "y", pads=[1, 0, 0, 0], strides=[2, 1]), p=ints(0, 0, 1, 2, 0, 0, 0, 1),
                v=np.float32(value), **CONV), by(pad_into_conv), expected)


@pytest.mark.parametrize("pads", [(0, 1, 0, 0, 0, 1, 0, 0), (0, 0, -1, 0, 0, 0, 0, 0)])
def test_pads_of_channels_and_cuts_stay(pads):
    w = weight(4, 3 + pads[1] * 2, 3, 3)
    check(graph(node("Pad", "x p", "q"), node("Conv", "q w", "y"), p=ints(*pads), w=w), by(pad_into_conv), "Pad Conv")


def test_a_pad_before_same_padding_stays():
    check(graph(node("Pad", "x p", "q"), node("Conv", "q w b", "y", auto_pad="SAME_UPPER"), p=ints(0, 0, 1, 1, 0, 0, 1, 1), **CONV),
          by(pad_into_conv), "Pad Conv")


@pytest.mark.parametrize("counted, expected", [(1, "AveragePool"), (0, "Pad AveragePool")])
def test_a_pad_goes_into_a_mean_that_counts_it(counted, expected):
    check(graph(node("Pad", "x p", "q"), node("AveragePool", "q", "y", kernel_shape=[3, 3], count_include_pad=counted),
                p=ints(0, 0, 1, 1, 0, 0, 1, 1)), by(pad_into_conv), expected)


@pytest.mark.parametrize("bias", [(5,), (1, 5)])
@pytest.mark.parametrize("order", ["a c", "c a"])
def test_matmul_and_add_are_a_dense_layer(bias, order):
    g = check(graph(node("MatMul", "x w", "a"), node("Add", order, "y"), shape=("N", 6), w=weight(6, 5), c=weight(*bias)), by(matmul_into_gemm), "Gemm")
    assert set(g.initializers) == {"w", "c"}


def test_a_transposed_matrix_keeps_its_name():
    g = check(graph(node("Transpose", "w", "t", perm=[1, 0]), node("MatMul", "x t", "a"), node("Add", "a c", "y"), shape=("N", 6),
                    w=weight(5, 6), c=weight(5)), simplify, "Gemm")
    assert set(g.initializers) == {"w", "c"} and g.initializers["w"].shape == (5, 6)


def test_a_matmul_that_is_used_twice_keeps_its_add():
    check(graph(node("MatMul", "x w", "a"), node("Add", "a c", "b"), node("Mul", "a b", "y"), shape=("N", 6), w=weight(6, 5), c=weight(5)),
          by(matmul_into_gemm), "Gemm Add Mul")
    check(graph(node("MatMul", "x w", "a"), node("Add", "a c", "y"), outputs="a y", shape=("N", 6), w=weight(6, 5), c=weight(5)),
          by(matmul_into_gemm), "Gemm Add")


def test_what_is_added_across_the_batch_is_no_bias():
    check(graph(node("MatMul", "x w", "a"), node("Add", "a c", "y"), shape=("N", 6), w=weight(6, 5), c=weight(5, 1)), by(matmul_into_gemm),
          "Gemm Add", sizes=(5,))


@pytest.mark.parametrize("bias, expected", [((4, 1, 1), "Conv"), ((1, 4, 1, 1), "Conv"), ((6,), "Conv Add"), ((4, 6, 6), "Conv Add")])
def test_one_number_for_each_channel_is_a_bias(bias, expected):
    check(graph(node("Conv", "x w", "c"), node("Add", "c b", "y"), w=CONV["w"], b=weight(*bias)), by(bias_into_layer), expected)


# Local response normalization

def lrn(front, back, size=3, square="Mul", count=1, unsqueeze=False):
    """As PyTorch writes it."""
    first = node("Unsqueeze", "q one", "v") if unsqueeze else node("Reshape", "q five", "v")
    last = node("Squeeze", "m one", "u") if unsqueeze else node("Reshape", "m four", "u")
    return graph(node("Mul", "x x", "q") if square == "Mul" else node("Pow", "x two", "q"), first, node("Pad", "v p", "w"),
                 node("AveragePool", "w", "m", kernel_shape=[size, 1, 1], strides=[1, 1, 1], count_include_pad=count), last,
                 node("Mul", "u alpha", "a"), node("Add", "a k", "b"), node("Pow", "b beta", "d"), node("Div", "x d", "y"), shape=("N", 5, 4, 4),
                 p=ints(0, 0, front, 0, 0, 0, 0, back, 0, 0), five=ints(0, 1, 5, 4, 4) if not unsqueeze else ints(1), one=ints(1),
                 four=ints(-1, 5, 4, 4), two=np.float32(2), alpha=np.float32(0.3), k=np.float32(2), beta=np.float32(0.75))


@pytest.mark.parametrize("options", [{}, {"square": "Pow"}, {"unsqueeze": True}])
def test_an_lrn_in_parts_is_found(options):
    g = lrn(1, 1, **options)
    check_lrn(g, "LRN")


def check_lrn(g, expected):
    """The parts need a three-dimensional pool, so what is found is compared with the formula."""
    x = np.random.default_rng(0).normal(size=(2, 5, 4, 4)).astype("float32")
    by(find_lrn)(g)
    assert [n.op_type for n in g.nodes] == expected.split()
    padded = np.pad(x, ((0, 0), (1, 1), (0, 0), (0, 0)))**2
    mean = (padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]) / 3
    np.testing.assert_allclose(run(g, x)[0], x / (2 + 0.3 * mean)**0.75, rtol=1e-5)


def test_an_lrn_of_other_neighbours_stays_in_parts():
    """PyTorch's window of an even size begins one earlier than ONNX's."""
    for g in (lrn(2, 0), lrn(0, 2), lrn(2, 1, size=4)):
        by(find_lrn)(g)
        assert "LRN" not in [n.op_type for n in g.nodes]
    g = lrn(1, 2, size=4)
    by(find_lrn)(g)
    assert [n.op_type for n in g.nodes] == ["LRN"]


def test_an_lrn_by_the_square_of_something_else_stays():
    g = lrn(1, 1)
    g.nodes[:1] = [node("Relu", "x", "r"), node("Mul", "r r", "q")]
    by(find_lrn)(g)
    assert "LRN" not in [n.op_type for n in g.nodes]


# Transposes

def last_first(name):
    """Nodes that bring a value of channels last before a convolution: x -> x_first."""
    return node("Transpose", name, f"{name}_first", perm=NCHW)


def test_transposes_pass_activations_and_cancel():
    check(graph(node("Transpose", "x", "a", perm=NHWC), node("Relu", "a", "b"), node("Add", "b c", "d"), node("Clip", "d lo hi", "e"),
                node("Transpose", "e", "f", perm=NCHW), node("Conv", "f w", "y"), c=weight(3), lo=np.float32(-1), hi=np.float32(1), w=CONV["w"]),
          by(move_transposes, remove_identities), "Relu Add Clip Conv")


@pytest.mark.parametrize("shape", [(), (1,), (3,), (8, 3), (8, 1), (1, 8, 8, 3)])
def test_constants_are_turned_with_it(shape):
    check(graph(node("Transpose", "x", "a", perm=NHWC), node("Mul", "c a", "b"), node("Transpose", "b", "y", perm=NCHW), c=weight(*shape)),
          by(move_transposes, remove_identities), "Mul")


@pytest.mark.parametrize("op, attributes", [("Concat", {"axis": 3}), ("Concat", {"axis": -2}), ("Add", {}), ("Max", {})])
def test_transposes_pass_joins(op, attributes):
    g = graph(node("Transpose", "x", "a", perm=NHWC), node("Neg", "x", "n"), node("Transpose", "n", "b", perm=NHWC), node(op, "a b", "c", **attributes),
              node("Transpose", "c", "y", perm=NCHW))
    check(g, by(move_transposes, remove_identities), f"Neg {op}")


def test_a_join_with_what_is_not_transposed():
    check(graph(node("Transpose", "x", "a", perm=NHWC), node("Mul", "a s", "b"), node("ReduceMean", "a", "m", axes=[1, 2]), node("Mul", "b m", "c"),
                node("Transpose", "c", "y", perm=NCHW), s=weight(3)), by(move_transposes, remove_identities), "Mul ReduceMean Mul")
    check(graph(node("Transpose", "x", "a", perm=[0, 2, 1, 3]), node("Add", "x a", "y"), shape=("N", 8, 8, 4)), by(move_transposes, remove_identities))


@pytest.mark.parametrize("keepdims", [0, 1])
@pytest.mark.parametrize("axes", [[1, 2], [-1], [3, 1], [0]])
def test_transposes_pass_reductions(keepdims, axes):
    check(graph(node("Transpose", "x", "a", perm=NHWC), node("ReduceMax", "a", "b", axes=axes, keepdims=keepdims), node("Relu", "b", "y"),
                shape=("N", 3, 5, 6)), by(move_transposes, remove_identities))
    check(graph(node("Transpose", "x", "a", perm=NHWC), node("ReduceSum", "a i", "b", keepdims=keepdims), node("Relu", "b", "y"),
                shape=("N", 3, 5, 6), i=ints(*axes)), by(move_transposes, remove_identities))


@pytest.mark.parametrize("nodes", [
    [node("Softmax", "a", "b", axis=-1), node("Relu", "b", "y")], [node("Split", "a k", "b c", axis=2), node("Sub", "b c", "y")],
    [node("Pad", "a p", "b"), node("Relu", "b", "y")], [node("GlobalAveragePool", "x", "g"), node("Transpose", "g", "h", perm=NHWC), node("Squeeze", "h i", "y")],
    [node("Dropout", "a", "b"), node("Reshape", "b t", "y")], [node("Flatten", "a", "y")], [node("Shape", "a", "s"), node("Reshape", "x s", "y")],
    [node("GlobalAveragePool", "x", "g"), node("Transpose", "g", "h", perm=NHWC), node("Flatten", "h", "y")],
    [node("GlobalAveragePool", "x", "g"), node("Transpose", "g", "h", perm=NHWC), node("Reshape", "h u", "y")],
])
def test_other_nodes_after_a_transpose(nodes):
    check(graph(node("Transpose", "x", "a", perm=NHWC), *nodes, shape=("N", 3, 4, 6), k=ints(3, 3), p=ints(0, 1, 2, 0, 0, 3, 0, 1), i=ints(1, 2),
                t=ints(0, -1), u=ints(0, 3)), by(move_transposes, remove_identities))


def test_two_transposes_are_one():
    """Of these, neither is the other's inverse, and their order matters."""
    check(graph(node("Transpose", "x", "a", perm=[0, 2, 3, 1]), node("Transpose", "a", "b", perm=[1, 0, 2, 3]), node("Relu", "b", "y"),
                shape=("N", 3, 4, 6)), by(move_transposes), "Relu Transpose")


def test_a_constant_that_others_use_stays_as_it_is():
    check(graph(node("Transpose", "x", "a", perm=NHWC), node("Add", "a c", "b"), node("Transpose", "b", "d", perm=NCHW), node("Mul", "d c", "y"),
                shape=("N", 3, 8, 3), c=weight(3)), simplify, "Add Mul")
    check(graph(node("MatMul", "x w", "a"), node("Add", "a c", "b"), node("Mul", "b c", "y"), shape=("N", 6), w=weight(6, 5), c=weight(1, 5)),
          simplify, "Gemm Mul")


def test_outputs_that_are_transposes():
    check(graph(node("Transpose", "x", "a", perm=NHWC), node("Relu", "a", "y"), node("Transpose", "a", "z", perm=NCHW), outputs="y z a"),
          by(move_transposes, remove_identities))


def test_a_network_of_channels_last_becomes_layers():
    """As unoptimised converters write it: every layer between two Transposes, biases and scales by the last axis, TensorFlow's flatten."""
    def conv(x, y, number, *, stride=1):
        return [last_first(x), node("Conv", f"{x}_first k{number}", f"{y}_conv", auto_pad="SAME_UPPER", strides=[stride] * 2),
                node("Transpose", f"{y}_conv", f"{y}_last", perm=NHWC), node("Add", f"{y}_last c{number}", y)]

    nodes = [
        node("Cast", "x", "x0", to=1), node("Sub", "x0 mean", "n"), *conv("n", "a", 1, stride=2), node("Relu", "a", "r1"),
        *conv("r1", "b", 2), node("Mul", "b scale", "b1"), node("Add", "b1 shift", "b2"), node("Add", "b2 r1", "s"), node("Relu", "s", "r2"),
        last_first("r2"), node("MaxPool", "r2_first", "m", kernel_shape=[2, 2], strides=[2, 2]), node("Transpose", "m", "ml", perm=NHWC),
        node("Cast", "ml", "mc", to=1), node("Concat", "mc mc", "cc", axis=3), *conv("cc", "d", 3), node("ReduceMean", "d", "g", axes=[1, 2], keepdims=1),
        node("Squeeze", "g axes", "q"), node("Shape", "q", "sh"), node("Cast", "sh", "sh32", to=6), node("Slice", "sh32 zero one", "batch"),
        node("Concat", "batch rest", "target", axis=0), node("Cast", "target", "target64", to=7), node("Reshape", "q target64", "flat"),
        node("MatMul", "flat dense", "dm"), node("Add", "dm dense_bias", "logits"), node("Softmax", "logits", "y")]
    g = check(graph(*nodes, shape=("N", 9, 9, 3), mean=weight(3), k1=weight(4, 3, 3, 3), c1=weight(4), k2=weight(4, 4, 3, 3), c2=weight(4),
                    scale=weight(4), shift=weight(4), k3=weight(6, 8, 1, 1), c3=weight(6), axes=ints(1, 2), zero=ints(0), one=ints(1),
                    rest=np.array([6], "int32"), dense=weight(6, 5), dense_bias=weight(5)), simplify,
              "Sub Transpose Conv Relu Conv Mul Add Add Relu MaxPool Concat Conv ReduceMean Squeeze Gemm Softmax")
    assert [n.inputs[1:] for n in g.nodes if n.op_type in ("Conv", "Gemm")] == [["k1", "c1"], ["k2", "c2"], ["k3", "c3"], ["dense", "dense_bias"]]
    assert g.initializers["c2"].shape == (4,)


# Sizes

def test_sizes_are_equal_when_they_must_be():
    n, h = Size.named("N"), Size.named("H")
    assert 7 * n * 7 // 49 == n and n * h == h * n and n + n == 2 * n and n - n == 0 and n * h // n == h and n + 0 == n
    assert n != h and n + 1 != n and n // 2 != n and Size.unknown() != Size.unknown()
    assert broadcast((n, 1, 5), (3, 1)) == (n, 3, 5) and broadcast((n,), (4,)) == (4,) and broadcast((n,), (n,)) == (n,)


def test_expressions_do_not_grow_without_end():
    size = Size.named("N")
    for _ in range(1000):
        size = (size + 1) * size
    assert len(str(size)) < 200


def test_sweep_takes_what_nobody_needs():
    g = graph(node("Relu", "x", "y"), node("Conv", "x w", "z"), w=CONV["w"], unused=weight(3))
    sweep(g)
    assert [n.op_type for n in g.nodes] == ["Relu"] and g.initializers == {}
