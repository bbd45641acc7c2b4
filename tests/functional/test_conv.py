"""Convolution and its transpose: odd sizes, strides, paddings, dilations, groups, empty batches, all kernels."""

import numpy as np
import pytest
from helpers.proof import prove
from hypothesis import assume, given
from hypothesis import strategies as st

import minicnn
import minicnn.nn.functional as F
from minicnn import kernels, shapes
from minicnn.errors import BadValue, ShapeError

torch = pytest.importorskip("torch")


@st.composite
def convolutions(draw):
    """Images, weights, bias and options; H≠W, kh≠kw and C≠O come about often."""
    groups, each_in, each_out = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(1, 2))
    kernel = draw(st.tuples(st.integers(1, 3), st.integers(1, 4)))
    options = {
        "stride": draw(st.tuples(st.integers(1, 3), st.integers(1, 3))),
        "padding": draw(st.tuples(st.integers(0, 2), st.integers(0, 3))),
        "dilation": draw(st.tuples(st.integers(1, 2), st.integers(1, 3))),
        "groups": groups,
    }
    size = draw(st.tuples(st.integers(1, 6), st.integers(1, 7)))
    reach = [n + 2 * p - d * (k - 1) for n, p, d, k in zip(size, options["padding"], options["dilation"], kernel)]
    assume(min(reach) >= 1)
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    batch = draw(st.integers(0, 3))
    x = rng.standard_normal((batch, groups * each_in, *size))
    w = rng.standard_normal((groups * each_out, each_in, *kernel))
    b = rng.standard_normal(groups * each_out) if draw(st.booleans()) else None
    return x, w, b, options, rng


@given(convolutions())
def test_every_convolution_against_everything(case):
    x, w, b, options, rng = case
    small = x.size * w.size < 4000
    prove(lambda x, w, b: F.conv2d(x, w, b, **options), lambda x, w, b: torch.nn.functional.conv2d(x, w, b, **options),
          x, w, b, rng=rng, loops=small, finite=small)


@given(convolutions(), st.data())
def test_every_transposed_convolution_against_everything(case, data):
    x, w, b, options, rng = case
    extra = [data.draw(st.integers(0, max(s, d) - 1)) for s, d in zip(options["stride"], options["dilation"])]
    options = options | {"output_padding": tuple(extra)}
    w = rng.standard_normal((x.shape[1], w.shape[0] // options["groups"], *w.shape[2:]))
    sizes = [(n - 1) * s - 2 * p + d * (k - 1) + e + 1 for n, s, p, d, k, e in
             zip(x.shape[2:], options["stride"], options["padding"], options["dilation"], w.shape[2:], extra)]
    assume(min(sizes) >= 1)
    small = x.size * w.size < 4000
    prove(lambda x, w, b: F.conv_transpose2d(x, w, b, **options),
          lambda x, w, b: torch.nn.functional.conv_transpose2d(x, w, b, **options), x, w, b, rng=rng, loops=small, finite=small)


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("kernel, dilation", [((2, 3), 1), ((3, 4), 2), ((1, 1), 1)])
def test_padding_by_name(padding, kernel, dilation):
    rng = np.random.default_rng(1)
    x, w = rng.standard_normal((2, 3, 7, 9)), rng.standard_normal((4, 3, *kernel))
    prove(lambda x, w: F.conv2d(x, w, padding=padding, dilation=dilation),
          lambda x, w: torch.nn.functional.conv2d(x, w, padding=padding, dilation=dilation), x, w, loops=False)


def test_one_dimension_and_one_example():
    rng = np.random.default_rng(2)
    x, w, b = rng.standard_normal((2, 4, 9)), rng.standard_normal((6, 2, 3)), rng.standard_normal(6)
    options = dict(stride=2, padding=1, dilation=2, groups=2)
    prove(lambda *a: F.conv1d(*a, **options), lambda *a: torch.nn.functional.conv1d(*a, **options), x, w, b, loops=False)
    prove(lambda *a: F.conv1d(*a, **options), lambda *a: torch.nn.functional.conv1d(*a, **options), x[0], w, b, loops=False)
    image, weight = rng.standard_normal((3, 5, 6)), rng.standard_normal((2, 3, 3, 2))
    prove(F.conv2d, torch.nn.functional.conv2d, image, weight, loops=False)


def test_the_batch_may_be_worked_on_in_parts(monkeypatch):
    """With room for one image's columns at a time, the same results come out."""
    rng = np.random.default_rng(3)
    x, w = rng.standard_normal((5, 2, 6, 7)), rng.standard_normal((3, 2, 3, 2))
    monkeypatch.setattr(kernels.array, "COLUMN_BYTES", 1)
    prove(F.conv2d, torch.nn.functional.conv2d, x, w, loops=False, finite=False)


def test_convolution_is_the_transpose_of_its_transpose():
    """⟨conv(x), y⟩ = ⟨x, convᵀ(y)⟩: no reference needed."""
    rng = np.random.default_rng(4)
    x, w = minicnn.tensor(rng.standard_normal((2, 4, 8, 9))), minicnn.tensor(rng.standard_normal((6, 2, 3, 2)))
    options = dict(stride=(2, 3), padding=1, groups=2)
    y = F.conv2d(x, w, **options)
    dy = minicnn.tensor(rng.standard_normal(y.shape))
    back = F.conv_transpose2d(dy, w, **options, output_padding=(1, 0))
    assert back.shape == x.shape
    np.testing.assert_allclose((y * dy).sum().item(), (x * back).sum().item(), rtol=1e-12)


@pytest.mark.parametrize("form", ["array", "loops"])
def test_channels_last_stays_channels_last(form):
    """What a layer makes lies as the next one wants it, whatever the shape says (the loops do not care)."""
    x, w = minicnn.randn(2, 3, 5, 6), minicnn.randn(4, 3, 3, 3)
    with kernels.using(form):
        y = F.conv2d(x, w, padding=1)
    assert y.shape == (2, 4, 5, 6)
    if form == "array":
        assert y.array.transpose(0, 2, 3, 1).flags.c_contiguous


def test_bad_shapes_are_refused_with_the_axes_named():
    x, w = minicnn.randn(2, 3, 8, 8), minicnn.randn(4, 2, 3, 3)
    with pytest.raises(ShapeError, match=r"C=2 channels.*N=2, C=3, H=8, W=8"):
        F.conv2d(x, w)
    with pytest.raises(ShapeError, match="height H is 8.*spans 17 pixels"):
        F.conv2d(x, minicnn.randn(4, 3, 9, 1), dilation=2)
    with pytest.raises(BadValue, match="stride must be at least 1"):
        F.conv2d(x, minicnn.randn(4, 3, 3, 3), stride=0)
    with pytest.raises(ShapeError, match=r"bias to have shape \(4,\)"):
        F.conv2d(x, minicnn.randn(4, 3, 3, 3), minicnn.randn(3))
    with pytest.raises(BadValue, match="groups=2 must divide the 3 output channels"):
        F.conv2d(minicnn.randn(1, 4, 8, 8), minicnn.randn(3, 2, 3, 3), groups=2)
    with pytest.raises(TypeError, match="the input is float32 but the weight is float64"):
        F.conv2d(x, minicnn.randn(4, 3, 3, 3, dtype=minicnn.float64))


@given(convolutions())
def test_output_sizes_without_running_anything(case):
    x, w, _, options, _ = case
    assert shapes.conv2d(x.shape, w.shape, **options) == F.conv2d(minicnn.tensor(x), minicnn.tensor(w), **options).shape
