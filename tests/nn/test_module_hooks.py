"""Hooks see and change the same things, in the same order, as PyTorch's."""

import pytest

torch = pytest.importorskip("torch")
import minicnn  # noqa: E402
from minicnn import nn  # noqa: E402
from side_by_side import assert_same  # noqa: E402

SCENARIOS = []


def scenario(function):
    SCENARIOS.append(function)
    return function


def twice(T, inputs=1):
    """A module without parameters: each positional input times 2, 3, ... (a tensor, or a tuple of them)."""
    class Times(T.nn.Module):
        def forward(self, *xs, shift=0):
            results = tuple(x * (i + 2) + shift for i, x in enumerate(xs))
            return results if len(results) > 1 else results[0]

    return Times()


def leaf(T, *values):
    return T.tensor([float(v) for v in values], requires_grad=True)


@scenario
def forward_pre_hook_changes_arguments(T):
    m, seen = twice(T), []
    m.register_forward_pre_hook(lambda module, args: seen.append((module is m, args)))
    m.register_forward_pre_hook(lambda module, args: args[0] + 1)
    m.register_forward_pre_hook(lambda module, args: (args[0] * 10,))
    return [m(T.ones(1)), seen]


@scenario
def forward_pre_hook_with_kwargs(T):
    m = twice(T)
    m.register_forward_pre_hook(lambda module, args, kwargs: (args, {"shift": kwargs["shift"] + 1}), with_kwargs=True)
    return m(T.ones(1), shift=5)


@scenario
def forward_pre_hook_with_kwargs_must_return_a_pair(T):
    m = twice(T)
    m.register_forward_pre_hook(lambda module, args, kwargs: 3, with_kwargs=True)
    return m(T.ones(1))


@scenario
def forward_hook_changes_output(T):
    m, seen = twice(T), []
    m.register_forward_hook(lambda module, args, out: out + 1)
    m.register_forward_hook(lambda module, args, out: seen.append((args, out)))
    m.register_forward_hook(lambda module, args, kwargs, out: out * kwargs["shift"], with_kwargs=True)
    return [m(T.ones(1), shift=3), seen]


@scenario
def prepend_and_remove(T):
    m, seen = twice(T), []
    first = m.register_forward_hook(lambda *_: seen.append("first"))
    m.register_forward_hook(lambda *_: seen.append("before"), prepend=True)
    m(T.ones(1))
    first.remove()
    first.remove()
    m(T.ones(1))
    with m.register_forward_hook(lambda *_: seen.append("within")):
        m(T.ones(1))
    m(T.ones(1))
    return seen


@scenario
def always_called_after_an_error(T):
    class Broken(T.nn.Module):
        def forward(self, x):
            raise ValueError("no")

    m, seen = Broken(), []
    m.register_forward_hook(lambda module, args, out: seen.append("never"))
    m.register_forward_hook(lambda module, args, out: seen.append(out), always_call=True)
    try:
        m(T.ones(1))
    except ValueError as error:
        seen.append(str(error))
    return seen


@scenario
def backward_hook_sees_both_gradients(T):
    m, seen, x = T.nn.Linear(2, 3), [], leaf(T, 1, 2)
    m.weight.data.fill_(0.5)
    m.register_full_backward_hook(lambda module, grad_input, grad_output: seen.append((module is m, grad_input, grad_output)))
    (m(x) * T.tensor([1.0, 2.0, 3.0])).sum().backward()
    return [seen, x.grad, m.weight.grad]


@scenario
def backward_hook_without_gradient_for_the_input(T):
    m, seen = T.nn.Linear(2, 1), []
    m.register_full_backward_hook(lambda module, grad_input, grad_output: seen.append((grad_input, grad_output)))
    m(T.ones(1, 2)).sum().backward()
    return [seen, m.bias.grad]


@scenario
def backward_hook_changes_grad_input(T):
    m, x = twice(T), leaf(T, 1, 2)
    m.register_full_backward_hook(lambda module, grad_input, grad_output: (grad_input[0] * 100,))
    m.register_full_backward_hook(lambda module, grad_input, grad_output: (grad_input[0] + 1,))
    m(x).sum().backward()
    return x.grad


