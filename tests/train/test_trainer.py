"""The training loop: it does what a loop written out does, the same every time, and goes on exactly where it was stopped."""

import numpy as np
import pytest
from helpers.training import StopAt
from hypothesis import given, settings
from hypothesis import strategies as st

import minicnn
from minicnn import errors, nn, optim
from minicnn.data import DataLoader, TensorDataset
from minicnn.serialize import load
from minicnn.train import BestEpoch, Checkpoint, Diverged, Trainer, evaluate

EPOCHS, STEPS = 3, 4            # 13 samples in batches of 4


def samples(n=13, seed=1):
    rng = np.random.default_rng(seed)
    images = rng.normal(size=(n, 1, 4, 4)).astype(np.float32)
    return TensorDataset(minicnn.tensor(images), minicnn.tensor(rng.integers(0, 3, n)))


def loaders():
    return DataLoader(samples(), 4, shuffle=True), DataLoader(samples(6, seed=2), 4)


def network():
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Dropout(0.3), nn.Flatten(), nn.Linear(12, 3))


def make_trainer(callbacks=(), per="step", lr=0.1):
    minicnn.manual_seed(7)
    model = network()
    optimizer = optim.AdamW(model.parameters(), lr=lr)
    schedule = optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=EPOCHS * STEPS + 1)
    return Trainer(model, optimizer, nn.CrossEntropyLoss(), schedule, per, [BestEpoch(), *callbacks])


def weights(trainer):
    return {name: t.array for name, t in trainer.model.state_dict().items()}


def assert_same(a, b):
    assert a.history == b.history
    assert all((x == y).all() for x, y in zip(weights(a).values(), weights(b).values()))
    assert a.callbacks[0].record == b.callbacks[0].record
    assert all((a.callbacks[0].model[k].array == b.callbacks[0].model[k].array).all() for k in weights(a))


def undisturbed(per="step"):
    trainer = make_trainer(per=per)
    trainer.fit(*loaders(), EPOCHS)
    return trainer


def test_same_seed_same_history_bit_for_bit():
    assert_same(undisturbed(), undisturbed())


@settings(max_examples=20)
@given(st.lists(st.integers(1, 7), min_size=1, max_size=4), st.sampled_from(["step", "epoch"]))
def test_stopped_after_any_steps_and_resumed_equals_undisturbed(tmp_path_factory, stops, per):
    path = tmp_path_factory.mktemp("run") / "checkpoint.mcnn"
    trainer = make_trainer([StopAt(stops[0]), Checkpoint(path)], per)
    trainer.fit(*loaders(), EPOCHS)
    for stop in [*stops[1:], 0]:
        trainer = make_trainer([StopAt(stop), Checkpoint(path)], per)
        trainer.load_state_dict(load(path))
        trainer.fit(*loaders(), EPOCHS)
    assert_same(trainer, undisturbed(per))


def test_stopped_during_validation_it_is_done_again():
    class StopInValidation(DataLoader):
        def __iter__(self):
            trainer.stop()
            return super().__iter__()

    trainer = make_trainer()
    train, val = loaders()
    trainer.fit(train, StopInValidation(val.dataset, 4), EPOCHS)
    assert (trainer.epoch, trainer.step, trainer.history) == (0, STEPS, [])
    trainer.fit(*loaders(), EPOCHS)
    assert_same(trainer, undisturbed())


def test_the_loop_is_pytorchs():
    torch = pytest.importorskip("torch")
    data, model = samples(), nn.Sequential(nn.Flatten(), nn.Linear(16, 3))
    twin = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 3))
    twin.load_state_dict({name: torch.from_numpy(t.numpy().copy()) for name, t in model.state_dict().items()})
    trainer = Trainer(model, optim.SGD(model.parameters(), lr=0.5, momentum=0.9), nn.CrossEntropyLoss())
    trainer.fit(DataLoader(data, 4), DataLoader(data, 13), 3)

    optimizer = torch.optim.SGD(twin.parameters(), lr=0.5, momentum=0.9)
    x, y = (torch.from_numpy(t.numpy()) for t in data.tensors)
    for record in trainer.history:
        total = right = 0
        for part in torch.arange(13).split(4):
            logits = twin(x[part])
            loss = torch.nn.functional.cross_entropy(logits, y[part])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total, right = total + loss.item() * len(part), right + (logits.argmax(1) == y[part]).sum().item()
        assert record["train_loss"] == pytest.approx(total / 13, rel=1e-5) and record["train_accuracy"] == right / 13
        assert record["val_loss"] == pytest.approx(torch.nn.functional.cross_entropy(twin(x), y).item(), rel=1e-5)


def test_evaluation_uses_running_statistics_and_leaves_the_model_as_it_was():
    model, (_, loader) = network(), loaders()
    before = {name: t.array.copy() for name, t in model.state_dict().items()}
    outcome = evaluate(model, loader, nn.CrossEntropyLoss())
    assert model.training and all((before[k] == t.array).all() for k, t in model.state_dict().items())
    logits = model.eval()(loader.dataset.tensors[0])
    np.testing.assert_allclose(outcome.probabilities, logits.softmax(1).detach().numpy(), rtol=1e-5)
    assert outcome.loss == pytest.approx(nn.CrossEntropyLoss()(logits, loader.dataset.tensors[1]).item(), rel=1e-5)
    assert outcome.accuracy == (outcome.predictions == outcome.labels).mean()
    with pytest.raises(errors.DataError, match="empty"):
        evaluate(model, [], nn.CrossEntropyLoss())


def test_best_epoch_by_accuracy_then_by_loss_and_its_weights_are_kept():
    best, model = BestEpoch(), nn.Linear(1, 1)
    trainer = Trainer(model, None, None, callbacks=[best])
    for epoch, (accuracy, loss) in enumerate([(0.5, 1.0), (0.9, 0.9), (0.9, 0.3), (0.9, 0.3), (0.8, 0.1)], start=1):
        trainer.history.append({"epoch": epoch, "val_accuracy": accuracy, "val_loss": loss})
        nn.init.constant_(model.weight, epoch)
        best.on_epoch_end(trainer)
    assert best.record["epoch"] == 3
    best.restore(model)
    assert model.weight.item() == 3


def test_a_loss_that_is_not_finite_stops_at_once():
    trainer = make_trainer()
    trainer.model[5].bias.data[1] = float("nan")
    with pytest.raises(Diverged, match=r"the loss became nan in epoch 1, after 0 steps, at a learning rate of 0.004; a lower"):
        trainer.fit(*loaders(), EPOCHS)
    assert issubclass(Diverged, errors.Error)


def test_a_validation_loss_that_is_not_finite_stops_too():
    trainer = make_trainer()
    broken = TensorDataset(minicnn.full((2, 1, 4, 4), float("inf")), minicnn.tensor([0, 1]))
    with pytest.raises(Diverged, match="the validation loss became nan in epoch 1, after 4 steps"):
        trainer.fit(loaders()[0], DataLoader(broken), EPOCHS)


def test_per_is_checked():
    with pytest.raises(errors.BadValue, match="'epoch' or 'step'"):
        Trainer(None, None, None, per="batch")


def test_nothing_to_train_on_is_refused():
    model = network()
    trainer = Trainer(model, optim.SGD(model.parameters(), 0.1), nn.CrossEntropyLoss())
    with pytest.raises(errors.DataError, match="nothing to train on"):
        trainer.fit(DataLoader(samples(3), 4, drop_last=True), loaders()[1], 1)
