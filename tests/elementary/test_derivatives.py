"""Each elementary operation against finite differences, and its derivative's derivative too, in float64 over odd shapes."""

import numpy as np
import pytest

import minicnn
from minicnn.autograd import gradcheck, gradgradcheck
from minicnn.elementary.windows import overlap_add, pad, windows
from minicnn.shapes import Window

INDEX = minicnn.tensor([[0, 2, 2], [1, 0, 1]])
MASK = minicnn.tensor([[True, False, True], [False, False, True]])
WINDOW = Window(size=(5, 4), kernel=(2, 3), stride=(2, 1), padding=((0, 0), (0, 0)), dilation=(2, 1), output=(2, 2))

# name: (function, shape of each input); inputs lie in (0.2, 2)
OPERATIONS = {
    "add": (lambda x, y: x + y, (2, 3), (3,)),
    "add alpha": (lambda x, y: minicnn.add(x, y, alpha=-0.5), (2, 1), (1, 3)),
    "sub": (lambda x, y: x - y, (2, 3), ()),
    "mul": (lambda x, y: x * y, (2, 1, 3), (4, 1)),
    "div": (lambda x, y: x / y, (3,), (2, 3)),
    "number first": (lambda x: (2 - x) / (1 / x) * 3 ** x, (2, 3)),
    "remainder": (lambda x, y: x % y, (2, 3), (3,)),
    "rounded": (lambda x, y: x.floor() * y + y.round() * x + x.div(y, rounding_mode="floor") * x + x.sign() * y, (3,), (3,)),
    "neg": (lambda x: -x, (2, 3)),
    "exp": (lambda x: x.exp(), (2, 3)),
    "expm1": (lambda x: x.expm1(), (3,)),
    "log": (lambda x: x.log(), (2, 3)),
    "log1p": (lambda x: x.log1p(), (3,)),
    "sqrt": (lambda x: x.sqrt(), (2, 3)),
    "rsqrt": (lambda x: x.rsqrt(), (2, 3)),
    "reciprocal": (lambda x: x.reciprocal(), (2, 3)),
    "square": (lambda x: x.square(), (2, 3)),
    "sin": (lambda x: x.sin(), ()),
    "cos": (lambda x: x.cos(), (3,)),
    "tanh": (lambda x: x.tanh(), (2, 3)),
    "sigmoid": (lambda x: x.sigmoid(), (2, 3)),
    "erf": (lambda x: minicnn.erf(x), (3,)),
    "abs": (lambda x: (x - 1).abs(), (2, 3)),
    "pow number": (lambda x: x**3 + x**-0.5 + x**0 + x**1, (2, 3)),
    "pow": (lambda x, y: x**y, (2, 3), (3,)),
    "maximum": (lambda x, y: minicnn.maximum(x, y), (2, 3), (3,)),
    "minimum": (lambda x, y: minicnn.minimum(x, y), (3,), (2, 3)),
    "where": (lambda x, y: minicnn.where(MASK, x, y), (2, 3), (3,)),
    "clamp": (lambda x: x.clamp(0.5, 1.1), (2, 3)),
    "clamp between tensors": (lambda x, low, high: x.clamp(low, high + 0.5), (2, 3), (3,), (2, 1)),
    "sum": (lambda x: x.sum((0, 2), keepdim=True) * x.sum(), (2, 3, 2)),
    "mean": (lambda x: x.mean(-1) * x.mean(), (2, 3)),
    "var": (lambda x: x.var(0) * x.var(), (4, 2)),
    "std": (lambda x: x.std(1, correction=0), (2, 4)),
    "amax": (lambda x: x.amax(1) * x.amin(), (2, 3)),
    "max": (lambda x: x.max(1).values * x.min(0, keepdim=True).values.sum(), (2, 3)),
    "cumsum": (lambda x: x.cumsum(1), (2, 3)),
    "logsumexp": (lambda x: x.logsumexp((0, 1), keepdim=True) * x.logsumexp(1), (2, 3)),
    "softmax": (lambda x: x.softmax(-1), (2, 3)),
    "log_softmax": (lambda x: x.log_softmax(0), (2, 3)),
    "norm": (lambda x: x.norm() + x.norm(1, 0) + x.norm(3) + x.norm(0.5), (2, 3)),
    "norm of infinite order": (lambda x: x.norm(float("inf"), 1) + x.norm(float("-inf"), 0).sum(), (2, 3)),
    "reshape": (lambda x: x.reshape(3, 2).flatten().unflatten(0, (2, -1)).unsqueeze(1).squeeze(1) * x, (2, 3)),
    "permute": (lambda x: x.permute(2, 0, 1).transpose(0, 1).movedim(0, 2) @ x[0].T[:2], (2, 3, 4)),
    "expand": (lambda x: x.expand(2, -1, 3) * x.repeat(2, 1, 3), (1, 2, 1)),
    "flip": (lambda x: x.flip(0) * x.roll(1, 1), (2, 3)),
    "cat": (lambda x, y: minicnn.cat([x, y, x], 1), (2, 3), (2, 1)),
    "stack": (lambda x, y: minicnn.stack([x, y], -1), (2, 3), (2, 3)),
    "split": (lambda x: [p * (k + 1) for k, p in enumerate(x.split([1, 2], 1) + x.chunk(2))], (2, 3)),
    "unbind": (lambda x: x.unbind(1), (2, 3)),
    "slices": (lambda x: x[:, 1:] * x[:, :-1] * x[None, 0, 0], (2, 3)),
    "repeated index": (lambda x: x[INDEX[1], INDEX[0]] * x[[0, 0, 1]].sum(), (2, 3)),
    "mask": (lambda x: x[MASK], (2, 3)),
    "gather": (lambda x: x.gather(1, INDEX), (2, 3)),
    "index_select": (lambda x: x.index_select(1, INDEX[0]), (2, 3)),
    "scatter_add": (lambda x, y: x.scatter_add(1, INDEX, y), (2, 3), (2, 3)),
    "masked_fill": (lambda x: x.masked_fill(MASK, 0.5) * x, (2, 3)),
    "assignment": (lambda x, y: _assigned(x, y), (2, 3), (2,)),
    "sort": (lambda x: x.sort(1, descending=True).values * x.topk(1).values, (2, 3)),
    "diagonal": (lambda x: x.diagonal(1, 0, 2), (2, 3, 4)),
    "matmul": (lambda x, y: x @ y, (2, 3), (3, 2)),
    "matrix and vector": (lambda x, y: (x @ y) * (y @ x.T), (2, 3), (3,)),
    "vectors": (lambda x, y: x @ y, (3,), (3,)),
    "stacks of matrices": (lambda x, y: x @ y, (2, 1, 2, 3), (2, 3, 1)),
    "outer": (lambda x, y: minicnn.outer(x, y), (2,), (3,)),
    "einsum": (lambda x, y, z: minicnn.einsum("bij,jk,k->bi", x, y, z), (2, 2, 3), (3, 2), (2,)),
    "einsum diagonal": (lambda x: minicnn.einsum("ii,ij->j", x, x), (3, 3)),
    "einsum summed away": (lambda x, y: minicnn.einsum("ij,kl->l", x, y), (2, 3), (2, 2)),
    "cast": (lambda x: x.to(minicnn.float64, copy=True).clone().contiguous(), (2, 3)),
    "pad": (lambda x: pad(x, ((1, 0), (-1, 2)), 0.5) * 2, (2, 3)),
    "windows": (lambda x: windows(x, WINDOW), (2, 1, 5, 4)),
    "overlap_add": (lambda x: overlap_add(x, WINDOW, (5, 4)), (1, 2, 2, 3, 2, 2)),
}


