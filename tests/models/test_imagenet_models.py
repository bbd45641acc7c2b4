"""The architectures of ImageNet: torchvision's layers, names and shapes, outputs as in PyTorch, gradients that reach every weight."""

import hashlib
import warnings

import numpy as np
import pytest

import minicnn
from minicnn import models
from minicnn.errors import BadValue, ShapeError
from minicnn.models.googlenet import in_other_libraries_range
from minicnn.models.resnet import BasicBlock, ResNet
from minicnn.nn.init import skipped

# Number of parameters; SHA-256 of torchvision 0.29's names and shapes, and of what its model prints as: every layer and its options.
TORCHVISION = {
    "alexnet": (61_100_840, "baa5d0719ff1f805"),
    "vgg11": (132_863_336, "620896636654e993"),
    "vgg13": (133_047_848, "5232c9234e39645b"),
    "vgg16": (138_357_544, "a3dfaca47ee639cf"),
    "vgg19": (143_667_240, "314b547aa0fc3ad5"),
    "vgg11_bn": (132_868_840, "b0d6e960d43e627e"),
    "vgg13_bn": (133_053_736, "c67f096ee8ae2170"),
    "vgg16_bn": (138_365_992, "9353b0ec559d8291"),
    "vgg19_bn": (143_678_248, "b4367f2d86cf313e"),
    "resnet18": (11_689_512, "b71f38e4e64f567c"),
    "resnet34": (21_797_672, "91fe7aebffa6107d"),
    "resnet50": (25_557_032, "23c05c930cf85d3f"),
    "resnet101": (44_549_160, "575125861872fbde"),
    "resnet152": (60_192_808, "b28d9fa81437d593"),
    "googlenet": (13_004_888, "24e7d5c8daf4f9e9"),
}


@pytest.mark.parametrize("name", TORCHVISION)
def test_layers_names_and_shapes_are_torchvisions(name):
    with skipped():
        model = models.create(name)
    text = "\n".join(f"{key} {tuple(tensor.shape)}" for key, tensor in model.state_dict().items()) + "\n" + repr(model)
    assert (sum(p.numel() for p in model.parameters()), hashlib.sha256(text.encode()).hexdigest()[:16]) == TORCHVISION[name]


def test_googlenet_without_its_auxiliary_heads():
    with skipped():
        assert sum(p.numel() for p in models.googlenet(aux_logits=False).parameters()) == 6_624_904


# In PyTorch, from the description above: what a forward is made of, which names and layers do not say.


