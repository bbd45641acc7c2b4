"""Networks that nobody would write: branches, residuals, odd windows, all kinds of layers. As a file and as ONNX they stay what they are."""

import io

import numpy as np
import pytest
from helpers.graph_cases import batch_of, shaken, trained
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import minicnn
from minicnn import nn
from minicnn.nn import functional as F

ACTIVATIONS = [nn.ReLU, nn.SiLU, nn.GELU, nn.Hardswish, nn.LeakyReLU, nn.ELU, nn.Mish, nn.Softplus, nn.ReLU6, nn.Tanh, nn.Sigmoid]
PADDING_MODES = ["zeros", "reflect", "replicate", "circular"]


class Network(nn.Module):
    """Stages one after the other, then pooling, dropout and a dense layer."""

    def __init__(self, stages, head):
        super().__init__()
        self.stages, self.head = nn.ModuleList(stages), head

    def forward(self, x):
        for stage in self.stages:
            x = stage(x)
        return self.head(x)


class Residual(nn.Module):
    def __init__(self, body):
        super().__init__()
        self.body = body

    def forward(self, x):
        return F.relu(self.body(x) + x, inplace=True)


class Branches(nn.Module):
    def __init__(self, parts, joined):
        super().__init__()
        self.parts, self.joined = nn.ModuleList(parts), joined

    def forward(self, x):
        found = [part(x) for part in self.parts]
        if self.joined == "cat":
            return minicnn.cat(found, 1)
        return sum(found[1:], found[0]) if self.joined == "sum" else found[0] * found[-1].sigmoid()


class Gate(nn.Module):
    """Channels weighed by what the whole image shows (squeeze and excitation)."""

    def __init__(self, channels):
        super().__init__()
        self.fc = nn.Linear(channels, channels)

    def forward(self, x):
        return x * self.fc(x.mean((2, 3))).sigmoid()[:, :, None, None]


def convolution(draw, channels, out, same_size):
    groups = draw(st.sampled_from([g for g in (1, 2, channels) if channels % g == 0 and out % g == 0]))
    kernel, dilation = draw(st.tuples(st.integers(1, 3), st.integers(1, 3))), draw(st.integers(1, 2))
    mode = draw(st.sampled_from(PADDING_MODES))
    options = dict(dilation=dilation, groups=groups, bias=draw(st.booleans()), padding_mode=mode)
    if same_size:
        return nn.Conv2d(channels, out, kernel, padding="same", **options)
    return nn.Conv2d(channels, out, kernel, stride=draw(st.integers(1, 2)), padding=draw(st.integers(0, 1)), **options)


def normalization(draw, channels):
    kind = draw(st.integers(0, 4))
    if kind == 0:
        return nn.GroupNorm(draw(st.sampled_from([g for g in (1, 2) if channels % g == 0])), channels)
    if kind == 1:
        return nn.LocalResponseNorm(draw(st.integers(1, 4)))
    if kind == 2:
        return nn.BatchNorm2d(channels, affine=draw(st.booleans()))
    return nn.BatchNorm2d(channels, momentum=draw(st.sampled_from([0.1, 0.01, 0.5])))


def body(draw, channels, out, same_size=True):
    layers = [convolution(draw, channels, out, same_size)]
    if draw(st.booleans()):
        layers.append(normalization(draw, out))
    if draw(st.booleans()):
        layers.append(draw(st.sampled_from(ACTIVATIONS))())
    return nn.Sequential(*layers)


@st.composite
def stages(draw, channels):
    """A stage for so many channels, and how many it gives."""
    kind, out = draw(st.integers(0, 6)), draw(st.integers(1, 6))
    if kind == 0:
        return Residual(body(draw, channels, channels)), channels
    if kind == 1:
        joined = draw(st.sampled_from(["cat", "sum", "gate"]))
        return Branches([body(draw, channels, out) for _ in range(draw(st.integers(2, 3)))], joined), out
    if kind == 2:
        return nn.MaxPool2d(draw(st.integers(1, 3)), draw(st.integers(1, 2)), ceil_mode=draw(st.booleans())), channels
    if kind == 3:
        return nn.AvgPool2d(draw(st.integers(2, 3)), draw(st.integers(1, 2)), 1, draw(st.booleans()), draw(st.booleans())), channels
    if kind == 4:
        return nn.Upsample(scale_factor=draw(st.sampled_from([2, 1.5])), mode=draw(st.sampled_from(["nearest", "bilinear"]))), channels
    if kind == 5:
        return nn.Sequential(Gate(channels), nn.Dropout2d(0.2)), channels
    return body(draw, channels, out, same_size=False), out


@st.composite
def networks(draw):
    """A model and a batch of two images that it takes."""
    minicnn.manual_seed(draw(st.integers(0, 2**16)))
    shape = draw(st.tuples(st.integers(1, 4), st.integers(7, 12), st.integers(7, 12)))
    channels, found = shape[0], []
    for _ in range(draw(st.integers(1, 4))):
        stage, given = draw(stages(channels))
        joined = isinstance(stage, Branches) and stage.joined == "cat"
        channels = given * len(stage.parts) if joined else given
        found.append(stage)
    pool = nn.AdaptiveAvgPool2d(draw(st.sampled_from([1, 2]))) if draw(st.booleans()) else nn.AdaptiveMaxPool2d(1)
    pixels = 4 if isinstance(pool, nn.AdaptiveAvgPool2d) and pool.output_size == 2 else 1
    head = nn.Sequential(pool, nn.Flatten(), nn.Dropout(0.3), nn.Linear(channels * pixels, 3))
    model = Network(found, head)
    shaken(model)
    return model, minicnn.randn(2, *shape).array


def runs(model, x):
    """Whether the images are large enough for all windows and paddings."""
    try:
        model.train()(minicnn.tensor(x))
        return bool(np.isfinite(model.eval()(minicnn.tensor(x)).detach().array).all())
    except (ValueError, RuntimeError):
        return False


SETTINGS = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@SETTINGS
@given(networks())
def test_saved_and_loaded(made):
    model, x = made
    if not runs(model, x):
        return
    file = io.BytesIO()
    minicnn.save(model, file, minicnn.tensor(x))
    file.seek(0)
    loaded = minicnn.load(file)
    assert loaded.state_dict().keys() == model.state_dict().keys()
    for n in (1, 3):
        given = minicnn.tensor(batch_of(x, n))
        assert np.array_equal(model.eval()(given).array, loaded.eval()(given).array)
    assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(trained(model, x, 2), trained(loaded, x, 2), strict=True))


@SETTINGS
@given(networks())
def test_exported(made):
    export = pytest.importorskip("minicnn.onnx").export
    onnxruntime = pytest.importorskip("onnxruntime")
    model, x = made
    if not runs(model, x):
        return
    session = onnxruntime.InferenceSession(export(model, minicnn.tensor(x)).SerializeToString())
    for n in (1, 2, 5):
        given = batch_of(x, n)
        wanted = model.eval()(minicnn.tensor(given)).array
        np.testing.assert_allclose(session.run(None, {"input": given})[0], wanted, rtol=1e-5, atol=1e-5 * max(1, abs(wanted).max()))
