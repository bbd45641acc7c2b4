"""Softmax cross-entropy of class indices: the compiled kernels against the array kernels, and the loss against PyTorch's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minicnn
from minicnn import kernels
from minicnn.kernels import array

pytest.importorskip("numba")
cpu = pytest.importorskip("minicnn.kernels.cpu")
from helpers.threads import threads_set_to  # noqa: E402

F = minicnn.nn.functional


@settings(max_examples=100)
@given(dtype=st.sampled_from(["float32", "float64"]), n=st.integers(0, 40), k=st.integers(1, 20), ignore=st.sampled_from([-100, 0, 3]),
       layout=st.sampled_from(["as usual", "transposed", "every second", "read only"]), threads=st.integers(1, 3), alone=st.booleans(),
       labels=st.sampled_from(["int64", "uint8"]), seed=st.integers(0, 99))
def test_forms_agree(dtype, n, k, ignore, layout, threads, alone, labels, seed):
    rng = np.random.default_rng(seed)
    x, dy, labels = 9 * rng.standard_normal((n, k)).astype(dtype), rng.standard_normal(n).astype(dtype), rng.integers(0, k, n).astype(labels)
    wanted = array.softmax_cross_entropy(x.astype("d"), labels, ignore)
    dx = array.softmax_cross_entropy_dx(dy.astype("d"), wanted[1], labels, ignore)
    x = {"transposed": np.ascontiguousarray(x.T).T, "every second": np.repeat(x, 2, 1)[:, ::2]}.get(layout, x)
    x.flags.writeable = layout != "read only"
    with threads_set_to(threads, alone):
        found = cpu.softmax_cross_entropy(x, labels, ignore)
        found_dx = cpu.softmax_cross_entropy_dx(dy, found[1], labels, ignore)
        for form in (cpu, array):
            alike = [form.softmax_cross_entropy_dx(up, found[1], labels, ignore) for up in (dy[:1].sum()[...], np.full_like(dy, dy[:1].sum()))]
            np.testing.assert_array_equal(*alike, strict=True)
    np.testing.assert_allclose(found[2], wanted[2], rtol=1e-5 if dtype == "float32" else 1e-13, atol=1e-4 if dtype == "float32" else 1e-12)
    assert found[3] == wanted[3] == (labels != ignore).sum()
    for one, other in zip((*found[:3], found_dx), (*wanted[:3], dx)):
        assert one.dtype == dtype
        np.testing.assert_allclose(one, other, rtol=1e-5 if dtype == "float32" else 1e-13, atol=1e-5 if dtype == "float32" else 1e-13)


def test_numbers_that_are_none():
    x = np.array([[0, np.nan, 1], [np.inf, 0, 1], [-np.inf, 2, -np.inf], [-np.inf] * 3])
    labels = np.array([0, 1, 0, 1])
    with np.errstate(all="ignore"):
        wanted = array.softmax_cross_entropy(x, labels, -100)
    for one, other in zip(cpu.softmax_cross_entropy(x, labels, -100), wanted):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("form", ["array", "numba"])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("ignore", [-100, 1, 2**40])
def test_as_pytorch(form, reduction, ignore):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    x, labels = rng.standard_normal((7, 5)), rng.integers(0, 5, 7)
    ours, theirs = minicnn.Tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    with kernels.using(form):
        y = F.cross_entropy(ours, minicnn.Tensor(labels), ignore_index=ignore, reduction=reduction)
        (y * y).sum().backward()
    z = torch.nn.functional.cross_entropy(theirs, torch.tensor(labels), ignore_index=ignore, reduction=reduction)
    (z * z).sum().backward()
    np.testing.assert_allclose(y.detach().array, z.detach().numpy(), rtol=1e-12)
    np.testing.assert_allclose(ours.grad.array, theirs.grad.numpy(), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("form", ["array", "numba"])
def test_a_batch_in_which_nothing_counts(form):
    x = minicnn.Tensor(np.ones((3, 2), np.float32), requires_grad=True)
    with kernels.using(form):
        y = F.cross_entropy(x, minicnn.tensor([-100] * 3))
        y.backward()
    assert np.isnan(y.item()) and (x.grad.array == 0).all()


def test_the_gradient_of_the_gradient():
    x = minicnn.Tensor(np.random.default_rng(0).standard_normal((4, 3)), requires_grad=True)
    labels = minicnn.tensor([0, 2, 1, 1])
    assert minicnn.autograd.gradgradcheck(lambda x: F.cross_entropy(x, labels, ignore_index=2), (x,))