class _Walk:
    """The forward pass of a model of ours in PyTorch's operations."""

    def __init__(self, torch, model):
        self.torch, self.state = torch, {name: torch.from_numpy(np.array(t.array)) for name, t in model.state_dict().items()}
        self.F = torch.nn.functional

    def conv(self, x, name, **options):
        return self.F.conv2d(x, self.state[name + ".weight"], self.state.get(name + ".bias"), **options)

    def bn(self, x, name, eps=1e-5):
        running = [self.state[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")]
        return self.F.batch_norm(x, *running, eps=eps)

    def block(self, x, name, stride):
        y = self.bn(self.conv(x, f"{name}.conv1", stride=stride, padding=1), f"{name}.bn1").relu()
        y = self.bn(self.conv(y, f"{name}.conv2", padding=1), f"{name}.bn2")
        if f"{name}.downsample.0.weight" in self.state:
            x = self.bn(self.conv(x, f"{name}.downsample.0", stride=stride), f"{name}.downsample.1")
        return (x + y).relu()

    def bottleneck(self, x, name, stride):
        y = self.bn(self.conv(x, f"{name}.conv1"), f"{name}.bn1").relu()
        y = self.bn(self.conv(y, f"{name}.conv2", stride=stride, padding=1), f"{name}.bn2").relu()
        y = self.bn(self.conv(y, f"{name}.conv3"), f"{name}.bn3")
        if f"{name}.downsample.0.weight" in self.state:
            x = self.bn(self.conv(x, f"{name}.downsample.0", stride=stride), f"{name}.downsample.1")
        return (x + y).relu()

    def resnet(self, x, block, layers):
        x = self.F.max_pool2d(self.bn(self.conv(x, "conv1", stride=2, padding=3), "bn1").relu(), 3, 2, 1)
        for stage, count in enumerate(layers, 1):
            for i in range(count):
                x = block(x, f"layer{stage}.{i}", 2 if stage > 1 and i == 0 else 1)
        return self.F.linear(x.mean((2, 3)), self.state["fc.weight"], self.state["fc.bias"])

    def basic(self, x, name, **options):
        return self.bn(self.conv(x, f"{name}.conv", **options), f"{name}.bn", eps=0.001).relu()

    def inception(self, x, name):
        pooled = self.F.max_pool2d(x, 3, 1, 1, ceil_mode=True)
        return self.torch.cat([
            self.basic(x, f"{name}.branch1"), self.basic(self.basic(x, f"{name}.branch2.0"), f"{name}.branch2.1", padding=1),
            self.basic(self.basic(x, f"{name}.branch3.0"), f"{name}.branch3.1", padding=1), self.basic(pooled, f"{name}.branch4.1")], 1)

    def googlenet(self, x):
        def pool(x, k=3):
            return self.F.max_pool2d(x, k, 2, ceil_mode=True)

        x = pool(self.basic(x, "conv1", stride=2, padding=3))
        x = pool(self.basic(self.basic(x, "conv2"), "conv3", padding=1))
        for names, k in ((["3a", "3b"], 3), (["4a", "4b", "4c", "4d", "4e"], 2), (["5a", "5b"], None)):
            for name in names:
                x = self.inception(x, f"inception{name}")
            x = pool(x, k) if k else x
        return self.F.linear(x.mean((2, 3)), self.state["fc.weight"], self.state["fc.bias"])


@pytest.mark.parametrize("build, forward", [
    (lambda: models.resnet18(num_classes=7), lambda walk, x: walk.resnet(x, walk.block, (2, 2, 2, 2))),
    (lambda: models.resnet50(num_classes=7), lambda walk, x: walk.resnet(x, walk.bottleneck, (3, 4, 6, 3))),
    (lambda: models.googlenet(num_classes=7), lambda walk, x: walk.googlenet(x)),
], ids=["resnet18", "resnet50", "googlenet"])
def test_outputs_are_those_of_the_same_network_in_pytorch(build, forward):
    torch = pytest.importorskip("torch")
    minicnn.manual_seed(0)
    model = build().eval()
    for name, buffer in model.named_buffers():
        if name.endswith("running_mean"):
            buffer.copy_(0.1 * minicnn.randn(*buffer.shape))
        elif name.endswith("running_var"):
            buffer.copy_(0.5 + minicnn.rand(*buffer.shape))
    model.double()
    x = np.random.default_rng(0).normal(size=(2, 3, 64, 43))
    with minicnn.no_grad(), torch.no_grad():
        np.testing.assert_allclose(model(minicnn.tensor(x)).numpy(), forward(_Walk(torch, model), torch.from_numpy(x)).numpy(),
                                   rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("build, shape", [
    (lambda: models.alexnet(num_classes=3, in_channels=1, dropout=0), (1, 63, 80)),
    (lambda: models.vgg11_bn(num_classes=3, dropout=0, init_weights=False), (3, 33, 32)),
    (lambda: models.resnet18(num_classes=3), (3, 40, 33)),
    (lambda: ResNet(BasicBlock, (1, 1, 1, 1), num_classes=3, zero_init_residual=True), (3, 20, 20)),
], ids=["alexnet", "vgg11_bn", "resnet18", "shallow"])
def test_any_size_and_gradients_reach_every_weight(build, shape):
    minicnn.manual_seed(0)
    model = build()
    logits = model(minicnn.randn(2, *shape))
    assert logits.shape == (2, 3)
    (logits * minicnn.randn(2, 3)).sum().backward()
    for path, p in model.named_parameters():
        assert p.grad is not None and np.isfinite(p.grad.array).all(), path


def test_googlenet_in_training_gives_three_logits_and_all_three_bring_gradients():
    minicnn.manual_seed(0)
    model = models.googlenet(num_classes=4, dropout=0, dropout_aux=0)
    outputs = model(minicnn.randn(2, 3, 64, 64))
    assert isinstance(outputs, models.GoogLeNetOutputs) and all(logits.shape == (2, 4) for logits in outputs)
    sum((logits * minicnn.randn(2, 4)).sum() for logits in outputs).backward()
    assert all(p.grad is not None and np.abs(p.grad.array).sum() > 0 for p in model.parameters())
    assert model.eval()(minicnn.randn(2, 3, 64, 64)).shape == (2, 4)
    assert models.googlenet(num_classes=4, aux_logits=False)(minicnn.randn(2, 3, 32, 32)).shape == (2, 4)


def test_googlenet_takes_images_that_were_normalised_by_imagenets_mean_and_deviation():
    """A white pixel becomes 1, a black one -1."""
    mean, std = np.array([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])
    white, black = (1 - mean) / std, -mean / std
    images = minicnn.tensor(np.stack([white, black], 1)[None, :, :, None])                             # (1, 3, 2, 1)
    np.testing.assert_allclose(in_other_libraries_range(images).numpy().reshape(3, 2), [[1, -1]] * 3, atol=1e-12)


def test_a_block_that_starts_as_the_identity():
    block = ResNet(BasicBlock, (1, 1, 1, 1), zero_init_residual=True).layer1[0]
    x = minicnn.rand(2, 64, 5, 5)
    np.testing.assert_array_equal(block(x).detach().numpy(), x.numpy())


@pytest.mark.parametrize("build, message", [
    (lambda: models.vgg.make_layers(12), "11, 13, 16, 19 layers, not 12"),
    (lambda: models.alexnet()(minicnn.zeros(1, 3, 40, 40)), r"features.* \(MaxPool2d\): the window does not fit"),
])
def test_what_does_not_fit_is_refused(build, message):
    with pytest.raises((BadValue, ShapeError), match=message):
        build()


# Parameters from files


def test_weights_of_a_file_with_the_head_for_another_number_of_classes(tmp_path):
    there, path = models.resnet18(num_classes=5), tmp_path / "resnet18.mcnn"
    minicnn.save(there.state_dict(), path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        same = models.resnet18(num_classes=5, weights=path)
    for name, tensor in there.state_dict().items():
        np.testing.assert_array_equal(same.state_dict()[name].array, tensor.array)
    with pytest.warns(UserWarning, match="another number of classes: fc.weight, fc.bias keep their fresh values"):
        other = models.resnet18(num_classes=3, weights=path)
    np.testing.assert_array_equal(other.layer4[1].conv2.weight.array, there.layer4[1].conv2.weight.array)
    assert other.fc.weight.shape == (3, 512)


def test_googlenet_without_heads_takes_a_file_with_heads(tmp_path):
    path = tmp_path / "googlenet.mcnn"
    there = models.googlenet(num_classes=4, init_weights=False)
    minicnn.save(there.state_dict(), path)
    model = models.googlenet(num_classes=4, aux_logits=False, weights=path)
    np.testing.assert_array_equal(model.fc.weight.array, there.fc.weight.array)
