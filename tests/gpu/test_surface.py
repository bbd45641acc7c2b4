"""What a program does with tensors and models on "cuda" beside computing: moving, showing, indexing, saving, loading, refusing."""

import copy

import numpy as np
import pytest
from helpers import cupy_on_cpu

import minicnn
from minicnn import Tensor, cuda, data, nn, optim
from minicnn.errors import BadIndex, BadType, DeviceError
from minicnn.nn import functional as F

pytestmark = pytest.mark.gpu


@pytest.fixture
def x():
    return minicnn.arange(6.0).reshape(2, 3).cuda()


def same(t, values):
    assert t.is_cuda
    np.testing.assert_array_equal(t.detach().cpu().numpy(), np.asarray(values))


# Moving --------------------------------------------------------------------------------------------------------------------------


def test_there_is_one_device():
    assert cuda.is_available() and cuda.device_count() == 1
    assert minicnn.ones(1, device="cuda").device == minicnn.device("cuda:0") == minicnn.ones(1).to("cuda:0").device


def test_there_and_back_again(x):
    assert x.device.type == "cuda" and x.cpu().device.type == "cpu" and x.cuda() is x
    same(x.to("cpu").to("cuda"), np.arange(6.0).reshape(2, 3))
    assert x.to("cpu", minicnn.float64).dtype == minicnn.float64


def test_the_gradient_comes_back_to_the_cpu():
    leaf = minicnn.ones(3, requires_grad=True)
    (leaf.cuda() * 2).sum().backward()
    assert leaf.grad.device.type == "cpu" and leaf.grad.tolist() == [2, 2, 2]


def test_views_and_layouts_move():
    x = minicnn.arange(24.0).reshape(2, 3, 4)
    for view in (x.permute(2, 0, 1), x[:, ::2], x[..., 1], x[:0], x[0, 0, 0]):
        same(view.cuda(), view)
        same(view.cuda().clone(), view)


def test_a_model_moves_with_all_it_has():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 2))
    first = model[0].weight
    assert model.cuda() is model and model[0].weight is first
    assert {t.device.type for t in [*model.parameters(), *model.buffers()]} == {"cuda"}
    assert model(minicnn.ones(2, 1, 4, 4).cuda()).is_cuda
    assert {t.device.type for t in model.cpu().state_dict().values()} == {"cpu"}


def test_copies(x):
    same(copy.deepcopy(x), x.cpu())
    y = minicnn.zeros(2, 3)
    y.copy_(x)
    assert y.tolist() == x.tolist()
    same(x.clone().copy_(minicnn.ones(2, 3)), np.ones((2, 3)))


# Showing -------------------------------------------------------------------------------------------------------------------------


def test_how_it_is_shown(x):
    assert repr(x) == "tensor([[0., 1., 2.],\n        [3., 4., 5.]], device='cuda:0')"
    assert f"{x.sum():.1f}" == "15.0" and float(x[0, 1]) == 1 and x.sum().item() == 15 and int(x.argmax()) == 5
    assert x.tolist() == [[0, 1, 2], [3, 4, 5]] and bool((x == x).all()) and [t.item() for t in x[0]] == [0, 1, 2]


def test_numpy_must_be_asked_for(x):
    with pytest.raises(BadType, match="cpu"):
        x.numpy()
    assert x.numpy(force=True).tolist() == x.tolist()


# Indexing ------------------------------------------------------------------------------------------------------------------------


def test_reading(x):
    values = x.cpu().numpy()
    same(x[1, 0], values[1, 0])
    same(x[:, [2, 0]], values[:, [2, 0]])
    same(x[minicnn.tensor([1, 0]).cuda()], values[[1, 0]])
    same(x[minicnn.tensor([1, 0])], values[[1, 0]])
    same(x[x > 2], values[values > 2])
    same((x > 2).nonzero(), np.argwhere(values > 2))
    assert minicnn.nonzero(x[0, 1]).is_cuda


def test_writing(x):
    x[0] = 7
    x[:, 1] = minicnn.tensor([8.0, 9.0]).cuda()
    x[x > 8] = 0.0
    x[minicnn.tensor([1]).cuda(), minicnn.tensor([2]).cuda()] = 1.0
    same(x, [[7, 8, 7], [3, 0, 1]])
    x[0] = minicnn.tensor([2.0, 4.0, 6.0])                              # from the CPU, as in PyTorch
    same(x, [[2, 4, 6], [3, 0, 1]])
    same(x.zero_(), np.zeros((2, 3)))
    same(x.fill_(2.5), np.full((2, 3), 2.5))


@pytest.mark.parametrize("read", [
    lambda x, i: x[i], lambda x, i: x[:, i], lambda x, i: minicnn.gather(x, 0, i.reshape(1, 1)), lambda x, i: minicnn.index_select(x, 1, i),
    lambda x, i: minicnn.scatter_add(x, 1, i.reshape(1, 1), minicnn.ones(1, 1).cuda()), lambda x, i: x.__setitem__(i, 0.0),
])
@pytest.mark.parametrize("place", [3, -4])
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_an_index_out_of_range_is_refused(x, read, place, device):
    """CuPy would wrap it around."""
    with pytest.raises(IndexError):
        read(x, minicnn.tensor([place]).to(device))


# Labels --------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", [F.cross_entropy, F.nll_loss, lambda x, y: F.cross_entropy(x, y, label_smoothing=0.1)])
@pytest.mark.parametrize("labels", [[0, 3], [-1, 2]])
def test_labels_out_of_range_are_refused(loss, labels):
    """By what was known of them when they left the CPU; nothing waits for the GPU."""
    x = minicnn.randn(2, 3).cuda()
    with pytest.raises(BadIndex, match="is outside 0 .. 2"):
        loss(x, minicnn.tensor(labels).cuda())