@scenario
def backward_pre_hook_changes_grad_output(T):
    m, seen, x = twice(T), [], leaf(T, 1, 2)
    m.register_full_backward_pre_hook(lambda module, grad_output: (grad_output[0] * 10,))
    m.register_full_backward_pre_hook(lambda module, grad_output: seen.append(grad_output))
    m.register_full_backward_hook(lambda module, grad_input, grad_output: seen.append((grad_input, grad_output)))
    m(x).sum().backward()
    return [seen, x.grad]


@scenario
def backward_hook_of_several_inputs_and_outputs(T):
    m, seen, x, y = twice(T), [], leaf(T, 1, 2), leaf(T, 3)

    def hook(module, grad_input, grad_output):
        seen.append((grad_input, grad_output))
        return grad_input[0] * 2, grad_input[1] * 5, None

    m.register_full_backward_hook(hook)
    a, b, c = m(x, y, 7)
    (a.sum() + b.sum() * 4).backward()
    return [seen, x.grad, y.grad]


@scenario
def backward_hook_of_an_unused_output(T):
    m, seen, x, y = twice(T), [], leaf(T, 1, 2), leaf(T, 3)
    m.register_full_backward_hook(lambda module, grad_input, grad_output: seen.append((grad_input[0], grad_output)))
    m(x, y)[0].sum().backward()
    return [seen, x.grad]


@scenario
def backward_hook_returns_too_few(T):
    m = twice(T)
    m.register_full_backward_hook(lambda module, grad_input, grad_output: (grad_input[0],))
    m(leaf(T, 1), leaf(T, 2))[0].sum().backward()


@scenario
def backward_hook_in_a_network_twice(T):
    body, seen, x = twice(T), [], leaf(T, 1)
    net = T.nn.Sequential(body, T.nn.Tanh(), body)
    body.register_full_backward_hook(lambda module, grad_input, grad_output: seen.append((grad_input, grad_output)))
    y = net(x)
    y.backward(retain_graph=True)
    y.backward()
    return [seen, x.grad]


@scenario
def backward_hook_and_autograd_grad(T):
    m, seen, x = twice(T), [], leaf(T, 1, 2)
    m.register_full_backward_hook(lambda module, grad_input, grad_output: seen.append(grad_input))
    return [T.autograd.grad(m(x).sum(), x), seen]


@scenario
def hooks_of_all_layers_collect_shapes(T):
    net, shapes = T.nn.Sequential(T.nn.Linear(3, 4), T.nn.Tanh(), T.nn.Linear(4, 2)), []
    for name, layer in net.named_children():
        layer.register_forward_hook(lambda module, args, out, name=name: shapes.append((name, tuple(out.shape))))
    net(T.ones(5, 3))
    return shapes


@scenario
def under_no_grad(T):
    m = twice(T)
    m.register_full_backward_hook(lambda *_: None)
    with T.no_grad():
        return m(leaf(T, 1)).requires_grad


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda f: f.__name__)
def test_hooks_are_those_of_pytorch(scenario):
    assert_same(scenario)


def test_modules_with_hooks_are_copied_with_them():
    import copy

    m = nn.Sequential(nn.Tanh())
    seen = []
    m.register_forward_hook(lambda module, args, out: seen.append(module))
    twin = copy.deepcopy(m)
    twin(minicnn.ones(1))
    assert seen == [twin]


def test_second_order_gradients_pass_a_backward_hook():
    m, x = nn.Tanh(), minicnn.tensor([0.3], requires_grad=True)
    m.register_full_backward_hook(lambda *_: None)
    first, = minicnn.autograd.grad(m(x).sum(), x, create_graph=True)
    second, = minicnn.autograd.grad(first.sum(), x)
    plain, = minicnn.autograd.grad(minicnn.autograd.grad(minicnn.tanh(x).sum(), x, create_graph=True)[0].sum(), x)
    assert second.tolist() == plain.tolist()
