"""How a definition is held against its pair: the value, every gradient, and, being differentiated twice, finite differences."""

import numpy as np

import minicnn
from minicnn.autograd import grad

from .proof import close, differences, gradients


def agree(layer, *arrays, twice=True, **attributes):
    """One configuration of a Layer at float64 arrays (None for an absent input)."""
    rng = np.random.default_rng(7)
    dy = rng.standard_normal(layer(*arrays, **attributes).shape)
    defined = gradients(lambda *xs: layer.definition(*xs, **attributes), arrays, dy)
    for i, (got, want) in enumerate(zip(gradients(lambda *xs: layer(*xs, **attributes), arrays, dy), defined)):
        close(got, want, f"{layer.name} against its definition: {'gradient ' + str(i - 1) if i else 'the value'}", 1e-9, 1e-11)
    if twice:
        _agree_twice(layer, arrays, attributes, dy, rng)


def _agree_twice(layer, arrays, attributes, dy, rng):
    """The gradient of Σ v · dx against central differences of it."""
    present = [a for a in arrays if a is not None]
    vs = [rng.standard_normal(a.shape) for a in present]

    def along_vs(*xs, create_graph=True):
        xs = [x if x is None or x.requires_grad else minicnn.Tensor(x, requires_grad=True) for x in xs]
        leaves = [x for x in xs if x is not None]
        first = grad(layer(*xs, **attributes), leaves, minicnn.Tensor(dy), create_graph=create_graph)
        return sum((g * minicnn.Tensor(v)).sum() for v, g in zip(vs, first)), leaves

    total, leaves = along_vs(*[None if a is None else minicnn.Tensor(a) for a in arrays])
    second = grad(total, leaves, materialize_grads=True) if total.requires_grad else [minicnn.zeros_like(x) for x in leaves]
    measured = differences(lambda *xs: along_vs(*xs, create_graph=False)[0], arrays, np.ones(()), eps=1e-5)
    for i, (got, want) in enumerate(zip(second, measured)):
        close(got.array, want, f"{layer.name}: the second derivative, input {i}", 1e-5, 1e-6)
