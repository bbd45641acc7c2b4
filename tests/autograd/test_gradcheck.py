"""The checks that users have must pass what is right, kinks included, and fail what is wrong, naming it."""

import re

import numpy as np
import pytest

import minicnn
from minicnn.autograd import Function, check_layer, gradcheck, gradgradcheck
from minicnn.autograd.gradcheck import GradcheckError
from minicnn.autograd.operation import Layer


def leaf(*shape):
    return minicnn.randn(*shape, dtype=minicnn.float64).requires_grad_()


def values(*numbers):
    return minicnn.tensor(numbers, dtype=minicnn.float64, requires_grad=True)


def wrong(forward, backward):
    """A Function whose backward may be wrong."""
    class Wrong(Function):
        pass

    def save(ctx, *xs):
        ctx.save_for_backward(*xs)
        return forward(*xs)

    Wrong.forward = staticmethod(save)
    Wrong.backward = staticmethod(lambda ctx, dy: backward(dy, *ctx.saved_tensors))
    return Wrong.apply


# What is right -----------------------------------------------------------------------------------------------------------

SMOOTH = {
    "one tensor": (lambda x: (x * x).exp(), (3, 2)),
    "matrix product": (lambda x, w: x @ w, (2, 3), (3, 4)),
    "two outputs": (lambda x, w: (x * w, (x + w).sum()), (2, 2), (2, 2)),
    "scalar": (lambda x: x.sin(), ()),
    "empty": (lambda x: x * 2, (0, 3)),
    "an input without effect": (lambda x, w: x * 2, (2,), (2,)),
    "an output without gradient": (lambda x: (x * 2, (x * 3).detach()), (2,)),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_right_gradients_pass(name):
    function, *shapes = SMOOTH[name]
    inputs = tuple(leaf(*shape) for shape in shapes)
    assert gradcheck(function, inputs) and gradgradcheck(function, inputs)


KINKS = {
    "relu": minicnn.relu,
    "abs": minicnn.abs,
    "clamp": lambda x: x.clamp(0, 1),
    "amax": lambda x: x.amax(),
    "max": lambda x: x.max(0).values,
    "maximum": lambda x: minicnn.maximum(x, -x),
    "sort": lambda x: x.sort().values,
    "norm": lambda x: x.norm(1),
    "opposite weights": lambda x: minicnn.stack([minicnn.relu(x), minicnn.relu(-x)]),
}


POINTS = [(0.0, 0.0, 0.0), (0.0, 1e-9, -1e-9, 1.0), (3e-8, -2e-7, 1 + 1e-7, 1 - 1e-8), (0.5, 0.5, 1.0, 1.0)]
# Sorted, the middle one of three equal numbers has no derivative to step over to: moved alone, it never stays in the middle.
AT_KINKS = [(name, x) for name in KINKS for x in POINTS if not (name == "sort" and x[0] == x[-1])]


@pytest.mark.parametrize("name, x", AT_KINKS)
def test_kinks_are_stepped_over(name, x):
    assert gradcheck(KINKS[name], values(*x))


def test_length_at_zero():
    assert gradcheck(lambda x: x.norm(), values(0, 0, 0))


def test_large_numbers_are_judged_at_a_larger_step():
    assert gradcheck(lambda x: 1e9 + x.sum(), leaf(3))


def test_a_parameter_inside_the_function_is_moved_too():
    w = leaf(3)
    assert gradcheck(lambda *_: (w * w).sum(), w)


def test_inputs_are_as_before_afterwards():
    x = leaf(3)
    before = x.array.copy()
    gradcheck(lambda x: x * x, x)
    assert (x.array == before).all() and x.grad is None


# What is wrong -----------------------------------------------------------------------------------------------------------


def message(function, *inputs, check=gradcheck):
    with pytest.raises(GradcheckError) as caught:
        check(function, inputs)
    return str(caught.value)


def test_the_worst_element_is_named_by_its_axes():
    error = np.zeros((2, 3, 2, 2))
    error[1, 2, 0, 1] = 1e-2
    bad = Layer("Bad", lambda x, weight: (x * weight, (x, weight)), lambda dy, s, needed: (dy * s[1], dy * s[0] + error), None)
    text = message(bad, leaf(2, 3, 2, 2), leaf(2, 3, 2, 2))
    assert "Bad: the gradient of input 1 (weight) is wrong at weight[o=1, i=2, kh=0, kw=1]" in text
    assert "1 of 24 elements differ" in text and "has converged" in text


@pytest.mark.parametrize("forward, shape, expected", [
    (lambda x: (x * 1, None), (2, 3, 4, 5), r" x\[n=\d, c=\d, h=\d, w=\d\]:"),
    (lambda input: (input * 1, None), (2, 3), r" input\[n=\d, c=\d\]:"),
    (lambda b: (b * 1, None), (3,), r" b\[o=\d\]:"),
    (lambda q: (q * 1, None), (2,) * 5, r" q\[\d, \d, \d, \d, \d\]:"),
    (lambda s: (s * 1, None), (), " s:"),
])
def test_inputs_have_the_functions_own_names(forward, shape, expected):
    layer = Layer("Bad", forward, lambda dy, saved, needed: (dy * 2,), None)
    assert re.search(expected, message(layer, leaf(*shape)))


def test_a_functions_parameters_are_its_inputs_names():
    def f(image, scale):
        return image.detach() * scale

    assert "input 0 (image) is wrong at image[n=" in message(f, leaf(2, 3), leaf(3))


def test_both_values_are_shown():
    text = message(wrong(lambda x: x * 5, lambda dy, x: dy * 10), leaf(1))
    given, numeric = (float(v) for v in re.search(r"backward gives (\S+), finite differences (\S+) ", text).groups())
    assert given == pytest.approx(2 * numeric)


@pytest.mark.parametrize("factor", [0.0, -1.0, 0.99, 1.01, 2.0])
def test_scaled_gradients_fail(factor):
    message(wrong(lambda x: x.exp(), lambda dy, x: dy * x.exp() * factor), leaf(3))


def test_an_error_in_one_output_of_many():
    def backward(dy, x):
        factor = np.ones(100)
        factor[57] = 0.9
        return dy * minicnn.tensor(factor)

    message(wrong(lambda x: x * 1, backward), leaf(100))


def test_a_slope_outside_the_kinks_two_sides_fails():
    message(wrong(minicnn.relu, lambda dy, x: dy * (x > 0) + dy * 1.5 * (x == 0)), values(0.0, 1.0))
    assert gradcheck(wrong(minicnn.relu, lambda dy, x: dy * (x > 0) + dy * 0.5 * (x == 0)), values(0.0, 1.0))


def test_all_tied_maxima_rewarded_fails():
    text = message(wrong(lambda x: x.amax(), lambda dy, x: dy * (x == x.amax())), values(1.0, 2.0, 2.0, 0.0))
    assert "all elements of" in text and "moved together" in text


def test_no_tied_maximum_rewarded_fails():
    message(wrong(lambda x: x.amax(), lambda dy, x: dy * (x == x.amax()) * ((x == x.amax()).sum() == 1)), values(2.0, 2.0, 0.0))


def test_a_kink_nearby_does_not_excuse_a_wrong_slope():
    message(wrong(minicnn.abs, lambda dy, x: dy * 0.5), values(1e-7, -3e-8))


def test_a_difference_that_does_not_converge_is_called_that():
    rough = wrong(lambda x: (x * 1e12).sin(), lambda dy, x: dy * 0)
    assert "has NOT converged" in message(rough, leaf(3))


def test_a_jump_is_no_kink():
    message(wrong(lambda x: (x > 0) * 1e-3, lambda dy, x: dy * 0.5), values(0.0))


def test_functions_that_are_random_are_refused():
    assert "another result" in message(lambda x: x + minicnn.rand(3), leaf(3))


def test_missing_gradient():
    message(lambda x: x.detach() * 2, leaf(3))


def test_wrong_second_derivative():
    first_only = wrong(lambda x: x * x * x, lambda dy, x: dy * 3 * x * x.detach())
    x = leaf(3)
    assert gradcheck(first_only, x)
    message(first_only, x, check=gradgradcheck)


def test_outputs_whose_gradients_do_not_add_up():
    class Two(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(False)
            return x * 1, x * 2

        @staticmethod
        def backward(ctx, a, b):
            return (0 if a is None else a) + (0 if b is None else 2 * b) if a is not None and b is not None else (a or b) * 7

    with pytest.raises(GradcheckError, match="do not add up"):
        gradcheck(lambda x: tuple(y.sum() for y in Two.apply(x)), leaf(1))


def test_raise_exception_false():
    bad = wrong(lambda x: x * 1, lambda dy, x: dy * 2)
    assert gradcheck(bad, leaf(3), raise_exception=False) is False
    assert gradgradcheck(lambda x: x * x, leaf(3), raise_exception=False) is True


def test_refused_inputs():
    with pytest.raises(ValueError, match="at least one input"):
        gradcheck(lambda x: x, minicnn.ones(3))
    with pytest.raises(TypeError, match="share memory"):
        gradcheck(lambda x: x * 2, minicnn.ones(1, dtype=minicnn.float64).expand(3).detach().requires_grad_())
    with pytest.warns(UserWarning, match="float32"):
        gradcheck(lambda x: x * 2, minicnn.ones(3, requires_grad=True), raise_exception=False)
    with pytest.raises(ValueError, match="forward-mode"):
        gradcheck(lambda x: x, leaf(1), check_forward_ad=True)


# A layer's pair against its definition -----------------------------------------------------------------------------------


def scale_forward(x, w, *, k):
    return k * x * w.reshape(-1, 1, 1), (x, w, k)


def scale_backward(dy, saved, needed):
    x, w, k = saved
    return k * dy * w.reshape(-1, 1, 1), k * (dy * x).sum((0, 2, 3))


def scale_definition(x, w, *, k):
    return x * w.reshape(-1, 1, 1) * k


def layer(forward=scale_forward, backward=scale_backward, definition=scale_definition, **options):
    return Layer("Scale", forward, backward, definition, **options)


def checked(operation):
    return check_layer(operation, minicnn.randn(2, 3, 4, 5, dtype=minicnn.float64), minicnn.randn(3, dtype=minicnn.float64), k=2.0)


def test_a_right_layer_passes():
    assert checked(layer())
    assert check_layer(layer(), minicnn.randn(2, 3, 4, 5), minicnn.randn(3), k=2.0)


def writes_dy(dy, saved, needed):
    found = scale_backward(dy, saved, needed)
    dy *= 0
    return found


def only_when_both(dy, saved, needed):
    return scale_backward(dy, saved, needed) if needed.x and needed.w else (dy, dy.sum((0, 2, 3)))


def flat(x, w, *, k):
    """Believes that memory is contiguous."""
    base = x if x.base is None or not x.flags.c_contiguous else x
    if not x.flags.c_contiguous:
        base = np.ascontiguousarray(x.T).reshape(x.shape)
    return scale_forward(base, w, k=k)[0], (x, w, k)


@pytest.mark.parametrize("operation, complaint", [
    (layer(forward=lambda x, w, *, k: (x * w.reshape(-1, 1, 1), (x, w, k))), "Scale: the value differs .* at y\\[n="),
    (layer(backward=lambda dy, s, n: (dy, scale_backward(dy, s, n)[1])), "the gradient of x differs .* at x\\[n=\\d, c=\\d, h=\\d, w=\\d\\]"),
    (layer(backward=lambda dy, s, n: (scale_backward(dy, s, n)[0], 0 * s[1])), "the gradient of w differs .* at w\\[c=\\d\\]"),
    (layer(backward=lambda dy, s, n: scale_backward(dy, s, n)[:1]), "gives 1 gradients for 2 inputs"),
    (layer(backward=lambda dy, s, n: (scale_backward(dy, s, n)[0], None)), "the gradient of w is None"),
    (layer(backward=lambda dy, s, n: tuple(g.astype("f4") for g in scale_backward(dy, s, n))), "is float32"),
    (layer(backward=writes_dy), "writes into dy"),
    (layer(backward=only_when_both), "only x needed"),
    (layer(forward=flat), "strided inputs"),
    (layer(replay=lambda saved: (saved[0] * 0 + 1, saved[1], saved[2])[:2]), "replayed inputs"),
])
def test_wrong_layers_fail(operation, complaint):
    with pytest.raises(GradcheckError, match=complaint):
        checked(operation)
