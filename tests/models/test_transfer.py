"""Transfer learning: what is frozen stays bit for bit, heads are found in every architecture, features are the layer's, rates fall."""

import numpy as np
import pytest

import minicnn
from minicnn import models, nn, optim
from minicnn.data import DataLoader, TensorDataset
from minicnn.errors import BadType, BadValue, Error
from minicnn.models import registry, transfer
from minicnn.nn.init import skipped
from minicnn.train import GradualUnfreezing, Trainer

HEADS = {"lenet5": "classifier.5", "alexnet": "classifier.6", "vgg11": "classifier.6", "vgg16_bn": "classifier.6", "resnet18": "fc",
         "resnet50": "fc", "googlenet": "fc", "small_cnn": "classifier", "resnet20": "fc", "efficientnet_lite0": "_fc"}


def network():
    return nn.Sequential(nn.Conv2d(1, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 5, 3), nn.BatchNorm2d(5), nn.ReLU(),
                         nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 3))


def samples(n=24):
    minicnn.manual_seed(3)
    return minicnn.randn(n, 1, 6, 6), minicnn.randint(0, 3, (n,))


def loader():
    return DataLoader(TensorDataset(*samples()), 8, shuffle=True)


def state(model):
    return {name: tensor.array.copy() for name, tensor in model.state_dict().items()}


def changed(before, model):
    return {name for name, array in state(model).items() if not np.array_equal(array, before[name])}


def train(model, epochs=2, callbacks=()):
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=0.1)
    Trainer(model, optimizer, nn.CrossEntropyLoss(), callbacks=callbacks).fit(loader(), loader(), epochs)


# Freezing


def test_what_is_frozen_stays_bit_for_bit_and_so_do_its_running_statistics():
    model = network()
    models.freeze(model, until="3")
    before = state(model)
    train(model)
    assert changed(before, model) == {name for name in before if int(name.partition(".")[0]) >= 3}


def test_all_of_it():
    model = models.create("resnet20")
    models.freeze(model)
    assert not any(p.requires_grad for p in model.parameters())
    before = state(model)
    model.train()
    with minicnn.no_grad():
        model(minicnn.randn(4, 3, 8, 8))
    assert changed(before, model) == set()
    models.unfreeze(model)
    assert all(p.requires_grad for p in model.parameters()) and all(module.training for module in model.modules())
    model(minicnn.randn(4, 3, 8, 8))
    assert {name.rpartition(".")[2] for name in changed(before, model)} == {"running_mean", "running_var", "num_batches_tracked"}


def test_a_frozen_norm_computes_the_same_in_training_and_in_evaluation():
    model, (x, _) = network(), samples()
    for _ in range(3):
        model(x)
    models.freeze(model)
    np.testing.assert_array_equal(model.train()(x).numpy(), model.eval()(x).numpy())


def test_requires_grad_alone_is_as_in_pytorch():
    model, (x, _) = network(), samples()
    model.requires_grad_(False)
    before = state(model)
    model(x)
    assert "1.running_mean" in changed(before, model)


def test_unfreeze_from_a_module_on():
    model = models.resnet18(num_classes=2)
    models.freeze(model)
    models.unfreeze(model, since="layer4.1")
    trained = {name.partition(".")[0] for name, p in model.named_parameters() if p.requires_grad}
    assert trained == {"layer4", "fc"} and not model.layer4[0].conv1.weight.requires_grad
    assert model.layer4[1].bn1.training and not model.layer4[0].bn1.training


@pytest.mark.parametrize("path", ["layer9", "", "layer4.conv"])
def test_a_path_that_is_not_there(path):
    with pytest.raises(BadValue, match="no module .*its parts are conv1, bn1, relu, maxpool, layer1"):
        models.freeze(models.resnet18(num_classes=2), until=path)


def test_a_frozen_model_keeps_its_state_dict_s_names():
    model = network()
    names = list(model.state_dict())
    models.freeze(model)
    assert list(model.state_dict()) == names


# Heads


@pytest.mark.parametrize("name", HEADS)
def test_heads_are_found_in_every_architecture(name):
    with skipped():
        model = models.create(name)
    old = dict(model.named_parameters())
    path = models.replace_head(model, 6)
    assert path == HEADS[name]
    new = dict(model.named_parameters())
    assert list(new) == list(old)
    heads = {path} | ({"aux1.fc2", "aux2.fc2"} if name == "googlenet" else set())
    assert {key.rpartition(".")[0] for key in new if new[key] is not old[key]} == heads
    assert model.get_submodule(path).weight.shape == (6, *old[path + ".weight"].shape[1:])


def test_every_architecture_has_a_head():
    for name in registry.names():
        with skipped():
            model = models.create(name)
        assert isinstance(model.get_submodule(models.find_head(model)), nn.Linear)


