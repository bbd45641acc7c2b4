"""Gradients of gradients through whole networks: the definitions at work."""

import numpy as np
import pytest

import minicnn
import minicnn.nn.functional as F
from minicnn.autograd import grad

torch = pytest.importorskip("torch")


def network(library, x, w1, gamma, beta, w2, w3):
    """conv, batch norm, tanh, max pool, depthwise conv, average pool, dense, cross-entropy-like sum."""
    f = library.nn.functional
    y = f.conv2d(x, w1, padding=1)
    y = f.batch_norm(y, None, None, gamma, beta, training=True)
    y = f.max_pool2d(library.tanh(y), 2)
    y = f.avg_pool2d(f.conv2d(y, w2, padding=1, groups=4), 2)
    y = f.linear(y.flatten(1), w3)
    return -library.log_softmax(y, 1)[:, 0].mean()


def drawn():
    rng = np.random.default_rng(0)
    shapes = [(3, 2, 8, 6), (4, 2, 3, 3), (4,), (4,), (4, 1, 3, 3), (3, 8)]
    return [rng.standard_normal(s) for s in shapes], [rng.standard_normal(s) for s in shapes]


def directional(library, arrays, directions):
    """Σ ⟨gradient, direction⟩, as a recorded tensor, and the leaves."""
    leaves = [library.tensor(a, requires_grad=True) for a in arrays]
    first = (grad if library is minicnn else torch.autograd.grad)(network(library, *leaves), leaves, create_graph=True)
    return sum((g * library.tensor(d)).sum() for g, d in zip(first, directions)), leaves


def test_hessian_vector_products_agree_with_central_differences():
    arrays, directions = drawn()
    total, leaves = directional(minicnn, arrays, directions)
    products = grad(total, leaves)
    eps = 1e-6
    ahead, behind = ([a + s * eps * d for a, d in zip(arrays, directions)] for s in (1, -1))
    firsts = [[g.array for g in grad(network(minicnn, *leaves), leaves)]
              for leaves in ([minicnn.tensor(a, requires_grad=True) for a in side] for side in (ahead, behind))]
    for product, plus, minus in zip(products, *firsts):
        np.testing.assert_allclose(product.array, (plus - minus) / (2 * eps), rtol=1e-5, atol=1e-7)


def test_hessian_vector_products_agree_with_pytorch():
    arrays, directions = drawn()
    ours, leaves = directional(minicnn, arrays, directions)
    theirs, torch_leaves = directional(torch, arrays, directions)
    for a, b in zip(grad(ours, leaves), torch.autograd.grad(theirs, torch_leaves)):
        np.testing.assert_allclose(a.array, b.numpy(), rtol=1e-9, atol=1e-11)


def test_third_order():
    x = minicnn.tensor(np.random.default_rng(0).standard_normal((1, 1, 3, 3)), requires_grad=True)
    y = F.avg_pool2d(x**4, 3).sum()
    first, = grad(y, x, create_graph=True)
    second, = grad(first.sum(), x, create_graph=True)
    third, = grad(second.sum(), x)
    np.testing.assert_allclose(third.array, 24 * x.detach().array / 9)
