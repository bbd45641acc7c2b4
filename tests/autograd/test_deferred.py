"""What is computed only when it is looked at cannot be told from what is computed at once."""

import copy
import pickle
import threading

import numpy as np
import pytest

import minicnn as torch
from minicnn import autograd, nn
from minicnn.autograd.deferred import WAITING, Deferred
from minicnn.nn import functional as F

empty = pytest.importorskip("minicnn.kernels.cpu.memory").empty


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def leaves():
    return [torch.randn(*shape, dtype=torch.float64, requires_grad=True) for shape in ((8, 3, 10, 12), (3,), (3,))]


def normalized(x, w, b):
    """Of the result of an operation: only what nobody else can write to waits."""
    return F.batch_norm(made(x), None, None, w, b, training=True)


def made(x):
    """The same numbers as an operation's result, also where nothing is recorded: in memory of the kernels' pool."""
    if x.requires_grad:
        return x * 1
    array = empty(x.shape, np.float64)
    array[...] = x.numpy()
    return torch.Tensor(array)


def gradients(z, inputs):
    return [g.numpy() for g in autograd.grad((z * z.detach().cos()).sum(), inputs, retain_graph=True)]


def plainly(x, w, b):
    """The same with a look at what lies between."""
    y = normalized(x, w, b)
    assert y.shape == x.shape and type(y) is torch.Tensor
    return F.relu(y)


def test_the_pair_computes_the_same():
    inputs = leaves()
    y = normalized(*inputs)
    z = F.relu(y)
    assert type(y) is Deferred and type(z) is torch.Tensor
    wanted = plainly(*inputs)
    np.testing.assert_allclose(z.detach().numpy(), wanted.detach().numpy(), atol=1e-12)
    for found, other in zip(gradients(z, inputs), gradients(wanted, inputs)):
        np.testing.assert_allclose(found, other, atol=1e-12)


def test_a_later_look_finds_its_gradient():
    """As Grad-CAM does: the output of a layer, kept aside, is asked for its gradient after all."""
    inputs = leaves()
    y = normalized(*inputs)
    z = F.relu(y)
    loss = (z * z.detach().cos()).sum()
    found, = autograd.grad(loss, y)
    np.testing.assert_array_equal(found.numpy(), np.where(y.detach().numpy() > 0, np.cos(z.detach().numpy()), 0))
    y = normalized(*inputs)
    z = F.relu(y)
    y.retain_grad()
    z.sum().backward()
    np.testing.assert_array_equal(y.grad.numpy(), y.detach().numpy() > 0)


def test_both_are_used():
    """y goes on by itself, too: before and after the pair, and through a second ReLU."""
    inputs = leaves()

    def branches(look):
        y = normalized(*inputs)
        look(y)
        first, second = F.relu(y), F.relu(y)
        return first * 2 + second * y + y

    deferred, plain = branches(lambda y: None), branches(lambda y: y.shape)
    np.testing.assert_allclose(deferred.detach().numpy(), plain.detach().numpy(), atol=1e-12)
    for found, other in zip(gradients(deferred, inputs), gradients(plain, inputs)):
        np.testing.assert_allclose(found, other, atol=1e-11)


def test_in_place():
    inputs = leaves()
    y = normalized(*inputs)
    z = F.relu(y, inplace=True)
    assert z is y
    np.testing.assert_allclose(gradients(z, inputs)[0], gradients(plainly(*inputs), inputs)[0], atol=1e-12)


def by_optimizer(x, w):
    w.grad = torch.ones_like(w)
    torch.optim.SGD([w], lr=1.0).step()


def by_data(x, w):
    w.data = torch.zeros(3, dtype=torch.float64)


def by_loading(x, w):
    holder = nn.Module()
    holder.weight = nn.Parameter(w)
    holder.load_state_dict({"weight": torch.zeros(3, dtype=torch.float64)})


@pytest.mark.parametrize("change", [
    lambda x, w: x.add_(1), lambda x, w: w.add_(1), lambda x, w: torch.mul(x, 2, out=x), by_optimizer, by_data, by_loading,
], ids=["input", "weight", "out", "optimizer", "data", "load_state_dict"])
def test_a_change_comes_too_late_for_it(change):
    x, w, b = (t.detach() for t in leaves())
    wanted = normalized(x, w, b).numpy().copy()
    x = made(x)
    y = F.batch_norm(x, None, None, w, b, training=True)
    assert type(y) is Deferred
    change(x, w)
    np.testing.assert_array_equal(y.numpy(), wanted)


def test_memory_of_somebody_else_is_read_at_once():
    buffer = np.random.default_rng(0).standard_normal((8, 3, 10, 12))
    x = torch.from_numpy(buffer)
    wanted = F.batch_norm(torch.from_numpy(buffer.copy()), None, None, training=True).numpy()
    y = F.batch_norm(x, None, None, training=True)
    buffer[...] = 0
    np.testing.assert_array_equal(y.numpy(), wanted)
    large = np.ones((100, 100), np.float32)
    total = torch.from_numpy(large) + torch.ones(100, 100)
    large[...] = 50
    assert total[0, 0].item() == 2
    p = torch.zeros(100, 100, requires_grad=True)
    p.sum().backward()
    total = p.grad + p.grad
    p.sum().backward()
    assert total[0, 0].item() == 2


