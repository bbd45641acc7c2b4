"""What is computed only when it is looked at cannot be told from what is computed at once."""

import copy
import pickle

import numpy as np
import pytest

import minicnn as torch
from minicnn import autograd, nn
from minicnn.autograd.deferred import WAITING, Deferred
from minicnn.nn import functional as F

pytest.importorskip("minicnn.kernels.cpu.memory")
from helpers.deferred import failures_of_looks, gradients, leaves, made  # noqa: E402


def normalized(x, w, b):
    """Of the result of an operation: only what nobody else can write to waits."""
    return F.batch_norm(made(x), None, None, w, b, training=True)


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
    second = np.ones((100, 100))
    total = made(torch.zeros(100, 100)) + torch.from_numpy(second)
    second[...] = 50
    assert total[0, 0].item() == 1
    p = torch.zeros(100, 100, requires_grad=True)
    p.sum().backward()
    total = p.grad + p.grad
    p.sum().backward()
    assert total[0, 0].item() == 2


def test_a_change_after_the_pair_has_read_its_input_is_noticed():
    x, w, b = leaves()
    h = x * 1
    y = F.batch_norm(h, None, None, w, b, training=True)
    assert type(y) is Deferred
    z = F.relu(y)
    h.detach().add_(1)
    with pytest.raises(torch.errors.GraphError, match="in place"):
        z.sum().backward()


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
    for _ in range(50):
        x, w, b = leaves()
        assert failures_of_looks([normalized(x, w, b) for _ in range(3)] * 2) == []


def test_recording_is_decided_when_it_is_called():
    x, w, b = leaves()
    with torch.no_grad():
        y = normalized(x.detach(), w, b)
    assert type(y) is Deferred and not F.relu(y).requires_grad and not y.requires_grad
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
