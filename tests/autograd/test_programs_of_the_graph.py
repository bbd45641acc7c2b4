"""Programs about what is freed and refused, leaves, modes, and changes in place, each run by PyTorch and by minicnn: both must see the same values, gradients and refusals."""

import pytest
from helpers.programs import assert_same_as_pytorch, x_of

PROGRAMS = []


def program(function):
    PROGRAMS.append(function)
    return function


# What is freed, what is refused ------------------------------------------------------------------------------------------


@program
def twice_is_refused(t):
    x = x_of(t)
    y = (x * x).sum()
    y.backward()
    y.backward()


@program
def twice_is_fine_where_nothing_was_saved(t):
    x = x_of(t)
    y = (x + 1).sum()
    y.backward()
    y.backward()
    return x.grad


@program
def twice_with_retain_graph(t):
    x = x_of(t)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    return x.grad


@program
def a_second_loss_on_a_freed_part_is_refused(t):
    x = x_of(t)
    shared = x.exp()
    shared.sum().backward()
    (shared * 2).sum().backward()


@program
def saved_input_changed_in_place(t):
    x, w = t.ones(3), x_of(t)
    y = (x * w).sum()
    x.add_(1)
    y.backward()


@program
def saved_output_changed_in_place(t):
    x = x_of(t)
    y = x.exp()
    y.add_(1)
    y.sum().backward()


@program
def saved_view_changed_in_place(t):
    x, w = t.ones(2, 3), x_of(t)
    y = (x[0] * w).sum()
    x.zero_()
    y.backward()


@program
def saved_data_changed_through_a_view(t):
    x, w = t.ones(2, 3), x_of(t)
    y = (x * w).sum()
    x.view(-1)[0] = 5
    y.backward()


@program
def changed_through_detach(t):
    w = x_of(t)
    y = (w * w).sum()
    w.detach().add_(1)
    y.backward()


@program
def changed_through_data_goes_unnoticed(t):
    x, w = t.ones(3), x_of(t)
    y = (x * w).sum()
    x.data.add_(1)
    y.backward()
    return w.grad


@program
def a_copy_may_change(t):
    x, w = t.ones(2, 3), x_of(t)
    y = (x * w).sum()
    x.t().reshape(-1).add_(1)
    x.clone().zero_()
    x.contiguous().double().mul_(0)
    y.backward()
    return w.grad


@program
def what_was_not_saved_may_change(t):
    x, w = t.ones(3), x_of(t)
    y = (x + w).sum()
    x.add_(1)
    y.backward()
    return w.grad


@program
def a_leaf_cannot_be_changed_while_recording(t):
    x = x_of(t)
    x.add_(1)


@program
def a_leaf_is_changed_under_no_grad(t):
    x = x_of(t)
    with t.no_grad():
        x.add_(1)
    return x, x.is_leaf, x.requires_grad


@program
def no_gradient_to_start_from(t):
    (x_of(t) * 2).backward()


@program
def gradient_of_another_shape(t):
    (x_of(t) * 2).backward(t.ones(2))


@program
def gradient_for_a_one_element_matrix(t):
    x = x_of(t)
    x.sum().reshape(1, 1).backward()
    return x.grad


@program
def backward_of_a_constant(t):
    t.ones(1).backward()


@program
def backward_without_record(t):
    x = x_of(t)
    with t.no_grad():
        y = x.sum()
    y.backward()


@program
def integers_cannot_require_gradients(t):
    t.tensor([1, 2]).requires_grad_()


@program
def a_computed_tensor_cannot_stop_requiring(t):
    (x_of(t) * 2).requires_grad_(False)


@program
def numpy_of_a_tracked_tensor(t):
    x_of(t).numpy()


@program
def grad_of_another_shape_is_refused(t):
    x_of(t).grad = t.ones(2)


@program
def grad_must_be_a_tensor(t):
    x_of(t).grad = 3.0


# Leaves, detach, modes ---------------------------------------------------------------------------------------------------


@program
def root_gradient_is_not_shared(t):
    x, g = x_of(t), t.ones(3)
    x.backward(g)
    x.grad.add_(1)
    return g, x.grad


