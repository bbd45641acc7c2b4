"""GraphModule: the same numbers as the model that a graph came from, the same names, and errors that say which node is wrong."""

import copy
import pickle
import weakref

import numpy as np
import pytest

import minicnn
from minicnn import nn
from minicnn.errors import BadValue, GraphError, ShapeError, UnsupportedOperator
from minicnn.graph.facts import Known
from minicnn.graph.ir import Graph, Node, Value
from minicnn.graph.module import GraphModule
from minicnn.graph.operators import compute
from minicnn.graph.shapes import outcome
from minicnn.graph.trace import trace


def graph(nodes, inputs=("x",), outputs=("y",), **options):
    """A graph of nodes, whose inputs have any shape."""
    return Graph("test", [Value(name) for name in inputs], [Value(name) for name in outputs], nodes, **options)


def rand(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


class Residual(nn.Module):
    """A bit of everything: a shortcut, batch norm, dropout, one layer used twice, a parameter and a buffer of its own."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU())
        self.twice = nn.Conv2d(8, 8, 3, padding=1)
        self.scale = nn.Parameter(minicnn.ones(8, 1, 1))
        self.register_buffer("shift", minicnn.full((8, 1, 1), 0.25))
        self.drop, self.fc = nn.Dropout(0.3), nn.Linear(8 * 4 * 4, 5)

    def forward(self, x):
        x = nn.functional.max_pool2d(self.stem(x), 2)
        x = self.twice(self.twice(x)) * self.scale + self.shift + x
        return self.fc(self.drop(x.flatten(1)))


def both():
    model = Residual()
    return model, GraphModule(trace(copy.deepcopy(model), rand(2, 3, 8, 8)))


# The same as the model


def test_outputs_are_the_same_bit_for_bit():
    model, module = both()
    x = minicnn.tensor(rand(4, 3, 8, 8))
    assert np.array_equal(model.eval()(x).detach().numpy(), module(x).detach().numpy())


def test_state_dict_has_the_names_of_the_model():
    model, module = both()
    assert set(module.state_dict()) == set(model.state_dict())
    assert {name for name, _ in module.named_parameters()} == {name for name, _ in model.named_parameters()}
    model.scale.data.fill_(2)
    module.load_state_dict(model.state_dict())
    assert (module.scale == 2).all()


def test_training_is_the_same_bit_for_bit():
    """Gradients, running statistics and what dropout draws."""
    models = [model.train() for model in both()]
    for model in models:
        minicnn.manual_seed(3)
        optimizer = minicnn.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        for _ in range(3):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(minicnn.tensor(rand(4, 3, 8, 8))), minicnn.tensor([0, 1, 2, 3])).backward()
            optimizer.step()
    wanted, found = (model.state_dict() for model in models)
    for name, value in wanted.items():
        assert np.array_equal(value.numpy(), found[name].numpy()), name


def test_it_starts_in_evaluation_and_follows_train_and_eval():
    _, module = both()
    x = minicnn.tensor(rand(4, 3, 8, 8))
    assert not any(part.training for part in module.modules())
    assert np.array_equal(module(x).detach().numpy(), module(x).detach().numpy())
    assert not np.array_equal(module.train()(x).detach().numpy(), module(x).detach().numpy())


def test_a_layer_used_twice_is_one_layer():
    _, module = both()
    assert [name for name, part in module.named_modules() if isinstance(part, nn.Conv2d)] == ["stem.0", "twice"]


def test_double_precision():
    _, module = both()
    y = module.double()(minicnn.tensor(rand(2, 3, 8, 8).astype(float)))
    assert y.dtype == minicnn.float64


@pytest.mark.gpu
def test_on_the_gpu():
    model, module = both()
    x = rand(2, 3, 8, 8)
    wanted = module(minicnn.tensor(x)).detach().numpy()
    found = module.to("cuda")(minicnn.tensor(x, device="cuda"))
    assert found.is_cuda
    np.testing.assert_allclose(found.detach().cpu().numpy(), wanted, rtol=1e-4, atol=1e-5)
    found.sum().backward()
    model.eval()(minicnn.tensor(x)).sum().backward()
    gradients = dict(module.named_parameters())
    for name, p in model.named_parameters():
        np.testing.assert_allclose(gradients[name].grad.cpu().numpy(), p.grad.numpy(), rtol=1e-3, atol=1e-4, err_msg=name)


def test_copies_are_independent():
    _, module = both()
    x = minicnn.tensor(rand(2, 3, 8, 8))
    before = module(x).detach().numpy().copy()
    for other in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert np.array_equal(other(x).detach().numpy(), before)
        other.fc.weight.data.fill_(0)
        assert np.array_equal(module(x).detach().numpy(), before)


def test_repr_shows_layers_and_what_the_table_runs():
    text = repr(both()[1])
    assert "(twice): Conv2d(8, 8, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))" in text
    assert "Residual: input ('N', 3, 8, 8) -> output ('N', 5);" in text


def test_a_layer_can_be_replaced():
    _, module = both()
    module.fc = nn.Linear(8 * 4 * 4, 2)
    assert module(minicnn.tensor(rand(3, 3, 8, 8))).shape == (3, 2)
    del module.twice
    with pytest.raises(GraphError, match="runs the layer 'twice', which is not there any more"):
        module(minicnn.tensor(rand(3, 3, 8, 8)))


def test_what_is_not_needed_any_more_is_freed():
    nodes = [Node("Relu", ["x"], ["a"], name="first"), Node("Exp", ["a"], ["b"]), Node("Relu", ["b"], ["y"], name="last")]
    module, seen = GraphModule(graph(nodes)), {}
    module.first.register_forward_hook(lambda layer, args, output: seen.update(output=weakref.ref(output)))
    module.last.register_forward_hook(lambda layer, args, output: seen.update(freed=seen["output"]() is None))
    with minicnn.no_grad():
        module(minicnn.tensor(rand(2, 3)))
    assert seen["freed"]


# Initializers in other forms


def test_matrices_are_linear_layers_with_the_weight_transposed():
    w, b = rand(4, 3), rand(1, 3)
    initializers = {"w": w.copy(), "b": b.copy(), "v": rand(3, 2)}
    module = GraphModule(graph([Node("Gemm", ["x", "w", "b"], ["h"], {"transB": 0}, "head"), Node("MatMul", ["h", "v"], ["y"])],
                               initializers=initializers, parameters={"w", "b", "v"}))
    assert [type(part) for part in module.children()] == [nn.Linear, nn.Linear]
    x = rand(5, 4)
    np.testing.assert_allclose(module(minicnn.tensor(x)).detach().numpy(), (x @ w + b) @ initializers["v"], rtol=1e-5, atol=1e-6)
    assert {name: tuple(value.shape) for name, value in module.state_dict().items()} == {
        "head.weight": (3, 4), "head.bias": (3,), "matmul.weight": (2, 3)}


def conv_and_norm(weights, vectors, names):
    """Two convolutions and two batch norms, whose initializers are called as said."""
    nodes = [Node("Conv", ["x", weights[0]], ["a"], name=names[0]), Node("BatchNormalization", ["a", *vectors[0]], ["b"], name=names[1]),
             Node("Conv", ["b", weights[1]], ["c"], name=names[2]), Node("BatchNormalization", ["c", *vectors[1]], ["y"], name=names[3])]
    initializers = {name: rand(3, 3, 1, 1) for name in weights} | {name: np.ones(3, np.float32) for name in (*vectors[0], *vectors[1])}
    module = GraphModule(graph(nodes, initializers=initializers, parameters=set(initializers)))
    return module, [part for part in module.modules() if isinstance(part, nn.Conv2d)], [
        part for part in module.modules() if type(part).__name__.startswith("BatchNorm")]


def test_vectors_that_happen_to_be_equal_are_not_tied():
    """Exporters write equal arrays once; the scales and statistics of two batch norms are two all the same."""
    module, convs, norms = conv_and_norm(("w", "v"), (("one", "one", "one", "one"),) * 2, ("c1", "n1", "c2", "n2"))
    assert len(convs) == len(norms) == 2 and len(list(module.parameters())) == 6
    module.train()(minicnn.tensor(rand(4, 3, 2, 2)))
    assert not np.array_equal(norms[0].running_mean.numpy(), norms[1].running_mean.numpy())
    assert np.array_equal(norms[0].weight.detach().numpy(), np.ones(3))


def test_matrices_and_kernels_with_one_name_are_tied():
    module, convs, _ = conv_and_norm(("w", "w"), (("s", "t", "u", "v1"), ("s2", "t2", "u2", "v2")), ("c1", "n1", "c2", "n2"))
    assert convs[0] is not convs[1] and convs[0].weight is convs[1].weight


def test_layers_whose_initializers_bear_their_name_are_one_layer_however_often_they_run():
    vectors = tuple(f"bn.{part}" for part in ("weight", "bias", "running_mean", "running_var"))
    module, convs, norms = conv_and_norm(("c.weight", "c.weight"), (vectors, vectors), ("c", "bn", "c_1", "bn_1"))
    assert len(convs) == len(norms) == 1


def test_nodes_of_one_name_are_different_layers():
    _, convs, norms = conv_and_norm(("w", "v"), (("s", "t", "u", "v1"), ("s2", "t2", "u2", "v2")), ("n",) * 4)
    assert len(convs) == len(norms) == 2


def test_an_initializer_of_a_layer_can_be_read_elsewhere_too():
    nodes = [Node("Gemm", ["x", "w"], ["h"]), Node("Mul", ["w", "w"], ["s"]), Node("MatMul", ["h", "s"], ["y"])]
    w = rand(3, 3)
    module = GraphModule(graph(nodes, initializers={"w": w.copy()}, parameters={"w"}))
    x = minicnn.tensor(rand(2, 3))
    np.testing.assert_allclose(module(x).detach().numpy(), x.numpy() @ w @ (w * w), rtol=1e-5, atol=1e-6)
    assert len(list(module.parameters())) == 1


def test_prelu_of_channels():
    module = GraphModule(graph([Node("PRelu", ["x", "act.weight"], ["y"])], initializers={"act.weight": np.full((3, 1, 1), 0.5, np.float32)}))
    assert isinstance(module.act, nn.PReLU) and module.act.weight.shape == (3,)
    x = rand(2, 3, 4, 4)
    np.testing.assert_array_equal(module(minicnn.tensor(x)).detach().numpy(), np.where(x > 0, x, x * np.float32(0.5)))


@pytest.mark.parametrize("shape, kind", [((4, 3), nn.BatchNorm1d), ((4, 3, 5), nn.BatchNorm1d), ((4, 3, 5, 2), nn.BatchNorm2d),
                                         ((4, 3, 2, 2, 2), nn.Module), (None, nn.Module)])
def test_batch_norm_of_any_number_of_axes(shape, kind):
    names = [f"bn.{name}" for name in ("weight", "bias", "running_mean", "running_var")]
    initializers = {name: np.ones(3, np.float32) for name in names} | {"bn.num_batches_tracked": np.array(7)}
    g = Graph("g", [Value("x", shape=shape)], [Value("y")], [Node("BatchNormalization", ["x", *names], ["y"])], initializers, set(names[:2]))
    module = GraphModule(g)
    assert isinstance(module.bn, kind) and module.bn.num_batches_tracked == 7
    x = rand(*(shape or (4, 3, 2, 2, 2)))
    np.testing.assert_allclose(module(minicnn.tensor(x)).detach().numpy(), (x - 1) / np.sqrt(1 + 1e-5) + 1, rtol=1e-5, atol=1e-6)
    assert [name for name, _ in module.named_parameters()] == names[:2]
    assert module.bn.momentum == pytest.approx(0.1)


@pytest.mark.parametrize("attributes, widths", [({"pads": [0, 1, 2, 3]}, (1, 3, 0, 2)), ({"auto_pad": "SAME_UPPER", "strides": [2, 2]}, (0, 1, 0, 1)),
                                                ({"auto_pad": "SAME_LOWER", "strides": [2, 2]}, (1, 0, 1, 0))])
def test_convolutions_with_other_margins_on_each_side_are_layers(attributes, widths):
    module = GraphModule(graph([Node("Conv", ["x", "c.weight"], ["y"], attributes)], initializers={"c.weight": rand(4, 3, 3, 3)}))
    x = minicnn.tensor(rand(2, 3, 8, 8))
    wanted = nn.functional.conv2d(nn.functional.pad(x, widths), module.c.weight, stride=module.c.stride)
    np.testing.assert_allclose(module(x).detach().numpy(), wanted.detach().numpy(), rtol=1e-5, atol=1e-5)
    assert isinstance(module.c, nn.Conv2d) and str(next(iter(attributes.values()))) in repr(module)


@pytest.mark.parametrize("pads", [[1, 1, 1, 1], [1, 0, 0, 1]])
@pytest.mark.parametrize("op_type, attributes", [("Conv", {}), ("ConvTranspose", {"strides": [2, 2]}), ("MaxPool", {"kernel_shape": [3, 3]}),
                                                 ("AveragePool", {"kernel_shape": [3, 3], "count_include_pad": 1})])
def test_with_auto_pad_valid_the_pads_do_not_count(op_type, attributes, pads):
    """As a layer, compiled for inference, by the table of operators and by the rules of shapes: what the node gives without them."""
    x, weights = rand(2, 3, 8, 8), {} if "Pool" in op_type else {"c.weight": rand(3, 3, 3, 3)}
    node = Node(op_type, ["x", *weights], ["y"], {**attributes, "auto_pad": "VALID", "pads": pads})
    plain = Node(op_type, ["x", *weights], ["y"], attributes)
    wanted = GraphModule(graph([plain], initializers=dict(weights)))(x).numpy()
    module = GraphModule(graph([node], initializers=dict(weights)))
    given = [x, *weights.values()]
    by_table = compute(node, [minicnn.tensor(a) for a in given], 17)[0]
    assert len(list(module.children())) == 1
    for y in (module(x), module.compile_for_inference()(minicnn.tensor(x)), by_table):
        np.testing.assert_allclose(y.numpy(), wanted, rtol=1e-5, atol=1e-5)
    assert outcome(node, [Known(str(a.dtype), a.shape) for a in given], 17)[0].shape == wanted.shape


def test_frozen_weights_are_parameters_that_are_not_trained():
    module = GraphModule(graph([Node("Conv", ["x", "c.weight"], ["y"])], initializers={"c.weight": rand(4, 3, 3, 3)}))
    assert [p.requires_grad for p in module.parameters()] == [False]


def test_arrays_mapped_from_a_file_become_plain_ones(tmp_path):
    np.save(tmp_path / "w.npy", rand(4, 3, 3, 3))
    w = np.load(tmp_path / "w.npy", mmap_mode="c")
    module = GraphModule(graph([Node("Conv", ["x", "c.weight"], ["y"])], initializers={"c.weight": w}, parameters={"c.weight"}))
    assert type(module.c.weight.array) is np.ndarray and np.shares_memory(module.c.weight.array, w)


def test_arrays_that_cannot_be_written_to_are_copied():
    w = rand(4, 3, 3, 3)
    w.setflags(write=False)
    module = GraphModule(graph([Node("Conv", ["x", "c.weight"], ["y"])], initializers={"c.weight": w}, parameters={"c.weight"}))
    module.c.weight.data.fill_(0)


# Names


@pytest.mark.parametrize("weight, node, key", [
    ("features.0.weight", "anything", "features.0.weight"), ("onnx::Conv_12", "/layer1/layer1.0/conv1/Conv", "layer1.0.conv1.weight"),
    ("onnx::Conv_12", "/features/features.3/Conv", "features.3.weight"), ("w:0", "model/conv2d/Conv2D:0", "model/conv2d/Conv2D:0.weight"),
    ("12", "", "conv.weight"), ("w", "training", "training_2.weight"), ("a..weight", "", "a._.weight"), ("w", "graph.steps", "graph_2.steps.weight"),
])
def test_names_of_layers(weight, node, key):
    module = GraphModule(graph([Node("Conv", ["x", weight], ["y"], name=node)], initializers={weight: rand(4, 3, 3, 3)}))
    assert list(module.state_dict()) == [key]


@pytest.mark.parametrize("name", ["scale", "a.b.c", "model/scale:0", "1x", "onnx::Mul_3", "ä ö"])
def test_names_of_tensors_that_belong_to_no_layer(name):
    module = GraphModule(graph([Node("Mul", ["x", name], ["y"])], initializers={name: rand(3)}, parameters={name}))
    assert list(module.state_dict()) == [name] and module.get_parameter(name).requires_grad


def test_names_that_collide_get_numbers():
    initializers = {"a": rand(3), "a.weight": rand(3), "forward": rand(3)}
    nodes = [Node("Mul", ["x", "a"], ["b"]), Node("Mul", ["b", "a.weight"], ["c"]), Node("Mul", ["c", "forward"], ["d"]),
             Node("Relu", ["d"], ["e"], name="a"), Node("Relu", ["e"], ["y"], name="a")]
    module = GraphModule(graph(nodes, initializers=initializers, parameters=set(initializers)))
    assert set(module.state_dict()) == {"a", "a_2.weight", "forward_2"}


# Values that nodes reckon with


def test_shape_arithmetic_and_runtime_choice():
    then = graph([Node("Mul", ["x", "two"], ["t"])], (), ("t",), initializers={"two": np.array(2, np.float32)})
    other = graph([Node("Neg", ["x"], ["e"])], (), ("e",))
    nodes = [Node("Shape", ["x"], ["s"]), Node("Gather", ["s", "zero"], ["n"]), Node("Greater", ["n", "two"], ["many"]),
             Node("If", ["many"], ["y"], {"then_branch": then, "else_branch": other})]
    constants = {"zero": np.array(0), "two": np.array(2)}
    then.nodes[0].inputs[1] = "factor"
    then.initializers = {"factor": np.array(2, np.float32)}
    module = GraphModule(graph(nodes, initializers=constants))
    for n, factor in ((2, -1), (3, 2)):
        x = rand(n, 2)
        assert np.array_equal(module(minicnn.tensor(x)).numpy(), x * np.float32(factor))
    assert list(module.state_dict()) == []


def test_arrays_are_taken_and_several_outputs_are_a_tuple():
    module = GraphModule(graph([Node("Split", ["x"], ["y", "z"], {"axis": 1})], outputs=("y", "z", "x")))
    found = module(rand(2, 4))
    assert [tuple(y.shape) for y in found] == [(2, 2), (2, 2), (2, 4)]


# Errors


def test_all_unknown_operators_are_listed_at_once():
    nodes = [Node("LSTM", ["x"], ["a"]), Node("Relu", ["a"], ["b"]), Node("Loop", ["b"], ["c"]), Node("Scorer", ["c"], ["y"], domain="com.acme")]
    with pytest.raises(UnsupportedOperator, match="LSTM, Loop, com.acme.Scorer") as caught:
        GraphModule(graph(nodes))
    assert caught.value.operators == ["LSTM", "Loop", "com.acme.Scorer"]


@pytest.mark.parametrize("nodes, message", [
    ([Node("Relu", ["missing"], ["y"], name="act")], "node 'act' .Relu.: its input 'missing' is neither an input"),
    ([Node("Relu", ["b"], ["y"]), Node("Relu", ["x"], ["b"])], "the node that computes 'y' .Relu.: its input 'b'"),
    ([Node("Relu", ["x"], ["x"])], "its output 'x' is there already"),
    ([Node("Relu", ["x"], ["b"])], "nothing computes its output 'y'"),
    ([Node("Conv", ["x"], ["y"], name="c")], "node 'c' .Conv.: expected 2 to 3 inputs .x, w, b., got 1"),
    ([Node("Conv", ["x", ""], ["y"], name="c")], "expected 2 to 3 inputs"),
    ([Node("Relu", ["x"], ["y"], {"slope": 1})], "has no attribute slope"),
    ([Node("LRN", ["x"], ["y"])], "needs the attribute size"),
    ([Node("Relu", ["x"], [])], "it has no outputs"),
    ([Node("If", ["x"], ["y"])], "expected one input, the condition, and two graphs"),
])
def test_a_graph_that_is_wrong_names_the_node(nodes, message):
    with pytest.raises(BadValue, match=message):
        GraphModule(graph(nodes))


def test_an_error_while_running_names_the_node_and_what_came():
    module = GraphModule(graph([Node("Reshape", ["x", "shape"], ["y"], name="flat")], initializers={"shape": np.array([5, -1])}))
    with pytest.raises(ShapeError, match=r"node 'flat' \(Reshape\): cannot view 6 elements .* \(inputs: float32 \(2, 3\), int64 \(2,\)\)"):
        module(rand(2, 3))


def test_inputs_are_checked():
    module = GraphModule(Graph("g", [Value("image", shape=("N", 3, 8, 8))], [Value("y")], [Node("Relu", ["image"], ["y"])]))
    with pytest.raises(BadValue, match="expected 1 inputs .image., got 2"):
        module(rand(2), rand(2))
    with pytest.raises(ShapeError, match="expected the input 'image' to have 4 dimensions"):
        module(rand(3, 8, 8))
