"""The practice of training: averaged weights, early stopping, clipping, decay without biases, class weights, and that all survive a stop."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.training import StopAt

import minicnn
from minicnn import data, errors, nn, optim
from minicnn.data import DataLoader, TensorDataset
from minicnn.models import Classifier
from minicnn.serialize import load
from minicnn.train import (AveragedModel, BestEpoch, Callback, Checkpoint, EarlyStopping, Trainer, evaluate, get_ema_multi_avg_fn,
                           parameter_groups, run)
from minicnn.train import config as configuration
from minicnn.train.choices import SCHEDULERS, make_scheduler
from minicnn.train.job import loss_for, make_trainer


def network():
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Linear(12, 3))


def loaders(n=24):
    rng = np.random.default_rng(1)
    samples = TensorDataset(minicnn.tensor(rng.normal(size=(n, 1, 4, 4)).astype(np.float32)), minicnn.tensor(rng.integers(0, 3, n)))
    return DataLoader(samples, 8, shuffle=True), DataLoader(samples, 8)


def make_trainer_with(callbacks=(), **options):
    minicnn.manual_seed(3)
    model = network()
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.8), use_buffers=True) if options.pop("ema", False) else None
    return Trainer(model, optim.SGD(model.parameters(), 0.1, momentum=0.9), nn.CrossEntropyLoss(), callbacks=callbacks, average=average, **options)


# Averaged weights


@pytest.mark.parametrize("kind", ["mean", "ema"])
@pytest.mark.parametrize("use_buffers", [False, True])
def test_averages_are_pytorchs(kind, use_buffers):
    torch = pytest.importorskip("torch")
    from torch.optim import swa_utils

    model = network()
    twin = torch.nn.Sequential(torch.nn.Conv2d(1, 3, 3), torch.nn.BatchNorm2d(3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(12, 3))
    ours = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9) if kind == "ema" else None, use_buffers=use_buffers)
    theirs = swa_utils.AveragedModel(twin, multi_avg_fn=swa_utils.get_ema_multi_avg_fn(0.9) if kind == "ema" else None, use_buffers=use_buffers)
    assert set(ours.state_dict()) == set(theirs.state_dict())
    rng = np.random.default_rng(0)
    for _ in range(5):
        for tensor in model.state_dict().values():
            if tensor.array.dtype.kind == "f":
                tensor.array[...] = rng.random(tensor.shape)
        twin.load_state_dict({name: torch.from_numpy(np.array(t.array)) for name, t in model.state_dict().items()})
        ours.update_parameters(model)
        theirs.update_parameters(twin)
    for name, tensor in theirs.state_dict().items():
        np.testing.assert_allclose(ours.state_dict()[name].numpy(), tensor.numpy(), rtol=1e-5, err_msg=name)


def test_the_average_is_what_is_validated_and_kept():
    best = BestEpoch()
    trainer = make_trainer_with([best], ema=True)
    loader, val = loaders()
    trainer.fit(loader, val, 2)
    assert trainer.history[-1]["val_loss"] == evaluate(trainer.average.module, val, trainer.criterion).loss
    assert trainer.history[-1]["val_loss"] != evaluate(trainer.model, val, trainer.criterion).loss
    trainer.fit(loader, val, 3)
    assert best.record["epoch"] == 3
    np.testing.assert_array_equal(best.model["4.weight"].array, trainer.average.module[4].weight.array)
    assert not np.array_equal(trainer.model[4].weight.array, trainer.average.module[4].weight.array)


@pytest.mark.parametrize("decay", [-0.1, 1.1])
def test_a_decay_that_makes_no_average_is_refused(decay):
    with pytest.raises(errors.BadValue):
        get_ema_multi_avg_fn(decay)


def test_stopped_and_gone_on_with_the_average_is_the_same(tmp_path):
    undisturbed = make_trainer_with([BestEpoch()], ema=True, clip_norm=0.5)
    undisturbed.fit(*loaders(), 3)
    stopped = make_trainer_with([BestEpoch(), StopAt(5), Checkpoint(tmp_path / "state")], ema=True, clip_norm=0.5)
    stopped.fit(*loaders(), 3)
    again = make_trainer_with([BestEpoch(), StopAt(0), Checkpoint(tmp_path / "state")], ema=True, clip_norm=0.5)
    again.load_state_dict(load(tmp_path / "state"))
    again.fit(*loaders(), 3)
    assert again.history == undisturbed.history
    for name, tensor in undisturbed.average.state_dict().items():
        np.testing.assert_array_equal(again.average.state_dict()[name].array, tensor.array)


# Early stopping


def test_early_stopping_counts_epochs_without_a_new_best():
    best = BestEpoch()
    stopping = EarlyStopping(best, 2)
    trainer = Trainer(nn.Linear(1, 1), None, None)
    ended = []
    for epoch, accuracy in enumerate([0.5, 0.7, 0.6, 0.8, 0.8, 0.7, 0.9], start=1):
        trainer.history.append({"epoch": epoch, "val_accuracy": accuracy, "val_loss": 1.0})
        trainer.epoch = epoch
        best.on_epoch_end(trainer), stopping.on_epoch_end(trainer)
        ended.append(trainer.finished)
    assert ended == [False] * 5 + [True] * 2
    with pytest.raises(errors.BadValue):
        EarlyStopping(best, 0)


def test_a_run_that_was_ended_early_is_complete_and_stays_so(tmp_path, monkeypatch):
    source = data.load("digits")
    part = source._replace(train_images=source.train_images[:300], train_labels=source.train_labels[:300])
    monkeypatch.setattr(data, "load", lambda *args, **kwargs: part)
    made = run.start(configuration.complete(epochs=6, lr=1e-9, scheduler="constant", early_stopping=1, ema=0.9), tmp_path / "run")
    made.fit()
    assert made.is_complete and len(made.job.trainer.history) < 6 and not made.job.trainer.stopping
    again = run.resume(tmp_path / "run")
    assert again.is_complete and again.fit() == made.job.trainer.history
    saved = Classifier.load(tmp_path / "run" / "model.mcnn").model.state_dict()
    assert all(np.array_equal(saved[name].array, tensor.array) for name, tensor in again.best.model.items())


# Gradients, decay, classes, schedules


def test_clipping_bounds_the_norm_of_all_gradients_together():
    seen = []

    class Watch(Callback):
        def on_step_end(self, trainer):
            seen.append(np.sqrt(sum((p.grad.array**2).sum() for p in trainer.model.parameters())))

    make_trainer_with([Watch()], clip_norm=0.05).fit(*loaders(), 1)
    np.testing.assert_allclose(seen, 0.05, rtol=1e-3)
    seen.clear()
    make_trainer_with([Watch()]).fit(*loaders(), 1)
    assert min(seen) > 0.05


def test_decay_leaves_biases_and_norm_layers_alone():
    model = network()
    decayed, left = parameter_groups(model, 0.1)
    assert [tuple(p.shape) for p in decayed["params"]] == [(3, 1, 3, 3), (3, 12)] and decayed["weight_decay"] == 0.1
    assert len(left["params"]) == 4 and left["weight_decay"] == 0
    config = configuration.complete(decay_biases=False, weight_decay=0.25)
    groups = make_trainer(config, model, np.array([0, 1, 2]), 3).optimizer.param_groups
    assert [group["weight_decay"] for group in groups] == [0.25, 0]


def test_class_weights_reach_the_loss():
    labels = np.repeat([0, 1], [90, 10])
    config = configuration.complete(class_weight="balanced")
    np.testing.assert_allclose(loss_for(config, labels, 3).weight.numpy(), [100 / 180, 5, 1])
    assert loss_for(replace(config, class_weight=None), labels, 3).weight is None


def test_the_trainer_is_what_the_config_asks_for():
    labels, model = np.repeat([0, 1, 2], [8, 8, 4]), network()
    made = make_trainer(configuration.complete(clip_norm=0.7, ema=0.75, class_weight="balanced", label_smoothing=0.2), model, labels, 3)
    assert made.clip_norm == 0.7 and made.criterion.label_smoothing == 0.2
    np.testing.assert_allclose(made.criterion.weight.numpy(), [20 / 24, 20 / 24, 20 / 12], rtol=1e-6)
    made.average.update_parameters(model)
    before = model[0].weight.array.copy()
    model[0].weight.array[...] = 0
    made.average.update_parameters(model)
    np.testing.assert_allclose(made.average.module[0].weight.array, 0.75 * before, rtol=1e-6)
    plain = make_trainer(configuration.complete(), model, labels, 3)
    assert (plain.clip_norm, plain.average, plain.criterion.weight) == (None, None, None)


@pytest.mark.parametrize("name", sorted(set(SCHEDULERS) - {"plateau"}))
def test_schedules_stay_below_the_rate_and_end_low(name):
    for steps in (1, 2, 40):
        optimizer = optim.SGD([minicnn.zeros(1, requires_grad=True)], 0.5)
        scheduler, rates = make_scheduler(name, optimizer, 0.5, steps), []
        for _ in range(steps):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            if scheduler is not None:
                scheduler.step()
        assert max(rates) <= 0.5 + 1e-9 and min(rates) >= 0
    assert rates[-1] == 0.5 if name == "constant" else rates[-1] < 0.06 * 0.5


def test_plateau_lowers_the_rate_when_the_validation_loss_stands_still_also_when_gone_on_with(tmp_path):
    config = configuration.complete(scheduler="plateau", lr=1e-6, shift=0, epochs=9, optimizer="adam", batch_size=256)

    def trainer(*callbacks):
        minicnn.manual_seed(0)
        made = make_trainer(config, network(), np.arange(24) % 3, 3)
        made.callbacks = list(callbacks)
        return made

    whole = trainer()
    whole.fit(*loaders(), 9)
    rates = [record["learning_rate"] for record in whole.history]
    np.testing.assert_allclose(rates, [1e-6] * 4 + [2e-7] * 3 + [4e-8] * 2)      # after three epochs without a lower loss
    stopped = trainer(StopAt(14), Checkpoint(tmp_path / "state"))
    stopped.fit(*loaders(), 9)
    again = trainer(StopAt(0), Checkpoint(tmp_path / "state"))
    again.load_state_dict(load(tmp_path / "state"))
    again.fit(*loaders(), 9)
    assert again.history == whole.history and again.scheduler.num_bad_epochs == whole.scheduler.num_bad_epochs
    with pytest.raises(errors.BadValue, match="once an epoch"):
        Trainer(whole.model, whole.optimizer, whole.criterion, whole.scheduler, per="step")


@pytest.mark.parametrize("given", [dict(ema=1.0), dict(ema=0), dict(clip_norm=0), dict(early_stopping=0), dict(class_weight="even"),
                                   dict(decay_biases=1)])
def test_options_are_checked(given):
    with pytest.raises(errors.Error):
        configuration.complete(**given)
