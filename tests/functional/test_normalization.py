"""Batch norm in both modes, its running statistics, and the other normalizations."""

import numpy as np
import pytest
from helpers.proof import prove
from hypothesis import given
from hypothesis import strategies as st

import minicnn
import minicnn.nn.functional as F
from minicnn.errors import BadValue, GraphError, ShapeError

torch = pytest.importorskip("torch")
TF = torch.nn.functional
SHAPES = st.sampled_from([(2, 3), (5, 1), (3, 2, 4), (2, 3, 3, 5), (1, 4, 2, 3), (4, 1, 1, 2)])


def drawn(shape, seed, affine):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape) * 3 + rng.standard_normal((1, shape[1]) + (1,) * (len(shape) - 2)) * 5
    return (x, *((rng.standard_normal(shape[1]), rng.standard_normal(shape[1])) if affine else (None, None)), rng)


@given(SHAPES, st.integers(0, 2**32), st.booleans(), st.sampled_from([1e-5, 0.3]))
def test_batch_norm_in_training(shape, seed, affine, eps):
    x, w, b, rng = drawn(shape, seed, affine)
    prove(lambda x, w, b: F.batch_norm(x, None, None, w, b, True, eps=eps),
          lambda x, w, b: TF.batch_norm(x, None, None, w, b, True, eps=eps), x, w, b, rng=rng)


@given(SHAPES, st.integers(0, 2**32), st.booleans())
def test_batch_norm_in_evaluation(shape, seed, affine):
    x, w, b, rng = drawn(shape, seed, affine)
    mean, var = rng.standard_normal(shape[1]), rng.random(shape[1]) + 0.1
    prove(lambda x, w, b: F.batch_norm(x, minicnn.tensor(mean), minicnn.tensor(var), w, b),
          lambda x, w, b: TF.batch_norm(x, torch.tensor(mean), torch.tensor(var), w, b), x, w, b, rng=rng)


@pytest.mark.parametrize("momentum", [0.1, 0.0, 1.0])
@pytest.mark.parametrize("function", ["batch_norm", "instance_norm"])
def test_running_statistics_follow_the_batch(function, momentum):
    """The variance that runs is the unbiased one, while the batch is normalized by the biased one."""
    x = np.random.default_rng(0).standard_normal((4, 3, 2, 5)) * 2 + 1
    ours = [minicnn.full((3,), 0.5, dtype=minicnn.float64), minicnn.full((3,), 2.0, dtype=minicnn.float64)]
    theirs = [torch.full((3,), 0.5, dtype=torch.float64), torch.full((3,), 2.0, dtype=torch.float64)]
    for module, library, running in ((F, minicnn, ours), (TF, torch, theirs)):
        getattr(module, function)(library.tensor(x), *running, None, None, True, momentum)
    for a, b in zip(ours, theirs):
        np.testing.assert_allclose(a.array, b.numpy(), rtol=1e-12)


@pytest.mark.parametrize("function", ["batch_norm", "instance_norm"])
def test_a_graph_notices_that_running_statistics_have_moved(function):
    x, running = minicnn.rand(4, 3, 2, 2), [minicnn.ones(3), minicnn.ones(3)]
    products = [minicnn.ones(3, requires_grad=True) * r for r in running]
    F.batch_norm(x[:0], *running, None, None, True)                     # an empty batch leaves them alone
    for y in products:
        y.sum().backward(retain_graph=True)
    getattr(F, function)(x, *running, None, None, True)
    for y in products:
        with pytest.raises(GraphError, match="in place"):
            y.sum().backward()


@given(SHAPES, st.integers(0, 2**32))
def test_batch_norm_ignores_shift_and_scale(shape, seed):
    """So its dx is orthogonal to 1 and to x̂ in every channel."""
    x, w, b, rng = drawn(shape, seed, True)
    leaf = minicnn.tensor(x, requires_grad=True)
    F.batch_norm(leaf, None, None, minicnn.tensor(w), minicnn.tensor(b), True, eps=1e-14).backward(
        minicnn.tensor(rng.standard_normal(shape)))
    axes = tuple(a for a in range(x.ndim) if a != 1)
    np.testing.assert_allclose(leaf.grad.array.sum(axes), 0, atol=1e-8)
    np.testing.assert_allclose((leaf.grad.array * x).sum(axes), 0, atol=1e-7)


@given(st.sampled_from([(2, 4), (2, 6, 3), (3, 4, 2, 3), (0, 4, 2, 3)]), st.sampled_from([1, 2]), st.integers(0, 2**32), st.booleans())
def test_group_norm(shape, groups, seed, affine):
    x, w, b, rng = drawn(shape, seed, affine)
    prove(lambda x, w, b: F.group_norm(x, groups, w, b), lambda x, w, b: TF.group_norm(x, groups, w, b), x, w, b, rng=rng, loops=False)


@given(st.sampled_from([((4, 3), (3,)), ((2, 3, 4), (3, 4)), ((2, 3, 4), (4,)), ((5,), (5,)), ((0, 3), (3,))]), st.integers(0, 2**32),
       st.booleans())
def test_layer_norm(case, seed, affine):
    (shape, normalized), rng = case, np.random.default_rng(seed)
    x, w, b = (rng.standard_normal(s) if s is shape or affine else None for s in (shape, normalized, normalized))
    prove(lambda x, w, b: F.layer_norm(x, normalized, w, b), lambda x, w, b: TF.layer_norm(x, normalized, w, b), x, w, b, rng=rng,
          loops=False)


@given(st.sampled_from([(2, 3, 4), (2, 3, 3, 5), (1, 1, 2, 2)]), st.integers(0, 2**32), st.booleans())
def test_instance_norm(shape, seed, affine):
    x, w, b, rng = drawn(shape, seed, affine)
    prove(lambda x, w, b: F.instance_norm(x, weight=w, bias=b), lambda x, w, b: TF.instance_norm(x, weight=w, bias=b), x, w, b, rng=rng,
          loops=False)


@given(st.sampled_from([(2, 5, 4), (1, 7, 2, 3), (2, 1, 2, 2)]), st.integers(1, 9), st.sampled_from([0.5, 0.75, 2.0]), st.integers(0, 2**32))
def test_local_response_norm(shape, size, beta, seed):
    x = np.random.default_rng(seed).standard_normal(shape) * 2
    options = dict(size=size, alpha=0.7, beta=beta, k=1.5)
    prove(lambda x: F.local_response_norm(x, **options), lambda x: TF.local_response_norm(x, **options), x, loops=False)


def test_what_makes_no_sense_is_refused():
    x = minicnn.randn(1, 3)
    with pytest.raises(BadValue, match="more than one value per channel"):
        F.batch_norm(x, None, None, training=True)
    with pytest.raises(ShapeError, match=r"running_mean to have shape \(3,\)"):
        F.batch_norm(minicnn.randn(2, 3), minicnn.zeros(4), minicnn.ones(3))
    with pytest.raises(BadValue, match="running_mean and running_var"):
        F.batch_norm(minicnn.randn(2, 3), None, None)
    with pytest.raises(BadValue, match="must divide the 3 channels"):
        F.group_norm(minicnn.randn(2, 3, 4), 2)
    with pytest.raises(ShapeError, match="end of the input's shape"):
        F.layer_norm(minicnn.randn(2, 3), (2,))
