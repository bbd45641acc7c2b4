"""The run folder: what is in it, that it is never overwritten, and that an interrupted run is gone on with exactly."""

import json
from dataclasses import replace

import pytest

from minicnn import data, errors
from minicnn.models import Classifier
from minicnn.serialize import load, save
from minicnn.train import Callback, Diverged, Trainer, run
from minicnn.train import config as configuration
from minicnn.train.opening import open_classifier
from minicnn.train.results import evaluate_saved


@pytest.fixture
def small(monkeypatch):
    """A config for a fifth of the digits, and two epochs."""
    source = data.load("digits")
    part = source._replace(train_images=source.train_images[:360], train_labels=source.train_labels[:360])
    monkeypatch.setattr(data, "load", lambda *args, **kwargs: part)
    return configuration.complete(epochs=2, seed=3)


class StopAt(Callback):
    def __init__(self, step):
        self.step = step

    def on_step_end(self, trainer):
        if trainer.epoch * 100 + trainer.step == self.step:
            trainer.stop()


def trained(config, folder, stop=None):
    made = run.start(config, folder)
    made.job.trainer.callbacks.append(StopAt(stop))
    made.fit()
    return made


def evaluated(path, *arguments, **options):
    return evaluate_saved(open_classifier(path), path, *arguments, **options)


def test_what_a_run_leaves_behind(small, tmp_path):
    made = trained(small, tmp_path / "run")
    outcome, figures = made.test()
    assert {path.name for path in (tmp_path / "run").iterdir()} == set(run.FILES)
    assert configuration.read(tmp_path / "run" / "config.json") == small
    lines = (tmp_path / "run" / "history.csv").read_text().splitlines()
    assert lines[0] == "epoch,learning_rate,train_loss,train_accuracy,val_loss,val_accuracy" and len(lines) == 3
    assert [float(cell) for cell in lines[2].split(",")] == list(made.job.trainer.history[1].values())
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert results == figures and results["accuracy"] == outcome.accuracy == (outcome.predictions == outcome.labels).mean()
    assert sum(map(sum, results["confusion_matrix"])) == results["images"] == 72


def test_the_saved_model_is_the_best_epochs(small, tmp_path):
    made = trained(small, tmp_path / "run")
    outcome, _ = made.test()
    name, again, *_ = evaluated(tmp_path / "run")
    assert name == "digits" and (again.probabilities == outcome.probabilities).all()
    about = open_classifier(tmp_path / "run" / "model.mcnn").about
    assert about["epoch"] == made.best_epoch and about["val_accuracy"] == made.best.record["val_accuracy"]
    best = max(made.job.trainer.history, key=lambda record: (record["val_accuracy"], -record["val_loss"]))
    assert best["epoch"] == made.best_epoch
    _, validation, *_ = evaluated(tmp_path / "run", part="validation")
    assert validation.accuracy == best["val_accuracy"]


@pytest.mark.parametrize("stop", [1, 4, 101])
def test_resumed_equals_undisturbed_byte_for_byte(small, tmp_path, stop):
    trained(small, tmp_path / "whole")
    stopped = trained(small, tmp_path / "parts", stop)
    assert not stopped.is_complete and (tmp_path / "parts" / "model.mcnn").exists()
    resumed = run.resume(tmp_path / "parts")
    resumed.fit()
    for name in ("history.csv", "model.mcnn", "learning-curve.png"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "parts" / name).read_bytes(), name


def test_stopped_before_the_test_it_can_still_be_made(small, tmp_path):
    trained(small, tmp_path / "run")
    resumed = run.resume(tmp_path / "run")
    assert resumed.is_complete
    resumed.fit()
    assert resumed.test()[1]["best_epoch"] == resumed.best_epoch


