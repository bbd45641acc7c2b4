"""Batches on their way to a GPU: pinned, copied ahead, in order; and a training there comes to what it comes to on the CPU."""

import numpy as np
import pytest

import minicnn
from minicnn import arrays, nn, optim
from minicnn.data import DataLoader, TensorDataset
from minicnn.data.transfer import on_device
from minicnn.errors import BadType
from minicnn.train import Trainer

cupy = pytest.importorskip("cupy")
if arrays.why_no_gpu():
    pytest.skip(arrays.why_no_gpu(), allow_module_level=True)

pytestmark = pytest.mark.gpu


def data(n=37):
    rng = np.random.default_rng(0)
    return TensorDataset(minicnn.tensor(rng.standard_normal((n, 1, 6, 6)).astype("f")), minicnn.tensor(rng.integers(0, 3, n)))


def test_pinned_memory():
    t = minicnn.tensor([[1.0, 2], [3, 4]]).T
    p = t.pin_memory()
    assert not t.is_pinned() and p.is_pinned() and p.pin_memory() is p and p[0].is_pinned() and not p.is_cuda and p.tolist() == t.tolist()
    for non_blocking in (True, False):
        assert p.to("cuda", non_blocking=non_blocking).cpu().tolist() == t.tolist()
        assert t.cuda(non_blocking=non_blocking).cpu().tolist() == t.tolist()
    assert minicnn.zeros(0, 3).pin_memory().cuda(non_blocking=True).shape == (0, 3)
    with pytest.raises(BadType, match="only memory of the CPU can be pinned"):
        t.cuda().pin_memory()


@pytest.mark.parametrize("workers", [0, 2])
def test_a_loader_that_pins(workers):
    plain, loader = DataLoader(data(), 8), DataLoader(data(), 8, pin_memory=True, num_workers=workers)
    for (x, y), (px, py) in zip(plain, loader):
        assert px.is_pinned() and py.is_pinned() and px.tolist() == x.tolist() and py.tolist() == y.tolist()


@pytest.mark.parametrize("pin", [True, False])
def test_batches_arrive_in_order(pin):
    batches = list(on_device(DataLoader(data(), 8, pin_memory=pin), "cuda"))
    assert len(batches) == 5 and all(x.is_cuda and y.is_cuda for x, y in batches)
    for (x, y), (there, labels) in zip(DataLoader(data(), 8), batches):
        assert there.cpu().tolist() == x.tolist() and labels.cpu().tolist() == y.tolist()
    assert list(on_device([], "cuda")) == []
    (found,) = on_device([{"x": minicnn.ones(2), "rest": ("text", 3, [minicnn.ones(1)])}], "cuda")
    assert found["x"].is_cuda and found["rest"][:2] == ("text", 3) and found["rest"][2][0].is_cuda


def trained(device):
    minicnn.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Dropout(0.2), nn.Linear(64, 3)).double().to(device)
    loader = DataLoader([(x.double(), y) for x, y in data()], 8)
    trainer = Trainer(model, optim.SGD(model.parameters(), lr=0.05, momentum=0.9), nn.CrossEntropyLoss())
    return trainer.fit(loader, loader, 2), model


def test_a_training_is_the_same_on_both():
    (history, model), (other, there) = trained("cpu"), trained("cuda")
    for one, two in zip(history, other):
        assert one == pytest.approx(two, rel=1e-9)
    for p, q in zip(model.parameters(), there.parameters()):
        np.testing.assert_allclose(q.detach().cpu().numpy(), p.detach().numpy(), rtol=1e-8, atol=1e-11)


def test_train_on_cuda_from_the_command_line(tmp_path):
    from click.testing import CliRunner
    from PIL import Image

    from minicnn.cli import main
    from minicnn.models import Classifier

    run = str(tmp_path / "run")
    Image.new("L", (8, 8), 200).save(tmp_path / "image.png")
    result = CliRunner().invoke(main, ["train", "--device", "cuda", "--epochs", "1", "--batch-size", "256", "--output", run],
                                catch_exceptions=False)
    assert result.exit_code == 0, result.output
    classifier = Classifier.load(tmp_path / "run" / "model.mcnn")
    assert not next(classifier.model.parameters()).is_cuda
    for words in (["evaluate", run], ["predict", run, str(tmp_path / "image.png")]):        # on the CPU
        result = CliRunner().invoke(main, words, catch_exceptions=False)
        assert result.exit_code == 0 and "%" in result.output, result.output
