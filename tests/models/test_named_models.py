"""The architectures: the sizes that their papers give, the shapes that they take, and gradients that reach every weight."""

import numpy as np
import pytest

import minicnn
from minicnn import errors, models, nn
from minicnn.models.resnet_cifar import Block

PARAMETERS = {"lenet5": 61_706, "resnet20": 269_722, "resnet32": 464_154, "resnet44": 658_586, "resnet56": 853_018,
              "resnet110": 1_727_962, "vgg_small": 307_946, "small_cnn": 37_282}


def count(model):
    return sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("name", PARAMETERS)
def test_number_of_parameters(name):
    assert count(models.create(name)) == PARAMETERS[name]


@pytest.mark.parametrize("name, arguments, shape", [
    ("small_cnn", dict(num_classes=3, in_channels=2), (2, 5, 9)),
    ("lenet5", dict(num_classes=3, in_channels=3, image_size=(13, 32)), (3, 13, 32)),
    ("lenet5", {}, (1, 28, 28)),
    ("vgg_small", dict(num_classes=7, in_channels=1, image_size=(8, 20)), (1, 8, 20)),
    ("resnet20", dict(num_classes=4, in_channels=1), (1, 16, 12)),
])
def test_any_size_and_gradients_reach_every_weight(name, arguments, shape):
    model = models.create(name, **arguments)
    logits = model(minicnn.randn(3, *shape))
    assert logits.shape == (3, arguments.get("num_classes", 10))
    (logits * minicnn.randn(*logits.shape)).sum().backward()
    for path, p in model.named_parameters():
        assert p.grad is not None and np.isfinite(p.grad.array).all(), path
        assert np.abs(p.grad.array).sum() > 0, path


def test_lenet5_equals_the_same_network_in_pytorch():
    torch = pytest.importorskip("torch")
    t = torch.nn
    reference = t.Sequential(
        t.Conv2d(1, 6, 5, padding=2), t.ReLU(), t.MaxPool2d(2), t.Conv2d(6, 16, 5), t.ReLU(), t.MaxPool2d(2), t.Flatten(),
        t.Linear(400, 120), t.ReLU(), t.Linear(120, 84), t.ReLU(), t.Linear(84, 10)).double()
    model = models.lenet5().double()
    for p, q in zip(model.parameters(), reference.parameters()):
        q.data = torch.from_numpy(p.array.copy())
    x = np.random.default_rng(0).normal(size=(4, 1, 28, 28))
    np.testing.assert_allclose(model(minicnn.tensor(x)).detach().numpy(), reference(torch.from_numpy(x)).detach().numpy(), rtol=1e-9)


def test_shortcut_is_every_second_pixel_and_zeros_for_new_channels():
    block = Block(2, 5, stride=2)
    nn.init.zeros_(block.bn2.weight)                                  # F(x) = 0: what is left is relu(shortcut(x))
    x = minicnn.rand(3, 2, 7, 6)
    expected = np.zeros((3, 5, 4, 3), np.float32)
    expected[:, :2] = x.numpy()[:, :, ::2, ::2]
    np.testing.assert_array_equal(block(x).detach().numpy(), expected)


def test_registry_says_what_there_is():
    with pytest.raises(errors.BadValue, match="unknown model 'lenet'.*lenet5"):
        models.create("lenet")
    with pytest.raises(errors.BadType, match="resnet20 has no argument 'image_size'; it takes num_classes, in_channels"):
        models.create("resnet20", image_size=32)


@pytest.mark.parametrize("build, message", [
    (lambda: models.lenet5(image_size=11), "does not fit"),
    (lambda: models.lenet5(image_size=(28, 0)), "at least 1"),
    (lambda: models.vgg_small(image_size=(32, 7)), "at least 8"),
    (lambda: models.resnet_cifar.ResNetCIFAR(19), "6n \\+ 2"),
])
def test_sizes_that_do_not_work_are_refused(build, message):
    with pytest.raises(errors.Error, match=message):
        build()


@pytest.mark.parametrize("name, arguments", [
    ("lenet5", dict(num_classes=0)), ("lenet5", dict(num_classes="a")), ("lenet5", dict(image_size=(28, -1))),
    ("small_cnn", dict(width=0)), ("resnet20", dict(in_channels=True)), ("vgg_small", dict(num_classes=2.5)),
])
def test_sizes_below_one_are_refused(name, arguments):
    with pytest.raises(errors.BadValue, match=f"{next(iter(arguments))} must be a whole number of at least 1"):
        models.create(name, **arguments)