def test_folders_are_numbered_and_never_used_twice(small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert [str(run.start(small).folder) for _ in range(2)] == ["runs/digits-small_cnn-001", "runs/digits-small_cnn-002"]
    (tmp_path / "runs" / "digits-small_cnn-003").write_text("in the way")
    assert run.start(small).folder.name == "digits-small_cnn-004"
    with pytest.raises(errors.DataError, match="is not empty.*--resume runs/digits-small_cnn-001"):
        run.start(small, "runs/digits-small_cnn-001")
    with pytest.raises(errors.DataError, match="is not a folder"):
        run.start(small, "runs/digits-small_cnn-003")


def test_what_cannot_be_resumed(small, tmp_path):
    with pytest.raises(errors.DataError, match="there is no folder"):
        run.resume(tmp_path / "absent")
    with pytest.raises(errors.DataError, match="has no config.json: it is not the folder of a run"):
        run.resume(tmp_path)
    folder = trained(small, tmp_path / "run", stop=1).folder
    checkpoint = load(folder / "checkpoint.mcnn")
    for state in ([], {}, {**checkpoint, "model": {}}, {**checkpoint, "optimizer": None}, {**checkpoint, "random": {"seed": 1}}):
        save(state, folder / "checkpoint.mcnn")
        with pytest.raises(errors.DataError, match="is not a checkpoint of this run"):
            run.resume(folder)
    (folder / "results.json").write_text("{}")
    with pytest.raises(errors.DataError, match="complete"):
        run.resume(folder)


def test_what_cannot_be_evaluated(small, tmp_path):
    made = run.start(small, tmp_path / "run")
    with pytest.raises(errors.DataError, match="has no model.mcnn"):
        evaluated(tmp_path / "run")
    with pytest.raises(errors.DataError, match="there is no run folder"):
        evaluated(tmp_path / "absent")
    classifier = made.job.classifier
    classifier.about = {}
    classifier.save(tmp_path / "model.mcnn")
    with pytest.raises(errors.DataError, match="does not say what it was trained on"):
        evaluated(tmp_path / "model.mcnn")
    other = Classifier("lenet5", {"image_size": 28}, classifier.classes, (1, 28, 28), [0.5], [0.5], classifier.style)
    other.save(tmp_path / "other.mcnn")
    with pytest.raises(errors.DataError, match="takes images of 1x28x28, those of digits are 1x8x8"):
        evaluated(tmp_path / "other.mcnn", "digits")


def test_a_full_disk_leaves_the_last_good_files(small, tmp_path, monkeypatch):
    made = trained(small, tmp_path / "run", stop=101)
    before = {path.name: path.read_bytes() for path in made.folder.iterdir()}

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        run.resume(made.folder).fit()
    assert {path.name: path.read_bytes() for path in made.folder.iterdir()} == before


def test_other_settings_are_not_gone_on_with(small, tmp_path):
    folder = trained(small, tmp_path / "run", stop=1).folder
    configuration.write(replace(small, optimizer="adam", epochs=3), folder / "config.json")
    with pytest.raises(errors.DataError, match="config.json has changed since it was written, in epochs, optimizer"):
        run.resume(folder)
    configuration.write(replace(small, data_dir="moved"), folder / "config.json")
    assert run.resume(folder).job.config.data_dir == "moved"


def test_a_diverged_run_is_kept_as_soon_as_something_was_reached(small, tmp_path, monkeypatch):
    made = run.start(small, tmp_path / "run")
    step = made.job.trainer.train_step

    def diverge(x, labels):
        step(x, labels)
        if made.job.trainer.epoch == 1:
            raise Diverged

    made.job.trainer.train_step = diverge
    with pytest.raises(Diverged):
        made.fit()
    assert open_classifier(made.folder).about["epoch"] == 1
    with pytest.raises(Diverged):
        monkeypatch.setattr(Trainer, "train_step", lambda *args: (_ for _ in ()).throw(Diverged))
        trained(small, tmp_path / "other")
    assert not (tmp_path / "other").exists()
