"""The Tensor itself: what it shows, what it shares, how it is copied and stored."""

import copy
import pickle

import numpy as np
import pytest

import minicnn
from minicnn.tensor import Size

DATA = [1.5, 3.0, [1.0, 2.0], [[0.5, -1.5], [3, 4]], [1e-5, 1.0], [1e10, 1.0], [float("nan"), 1.5], [float("inf"), 2.0], [0.0, 0.0], [1e-7],
        [12345.678, 1.0], [True, False], [1, -20], 3, [], [[]], np.linspace(-3, 3, 24).reshape(2, 3, 4), np.zeros((40, 40), "f4"),
        np.arange(2000).reshape(2, 1000), np.linspace(0, 1, 2000)]


@pytest.mark.parametrize("data", DATA, ids=lambda d: str(np.shape(d)) if isinstance(d, np.ndarray) else str(d))
def test_shown_as_in_pytorch(data):
    torch = pytest.importorskip("torch")
    assert repr(minicnn.tensor(data)) == repr(torch.tensor(data)).replace("torch.", "")


def test_what_is_unusual_is_shown():
    x = minicnn.ones(1, requires_grad=True)
    assert repr(x) == "tensor([1.], requires_grad=True)" and repr(x * 2) == "tensor([2.], grad_fn=<Mul>)"
    assert f"{x[0]:.2f} {x[0]}" == "1.00 1.0"


def test_size_is_a_tuple_that_counts():
    size = minicnn.zeros(2, 3).shape
    assert size == (2, 3) and size.numel() == 6 and isinstance(size[1:], Size) and (size + (4,)).numel() == 24
    assert repr(size) == "minicnn.Size([2, 3])" and Size().numel() == 1


def test_what_shares_memory():
    array = np.zeros((2, 3), np.float32)
    x = minicnn.Tensor(array)
    for view in (x[0], x[0, 0], x.view(-1), x.T, x.detach(), x.data, x.expand(2, 2, 3), x.squeeze(), x.flatten(), x.unsqueeze(0), x.split(1)[0],
                 x.unbind()[0], x.diagonal(), x.numpy(), minicnn.as_tensor(array), minicnn.from_numpy(array), np.asarray(x)):
        assert np.shares_memory(getattr(view, "array", view), array)
    for copied in (x.clone(), x.T.contiguous(), x + 0, x[[0, 1]], x.flip(0), minicnn.tensor(array), x.repeat(1, 1), x.to(minicnn.float32, copy=True),
                   x.T.reshape(-1), np.array(x)):
        assert not np.shares_memory(getattr(copied, "array", copied), array)


def test_writing_through_a_view():
    x = minicnn.zeros(2, 3)
    x[0, 0].fill_(5)
    x[1].add_(1)
    x.T[2] = 7
    x.data.mul_(2)
    assert x.tolist() == [[10, 0, 14], [2, 2, 14]]


def test_assigning_data():
    x = minicnn.zeros(2, requires_grad=True)
    x.data = minicnn.ones(3)
    (x * 2).sum().backward()
    assert x.grad.tolist() == [2, 2, 2]


def test_arrays_on_either_side():
    x, n = minicnn.tensor([1.0, 2.0], dtype=minicnn.float64), np.array([10.0, 20.0])
    for result in (n + x, x + n, np.float64(2) * x, n / x, x @ n, n @ x, n - x):
        assert isinstance(result, minicnn.Tensor)
    assert (n - x).tolist() == [9, 18] and (x < n).tolist() == [True, True]
    assert np.add(n, x.numpy()).tolist() == [11, 22] and np.allclose(x, [1, 2]) and float(np.sum(x.numpy())) == 3


def test_deep_copies():
    x = minicnn.ones(2, requires_grad=True)
    (x * 3).sum().backward()
    x.note = ["kept"]
    pair = copy.deepcopy([x, x])
    assert pair[0] is pair[1] and pair[0].requires_grad and pair[0].grad.tolist() == [3, 3] and pair[0].note == ["kept"]
    assert not np.shares_memory(pair[0].array, x.array) and not np.shares_memory(pair[0].grad.array, x.grad.array)
    with pytest.raises(RuntimeError, match="leaf"):
        copy.deepcopy(x * 2)


def test_pickles():
    x = minicnn.randn(2, 3, requires_grad=True)
    y = pickle.loads(pickle.dumps(x))
    assert np.array_equal(y.detach(), x.detach()) and y.requires_grad and y.dtype == x.dtype
    with pytest.raises(RuntimeError, match="leaf"):
        pickle.dumps(x * 2)


def test_subclasses_stay_what_they_are():
    class Named(minicnn.Tensor):
        pass

    x = Named(np.ones(2))
    assert isinstance(copy.deepcopy(x), Named) and type(x + 1) is minicnn.Tensor and isinstance(pickle.loads(pickle.dumps(minicnn.Tensor([1.0]))), minicnn.Tensor)


def test_truth_and_membership():
    x = minicnn.tensor([1, 2, 3])
    assert 2 in x and 5 not in x and bool(minicnn.tensor([[True]])) and not minicnn.tensor(0.0)
    assert {x: 1}[x] == 1 and list(reversed(x))[0].item() == 3


def test_as_in_training_loops():
    """Phrases that people's programs are made of."""
    x = minicnn.randn(4, 3, 2, 2)
    y = minicnn.tensor([0, 1, 2, 0])
    assert x.view(x.size(0), -1).shape == (4, 12) and x.mean([2, 3]).shape == (4, 3) and x.sum((2, 3), keepdim=True).shape == (4, 3, 1, 1)
    scores = x.flatten(1)[:, :3]
    value, predicted = minicnn.max(scores, 1)
    assert predicted.eq(y).sum().item() == (predicted == y).sum().item() == (scores.argmax(1) == y).float().sum().item()
    n, c, h, w = x.size()
    shuffled = x.view(n, 3, 1, h, w).transpose(1, 2).contiguous().view(n, -1, h, w)
    assert shuffled.shape == x.shape and [row.shape for row in x][0] == (3, 2, 2)
    x[x < 0] = 0
    assert x.min().item() >= 0 and sum(v.item() for v in y) == 3 and y.tolist() == [0, 1, 2, 0]
    total = 0.0
    total += scores.sum().item() / len(y)
    assert f"{total:.3f}" and f"loss {scores.mean():.4f}" and round(float(scores.mean()), 3) is not None
