"""The configuration: completed by defaults, checked, and the same after a round trip through its file."""

import json

import pytest

from minicnn import errors
from minicnn.models import create
from minicnn.train import config as configuration
from minicnn.train.choices import OPTIMIZERS, SCHEDULERS, make_optimizer, make_scheduler


def test_defaults_depend_on_data_set_and_optimizer():
    assert configuration.complete().model == "small_cnn"
    assert configuration.complete("mnist", epochs=2).model == "lenet5"
    assert (configuration.complete().lr, configuration.complete(optimizer="adamw").lr) == (0.1, 0.003)
    assert configuration.complete(lr=0.5, optimizer="adamw").lr == 0.5


@pytest.mark.parametrize("given, message", [
    (dict(dataset="cats"), "unknown data set 'cats'; there are digits, fashion-mnist, mnist, cifar10, cifar100, folder"),
    (dict(model="vgg"), "unknown model 'vgg'"),
    (dict(optimizer="sgdd"), "unknown optimizer 'sgdd'; there are sgd, adam"),
    (dict(scheduler="triangle"), "unknown scheduler 'triangle'"),
    (dict(epochs=0), "epochs must be 1 or more"),
    (dict(epochs=10**400), "epochs must be 1,000,000,000 or less"),
    (dict(lr=10**400), "lr must be finite"),
    (dict(data_dir=5), "data_dir must be a path or null, got 5"),
    (dict(epochs=1.5), "epochs must be an integer"),
    (dict(batch_size=0), "batch_size must be 1 or more"),
    (dict(lr=float("nan")), "lr must be finite"),
    (dict(lr=-1.0), "lr must be greater than 0"),
    (dict(lr=float("inf")), "lr must be finite"),
    (dict(weight_decay=-1e-3), "weight_decay must be 0 or more"),
    (dict(label_smoothing=1.0), "label_smoothing must be at least 0 and below 1"),
    (dict(shift=-1), "shift must be 0 or more"),
    (dict(seed=-1), "seed must be 0 or more"),
    (dict(image_size=0), "image_size must be 1 or more"),
    (dict(image_size=5000), "image_size must be 4,096 or less"),
    (dict(workers=-1), "workers must be 0 or more"),
    (dict(workers=10**6), "workers must be 64 or less"),
    (dict(augment="flip,spin"), "unknown augmentation 'spin'; there are flip, vflip, crop"),
    (dict(augment=["flip"]), "augment must be names with commas"),
    (dict(augment="mixup,cutmix"), "exclude each other"),
    (dict(broken="ignore"), "unknown way with broken files 'ignore'"),
])
def test_what_makes_no_sense_is_refused(given, message):
    with pytest.raises(errors.Error, match=message):
        configuration.complete(**given)


def test_round_trip(tmp_path):
    config = configuration.complete(lr=0.1 + 0.2, seed=2**40)
    configuration.write(config, tmp_path / "config.json")
    assert configuration.read(tmp_path / "config.json") == config


@pytest.mark.parametrize("change", [
    lambda text: "{", lambda text: "[]", lambda text: json.dumps({**json.loads(text), "more": 1}), lambda text: "\x00",
    lambda text: text.replace('"seed"', '"sead"'), lambda text: text.replace('"epochs": 30', '"epochs": "30"'),
    lambda text: text.replace('"epochs": 30', '"epochs": NaN'), lambda text: text.replace('"digits"', "[]"),
])
def test_other_files_are_refused(tmp_path, change):
    path = tmp_path / "config.json"
    configuration.write(configuration.complete(), path)
    path.write_text(change(path.read_text()))
    with pytest.raises(errors.Error):
        configuration.read(path)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("scheduler", SCHEDULERS)
@pytest.mark.parametrize("steps", [1, 2, 10])
def test_every_choice_works_for_any_number_of_steps(optimizer, scheduler, steps):
    model = create("small_cnn", width=1)
    opt = make_optimizer(optimizer, model.parameters(), 0.1, 1e-4)
    schedule, rates = make_scheduler(scheduler, opt, 0.1, steps), []
    for _ in range(steps):
        opt.step()
        rates.append(opt.param_groups[0]["lr"])
        if schedule is not None:
            schedule.step(*[1.0] * (scheduler == "plateau"))
    assert max(rates) <= 0.1 + 1e-9
    if scheduler == "step" and steps == 10:
        assert [round(rate, 9) for rate in rates] == [0.1] * 4 + [0.01] * 4 + [0.001] * 2


def test_a_file_from_before_there_was_augmentation_is_read(tmp_path):
    path = tmp_path / "config.json"
    configuration.write(configuration.complete(), path)
    old = {name: value for name, value in json.loads(path.read_text()).items()
           if name not in ("image_size", "augment", "broken", "workers")}
    path.write_text(json.dumps(old))
    assert configuration.read(path) == configuration.complete()


def test_threads_where_images_are_augmented_one_by_one():
    assert [configuration.complete(augment=text).workers for text in ("", "mixup", "flip", "flip, mixup")] == [0, 0, 2, 2]
    assert configuration.complete(augment="flip", workers=0).workers == 0


def test_a_file_of_nothing_but_brackets_is_refused(tmp_path):
    (tmp_path / "deep.json").write_text("[" * 200_000)
    with pytest.raises(errors.DataError, match="deep.json is not a configuration"):
        configuration.read(tmp_path / "deep.json")
