"""The dense layer and dropout."""

import numpy as np
import pytest
from helpers.proof import gradients, prove
from hypothesis import given
from hypothesis import strategies as st

import minicnn
import minicnn.nn.functional as F
from minicnn.errors import BadValue, ShapeError
from minicnn.nn.functional.linear import linear_relu

torch = pytest.importorskip("torch")


@given(st.sampled_from([(3,), (0, 3), (1, 3), (4, 3), (2, 5, 3), (2, 1, 2, 3)]), st.integers(1, 4), st.booleans(), st.integers(0, 2**32))
def test_linear_against_everything(shape, out_features, bias, seed):
    rng = np.random.default_rng(seed)
    x, w, b = rng.standard_normal(shape), rng.standard_normal((out_features, 3)), rng.standard_normal(out_features) if bias else None
    prove(F.linear, torch.nn.functional.linear, x, w, b, rng=rng, loops=False)


@given(st.sampled_from([(3,), (0, 3), (1, 3), (4, 3), (2, 5, 3), (2, 1, 2, 3)]), st.integers(1, 4), st.booleans(), st.integers(0, 2**32))
def test_linear_and_relu_against_everything(shape, out_features, bias, seed):
    """But central differences, which a kink may be too near for: the proof has those."""
    rng = np.random.default_rng(seed)
    x, w, b = rng.standard_normal(shape), rng.standard_normal((out_features, 3)), rng.standard_normal(out_features) if bias else None
    prove(linear_relu, lambda *xs: torch.nn.functional.linear(*xs).relu(), x, w, b, rng=rng, finite=False)


def test_linear_after_forgotten_flatten_names_the_in_features():
    with pytest.raises(ShapeError, match="in_features=400"):
        F.linear(minicnn.randn(2, 16, 5, 5), minicnn.randn(10, 400))
    with pytest.raises(ShapeError, match="out_features=10"):
        F.linear(minicnn.randn(2, 4), minicnn.randn(10, 4), minicnn.randn(9))


@pytest.mark.parametrize("function, mask_axes", [(F.dropout, ()), (F.dropout2d, (2, 3))])
def test_dropout_keeps_or_drops_and_scales(function, mask_axes):
    x = np.random.default_rng(0).standard_normal((50, 20, 3, 4)) + 5
    y = function(minicnn.tensor(x), 0.3).array
    ratio = y / x
    assert np.allclose(np.unique(ratio.round(9)), [0, 1 / 0.7])
    kept = (ratio > 0).mean()
    assert abs(kept - 0.7) < 0.05
    if mask_axes:
        assert (ratio.std(mask_axes) < 1e-12).all(), "a channel is dropped as a whole"


def test_dropout_gradient_goes_through_what_was_kept():
    x = np.random.default_rng(0).standard_normal((6, 5))
    dy = np.random.default_rng(1).standard_normal((6, 5))
    for create_graph in (False, True):
        minicnn.manual_seed(3)
        y, dx = gradients(lambda x: F.dropout(x, 0.4), [x], dy, create_graph)
        np.testing.assert_allclose(dx, np.where(y == 0, 0, dy / 0.6))


def test_dropout_at_its_ends_and_in_evaluation():
    x = minicnn.randn(4, 5)
    assert F.dropout(x, 0.9, training=False) is x
    assert F.dropout(x, 0.0) is x
    assert (F.dropout(x, 1.0) == 0).all()
    for p in (-0.1, 1.1, float("nan")):
        with pytest.raises(BadValue, match="between 0 and 1"):
            F.dropout(x, p)


def test_dropout_repeats_with_its_seed():
    x = minicnn.ones(100)
    masks = []
    for _ in range(2):
        minicnn.manual_seed(7)
        masks.append(F.dropout(x).array)
    np.testing.assert_array_equal(*masks)
    other = F.dropout(x, generator=minicnn.Generator().manual_seed(8)).array
    assert (masks[0] != other).any()