def test_a_detached_input_keeps_its_place():
    x, w, b = leaves()
    h = x * 1
    y = F.batch_norm(h, None, None, w, b, training=True)
    h.detach_()
    for found, wanted in zip(gradients(F.relu(y), [x, w, b]), gradients(plainly(x, w, b), [x, w, b])):
        np.testing.assert_allclose(found, wanted, atol=1e-12)


def test_a_hook_that_looks_at_what_was_skipped():
    x, w, b = leaves()
    y = normalized(x, w, b)
    z = F.relu(y)
    z.register_hook(lambda g: [y.shape, None][1])
    z.sum().backward(inputs=[x])
    wanted, = autograd.grad(plainly(x, w, b).sum(), x)
    np.testing.assert_allclose(x.grad.numpy(), wanted.numpy(), atol=1e-12)


def test_threads_look_at_once():
    """One of them computes it, the others wait; and one may have all computed meanwhile."""
    failed = []

    def look(y):
        try:
            y.shape  # noqa: B018
            torch.zeros(3).add_(1)
        except Exception as error:
            failed.append(error)

    for _ in range(50):
        x, w, b = leaves()
        waiting = [normalized(x, w, b) for _ in range(3)]
        threads = [threading.Thread(target=look, args=(y,)) for y in waiting * 2]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failed == []


def test_recording_is_decided_when_it_is_called():
    x, w, b = leaves()
    with torch.no_grad():
        y = normalized(x, w, b)
    assert not F.relu(y).requires_grad and not y.requires_grad
    y = normalized(x, w, b)
    with torch.no_grad():
        assert not F.relu(y).requires_grad
    assert y.requires_grad


def test_second_derivatives():
    inputs = leaves()

    def second(pair):
        first, = autograd.grad((pair(*inputs) ** 2).sum(), inputs[0], create_graph=True)
        return autograd.grad((first * first.detach().cos()).sum(), inputs)

    for found, other in zip(second(lambda *xs: F.relu(normalized(*xs))), second(plainly)):
        np.testing.assert_allclose(found.numpy(), other.numpy(), atol=1e-9)


def test_modules_with_and_without_hooks():
    """Sequential, with a hook that keeps the output of batch norm: its numbers, and the same result."""
    model = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU(inplace=True)).double()
    x = torch.randn(2, 2, 5, 5, dtype=torch.float64)
    kept = []
    for mode in (True, False):
        model.train(mode)
        plain = model(x)
        handle = model[1].register_forward_hook(lambda module, args, out: kept.append(out.clone()))
        np.testing.assert_allclose(model(x).detach().numpy(), plain.detach().numpy(), atol=1e-12)
        np.testing.assert_allclose(np.maximum(kept[-1].detach().numpy(), 0), plain.detach().numpy(), atol=1e-12)
        handle.remove()


def test_anomaly_names_the_layer():
    x, mean, var = torch.full((1, 1, 2, 2), 1e200, dtype=torch.float64), torch.zeros(1, dtype=torch.float64), torch.full((1,), 1e-300, dtype=torch.float64)
    with autograd.detect_anomaly(), pytest.raises(torch.errors.GraphError, match="BatchNormalization"):
        F.relu(F.batch_norm(x, mean, var, eps=0))


def test_nothing_waits_for_long():
    inputs = leaves()
    F.relu(normalized(*inputs))
    assert len(WAITING) == 0


@pytest.mark.parametrize("way", [lambda y: copy.deepcopy(y), lambda y: pickle.loads(pickle.dumps(y)), lambda y: y + 0], ids=["deepcopy", "pickle", "add"])
def test_copies(way):
    x, w, b = (t.detach() for t in leaves())
    np.testing.assert_array_equal(way(normalized(x, w, b)).numpy(), normalized(x, w, b).numpy())


def test_repr_and_attributes():
    x, w, b = (t.detach() for t in leaves())
    y = normalized(x, w, b)
    assert repr(y).startswith("tensor(") and type(y) is torch.Tensor
    y = normalized(x, w, b)
    y.note = "mine"
    assert y.note == "mine" and isinstance(normalized(x, w, b), torch.Tensor)


# Three in a row: batch norm, a sum, a ReLU; and what waits for a pooling -----------------------------------------------------------


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
    failed = []

    def look(y):
        try:
            y.shape  # noqa: B018
            torch.zeros(3).add_(1)
        except Exception as error:
            failed.append(error)

    for _ in range(20):
        inputs, kept = block_inputs(), []
        z = block(*inputs, keep=kept)
        threads = [threading.Thread(target=look, args=(y,)) for y in kept * 3]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert z.node.edges[0] is kept[1].node
    assert failed == []
