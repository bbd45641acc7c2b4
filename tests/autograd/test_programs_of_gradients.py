"""Programs about hooks, grad() and higher derivatives, each run by PyTorch and by minicnn: both must see the same values, gradients and refusals."""

import pytest
from helpers.programs import assert_same_as_pytorch, x_of

PROGRAMS = []


def program(function):
    PROGRAMS.append(function)
    return function


# Hooks and retained gradients --------------------------------------------------------------------------------------------


@program
def hook_sees_the_complete_gradient_once(t):
    x, seen = x_of(t), []
    y = x * 2
    y.register_hook(lambda g: seen.append(g.tolist()))
    (y.sum() + (y * y).sum()).backward()
    return seen, x.grad


@program
def hooks_run_in_the_order_of_registration(t):
    x = x_of(t)
    x.register_hook(lambda g: g * 2)
    x.register_hook(lambda g: g + 1)
    x.sum().backward()
    return x.grad


@program
def retained_gradient_is_what_later_hooks_leave(t):
    x = x_of(t)
    y = x * 3
    y.retain_grad()
    y.register_hook(lambda g: g * 10)
    (y * y).sum().backward()
    return y.grad, x.grad


@program
def retained_gradients_add_up(t):
    x = x_of(t)
    y = x * 3
    y.retain_grad()
    y.retain_grad()
    z = (y * y).sum()
    z.backward(retain_graph=True)
    z.backward()
    return y.grad, x.grad


@program
def retained_gradients_are_kept_once_where_they_are_asked_for(t):
    x = x_of(t)
    y, z = x * 3, x * 5
    y.retain_grad()
    (y * z).sum().backward(inputs=[y, z])
    return y.grad, z.grad


@program
def removed_hooks_are_silent(t):
    x = x_of(t)
    handle = x.register_hook(lambda g: g * 0)
    handle.remove()
    handle.remove()
    x.sum().backward()
    return x.grad


@program
def hook_on_a_leaf_runs_in_grad_too(t):
    x = x_of(t)
    x.register_hook(lambda g: g * 10)
    return t.autograd.grad((x * x).sum(), x)


@program
def retained_gradient_is_set_by_grad_too(t):
    x = x_of(t)
    y = x * 3
    y.retain_grad()
    return t.autograd.grad((y * y).sum(), y), y.grad


@program
def hook_returning_another_shape_is_refused(t):
    x = x_of(t)
    x.register_hook(lambda g: g.sum())
    x.sum().backward()


@program
def hook_on_a_constant_is_refused(t):
    t.ones(2).register_hook(print)


@program
def retain_grad_on_a_constant_is_refused(t):
    t.ones(2).retain_grad()


@program
def hook_of_the_tensor_before_a_change_in_place_sees_that_tensor(t):
    x, seen = x_of(t), []
    y = x * 1
    y.register_hook(lambda g: seen.append(g.tolist()))
    y.mul_(5)
    y.sum().backward()
    return seen


# grad() ------------------------------------------------------------------------------------------------------------------


@program
def grad_leaves_grad_alone(t):
    x = x_of(t)
    return t.autograd.grad((x * x).sum(), x), x.grad


@program
def several_outputs_and_inputs(t):
    x, y = x_of(t), x_of(t, 4.0, 5.0, 6.0)
    return t.autograd.grad([(x * y).sum(), x.exp()], [y, x], [t.tensor(2.0), t.tensor([1.0, 0.0, -1.0])])


@program
def inputs_upstream_of_one_another(t):
    x = x_of(t)
    y = x * x
    z = y.sin()
    return t.autograd.grad((z * y).sum(), [z, x, y])


@program
def the_output_itself_as_input(t):
    x = x_of(t)
    y = (x * 2).sum()
    return t.autograd.grad(y, [y, x])


@program
def a_leaf_as_output_and_input(t):
    x = x_of(t)
    return t.autograd.grad(x, x, t.tensor([1.0, 2.0, 3.0]))