@program
def two_leaves_do_not_share_a_gradient(t):
    x, y = x_of(t), x_of(t)
    (x + y).sum().backward()
    x.grad.add_(1)
    return y.grad


@program
def gradient_of_a_sum_can_be_written_to(t):
    x = x_of(t)
    x.sum().backward()
    x.grad[0] = 5
    return x.grad


@program
def detach_shares_memory(t):
    x = t.ones(3)
    x.detach()[0] = 5
    return x


@program
def detach_cuts(t):
    x = x_of(t)
    (x.detach() * x).sum().backward()
    return x.grad


@program
def modes(t):
    x, seen = x_of(t), []

    @t.no_grad()
    def f():
        seen.append((x * 2).requires_grad)
        with t.enable_grad():
            seen.append((x * 2).requires_grad)

    f()
    with t.set_grad_enabled(False):
        seen.append((x * 2).requires_grad)
    t.set_grad_enabled(False)
    seen.append(t.is_grad_enabled())
    t.set_grad_enabled(True)
    with t.inference_mode():
        seen.append((x * 2).requires_grad)
    return seen, (x * 2).requires_grad


@program
def no_grad_ends_with_an_exception(t):
    try:
        with t.no_grad():
            raise KeyError
    except KeyError:
        return t.is_grad_enabled()


@program
def leaves(t):
    x = x_of(t)
    y = x * 2
    return x.is_leaf, y.is_leaf, y.detach().is_leaf, t.ones(1).is_leaf, y.requires_grad


# In place, in the graph --------------------------------------------------------------------------------------------------


@program
def in_place_chain(t):
    x = x_of(t)
    y = x * 1
    y += x
    y *= x
    y -= 1
    y /= 2
    y.pow_(2)
    y.sum().backward()
    return y.detach(), x.grad


@program
def multiply_in_place_by_what_needs_a_gradient(t):
    x, w = x_of(t), x_of(t)
    y = x * 1
    y.mul_(w)
    y.sum().backward()
    return x.grad, w.grad


@program
def in_place_on_a_tensor_that_has_views(t):
    x, w = x_of(t), x_of(t)
    y = x * 1
    y.view(-1)
    y.mul_(w)
    y.sum().backward()
    return x.grad, w.grad


@program
def parts_changed_in_place(t):
    x = x_of(t, 1.0, 2.0, 3.0, 4.0).reshape(2, 2)
    y = x * 1
    y[0] *= 3
    y[:, 1] += y[:, 0]
    y[1, 1] -= 5
    (g,) = t.autograd.grad((y * y).sum(), x)
    return y.detach(), g


@program
def constant_becomes_part_of_the_graph(t):
    x, y = x_of(t), t.zeros(3)
    y.add_(x)
    y[1] = x[0] * 10
    y.sum().backward()
    return y.detach(), x.grad


@program
def overwritten_elements_get_no_gradient(t):
    x = x_of(t)
    y = x * 2
    y[1:] = 0
    y.sum().backward()
    return x.grad


@program
def masked_assignment(t):
    x, v = x_of(t), x_of(t, 7.0, 8.0)
    y = x * 2
    y[t.tensor([True, False, True])] = v
    (y * y).sum().backward()
    return y.detach(), x.grad, v.grad


@program
def zeroed_in_the_graph(t):
    x = x_of(t)
    y = x * 2
    y.zero_()
    y.sum().backward()
    return x.grad


@program
def copy_in_the_graph(t):
    x, v = x_of(t), t.tensor(4.0, requires_grad=True)
    y = x * 2
    y.copy_(v)
    (y * y).sum().backward()
    return x.grad, v.grad


@program
def in_place_result_of_a_higher_kind_is_refused(t):
    t.tensor([1, 2]).add_(0.5)


@program
def in_place_cannot_grow(t):
    t.ones(3).add_(t.ones(2, 3))


@pytest.mark.parametrize("function", PROGRAMS, ids=lambda f: f.__name__)
def test_same_as_pytorch(function):
    assert_same_as_pytorch(function)
