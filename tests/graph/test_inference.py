"""Models compiled for inference: the same outputs, fewer nodes, the model unchanged, and nothing to train."""

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minicnn
from minicnn import models, nn
from minicnn.errors import BadType, BadValue, ShapeError
from minicnn.graph import Graph, Node, Value
from minicnn.graph.fusing import fuse
from minicnn.graph.inference import InferenceModule, Program


def lived_in(model, shape, seed=0):
    """The model after some batches: running statistics that fit, scales and shifts that are not 1 and 0."""
    rng = np.random.default_rng(seed)
    with minicnn.no_grad():
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d) and module.affine:
                module.weight.array[...] = rng.uniform(0.5, 1.5, module.weight.shape)
                module.bias.array[...] = rng.normal(0, 0.3, module.bias.shape)
        for _ in range(3):
            model(minicnn.randn(8, *shape) * 1.5 + 0.3)
    return model.eval()


def operators(compiled):
    """How many steps there are, of what names."""
    return [function.__qualname__.partition(".")[0] for function, _, _ in next(iter(compiled._programs.values())).steps]


def check(model, shape, batch=4, tolerance=1e-5):
    """Compiled, the model gives the same; returns what it was compiled to."""
    x = minicnn.randn(batch, *shape)
    before = {name: tensor.array.copy() for name, tensor in model.state_dict().items()}
    with minicnn.no_grad():
        wanted = model(x).numpy()
        compiled = model.compile_for_inference()
        found = compiled(x).numpy()
    assert np.abs(found - wanted).max() <= tolerance * np.abs(wanted).max()
    assert all(np.array_equal(tensor.array, before[name]) for name, tensor in model.state_dict().items())
    return compiled


@pytest.mark.parametrize("name, shape", [("small_cnn", (1, 8, 8)), ("lenet5", (1, 28, 28)), ("vgg_small", (3, 32, 32)),
                                         ("resnet20", (3, 32, 32)), ("resnet18", (3, 64, 64)), ("efficientnet_lite0", (3, 64, 64))])
def test_architectures(name, shape):
    minicnn.manual_seed(0)
    found = operators(check(lived_in(models.create(name), shape), shape, tolerance=2e-5))
    assert found.count("conv") == sum(isinstance(module, nn.Conv2d) for module in models.create(name).modules())
    assert "batch_norm" not in found and "relu" not in found            # folded, and cut while in the cache
    assert found.count("by_table") <= (4 if name == "resnet20" else 0)         # shortcuts of every second pixel


PIECES = {
    "conv": lambda c, o: nn.Conv2d(c, o, 3, padding=1), "conv without bias": lambda c, o: nn.Conv2d(c, o, 1, bias=False),
    "strided": lambda c, o: nn.Conv2d(c, o, 3, stride=2, padding=1), "depthwise": lambda c, o: nn.Conv2d(c, 2 * c, 3, padding=1, groups=c),
    "dilated": lambda c, o: nn.Conv2d(c, o, 3, padding=2, dilation=2), "norm": lambda c, o: nn.BatchNorm2d(c),
    "bare norm": lambda c, o: nn.BatchNorm2d(c, affine=False), "relu": lambda c, o: nn.ReLU(), "relu6": lambda c, o: nn.ReLU6(),
    "dropout": lambda c, o: nn.Dropout(0.5), "pool": lambda c, o: nn.MaxPool2d(2, stride=1, padding=1), "sigmoid": lambda c, o: nn.Sigmoid(),
    "leaky": lambda c, o: nn.LeakyReLU(0.1), "residual": lambda c, o: Residual(c),
}


class Residual(nn.Module):
    """y = relu(x + norm(conv(x))), and the convolution's output is used a second time, so that nothing may be folded into it."""

    def __init__(self, channels):
        super().__init__()
        self.conv, self.norm, self.other = nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)

    def forward(self, x):
        y = self.conv(x)
        return minicnn.relu(x + self.norm(y)) + minicnn.sigmoid(self.other(self.conv(minicnn.relu(y))))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(sorted(PIECES)), min_size=1, max_size=9), st.integers(1, 20), st.integers(0, 1000), st.sampled_from([1, 5]))