def test_labels_that_do_not_count_are_not_refused():
    x = minicnn.randn(3, 3).cuda()
    assert np.isfinite(F.cross_entropy(x, minicnn.tensor([0, -100, 2]).cuda()).item())
    assert np.isfinite(F.cross_entropy(x, minicnn.tensor([0, 9, 2]).cuda(), ignore_index=9).item())


@pytest.mark.parametrize("loss", [F.cross_entropy, lambda x, y: F.cross_entropy(x, y, label_smoothing=0.1)])
def test_labels_that_nobody_looked_at_make_the_loss_nan(loss):
    x, labels = minicnn.randn(2, 3).cuda().requires_grad_(), minicnn.tensor([0, 2]).cuda()
    assert np.isnan(loss(x, labels + 1).item())
    labels += 1                                                         # what was known of them holds no longer
    assert np.isnan(loss(x, labels).item())


# Refusing ------------------------------------------------------------------------------------------------------------------------


def test_two_devices_do_not_mix(x):
    for mixed in (lambda: x + minicnn.ones(3), lambda: x @ minicnn.ones(3), lambda: F.linear(x, minicnn.ones(2, 3)),
                  lambda: nn.Linear(3, 2)(x), lambda: F.cross_entropy(x, minicnn.tensor([0, 1])), lambda: F.mse_loss(x, minicnn.ones(2, 3)),
                  lambda: F.batch_norm(x, minicnn.zeros(3), minicnn.ones(3)), lambda: minicnn.cat([x, minicnn.ones(2, 3)]),
                  lambda: F.batch_norm(x, minicnn.zeros(3), minicnn.ones(3), training=True)):
        with pytest.raises(DeviceError):
            mixed()
    same(x + minicnn.tensor(1.0), x.cpu().numpy() + 1)                  # a number as a 0-d tensor may lie anywhere, as in PyTorch


# Random numbers ------------------------------------------------------------------------------------------------------------------


def test_the_same_random_numbers_as_on_the_cpu():
    for draw in (minicnn.randn, minicnn.rand, lambda *shape, device: minicnn.randint(9, shape, device=device),
                 lambda *shape, device: F.dropout(minicnn.ones(*shape, device=device), 0.4)):
        values = []
        for device in ("cpu", "cuda"):
            minicnn.manual_seed(3)
            values.append(draw(4, 5, device=device).tolist())
        assert values[0] == values[1]


# Data, files and whole programs -----------------------------------------------------------------------------------------------------


def test_a_loader_over_tensors_on_the_gpu(x):
    loader = data.DataLoader(data.TensorDataset(x, minicnn.tensor([0, 1]).cuda()), batch_size=2, shuffle=True)
    ((rows, labels),) = loader
    assert rows.is_cuda and labels.is_cuda and sorted(rows.tolist()) == x.tolist()


def test_saving_and_loading(x, tmp_path):
    model, path = nn.Linear(3, 2).cuda(), tmp_path / "model.mcnn"
    optimizer = optim.Adam(model.parameters())
    model(x).sum().backward()
    optimizer.step()
    minicnn.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, path)
    for where, device in ((None, "cuda"), ("cpu", "cpu"), ("cuda", "cuda"), ({"cuda:0": "cpu"}, "cpu")):
        state = minicnn.load(path, map_location=where)
        assert {t.device.type for t in state["model"].values()} == {device}
        again = nn.Linear(3, 2)
        again.load_state_dict(state["model"])
        assert again.weight.tolist() == model.weight.tolist() and not again.weight.is_cuda


def test_an_optimizer_goes_on_from_a_state_of_the_cpu(x):
    model = nn.Linear(3, 2)
    optimizer = optim.Adam(model.parameters())
    model(x.cpu()).sum().backward()
    optimizer.step()
    model.cuda()
    there = optim.Adam(model.parameters())
    there.load_state_dict(optimizer.state_dict())
    model(x).sum().backward()
    there.step()
    assert there.state[model.weight]["exp_avg"].is_cuda and model.weight.is_cuda


def test_a_program_as_in_a_tutorial():
    device = minicnn.device("cuda" if cuda.is_available() else "cpu")
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.1), nn.Linear(8, 3)).to(device)
    optimizer, criterion = optim.SGD(model.parameters(), lr=0.5), nn.CrossEntropyLoss()
    inputs = minicnn.randn(30, 4)
    loader = data.DataLoader(data.TensorDataset(inputs, inputs[:, :3].argmax(1)), batch_size=10, shuffle=True, pin_memory=True)
    losses = []
    for _ in range(30):
        for x, labels in loader:
            x, labels = x.to(device, non_blocking=True), labels.to(device, non_blocking=True)
            optimizer.zero_grad()
            loss = criterion(model(x), labels)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            losses.append(loss.detach())
    assert losses[-1].is_cuda and minicnn.stack(losses[-3:]).mean().item() < 0.5 * losses[0].item()


def test_an_error_inside_the_driver_would_be_seen():
    if cupy_on_cpu.started():
        assert cupy_on_cpu.errors == []


def test_zero_grad_that_keeps_the_memory_copies_nothing(x):
    model = nn.Linear(3, 2).cuda()
    model(x).sum().backward()
    with cupy_on_cpu.recorded() as events:
        optim.SGD(model.parameters(), lr=0.1).zero_grad(set_to_none=False)
    assert events.count("host to device") == 0
    assert Tensor(model.weight.grad.array).abs().sum().item() == 0