@program
def the_same_input_twice(t):
    x = x_of(t)
    return t.autograd.grad((x * x).sum(), [x, x])


@program
def unused_input_is_refused(t):
    x, y = x_of(t), x_of(t)
    t.autograd.grad(x.sum(), y)


@program
def unused_input_allowed(t):
    x, y = x_of(t), x_of(t)
    return [g is None for g in t.autograd.grad(x.sum(), [x, y], allow_unused=True)]


@program
def unused_input_as_zeros(t):
    x, y = x_of(t), x_of(t, float("inf"), 1.0, 2.0)
    return t.autograd.grad(x.sum(), [x, y], materialize_grads=True)


@program
def zeros_and_refusal_contradict(t):
    x = x_of(t)
    t.autograd.grad(x.sum(), x, materialize_grads=True, allow_unused=False)


@program
def input_without_gradient_is_refused(t):
    t.autograd.grad(x_of(t).sum(), t.ones(3))


@program
def grad_frees_what_it_walked(t):
    x = x_of(t)
    y = (x * x).sum()
    t.autograd.grad(y, x)
    t.autograd.grad(y, x)


@program
def backward_into_chosen_inputs(t):
    x, y = x_of(t), x_of(t)
    z = x * 2
    (z * y).sum().backward(inputs=[z, x])
    return z.grad, x.grad, y.grad is None


@program
def backward_of_several_roots_at_once(t):
    x = x_of(t)
    y = x * x
    t.autograd.backward([y.sum(), y.exp().sum()], [t.tensor(2.0), None])
    return x.grad


@program
def backward_of_one_root_and_what_it_comes_from(t):
    x = x_of(t)
    y = x * x
    t.autograd.backward([y, y.sin()], [t.ones(3), t.ones(3)])
    return x.grad


# Derivatives of derivatives ----------------------------------------------------------------------------------------------


@program
def third_derivative(t):
    x = x_of(t)
    y = (x**4).sum()
    for _ in range(3):
        (y,) = t.autograd.grad(y.sum(), x, create_graph=True)
    return y


@program
def hessian_vector_product(t):
    x = x_of(t)
    (g,) = t.autograd.grad((x.exp() * x.sum()).sum(), x, create_graph=True)
    return t.autograd.grad(g, x, t.tensor([1.0, -1.0, 2.0]))


@program
def derivative_by_the_upstream_gradient(t):
    x, u = x_of(t), x_of(t, 1.0, 1.0, 1.0)
    (g,) = t.autograd.grad(x.sin(), x, u, create_graph=True)
    return t.autograd.grad(g.sum(), [u, x])


@program
def gradient_penalty(t):
    x = x_of(t)
    y = (x * x * x).sum()
    (g,) = t.autograd.grad(y, x, create_graph=True)
    (y + (g * g).sum()).backward()
    return x.grad


@program
def backward_with_create_graph_gives_a_differentiable_grad(t):
    x = x_of(t)
    (x * x * x).sum().backward(create_graph=True)
    first = x.grad
    x.grad = None
    first.sum().backward()
    return first.detach(), x.grad


@program
def two_backwards_with_create_graph_add_up(t):
    x = x_of(t)
    y = (x * x).sum()
    y.backward(create_graph=True)
    y.backward(create_graph=True)
    return x.grad.detach()


@program
def create_graph_without_retain_graph_frees(t):
    x = x_of(t)
    y = (x * x).sum()
    t.autograd.grad(y, x, create_graph=True, retain_graph=False)
    t.autograd.grad(y, x)


@program
def hook_is_recorded_when_a_graph_is_created(t):
    x = x_of(t)
    y = x * x
    y.register_hook(lambda g: g * g)
    (g,) = t.autograd.grad((y * y).sum(), x, create_graph=True)
    return t.autograd.grad(g.sum(), x)


@pytest.mark.parametrize("function", PROGRAMS, ids=lambda f: f.__name__)
def test_same_as_pytorch(function):
    assert_same_as_pytorch(function)