def test_layers_in_any_order(pieces, channels, seed, batch):
    minicnn.manual_seed(seed)
    layers, c = [], channels
    for piece in pieces:
        layers.append(PIECES[piece](c, channels + 1))
        c = getattr(layers[-1], "out_channels", c)
    model = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(c, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 3))
    check(lived_in(model, (channels, 9, 8), seed), (channels, 9, 8), batch, tolerance=3e-5)


def test_a_graph_s_module(tmp_path):
    model, x = lived_in(models.create("resnet20"), (3, 16, 16)), minicnn.randn(3, 3, 16, 16)
    minicnn.save(model, tmp_path / "m.mcnn", (3, 16, 16))
    loaded = minicnn.load(tmp_path / "m.mcnn")
    compiled = loaded.compile_for_inference(x)
    with minicnn.no_grad():
        np.testing.assert_allclose(compiled(x).numpy(), model(x).numpy(), rtol=1e-4, atol=1e-5)
        models.replace_head(loaded, 3)
        np.testing.assert_allclose(loaded.compile_for_inference()(x).numpy(), loaded(x).numpy(), rtol=1e-4, atol=1e-5)
    assert operators(compiled).count("conv") == 19


def test_weights_are_those_of_the_moment():
    model, x = lived_in(models.create("small_cnn"), (1, 8, 8)), minicnn.randn(2, 1, 8, 8)
    compiled = model.compile_for_inference()
    with minicnn.no_grad():
        wanted = model(x).numpy()
    for p in model.parameters():
        p.data.array[...] += 1
    np.testing.assert_allclose(compiled(x).numpy(), wanted, rtol=1e-4, atol=1e-5)


def test_it_cannot_be_trained():
    model = models.create("small_cnn")
    compiled = model.compile_for_inference(minicnn.zeros(1, 1, 8, 8))
    assert compiled.eval() is compiled and not compiled.training and model.training
    with pytest.raises(BadValue, match="compiled for inference and cannot be trained; train the model that it was made of"):
        compiled.train()
    with pytest.raises(BadValue, match="compiled for inference"):
        nn.Sequential(compiled).train()
    x = minicnn.zeros(1, 1, 8, 8, requires_grad=True)
    assert not compiled(x).requires_grad and list(compiled.parameters()) == []
    assert compiled.compile_for_inference() is compiled and "compiled from SmallCNN" in repr(compiled)


def test_sizes_of_inputs_may_change():
    model = lived_in(models.create("small_cnn"), (1, 8, 8))
    compiled = model.compile_for_inference()
    for shape in ((1, 1, 8, 8), (3, 1, 12, 9), (1, 1, 8, 8), (7, 1, 8, 8), *((1, 1, 8 + i, 8) for i in range(10))):
        x = minicnn.randn(*shape)
        with minicnn.no_grad():
            np.testing.assert_allclose(compiled(x).numpy(), model(x).numpy(), rtol=1e-4, atol=1e-6)
    assert len(compiled._programs) == 8
    with pytest.raises(BadType, match="expected tensors, got list"):
        compiled([1, 2])


@pytest.mark.parametrize("name, shape", [("small_cnn", (1, 8, 8)), ("resnet20", (3, 16, 16))])
def test_an_empty_batch_may_come_first(name, shape):
    model, x = lived_in(models.create(name), shape), minicnn.randn(2, *shape)
    compiled = model.compile_for_inference()
    with minicnn.no_grad():
        for batch in (x[:0], x, x[:0]):
            wanted, found = model(batch), compiled(batch)
            assert found.shape == wanted.shape and found.dtype == wanted.dtype
            np.testing.assert_allclose(found.numpy(), wanted.numpy(), rtol=1e-4, atol=1e-5)
    assert len(compiled._programs) == 1


