"""From a single number to a network that learns, in rising complexity: what fails first here is what to mend first."""

import numpy as np
import pytest

import minicnn


def test_a_tensor_holds_numbers():
    x = minicnn.tensor([[1, 2, 3], [4, 5, 6]])
    assert x.shape == (2, 3) and x.dtype == minicnn.int64 and x.tolist() == [[1, 2, 3], [4, 5, 6]]


def test_floats_are_float32():
    assert minicnn.tensor([1.5]).dtype == minicnn.float32


def test_it_shares_memory_with_its_array():
    array = np.zeros(3)
    minicnn.from_numpy(array)[1] = 7
    assert array.tolist() == [0, 7, 0]


def test_addition_broadcasts():
    x = minicnn.tensor([[1.0], [2.0]])
    assert (x + minicnn.tensor([10.0, 20.0])).tolist() == [[11, 21], [12, 22]]


def test_nothing_is_recorded_unless_asked_for():
    assert (minicnn.ones(2) * 2).grad_fn is None


def test_the_gradient_of_a_product():
    x, y = (minicnn.tensor(v, requires_grad=True) for v in (3.0, 5.0))
    (x * y).backward()
    assert (x.grad.item(), y.grad.item()) == (5, 3)


def test_the_gradient_of_a_sum_is_one_for_each():
    x = minicnn.zeros(2, 3, requires_grad=True)
    x.sum().backward()
    assert x.grad.tolist() == [[1, 1, 1], [1, 1, 1]]


def test_gradients_of_two_uses_add_up():
    x = minicnn.tensor(3.0, requires_grad=True)
    (x * x + x).backward()
    assert x.grad.item() == 7


def test_a_second_backward_adds_to_the_first():
    x = minicnn.tensor(1.0, requires_grad=True)
    for _ in range(2):
        (x * 2).backward()
    assert x.grad.item() == 4


def test_what_was_broadcast_gets_the_sum_back():
    bias = minicnn.zeros(3, requires_grad=True)
    (minicnn.ones(5, 3) + bias).sum().backward()
    assert bias.grad.tolist() == [5, 5, 5]


def test_the_chain_rule():
    x = minicnn.tensor(0.5, requires_grad=True, dtype=minicnn.float64)
    x.exp().log1p().tanh().backward()
    u = np.log1p(np.exp(0.5))
    assert x.grad.item() == pytest.approx((1 - np.tanh(u) ** 2) / (1 + np.exp(-0.5)), rel=1e-12)


def test_matrix_product():
    x, w = minicnn.tensor([[1.0, 2.0]], requires_grad=True), minicnn.tensor([[3.0], [4.0]], requires_grad=True)
    y = x @ w
    y.backward()
    assert y.tolist() == [[11]] and x.grad.tolist() == [[3, 4]] and w.grad.tolist() == [[1], [2]]


def test_the_second_derivative_of_a_cube():
    x = minicnn.tensor(2.0, requires_grad=True)
    (first,) = minicnn.autograd.grad(x**3, x, create_graph=True)
    (second,) = minicnn.autograd.grad(first, x)
    assert (first.item(), second.item()) == (12, 12)


def test_nothing_is_recorded_under_no_grad():
    x = minicnn.ones(2, requires_grad=True)
    with minicnn.no_grad():
        assert not (x * 2).requires_grad


def test_gradcheck_believes_the_right_one_and_not_the_wrong_one():
    x = minicnn.randn(3, dtype=minicnn.float64, requires_grad=True)
    assert minicnn.autograd.gradcheck(lambda x: x.sin().sum(), x)
    with pytest.raises(RuntimeError, match="backward gives"):
        minicnn.autograd.gradcheck(lambda x: x.sin().sum() + x.detach().sum(), x)


def test_a_line_is_fitted():
    x = minicnn.linspace(-1, 1, 20).reshape(-1, 1)
    y = 3 * x - 2
    w, b = minicnn.zeros(1, 1, requires_grad=True), minicnn.zeros(1, requires_grad=True)
    for _ in range(200):
        loss = ((x @ w + b - y) ** 2).mean()
        loss.backward()
        with minicnn.no_grad():
            for p in (w, b):
                p -= 0.3 * p.grad
                p.grad = None
    assert w.item() == pytest.approx(3, abs=1e-3) and b.item() == pytest.approx(-2, abs=1e-3)


def test_two_layers_learn_xor():
    x = minicnn.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    target = minicnn.tensor([[0.0], [1.0], [1.0], [0.0]])
    shapes = [(2, 8), (8,), (8, 1), (1,)]
    parameters = [minicnn.randn(*shape).requires_grad_() for shape in shapes]
    for _ in range(500):
        w1, b1, w2, b2 = parameters
        output = ((x @ w1 + b1).tanh() @ w2 + b2).sigmoid()
        ((output - target) ** 2).mean().backward()
        with minicnn.no_grad():
            for p in parameters:
                p -= 2 * p.grad
                p.grad.zero_()
    assert ((output > 0.5).float() == target).all()