def _assigned(x, y):
    z = x * 1
    z[:, 1] = y * y
    z[0] *= 2
    return z


def inputs(shapes):
    stream = np.random.default_rng(5)
    return tuple(minicnn.from_numpy(stream.uniform(0.2, 2, shape)).requires_grad_() if shape else
                 minicnn.tensor(stream.uniform(0.2, 2), requires_grad=True, dtype=minicnn.float64) for shape in shapes)


@pytest.mark.parametrize("name", OPERATIONS)
def test_first_derivative(name):
    function, *shapes = OPERATIONS[name]
    assert gradcheck(function, inputs(shapes))


@pytest.mark.parametrize("name", OPERATIONS)
def test_second_derivative(name):
    function, *shapes = OPERATIONS[name]
    assert gradgradcheck(function, inputs(shapes))


KINKS = {
    "maximum": (lambda x, y: minicnn.maximum(x, y), 2),
    "minimum": (lambda x, y: minicnn.minimum(x, y), 2),
    "amax": (lambda x: x.amax(), 1),
    "amin": (lambda x: x.amin(), 1),
    "max": (lambda x: x.max(0).values, 1),
    "abs": (lambda x: (x - 1).abs(), 1),
    "clamp": (lambda x: x.clamp(1, 2), 1),
    "norm": (lambda x: (x - 1).norm(), 1),
    "infinite norm": (lambda x: x.norm(float("inf")), 1),
}