@pytest.mark.parametrize("shape", [(7, 3, 28, 28), (7, 1, 14, 14), (28, 28), (0, 3, 28, 28)])
def test_what_is_wrong_with_an_input_is_told_as_by_the_model_itself(shape):
    model = models.create("lenet5")
    with pytest.raises(ShapeError) as wanted:
        model(minicnn.zeros(*shape))
    with pytest.raises(ShapeError) as found:
        model.compile_for_inference()(minicnn.zeros(*shape))
    assert str(found.value) == str(wanted.value)


def test_everything_is_made_ready_once(monkeypatch):
    """The model is traced, and its weights are given to the kernels, with the example: not again in the calls."""
    made, make, kernel = [], Program.__init__, minicnn.kernels.of(np.ones(1)).PreparedConv2d
    monkeypatch.setattr(Program, "__init__", lambda self, *arguments: made.append("program") or make(self, *arguments))
    prepare = kernel.__init__
    monkeypatch.setattr(kernel, "__init__", lambda self, *arguments: made.append("conv") or prepare(self, *arguments))
    x = minicnn.randn(2, 1, 8, 8)
    model = models.create("small_cnn").eval()
    compiled = model.compile_for_inference(x)
    ready = ["program"] + ["conv"] * sum(isinstance(module, nn.Conv2d) for module in model.modules())
    assert made == ready
    for batch in (x, x[:1], x):
        compiled(batch)
    assert made == ready


def test_float64_and_arrays():
    model = lived_in(models.create("resnet20"), (3, 16, 16)).double()
    x = minicnn.randn(2, 3, 16, 16).double()
    with minicnn.no_grad():
        wanted = model(x).numpy()
    found = model.compile_for_inference()(x.numpy())
    assert found.dtype == minicnn.float64
    np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("form", ["loops", "array", "im2col"])
def test_other_kernels(form):
    model, x = lived_in(models.create("small_cnn"), (1, 8, 8)), minicnn.randn(1, 1, 8, 8)
    compiled = model.compile_for_inference(x)
    with minicnn.kernels.using(form), minicnn.no_grad():
        np.testing.assert_allclose(compiled(x).numpy(), model(x).numpy(), rtol=1e-4, atol=1e-6)


