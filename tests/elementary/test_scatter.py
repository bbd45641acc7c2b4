"""Writing by position: scatter, against PyTorch, with gradients to what stays and to what is written."""

import numpy as np
import pytest

import minicnn
from minicnn.autograd import gradcheck, gradgradcheck

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("dim", [0, 1, -1])
def test_scatter_replaces_and_hands_gradients_on(dim):
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((4, 3, 5)), rng.standard_normal((4, 3, 5))
    index = np.argsort(rng.random((4, 3, 5)), dim)[:2, :2, :2]              # no position twice along dim
    src = rng.standard_normal(index.shape)
    results = []
    for library in (torch, minicnn):
        a, b = (library.tensor(v, requires_grad=True) for v in (x, src))
        y = library.scatter(a, dim, library.tensor(index), b)
        y.backward(library.tensor(dy))
        results.append([y.detach().numpy(), a.grad.numpy(), b.grad.numpy()])
    for theirs, ours in zip(*results):
        np.testing.assert_array_equal(ours, theirs)


def test_labels_smoothed_by_hand():
    labels = minicnn.tensor([2, 0, 1])
    smooth = minicnn.full((3, 4), 0.1).scatter_(1, labels.unsqueeze(1), 0.7)
    np.testing.assert_allclose(smooth.array, [[.1, .1, .7, .1], [.7, .1, .1, .1], [.1, .7, .1, .1]], rtol=1e-6)


def test_scatter_can_be_differentiated_twice():
    index = minicnn.tensor([[0, 2], [1, 0]])
    x, src = (minicnn.randn(2, 3, dtype=minicnn.float64, requires_grad=True) for _ in range(2))
    assert gradcheck(lambda x, src: minicnn.scatter(x, 1, index, src) ** 2, (x, src))
    assert gradgradcheck(lambda x, src: minicnn.scatter(x, 1, index, src) ** 2, (x, src))


def test_what_does_not_fit_is_refused():
    x, index = minicnn.zeros(2, 3), minicnn.tensor([[0, 1]])
    with pytest.raises(IndexError, match="outside 0 .. 2"):
        x.scatter(1, index + 2, 1.0)
    with pytest.raises(TypeError, match="float32 like the input"):
        x.scatter(1, index, minicnn.zeros(1, 2, dtype=minicnn.float64))
    with pytest.raises(ValueError, match="must cover the index"):
        x.scatter(1, index, minicnn.zeros(1, 1))
    with pytest.raises(TypeError, match="tensor or a number"):
        x.scatter(1, index, None)


def test_old_and_keyword_spellings():
    leaf = minicnn.autograd.Variable(minicnn.ones(2), requires_grad=True)
    (leaf * 3).sum().backward()
    assert leaf.grad.tolist() == [3.0, 3.0]
    assert minicnn.rand(size=(2, 3)).shape == minicnn.randn(size=(2, 3)).shape == minicnn.ones(6).view(size=(2, 3)).shape == (2, 3)
    assert minicnn.backends.cudnn is not None and minicnn.inf > 0 and minicnn.finfo(minicnn.float32).eps < 1e-6
