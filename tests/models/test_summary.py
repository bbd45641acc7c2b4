"""The model table: receptive fields against what gradients say, multiply-adds against the formula, any module at all."""

import re
from math import ceil
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minicnn
from minicnn import errors, kernels, models, nn
from minicnn.models import summary
from minicnn.models.summary import OUTSIDE
from minicnn.nn import functional as F
from minicnn.nn.init import skipped


def fields(model, shape):
    return [str(row.receptive_field) for row in summary(model, shape).rows]


def seen_pixels(model, size):
    """(height, width) of the input region that the middle output pixel's gradient reaches."""
    for p in model.parameters():
        p.data = minicnn.rand(*p.shape) + 0.1                          # positive: nothing cancels
    x = minicnn.rand(1, 1, *size).requires_grad_()
    y = model.eval()(x)
    y[0, 0, y.shape[2] // 2, y.shape[3] // 2].backward()
    reached = np.argwhere(x.grad.array[0, 0] != 0)
    return tuple(reached.max(0) - reached.min(0) + 1)


odd = st.sampled_from([1, 3, 5])
layers = st.one_of(
    st.builds(lambda kh, kw, s, d: nn.Conv2d(1, 1, (kh, kw), stride=s, dilation=d), odd, odd, st.integers(1, 2), st.integers(1, 2)),
    st.builds(lambda k, s: nn.AvgPool2d(k, s), st.integers(1, 3), st.integers(1, 2)),
    st.builds(nn.BatchNorm2d, st.just(1)),
    st.builds(nn.ConvTranspose2d, st.just(1), st.just(1), st.integers(2, 3), st.just(2)),
)


@settings(max_examples=50)
@given(st.lists(layers, min_size=1, max_size=4))
def test_receptive_field_is_what_the_gradient_reaches(parts):
    model = nn.Sequential(*parts)
    try:
        field = summary(model, (1, 70, 70)).rows[-1].receptive_field
    except errors.ShapeError:
        return
    seen = seen_pixels(model, (70, 70))
    if any(isinstance(part, nn.ConvTranspose2d) for part in parts):    # which pixels a stamp reaches depends on the position
        assert all(pixels <= ceil(size) for pixels, size in zip(seen, field.size))
    else:
        assert seen == field.size


def test_known_receptive_fields():
    vgg16 = [layer for stage in (2, 2, 3, 3, 3) for layer in [nn.Conv2d(1, 1, 3, padding=1)] * stage + [nn.MaxPool2d(2)]]
    assert fields(nn.Sequential(*vgg16), (1, 224, 224))[-2:] == ["196", "212"]       # Simonyan & Zisserman's network
    assert fields(models.resnet20(), (3, 32, 32))[-4:] == ["81", "81", "all", "all"]


class Branches(nn.Module):
    """Functional operations, a branch, a reused layer, an unused one, a dict as output."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1, bias=False)
        self.unused = nn.Linear(10, 10)

    def forward(self, x):
        y = self.conv(F.max_pool2d(x, 2))
        y = F.relu(self.conv(y) + y[:, :1])
        return {"logits": F.conv2d(y, self.conv.weight)}


def test_functions_branches_and_repetition():
    table = summary(Branches(), (4, 8, 8))
    assert [(row.path, row.parameters, row.multiply_adds, str(row.receptive_field)) for row in table.rows] == [
        ("conv", 144, 144 * 16, "6"), ("conv", 0, 144 * 16, "10"), ("", 0, 144 * 4, "None")]
    assert (table.parameters, table.multiply_adds) == (144 + 110, 144 * 36)
    assert OUTSIDE in str(table)


def test_multiply_adds_of_each_kind():
    def of(layer, *shape):
        return summary(layer, shape).multiply_adds

    assert of(nn.Conv2d(4, 6, (3, 5), stride=2, groups=2), 4, 9, 9) == 6 * 4 * 3 * (2 * 15)
    assert of(nn.ConvTranspose2d(4, 6, 3, stride=2), 4, 5, 5) == 4 * 25 * 6 * 9
    assert of(nn.Linear(5, 7), 3, 5) == 3 * 5 * 7

    class Product(nn.Module):
        def forward(self, x):
            return x @ minicnn.rand(5, 2)

    assert of(Product(), 3, 5) == 3 * 5 * 2


def test_the_model_is_left_as_it_was():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout())
    model[1].eval()
    model[0].weight.requires_grad_(False)
    before, stream = {k: v.array.copy() for k, v in model.state_dict().items()}, minicnn.get_rng_state()
    with minicnn.no_grad():
        table = summary(model, (1, 6, 6))
        assert not minicnn.is_grad_enabled()
    assert (table.parameters, table.trainable) == (24, 6) and "6 of them trainable" in str(table)
    assert [m.training for m in model] == [True, False, True] and model.training
    assert all((before[k] == v.array).all() for k, v in model.state_dict().items()) and minicnn.get_rng_state() == stream
    assert all(p.grad is None for p in model.parameters())
    assert not any(hooks for m in model.modules() if m._hooks for hooks in m._hooks.values())


def test_text_is_a_table_that_lines_up():
    lines = str(summary(models.small_cnn(), (1, 8, 8))).split("\n")
    assert re.fullmatch(r"features\.3   Conv2d +24x8x8 +5,184 +331,776 +5", lines[5])
    assert lines[-1] == "37,282 parameters, 843,744 multiply-adds for an input of 1x8x8"


@pytest.mark.parametrize("size", [(0, 8, 8), (1, 8.0, 8), (True, 8, 8)])
def test_bad_sizes_are_refused(size):
    with pytest.raises(errors.BadValue, match="whole numbers of at least 1"):
        summary(models.small_cnn(), size)


def test_an_input_that_does_not_fit_names_the_layer_and_leaves_no_hooks():
    model = models.small_cnn()
    with pytest.raises(errors.ShapeError, match="features.0"):
        summary(model, (3, 8, 8))
    assert summary(model, (1, 8, 8)).multiply_adds == 843_744


@pytest.mark.parametrize("model, size", [(3, (1, 8, 8)), (nn.Linear(3, 4), 3)])
def test_what_cannot_be_summarised(model, size):
    with pytest.raises(errors.BadType, match="takes a Module and a shape"):
        summary(model, size)


def test_describing_a_model_computes_nothing(monkeypatch):
    """Each hot kernel is one that only makes shapes: with the others taken away, models with all kinds of layers are described."""
    def refuse(*_, **__):
        raise AssertionError("something was computed")

    hot = [name for name in vars(kernels.FORMS["array"]) if name not in ("cat", "einsum", "matmul", "cells")]
    nothing = SimpleNamespace(**vars(kernels.FORMS["array"]) | dict.fromkeys(hot, refuse))
    monkeypatch.setitem(kernels.FORMS, "array", nothing)
    for name in ("lenet5", "alexnet", "vgg11_bn", "resnet18", "googlenet", "resnet20"):
        with skipped():
            found = summary(models.create(name), models.registry.usual_input(name))
        assert found.multiply_adds > 1e5