def test_several_threads_at_once():
    model = lived_in(models.create("resnet20"), (3, 16, 16))
    compiled, xs = model.compile_for_inference(), [minicnn.randn(1 + i % 2, 3, 16, 16) for i in range(6)]
    with minicnn.no_grad():
        wanted, found = [model(x).numpy() for x in xs], {}

    def work(i):
        for _ in range(5):
            found[i] = compiled(xs[i]).numpy()

    workers = [threading.Thread(target=work, args=(i,)) for i in range(len(xs))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for i, y in enumerate(wanted):
        np.testing.assert_allclose(found[i], y, rtol=1e-4, atol=1e-6)


def test_several_inputs_and_outputs():
    class Both(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Conv2d(2, 3, 1), nn.Conv2d(2, 3, 1)

        def forward(self, x, y):
            return minicnn.relu(self.a(x)) + self.b(y), self.a(y)

    model, (x, y) = Both(), (minicnn.randn(2, 2, 5, 4), minicnn.randn(2, 2, 5, 4))
    found = model.compile_for_inference()(x, y)
    assert isinstance(found, tuple)
    for one, other in zip(found, model(x, y)):
        np.testing.assert_allclose(one.numpy(), other.detach().numpy(), rtol=1e-5, atol=1e-6)


# The rewriting


def graph(nodes, outputs, **initializers):
    return Graph("g", [Value("x", "float32", ("N", 2, 4, 4))], [Value(name) for name in outputs], nodes,
                 {name: np.asarray(array, np.float32) for name, array in initializers.items()})


def norm(x, y):
    return Node("BatchNormalization", [x, "s", "t", "m", "v"], [y], {"epsilon": 1e-3})


FOUR = dict(s=[2, 3], t=[1, -1], m=[0.5, 0], v=[1, 4], w=np.ones((2, 2, 1, 1)))


@pytest.mark.parametrize("nodes, outputs, left", [
    ([Node("Conv", ["x", "w"], ["a"]), norm("a", "b"), Node("Relu", ["b"], ["y"])], ["y"], ["minicnn.Conv"]),
    ([Node("Conv", ["x", "w"], ["a"]), norm("a", "y")], ["y", "a"], ["Conv", "BatchNormalization"]),
    ([Node("Conv", ["x", "w"], ["a"]), norm("a", "b"), Node("Add", ["a", "b"], ["y"])], ["y"], ["Conv", "BatchNormalization", "Add"]),
    ([Node("Conv", ["x", "w", "x"], ["a"]), norm("a", "y")], ["y"], ["Conv", "BatchNormalization"]),
    ([norm("x", "a"), Node("Conv", ["a", "w"], ["y"])], ["y"], ["BatchNormalization", "Conv"]),
    ([Node("Conv", ["x", "w"], ["a"]), Node("Relu", ["a"], ["b"]), norm("b", "y")], ["y"], ["minicnn.Conv", "BatchNormalization"]),
    ([Node("Conv", ["x", "w"], ["a"]), Node("Relu", ["a"], ["y"])], ["a", "y"], ["Conv", "Relu"]),
    ([Node("Conv", ["x", "w"], ["a"]), Node("Clip", ["a", "zero", "six"], ["y"])], ["y"], ["minicnn.Conv"]),
    ([Node("Conv", ["x", "w"], ["a"]), Node("Clip", ["a", "zero", ""], ["y"])], ["y"], ["minicnn.Conv"]),
    ([Node("Conv", ["x", "w"], ["a"]), Node("Clip", ["a", "one", "six"], ["y"])], ["y"], ["Conv", "Clip"]),
    ([Node("Conv", ["x", "w"], ["a"]), Node("Clip", ["a"], ["y"], {"min": 0.0, "max": 6.0})], ["y"], ["minicnn.Conv"]),
    ([Node("Add", ["x", "x"], ["a"]), Node("Clip", ["a", "zero", "six"], ["y"])], ["y"], ["Add", "Clip"]),
    ([Node("Dropout", ["x"], ["a"]), Node("Relu", ["a"], ["y"])], ["y"], ["Relu"]),
    ([Node("Relu", ["x"], ["a"]), Node("Dropout", ["a"], ["y"])], ["y"], ["Relu"]),
    ([Node("Dropout", ["x"], ["y", "mask"])], ["y", "mask"], ["Dropout"]),
])
def test_what_is_put_together(nodes, outputs, left):
    found = fuse(graph(nodes, outputs, zero=0, one=1, six=6, **FOUR))
    assert [f"{node.domain}.{node.op_type}".strip(".") for node in found.nodes] == left
    assert [value.name for value in found.outputs] == outputs
    made = {"x", *found.initializers, *(name for node in found.nodes for name in node.outputs)}
    assert {name for node in found.nodes for name in node.inputs if name} | set(outputs) <= made


@pytest.mark.parametrize("trans", [0, 1])
def test_a_norm_after_a_dense_layer(trans):
    rng = np.random.default_rng(0)
    w, x = rng.normal(size=(3, 2)), rng.normal(size=(5, 3)).astype(np.float32)
    given = graph([Node("Gemm", ["x", "w", "c"], ["a"], {"transB": trans}), norm("a", "y")], ["y"], c=[1, 2], **{**FOUR, "w": w.T if trans else w})
    found = fuse(given)
    weight, bias = (found.initializers[name] for name in found.nodes[0].inputs[1:])
    expected = (x @ w + [1, 2] - FOUR["m"]) / np.sqrt(np.array(FOUR["v"]) + 1e-3) * FOUR["s"] + FOUR["t"]
    np.testing.assert_allclose(x @ (weight.T if trans else weight) + bias, expected, rtol=1e-5)
    assert isinstance(models.create("small_cnn").compile_for_inference(), InferenceModule)