def test_the_new_head_computes():
    model = models.create("resnet20", in_channels=1)
    models.replace_head(model, 4)
    assert model(minicnn.zeros(2, 1, 8, 8)).shape == (2, 4)
    double = network().double().eval()
    models.replace_head(double, 2)
    assert double[8].weight.dtype == minicnn.float64 and not double[8].training


@pytest.mark.parametrize("classes", [2, 3, 7])
def test_the_new_head_knows_nothing_of_the_old_one(classes):
    model = network()
    with minicnn.no_grad():
        model[8].weight.fill_(9.0)
        model[8].bias.fill_(9.0)
    models.replace_head(model, classes)
    for array in (model[8].weight.detach().numpy(), model[8].bias.detach().numpy()):
        assert np.abs(array).max() <= 1 / np.sqrt(5) and len(np.unique(array)) == array.size


def test_a_convolution_can_be_the_head():
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Dropout(), nn.Conv2d(8, 10, 1, bias=False), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
                          nn.Flatten())
    assert models.replace_head(model, 2) == "3" and model[3].bias is None
    assert model(minicnn.zeros(1, 3, 5, 5)).shape == (1, 2)
    assert models.features(model, minicnn.zeros(2, 3, 5, 5)).shape == (2, 8)


@pytest.mark.parametrize("model, message", [
    (nn.Sequential(nn.Conv2d(1, 2, 3)), "ends with Conv2d '0'"),
    (nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)), "ends with BatchNorm1d '1'"),
    (nn.Linear(3, 2), "ends with Linear ''"),
    (nn.Sequential(nn.ReLU()), "no parameters"),
])
def test_models_without_a_head(model, message):
    with pytest.raises(BadValue, match=message):
        models.replace_head(model, 2)


def test_a_head_that_is_named():
    model = nn.Sequential(nn.Flatten(), nn.Linear(3, 2), nn.BatchNorm1d(2))
    assert models.replace_head(model, 5, layer="1") == "1" and model[1].out_features == 5
    for layer, message in (("7", "no module at '7'"), ("2", "BatchNorm1d, not a Linear")):
        with pytest.raises(BadValue, match=message):
            models.replace_head(model, 5, layer=layer)
    for classes in (0, True, 2.0):
        with pytest.raises(BadValue, match="whole number of at least 1"):
            models.replace_head(model, classes, layer="1")


# Features


def test_features_are_what_the_head_gets():
    model, (x, _) = network(), samples()
    model(x)
    before, modes = state(model), [module.training for module in model.modules()]
    found = models.features(model, x, batch_size=7)
    model.eval()
    expected = model[:8](x).detach().numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)
    assert modes == [True] * len(modes) and changed(before, model) == set()
    np.testing.assert_array_equal(models.features(model, x.numpy(), batch_size=7), found)


def test_features_are_computed_so_many_at_once():
    model, (x, _) = network().eval(), samples()
    counts = []
    model.register_forward_pre_hook(lambda _, given: counts.append(len(given[0])))
    models.features(model, x, batch_size=10)
    assert counts == [10, 10, 4]


def test_features_of_a_layer_are_averages_over_the_image():
    model, (x, _) = network().eval(), samples()
    np.testing.assert_allclose(models.features(model, x, layer="3"), model[:4](x).detach().numpy().mean((2, 3)), rtol=1e-5, atol=1e-6)


def test_features_of_a_loader_bring_the_labels_along():
    model, (x, labels) = network(), samples()
    found, given = models.features(model, DataLoader(TensorDataset(x, labels), 5))
    np.testing.assert_array_equal(given, labels.numpy())
    np.testing.assert_allclose(found, models.features(model, x), rtol=1e-5, atol=1e-6)
    assert models.features(model, [x[:3], x[3:4]]).shape == (4, 5)


def test_features_leave_modes_and_hooks_as_they_were():
    model = network()
    models.freeze(model, until="3")
    models.features(model, samples()[0])
    assert not model[1].training and model[4].training and model.training
    with pytest.raises(BadValue, match="no module 'x'"):
        models.features(model, samples()[0], layer="x")
    with pytest.raises(BadType, match="gives GoogLeNetOutputs|gives list"):
        models.features(Two(), samples()[0], layer="inner")
    assert len(models.features(model, samples()[0])) == 24


def test_nobody_watches_the_model_after_its_features_were_taken(monkeypatch):
    seen, keep = [], transfer._Watched.keep
    monkeypatch.setattr(transfer._Watched, "keep", lambda self, x: seen.append(len(x)) or keep(self, x))
    model, (x, _) = network(), samples()
    models.features(model, x, layer="3")
    models.features(model, x)
    with pytest.raises(Error):
        models.features(model, x[:, :, :1])
    model(x)
    assert seen == [24, 24]