@pytest.mark.parametrize("name", KINKS)
def test_at_ties_and_kinks(name):
    """Which of the gradients that are possible there is a matter of agreement; that it is one of them is not."""
    function, count = KINKS[name]
    xs = tuple(minicnn.tensor([1.0, 2.0, 2.0, 1.0], dtype=minicnn.float64, requires_grad=True) for _ in range(count))
    assert gradcheck(function, xs)


@pytest.mark.parametrize("function", [
    lambda t, x: t.maximum(x, x.flip(0)), lambda t, x: t.minimum(x, x.flip(0)), lambda t, x: t.maximum(x, t.zeros_like(x)),
    lambda t, x: x.amax(), lambda t, x: x.amin(), lambda t, x: x.max(0).values, lambda t, x: x.min(0).values,
    lambda t, x: x.abs(), lambda t, x: x.clamp(0, 2), lambda t, x: x.clamp(min=2), lambda t, x: x.clamp(x.flip(0), x + 1), lambda t, x: x.sign(),
    lambda t, x: t.relu(x), lambda t, x: x**0, lambda t, x: x ** t.zeros_like(x), lambda t, x: x.abs() ** x.abs(), lambda t, x: 0**x,
    lambda t, x: x.norm(1), lambda t, x: (x * 0).norm(), lambda t, x: x.sort().values,
    lambda t, x: (x * 0).std(), lambda t, x: x.round() + x % 1, lambda t, x: x.where(x > 0, -x), lambda t, x: t.relu(x).sqrt(),
])
@pytest.mark.parametrize("numbers", [(1.0, 2.0, 2.0, 1.0), (0.0, -0.0, 2.0, 0.0), (0.0, float("nan"), float("inf"), -1.0)], ids=str)
def test_gradients_at_ties_are_pytorchs(function, numbers):
    """Where there is no derivative, the choice is PyTorch's."""
    torch = pytest.importorskip("torch")
    x, reference = (t.tensor(numbers, dtype=t.float64, requires_grad=True) for t in (minicnn, torch))
    upstream = np.arange(1.0, 5.0)
    for t, v in ((minicnn, x), (torch, reference)):
        y = function(t, v)
        y.backward(t.tensor(upstream[: y.numel()], dtype=t.float64).reshape(y.shape))
    assert np.allclose(x.grad, reference.grad, equal_nan=True)


def test_gradients_where_values_are_extreme():
    """No 0 · inf = nan sneaks into a gradient that is finite."""
    x = minicnn.tensor([0.0, -1.0, 4.0, float("inf"), float("-inf")], dtype=minicnn.float64, requires_grad=True)
    cases = {
        "where": (minicnn.where(x > 0, x.log(), 0.0).clamp(max=10), None),
        "masked": (x.masked_fill(~x.isfinite(), 0) ** 2, [0, -2, 8, 0, 0]),
        "amax": (x[:3].amax() + x[4:].amax(), [0, 0, 1, 0, 1]),
        "pow": (x[:3] ** 0, [0, 0, 0, 0, 0]),
        "zero to a power": (0 ** x[2:3], [0, 0, 0, 0, 0]),
        "sign": (x.sign() * 1e308 * 10, [0, 0, 0, 0, 0]),
        "std of equal numbers": (x[[1, 1, 1]].std(), [0, 0, 0, 0, 0]),
        "softmax": (x[[2, 4]].softmax(0)[0], [0, 0, 0, 0, 0]),
        "logsumexp": (x[[2, 4]].logsumexp(0), [0, 0, 1, 0, 0]),
    }
    for name, (y, expected) in cases.items():
        if expected is not None:
            (g,) = minicnn.autograd.grad(y.sum(), x, materialize_grads=True)
            assert g.tolist() == expected, name


def test_second_derivatives_of_a_small_network():
    x, w1, w2 = (minicnn.randn(*shape, dtype=minicnn.float64).requires_grad_() for shape in ((4, 3), (3, 5), (5, 2)))

    def loss(x, w1, w2):
        hidden = (x @ w1).tanh()
        hidden = (hidden - hidden.mean(0)) / (hidden.var(0) + 0.1).sqrt()
        return -(hidden @ w2).log_softmax(1)[[0, 1, 2, 3], [0, 1, 1, 0]].mean()

    assert gradgradcheck(loss, (x, w1, w2))
