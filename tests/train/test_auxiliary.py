"""Networks with classifiers in the middle: the loss that they are trained by, and that figures are those of the last one."""

from collections import namedtuple

import numpy as np
import pytest

import minicnn
from minicnn import data, nn, optim
from minicnn.data import DataLoader, TensorDataset
from minicnn.models import GoogLeNetOutputs
from minicnn.nn import functional as F
from minicnn.train import Trainer, config
from minicnn.train.auxiliary import logits_of, loss_of
from minicnn.train.checking import check_quickly
from minicnn.train.images import divide
from minicnn.train.job import prepare

Outputs = namedtuple("Outputs", ["logits", "aux_logits"])


class TwoHeads(nn.Module):
    """In training, logits from both layers; else from the second."""

    def __init__(self):
        super().__init__()
        self.body, self.middle, self.end = nn.Linear(16, 8), nn.Linear(8, 3), nn.Linear(8, 3)

    def forward(self, x):
        x = self.body(x.flatten(1)).relu()
        return Outputs(self.end(x), self.middle(x)) if self.training else self.end(x)


def samples(n=12):
    rng = np.random.default_rng(0)
    return TensorDataset(minicnn.tensor(rng.normal(size=(n, 1, 4, 4)).astype(np.float32)), minicnn.tensor(rng.integers(0, 3, n)))


def test_the_loss_is_the_sum_of_the_paper():
    logits, first, second = (minicnn.randn(5, 3, generator=minicnn.Generator().manual_seed(k)) for k in range(3))
    labels = minicnn.tensor([0, 1, 2, 0, 1])
    expected = F.cross_entropy(logits, labels) + 0.3 * (F.cross_entropy(first, labels) + F.cross_entropy(second, labels))
    outputs = GoogLeNetOutputs(logits, second, first)
    assert loss_of(nn.CrossEntropyLoss(), outputs, labels).item() == pytest.approx(expected.item())
    assert logits_of(outputs) is logits and logits_of(logits) is logits
    assert loss_of(nn.CrossEntropyLoss(), logits, labels).item() == F.cross_entropy(logits, labels).item()
    assert loss_of(nn.CrossEntropyLoss(), GoogLeNetOutputs(logits, None, None), labels).item() == F.cross_entropy(logits, labels).item()


def test_a_step_is_that_of_a_loop_written_out():
    minicnn.manual_seed(1)
    model, twin = TwoHeads(), TwoHeads()
    twin.load_state_dict(model.state_dict())
    trainer = Trainer(model, optim.SGD(model.parameters(), 0.5), nn.CrossEntropyLoss())
    trainer.fit(DataLoader(samples(), 12), DataLoader(samples(), 12), 1)

    x, labels = samples().tensors
    optimizer = optim.SGD(twin.parameters(), 0.5)
    outputs = twin(x)
    (F.cross_entropy(outputs.logits, labels) + 0.3 * F.cross_entropy(outputs.aux_logits, labels)).backward()
    optimizer.step()
    for (name, ours), theirs in zip(model.named_parameters(), twin.parameters()):
        np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), rtol=1e-6, err_msg=name)
    right = (outputs.logits.argmax(1) == labels).float().mean().item()
    assert trainer.history[0]["train_accuracy"] == pytest.approx(right)         # of the logits, not of the auxiliary ones


@pytest.fixture(scope="module")
def googlenet_job():
    """A training of GoogLeNet on few images of 16x16 pixels."""
    source = data.load("digits", image_size=16)
    source = source._replace(train_images=source.train_images[:60], train_labels=source.train_labels[:60])
    return prepare(config.complete(model="googlenet", epochs=1, batch_size=16, lr=0.01, image_size=16), source=source)


def test_googlenet_is_checked_and_trained_with_its_heads(googlenet_job):
    checks = {check.name: check for check in check_quickly(googlenet_job)}
    assert checks["outputs"].verdict == checks["loss at the start"].verdict == "passed"
    head = googlenet_job.classifier.model.aux1.fc2.weight
    before = head.detach().numpy().copy()
    record, = googlenet_job.fit()
    assert np.isfinite([record["train_loss"], record["val_loss"]]).all() and not np.array_equal(before, head.detach().numpy())


def test_a_source_in_memory_is_divided_as_one_that_is_loaded(googlenet_job):
    assert sum(map(len, googlenet_job.parts)) == 60
    source = data.load("digits")
    ours, loaded = prepare(config.complete(), source=source).parts, divide(data.load("digits"))
    assert all((a.images == b.images).all() for a, b in zip(ours, loaded))
