"""autograd.Function: each program is run by PyTorch and by minicnn and must come to the same."""

import pytest

import minicnn

torch = pytest.importorskip("torch")


def both(program):
    """The program's outcome in both libraries, as lists of numbers or the exception's name."""
    def run(t):
        try:
            return [v.tolist() if hasattr(v, "tolist") else v for v in program(t)]
        except (RuntimeError, TypeError, ValueError) as error:
            return {k.__name__ for k in (RuntimeError, TypeError, ValueError) if isinstance(error, k)}

    return run(torch), run(minicnn)


def same(program):
    expected, found = both(program)
    assert expected <= found if isinstance(expected, set) else found == expected, (expected, found)


def vector(t, *values):
    return t.tensor(values or (1.0, 2.0, -3.0), requires_grad=True)


def cube(t, double=False):
    class Cube(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x * x

        @staticmethod
        def backward(ctx, dy):
            (x,) = ctx.saved_tensors
            return dy * 3 * x * x

    return Cube


def test_value_and_gradient():
    def program(t):
        x = vector(t)
        y = cube(t).apply(x)
        y.sum().backward()
        return y.detach(), x.grad, y.requires_grad, y.is_leaf

    same(program)


def test_double_backward_through_its_backward():
    def program(t):
        x = vector(t)
        (g,) = t.autograd.grad(cube(t).apply(x).sum(), x, create_graph=True)
        (h,) = t.autograd.grad(g.sum(), x, create_graph=True)
        return g.detach(), h.detach(), t.autograd.grad(h.sum(), x)[0]

    same(program)


def test_backward_twice_is_refused():
    def program(t):
        y = cube(t).apply(vector(t)).sum()
        y.backward()
        y.backward()

    same(program)


def test_saved_input_changed_in_place():
    def program(t):
        x = vector(t)
        z = x * 1
        y = cube(t).apply(z)
        with t.no_grad():
            z.add_(1)
        y.sum().backward()

    same(program)


def test_saved_output_is_in_its_place_in_the_graph():
    def program(t):
        class Exp(t.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                y = x.exp()
                ctx.save_for_backward(y)
                return y

            @staticmethod
            def backward(ctx, dy):
                return dy * ctx.saved_tensors[0]

        x = t.tensor([0.0, 0.5], dtype=t.float64, requires_grad=True)
        (g,) = t.autograd.grad(Exp.apply(x).sum(), x, create_graph=True)
        (h,) = t.autograd.grad(g.sum(), x)
        y = Exp.apply(x)
        with t.no_grad():
            y.zero_()
        assert h.tolist() == pytest.approx(x.exp().tolist())
        y.sum().backward()

    same(program)


class Many:
    """Two tensors and a number in, a product, a difference and an index out."""

    @staticmethod
    def of(t, materialize=True, seen=None):
        class Function(t.autograd.Function):
            @staticmethod
            def forward(ctx, x, k, y):
                ctx.k = k
                ctx.save_for_backward(x, None, y)
                ctx.set_materialize_grads(materialize)
                index = x.argmax()
                ctx.mark_non_differentiable(index)
                return x * y, k * (x - y), index

            @staticmethod
            def backward(ctx, d_product, d_difference, d_index):
                if seen is not None:
                    seen.extend([ctx.needs_input_grad, d_product is None, d_difference is None])
                x, nothing, y = ctx.saved_tensors
                assert nothing is None
                dx = 0 if d_product is None else d_product * y
                dy = 0 if d_product is None else d_product * x
                if d_difference is not None:
                    dx, dy = dx + ctx.k * d_difference, dy - ctx.k * d_difference
                return dx, None, dy

        return Function


@pytest.mark.parametrize("outputs", [(0,), (1,), (0, 1)])
@pytest.mark.parametrize("materialize", [True, False])
def test_several_inputs_and_outputs(outputs, materialize):
    def program(t):
        x, y, seen = vector(t), vector(t, 4.0, 5.0, 6.0), []
        results = Many.of(t, materialize, seen).apply(x, 2.0, y)
        sum((results[i] * (i + 1)).sum() for i in outputs).backward()
        return x.grad, y.grad, results[2], results[2].requires_grad, *map(str, seen)

    same(program)


def test_needs_input_grad():
    def program(t):
        x, seen = vector(t), []
        Many.of(t, True, seen).apply(x, 2.0, t.ones(3))[0].sum().backward()
        return [x.grad.tolist(), *map(str, seen)]

    same(program)


def test_hooks_and_retained_gradients_of_each_output():
    def program(t):
        x, y, seen = vector(t), vector(t), []
        product, difference, _ = Many.of(t).apply(x, 2.0, y)
        product.register_hook(lambda g: seen.append(g.tolist()))
        difference.retain_grad()
        (product.sum() + (difference * product).sum()).backward()
        return [seen, difference.grad.tolist(), x.grad.tolist()]

    same(program)


def test_grad_with_respect_to_one_output():
    def program(t):
        product, difference, _ = Many.of(t).apply(vector(t), 2.0, vector(t))
        return t.autograd.grad((product * difference).sum(), [difference, product])

    same(program)


def returning(t, forward, backward):
    class Function(t.autograd.Function):
        pass

    Function.forward, Function.backward = staticmethod(forward), staticmethod(backward)
    return Function


@pytest.mark.parametrize("backward", [
    lambda ctx, dy: None, lambda ctx, dy: (dy, None), lambda ctx, dy: (dy, dy), lambda ctx, dy: 3.0, lambda ctx, dy: dy.sum(),
    lambda ctx, dy: dy.reshape(1, 3), lambda ctx, dy: dy[:2], lambda ctx, dy: (),
])
def test_what_backward_may_return(backward):
    def program(t):
        x = vector(t)
        z = x * 1
        returning(t, lambda ctx, x: x * 2, backward).apply(z).sum().backward()
        return x.grad if x.grad is None else x.grad.tolist(), 0

    same(program)


def test_an_input_returned_as_it_is():
    def program(t):
        x = vector(t)
        y = returning(t, lambda ctx, x: x, lambda ctx, dy: dy * 5).apply(x)
        y.sum().backward()
        return y is x, x.grad

    same(program)


def test_in_place_forward():
    def program(t):
        def forward(ctx, x):
            ctx.mark_dirty(x)
            x.add_(1)
            return x

        function = returning(t, forward, lambda ctx, dy: dy * 5)
        x = vector(t)
        y = x * 2
        z = function.apply(y)
        z.sum().backward()
        return z is y, z.detach(), x.grad

    same(program)


def test_setup_context():
    def program(t):
        class Square(t.autograd.Function):
            @staticmethod
            def forward(x, k):
                return k * x * x

            @staticmethod
            def setup_context(ctx, inputs, output):
                x, ctx.k = inputs
                ctx.save_for_backward(x)

            @staticmethod
            def backward(ctx, dy):
                return 2 * ctx.k * ctx.saved_tensors[0] * dy, None

        x = vector(t)
        Square.apply(x, 3.0).sum().backward()
        return (x.grad,)

    same(program)


def test_once_differentiable():
    def function(t):
        return returning(t, lambda ctx, x: x * 2, t.autograd.function.once_differentiable(lambda ctx, dy: dy * 2))

    def first(t):
        x = vector(t)
        function(t).apply(x).sum().backward()
        return (x.grad,)

    def second(t):
        x, u = vector(t), t.ones(3, requires_grad=True)
        (g,) = t.autograd.grad(function(t).apply(x), x, u, create_graph=True)
        g.sum().backward()

    same(first)
    same(second)


def test_unrecorded():
    def program(t):
        x, seen = vector(t), []
        with t.no_grad():
            y = cube(t).apply(x)
            same = returning(t, lambda ctx, x: x, lambda ctx, dy: dy).apply(x)
        returning(t, lambda ctx, x: seen.append(t.is_grad_enabled()) or x * 2, lambda ctx, dy: dy).apply(x)
        return y.requires_grad, cube(t).apply(t.ones(2)).requires_grad, same is x, seen

    same(program)


def test_only_tensors_can_be_saved():
    def program(t):
        def forward(ctx, x):
            ctx.save_for_backward(3.0)
            return x * 2

        returning(t, forward, lambda ctx, dy: dy).apply(vector(t))

    same(program)


def test_gradcheck_of_a_function():
    x = minicnn.randn(4, dtype=minicnn.float64, requires_grad=True)
    assert minicnn.autograd.gradcheck(cube(minicnn).apply, x)
    assert minicnn.autograd.gradgradcheck(cube(minicnn).apply, x)


def test_leaves_do_not_share_what_backward_returned():
    x, y = vector(minicnn), vector(minicnn)
    returning(minicnn, lambda ctx, x, y: x + y, lambda ctx, dy: (dy, dy)).apply(x, y).backward(minicnn.ones(3))
    x.grad.zero_()
    assert y.grad.tolist() == [1, 1, 1]