class Two(nn.Module):
    """Gives a list."""

    def __init__(self):
        super().__init__()
        self.inner = Pair()

    def forward(self, x):
        return self.inner(x)[0]


class Pair(nn.Module):
    def forward(self, x):
        return [x, x]


# Graphs


def graph_module():
    """A graph whose layers are registered in another order than they compute in: "a" is a container for the first and the last one."""
    from minicnn.graph import Graph, Node, Value
    from minicnn.graph.module import GraphModule

    rng = np.random.default_rng(0)
    arrays = {name: rng.normal(size=shape).astype(np.float32) for name, shape in (
        ("a.first.weight", (4, 1, 3, 3)), ("b.middle.weight", (5, 4, 3, 3)), ("a.last.weight", (3, 5)), ("a.last.bias", (3,)))}
    nodes = [Node("Conv", ["x", "a.first.weight"], ["p"], {}, "a.first"), Node("Conv", ["p", "b.middle.weight"], ["q"], {}, "b.middle"),
             Node("GlobalAveragePool", ["q"], ["r"]), Node("Flatten", ["r"], ["s"]),
             Node("Gemm", ["s", "a.last.weight", "a.last.bias"], ["y"], {"transB": 1}, "a.last")]
    return GraphModule(Graph("g", [Value("x", "float32", ("N", 1, 6, 6))], [Value("y")], nodes, arrays, set(arrays)))


@pytest.mark.parametrize("prefix", ["", "0."])
def test_the_layers_of_a_graph_are_taken_as_they_compute(prefix):
    model = nn.Sequential(graph_module()) if prefix else graph_module()
    assert models.find_head(model) == f"{prefix}a.last"
    assert [block.path for block in models.blocks_of(model)] == [prefix + path for path in ("a.first", "b.middle", "a.last")]
    models.freeze(model, until=f"{prefix}b.middle")
    assert [name for name, p in model.named_parameters() if not p.requires_grad] == [f"{prefix}a.first.weight"]
    models.freeze(model)
    models.unfreeze(model, since=models.replace_head(model, 2))
    assert {name for name, p in model.named_parameters() if p.requires_grad} == {f"{prefix}a.last.weight", f"{prefix}a.last.bias"}
    assert model(samples()[0]).shape == (24, 2) and models.features(model, samples()[0]).shape == (24, 5)
    assert [len(group["params"]) for group in models.layerwise_lr(graph_module(), 1.0)] == [1, 1, 2]


# Rates


def test_blocks_open_containers_and_keep_norms_with_their_layer():
    assert [block.path for block in models.blocks_of(network())] == ["0", "3", "8"]
    assert [len(block.parameters) for block in models.blocks_of(network())] == [3, 4, 2]
    paths = [block.path for block in models.blocks_of(models.resnet18(num_classes=2))]
    assert paths == ["conv1", *(f"layer{i}.{j}" for i in range(1, 5) for j in range(2)), "fc"]


@pytest.mark.parametrize("name", ["resnet20", "vgg_small", "googlenet", "efficientnet_lite0"])
def test_every_parameter_is_in_one_group_and_rates_rise_towards_the_head(name):
    with skipped():
        model = models.create(name)
    groups = models.layerwise_lr(model, lr=0.1, decay=0.5)
    assert [id(p) for group in groups for p in group["params"]] == [id(p) for p in model.parameters()]
    rates = [group["lr"] for group in groups]
    assert rates[-1] == 0.1 and all(2 * a == pytest.approx(b) for a, b in zip(rates, rates[1:]))


def test_frozen_parameters_get_no_group():
    model = network()
    models.freeze(model, until="3")
    groups = models.layerwise_lr(model, 1.0, 0.5)
    assert [group["lr"] for group in groups] == [0.5, 1.0]
    assert [group["lr"] for group in optim.SGD(groups, lr=9).param_groups] == [0.5, 1.0]
    for decay in (0, 1.1):
        with pytest.raises(BadValue, match="decay"):
            models.layerwise_lr(model, 1.0, decay)


def test_gradual_unfreezing_goes_from_the_end_to_the_beginning():
    seen = []

    class Seen(GradualUnfreezing):
        def on_epoch_end(self, trainer):
            seen.append((changed(before, trainer.model), {name for name, p in trainer.model.named_parameters() if p.requires_grad}))

    model = network()
    before = state(model)
    train(model, epochs=5, callbacks=[Seen(every=2)])
    first = [{int(name.partition(".")[0]) for name in names} for names, _ in seen]
    assert first == [{8}, {8}, {3, 4, 8}, {3, 4, 8}, {0, 1, 3, 4, 8}]
    assert {int(name.partition(".")[0]) for name in seen[2][1]} == {3, 4, 8} and len(seen[4][1]) == 9
