"""Three operations in a row, computed when they are looked at: batch norm, a sum, a ReLU; and a ReLU that waits for a pooling."""

import numpy as np
import pytest

import minicnn as torch
from minicnn import autograd, nn
from minicnn.autograd.deferred import Deferred
from minicnn.nn import functional as F

pytest.importorskip("minicnn.kernels.cpu.memory")
from helpers.deferred import failures_of_looks, gradients, leaves, made  # noqa: E402


def made_images(shape=(8, 3, 10, 40)):
    return torch.randn(*shape, dtype=torch.float64, requires_grad=True)


def block(x, w, b, r, training=True, look=lambda t: None, swapped=False, keep=None):
    """The end of a residual block; `look` is shown what lies between, and `keep` keeps it."""
    statistics = (None, None) if training else (torch.zeros(3, dtype=torch.float64), torch.ones(3, dtype=torch.float64))
    y = F.batch_norm(made(x), *statistics, w, b, training=training)
    look(y)
    s = made(r) + y if swapped else y + made(r)
    look(s)
    if keep is not None:
        keep += [y, s]
    return F.relu(s)


def pooled(x, look=lambda t: None, keep=None):
    y = F.relu(made(x))
    look(y)
    if keep is not None:
        keep.append(y)
    return F.max_pool2d(y, 2)


def same(found, wanted, inputs, atol=1e-11):
    np.testing.assert_allclose(found.detach().numpy(), wanted.detach().numpy(), atol=1e-12)
    for one, other in zip(gradients(found, inputs), gradients(wanted, inputs)):
        np.testing.assert_allclose(one, other, atol=atol)


def block_inputs():
    return [made_images(), *leaves()[1:], made_images()]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("swapped", [False, True])
def test_the_end_of_a_block_computes_the_same(training, swapped):
    inputs = block_inputs()
    z = block(*inputs, training, swapped=swapped)
    assert z.node.name() == "BatchNormalizationAddRelu"
    same(z, block(*inputs, training, look=lambda t: t.shape), inputs)
    with torch.no_grad():
        np.testing.assert_allclose(block(*inputs, training).numpy(), z.detach().numpy(), atol=1e-12)


def test_a_sum_that_is_not_cut():
    """As in a block whose ReLU comes first."""
    inputs = block_inputs()
    x, w, b, r = inputs
    s = F.batch_norm(made(x), None, None, w, b, training=True) + made(r)
    assert type(s) is Deferred
    s = s * 1
    same(s, F.batch_norm(made(x), None, None, w, b, training=True).contiguous() + made(r), inputs)


@pytest.mark.parametrize("order", [(0,), (1,), (0, 1), (1, 0)], ids=["y", "s", "y, s", "s, y"])
@pytest.mark.parametrize("training", [True, False])
def test_later_looks_find_their_gradients(order, training):
    """Batch norm's output, the sum, or both are asked for after the ReLU has done without them, in either order."""
    inputs, kept, plain = block_inputs(), [], []
    z, wanted = block(*inputs, training, keep=kept), block(*inputs, training, look=lambda t: t.shape, keep=plain)
    for place in order:
        assert type(kept[place]) is Deferred and kept[place].shape == z.shape and type(kept[place]) is torch.Tensor
        np.testing.assert_allclose(kept[place].detach().numpy(), plain[place].detach().numpy(), atol=1e-12)
    between = [kept[place] for place in order], [plain[place] for place in order]
    same(z, wanted, inputs)
    for found, other in zip(gradients(z, between[0]), gradients(wanted, between[1])):
        np.testing.assert_allclose(found, other, atol=1e-11)


def test_batch_norm_is_looked_at_before_the_relu_comes():
    x, w, b, r = block_inputs()
    y = F.batch_norm(made(x), None, None, w, b, training=True)
    s = y + made(r)
    y.retain_grad()
    z = F.relu(s)
    (z * 2).sum().backward()
    np.testing.assert_allclose(y.grad.numpy(), 2.0 * (z.detach().numpy() > 0))


def test_a_relu_in_place_after_a_sum():
    x, w, b, r = inputs = block_inputs()
    y = F.batch_norm(made(x), None, None, w, b, training=True)
    s = y + made(r)
    z = F.relu(s, inplace=True)
    assert z is s
    same(z, block(*inputs, look=lambda t: t.shape), inputs)
    np.testing.assert_array_equal(gradients(z, [y])[0], np.where(z.detach().numpy() > 0, np.cos(z.detach().numpy()), 0))


def test_a_relu_of_bools_is_refused_however_large():
    with pytest.raises(torch.errors.BadType, match="relu"):
        F.relu(torch.ones(2, 3, 50, 50).bool())


def test_a_batch_norm_that_is_added_to_itself():
    x, w, b = leaves()
    x = made_images()

    def twice(look):
        y = F.batch_norm(made(x), None, None, w, b, training=True)
        look(y)
        return F.relu(y + y), y

    (z, y), (wanted, plain) = twice(lambda t: None), twice(lambda t: t.shape)
    same(z, wanted, [x, w, b])
    np.testing.assert_allclose(gradients(z, [y])[0], gradients(wanted, [plain])[0])


