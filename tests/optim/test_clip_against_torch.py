"""Gradient clipping and parameter vectors do what PyTorch's do."""

import math

import numpy as np
import pytest

import minicnn
from minicnn import errors
from minicnn.nn import utils

torch = pytest.importorskip("torch")
SHAPES = [(3, 4), (), (2, 1, 3), (5,)]


def pair(dtype=np.float64, scale=1.0, missing=(1,)):
    random = np.random.default_rng(0)
    ours, theirs = [], []
    for number, shape in enumerate(SHAPES):
        value, gradient = (random.normal(size=shape).astype(dtype) * scale for _ in range(2))
        ours.append(minicnn.Tensor(np.array(value), requires_grad=True))
        theirs.append(torch.tensor(value, requires_grad=True))
        if number not in missing:
            ours[-1].grad, theirs[-1].grad = minicnn.Tensor(np.array(gradient)), torch.tensor(gradient)
    return ours, theirs


def check(ours, theirs):
    for p, q in zip(ours, theirs):
        assert (p.grad is None) == (q.grad is None)
        if p.grad is not None:
            np.testing.assert_allclose(p.grad.array, q.grad.numpy(), rtol=1e-6 if p.dtype == np.float32 else 1e-12)
            assert p.grad.dtype == p.dtype


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("norm_type", [2, 2.0, 1, 3, 0.5, math.inf, "inf", -math.inf])
@pytest.mark.parametrize("max_norm", [0.5, 1e3, 0, math.inf])
def test_clip_grad_norm(dtype, norm_type, max_norm):
    ours, theirs = pair(dtype, missing=() if dtype == np.float64 else (1,))
    norm = utils.clip_grad_norm_(ours, max_norm, norm_type)
    expected = torch.nn.utils.clip_grad_norm_(theirs, max_norm, float(norm_type))
    assert isinstance(norm, minicnn.Tensor) and norm.shape == () and norm.dtype == dtype
    np.testing.assert_allclose(norm.item(), expected.item(), rtol=1e-6 if dtype == np.float32 else 1e-12)
    check(ours, theirs)


def test_clip_grad_norm_takes_one_tensor_generators_and_nothing():
    ours, theirs = pair(missing=())
    assert utils.clip_grad_norm_(ours[0], 1.0).item() == pytest.approx(torch.nn.utils.clip_grad_norm_(theirs[0], 1.0).item())
    utils.clip_grad_norm_((p for p in ours), 0.1)
    torch.nn.utils.clip_grad_norm_((p for p in theirs), 0.1)
    check(ours, theirs)
    assert utils.clip_grad_norm_([minicnn.Tensor(np.ones(2), requires_grad=True)], 1.0).item() == 0
    with pytest.warns(UserWarning, match="empty"):
        utils.clip_grad_norm_((p for p in []), 1.0)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_gradients_that_are_not_finite(bad):
    ours, theirs = pair()
    ours[0].grad.array[0, 0] = theirs[0].grad[0, 0] = bad
    with pytest.raises(errors.GraphError, match="cannot be clipped"):
        utils.clip_grad_norm_(ours, 1.0, error_if_nonfinite=True)
    utils.clip_grad_norm_(ours, 1.0)
    torch.nn.utils.clip_grad_norm_(theirs, 1.0)
    check(ours, theirs)


@pytest.mark.parametrize("value", [0.3, 0, 10])
def test_clip_grad_value(value):
    ours, theirs = pair(missing=(2,))
    utils.clip_grad_value_(ours, value)
    torch.nn.utils.clip_grad_value_(theirs, value)
    check(ours, theirs)
    utils.clip_grad_value_(ours[0], value / 2)
    torch.nn.utils.clip_grad_value_(theirs[0], value / 2)
    check(ours, theirs)


def test_norm_and_scaling_apart():
    ours, theirs = pair()
    norm = utils.get_total_norm([p.grad for p in ours if p.grad is not None])
    utils.clip_grads_with_norm_(ours, 0.7, norm)
    torch.nn.utils.clip_grad_norm_(theirs, 0.7)
    check(ours, theirs)


def test_limits_that_make_no_sense():
    ours, _ = pair()
    for value in (-1, math.nan):
        with pytest.raises(errors.BadValue, match="max_norm"):
            utils.clip_grad_norm_(ours, value)
        with pytest.raises(errors.BadValue, match="clip_value"):
            utils.clip_grad_value_(ours, value)


def test_clipping_is_seen_by_the_version_counter():
    p = minicnn.Tensor(np.ones(3), requires_grad=True)
    p.grad = minicnn.Tensor(np.full(3, 5.0), requires_grad=True)
    y = (p.grad * p.grad).sum()
    utils.clip_grad_value_(p, 1.0)
    with pytest.raises(errors.GraphError, match="in place"):
        y.backward()


def test_parameters_to_vector_and_back():
    ours, theirs = pair()
    vector, expected = utils.parameters_to_vector(iter(ours)), torch.nn.utils.parameters_to_vector(theirs)
    np.testing.assert_array_equal(vector.detach().array, expected.detach().numpy())
    weights = np.arange(vector.numel(), dtype=float)
    (vector * minicnn.Tensor(weights)).sum().backward()
    np.testing.assert_array_equal(ours[1].grad.array, weights[12])
    utils.vector_to_parameters(minicnn.Tensor(weights), iter(ours))
    torch.nn.utils.vector_to_parameters(torch.tensor(weights), theirs)
    for p, q in zip(ours, theirs):
        np.testing.assert_array_equal(p.array, q.detach().numpy())
    with pytest.raises(errors.BadType, match="ndarray"):
        utils.vector_to_parameters(weights, ours)
    with pytest.raises(errors.ShapeError, match="24"):
        utils.vector_to_parameters(minicnn.Tensor(weights[:20]), ours)
