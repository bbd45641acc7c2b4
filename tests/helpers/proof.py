"""How a layer operation is held against its definition, finite differences, the loop kernels and PyTorch: all elements, float64."""

import warnings

import numpy as np

import minicnn
from minicnn import kernels
from minicnn.autograd import grad


def close(ours, theirs, message, rtol=1e-7, atol=1e-9):
    np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=atol, err_msg=message)


def odd_layouts(array):
    """The same values in C order, channels-last in memory, and in a view with gaps."""
    yield array
    yield np.moveaxis(np.moveaxis(array, 1, -1).copy(), -1, 1) if array.ndim > 2 else array.T.copy().T
    gaps = np.full([2 * n for n in array.shape], np.nan)
    gaps = gaps[(..., *(slice(None, None, 2) for _ in array.shape))]
    gaps[...] = array
    yield gaps


def gradients(function, arrays, dy, create_graph=False):
    """The value, and the gradient of each array that is given (None is passed on)."""
    leaves = [None if a is None else minicnn.Tensor(a, requires_grad=True) for a in arrays]
    y = function(*leaves)
    found = grad(y, [x for x in leaves if x is not None], minicnn.Tensor(dy), create_graph=create_graph)
    return [y.array if not y.requires_grad else y.detach().array, *(g.detach().array for g in found)]


def differences(function, arrays, dy, eps=1e-6):
    """Central differences of Σ dy·y with respect to every element of every array."""
    arrays = [None if a is None else a.copy() for a in arrays]
    for a in (a for a in arrays if a is not None):
        d = np.empty_like(a)
        for index in np.ndindex(a.shape):
            kept, values = a[index], []
            for step in (eps, -eps):
                a[index] = kept + step
                values.append((function(*(None if x is None else minicnn.Tensor(x) for x in arrays)).array * dy).sum())
            a[index], d[index] = kept, (values[0] - values[1]) / (2 * eps)
        yield d


def prove(ours, theirs, *arrays, loops=True, finite=True, rng=None):
    """One configuration of `ours` and PyTorch's `theirs`: every comparison there is."""
    import torch

    rng = rng or np.random.default_rng(0)
    tensors = [None if a is None else torch.tensor(a, requires_grad=True) for a in arrays]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        y = theirs(*tensors)
    dy = rng.standard_normal(tuple(y.shape))
    expected = [y.detach().numpy()]
    expected += [g.numpy() for g in torch.autograd.grad(y, [t for t in tensors if t is not None], torch.tensor(dy))]
    for layout, version in enumerate(zip(*(odd_layouts(a) if a is not None else (None,) * 3 for a in arrays))):
        for got, want in zip(gradients(ours, version, dy), expected):
            close(got, want, f"against PyTorch, memory layout {layout}")
    for got, want in zip(gradients(ours, arrays, dy, create_graph=True), expected):
        close(got, want, "the definition against PyTorch")
    if loops:
        with kernels.using("loops"):
            for got, want in zip(gradients(ours, arrays, dy), expected):
                close(got, want, "the loops against PyTorch")
    if finite:
        for got, want in zip(differences(ours, arrays, dy), expected[1:]):
            close(got, want, "central differences against PyTorch", rtol=1e-5, atol=1e-6)