def test_two_batch_norms_are_added():
    x, w, b = made_images(), *leaves()[1:]

    def both(look):
        one, other = (F.batch_norm(made(x) * k, None, None, w, b, training=True) for k in (1, 2))
        look(one), look(other)
        return F.relu(one + other)

    same(both(lambda t: None), both(lambda t: t.shape), [x, w, b])


@pytest.mark.parametrize("change", ["x", "r", "w"])
def test_a_change_comes_too_late_for_a_block(change):
    inputs = dict(zip("xwbr", (t.detach() for t in block_inputs())))
    inputs["x"], inputs["r"] = made(inputs["x"]), made(inputs["r"])
    y = lambda: F.batch_norm(inputs["x"], None, None, inputs["w"], inputs["b"], training=True) + inputs["r"]     # noqa: E731
    wanted, s = y().numpy().copy(), y()
    assert type(s) is Deferred
    inputs[change].add_(1)
    np.testing.assert_array_equal(s.numpy(), wanted)


@pytest.mark.parametrize("shape", [(1, 3, 1, 1), (3, 10, 40), (8, 1, 10, 40), (40,), ()], ids=str)
def test_a_sum_of_different_shapes(shape):
    inputs = [*block_inputs()[:3], made_images(shape)]
    same(block(*inputs), block(*inputs, look=lambda t: t.shape), inputs)


def test_a_sum_with_memory_of_somebody_else_is_computed_at_once():
    x, w, b, r = (t.detach() for t in block_inputs())
    y = lambda: F.batch_norm(made(x), None, None, w, b, training=True)      # noqa: E731
    wanted, buffer = y().numpy() + r.numpy(), r.numpy().copy()
    s = y() + torch.from_numpy(buffer)
    buffer[...] = 0
    np.testing.assert_allclose(s.numpy(), wanted, atol=1e-12)


def test_pooling_takes_the_relu_along():
    x = made_images()
    z = pooled(x)
    assert z.node.name() == "ReluMaxPool"
    same(z, pooled(x, look=lambda t: t.shape), [x])
    with torch.no_grad():
        np.testing.assert_array_equal(pooled(x).numpy(), z.detach().numpy())


def test_a_later_look_at_what_was_pooled():
    x, kept, plain = made_images(), [], []
    z, wanted = pooled(x, keep=kept), pooled(x, look=lambda t: t.shape, keep=plain)
    same(z, wanted, [x])
    assert type(kept[0]) is torch.Tensor                        # a walk over the graph has what waits computed
    z = pooled(x, keep=kept)
    assert type(kept[1]) is Deferred
    np.testing.assert_array_equal(gradients(z, [kept[1]])[0], gradients(wanted, plain)[0])
    assert z.node.name() == "MaxPool"
    first, = autograd.grad((z**2).sum(), kept[1:], create_graph=True)
    second, = autograd.grad(first.sum(), kept[1:])
    assert set(np.unique(second.numpy())) == {0, 2} and second.numpy().sum() == 2 * z.numel()


def test_a_change_comes_too_late_for_a_relu():
    x = made(made_images().detach())
    wanted, y = np.maximum(x.numpy(), 0), F.relu(x)
    assert type(y) is Deferred
    x.sub_(5)
    np.testing.assert_array_equal(y.numpy(), wanted)


@pytest.mark.parametrize("wrong", [{"kernel_size": 3, "stride": 0}, {"kernel_size": 50}, {"kernel_size": 2, "padding": 2}])
def test_errors_of_a_pooling_that_came_first(wrong):
    x = made_images()
    with pytest.raises(Exception) as plain:
        F.max_pool2d(made(x), **wrong)
    with pytest.raises(type(plain.value)) as found:
        F.max_pool2d(F.relu(made(x)), **wrong)
    assert str(found.value) == str(plain.value)


@pytest.mark.parametrize("function, number", [(block, 4), (pooled, 1)])
def test_second_derivatives_of_three_in_a_row(function, number):
    inputs = block_inputs()[:number]

    def second(**look):
        z = function(*inputs, **look)
        first, = autograd.grad((z**2 * z.detach().cos()).sum(), inputs[0], create_graph=True)
        return autograd.grad((first * first.detach().cos()).sum(), inputs)

    for found, wanted in zip(second(), second(look=lambda t: t.shape)):
        np.testing.assert_allclose(found.numpy(), wanted.numpy(), atol=1e-9)


def test_hooks_of_modules_see_what_lies_between():
    """A hook at the ReLU that keeps its output and asks for its gradient."""
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.MaxPool2d(2)).double()
    x, kept = made_images(), []
    model[1].register_forward_hook(lambda module, args, out: kept.append(out))
    z = model(x)
    kept[0].retain_grad()
    z.sum().backward()
    assert set(np.unique(kept[0].grad.numpy())) <= {0, 1} and kept[0].grad.numpy().sum() == z.numel()


def test_threads_look_at_a_block():
    for _ in range(20):
        inputs, kept = block_inputs(), []
        z = block(*inputs, keep=kept)
        assert failures_of_looks(kept * 3) == []
        assert z.node.edges[0] is kept[1].node
