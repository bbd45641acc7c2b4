"""`minicnn check-pipeline`, `minicnn compare`, and the options of `minicnn train` for the practice of training."""

import csv
import json
import os

import numpy as np
import pytest
from helpers.commands import refused, run
from PIL import Image

from minicnn import data
from minicnn.cli import main
from minicnn.train import checks
from minicnn.train import compare as comparing
from minicnn.train import config as configuration


@pytest.fixture
def few(monkeypatch):
    """A fifth of the digits."""
    source = data.load("digits")
    part = source._replace(train_images=source.train_images[:360], train_labels=source.train_labels[:360])
    monkeypatch.setattr(data, "load", lambda *args, **kwargs: part)


def test_a_sound_training_passes_all_checks(tmp_path):
    result = run("check-pipeline", "--output", tmp_path / "seen")
    assert result.exit_code == 0, result.output
    assert sum(line.startswith("passed") for line in result.output.splitlines()) == len(checks.ALL)
    assert {path.name for path in (tmp_path / "seen").iterdir()} == {"learning-rate-range.png", "gradients.png"}
    with Image.open(tmp_path / "seen" / "learning-rate-range.png") as picture:
        assert picture.size[0] > 500


def test_a_rate_100_times_too_high_fails_and_says_why():
    result = run("check-pipeline", "--lr", "10")
    lines = result.output.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("failed  learning rate"))
    assert result.exit_code == 1 and "explodes from" in lines[at] and "expected: " in lines[at + 1] and "usual causes: " in lines[at + 2]


def test_train_checks_in_short_and_leaves_the_training_as_it_is(few, tmp_path, monkeypatch):
    shown = run("train", "--epochs", 1, "--output", tmp_path / "a").output
    assert "checks: inputs, outputs, loss at the start, examples kept apart, gradients: passed" in shown
    run("train", "--epochs", 1, "--output", tmp_path / "b", "--quiet")          # which makes no checks
    assert (tmp_path / "a" / "history.csv").read_bytes() == (tmp_path / "b" / "history.csv").read_bytes()
    monkeypatch.setattr("minicnn.models.Classifier.normalise", lambda self, images: images.astype(np.float32))
    assert "failed  inputs" in run("train", "--epochs", 1, "--output", tmp_path / "c").output


def test_train_takes_the_practice_of_training(few, tmp_path):
    result = run("train", "--epochs", 2, "--ema", 0.9, "--clip-norm", 1, "--class-weight", "balanced", "--no-decay-biases",
                 "--early-stopping", 5, "--scheduler", "warmup-cosine", "--output", tmp_path / "run")
    assert result.exit_code == 0, result.output
    config = configuration.read(tmp_path / "run" / "config.json")
    assert (config.ema, config.clip_norm, config.class_weight, config.decay_biases, config.early_stopping) == (0.9, 1, "balanced", False, 5)
    assert run("train", "--ema", 2).exit_code == 2


def test_compare_ends_in_a_table_and_a_picture(few, tmp_path):
    result = run("compare", "--optimizers", "sgd,adam", "--schedulers", "constant", "--lrs", "sgd=1e-9", "--epochs", 2, "--seeds", 2,
                 "--output", tmp_path / "seen")
    assert result.exit_code == 0, result.output
    rows = list(csv.DictReader((tmp_path / "seen" / "comparison.csv").read_text().splitlines()))
    assert [row["optimizer"] for row in rows] == ["adam", "sgd"] and rows[1]["lr"] == "1e-09"      # the best first
    found = json.loads((tmp_path / "seen" / "comparison.json").read_text())
    finals = [epochs[-1] for epochs in found[0]["epochs"]]
    assert found[0]["accuracy"] == pytest.approx(np.mean(finals)) and found[0]["deviation"] == pytest.approx(np.std(finals, ddof=1))
    assert np.shape(found[0]["epochs"]) == (2, 2)
    assert (tmp_path / "seen" / "comparison.png").stat().st_size > 5000


def test_a_training_that_diverges_is_counted(few, tmp_path):
    result = run("compare", "--optimizers", "sgd", "--schedulers", "constant", "--lrs", "sgd=1e30", "--epochs", 1, "--seeds", 1, "--output", tmp_path)
    assert result.exit_code == 0 and "Infinity" not in (tmp_path / "comparison.json").read_text()
    assert json.loads((tmp_path / "comparison.json").read_text())[0]["diverged"] == 1


@pytest.mark.parametrize("words, message", [
    (["compare", "--optimizers", "sgd,sgdd"], "unknown optimizer 'sgdd'"),
    (["compare", "--lrs", "sgd"], "not of the form"),
    (["compare", "--optimizers", "adam", "--lrs", "sgd=0.1"], "sgd, which is not compared"),
    (["compare", "--seeds", 0], "--seeds"),
    (["check-pipeline", "--lr", "-1"], "lr must be greater than 0"),
])
def test_mistakes_are_told_in_one_line(words, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(*words)
    assert result.exit_code == 2 and message in result.stderr and result.stderr.count("\n") == 1


@pytest.mark.parametrize("words", [("check-pipeline", "--output"), ("compare", "--output"), ("data", "statistics", "--output")])
def test_a_place_that_cannot_be_written_to_is_said_before_the_work(words, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(data, "load", lambda *args, **kwargs: pytest.fail("work was begun"))
    result = run(*words, tmp_path / "file" / "folder")
    assert result.exit_code == 2 and "file" in result.output and len(result.output.splitlines()) == 1


@pytest.mark.parametrize("words", [("evaluate", "absent run", "--report"), ("data", "sheet", "--output"), ("bench", "--json"),
                                   ("bench", "--picture"), ("profile", "lenet5", "--json")])
def test_a_file_that_cannot_be_written_is_said_before_the_work(words, tmp_path, monkeypatch):
    assert f"there is no folder {tmp_path / 'absent'}; make it first" in refused(*words, tmp_path / "absent" / "x.png")
    assert "it is a folder" in refused("evaluate", "absent run", "--report", "")
    monkeypatch.setattr(os, "access", lambda *args: False)
    assert refused(*words, tmp_path / "x.png") == f"{tmp_path / 'x.png'}: Permission denied"


@pytest.mark.parametrize("command", ["check-pipeline", "compare"])
def test_names_of_models_are_those_of_train(command):
    assert "resnet20" in run(command, "--model", "small_cnm").output and "invalid" not in run(command, "--model", "small-cnn", "--help").output
    context = main.commands[command].make_context(command, ["--model", "small-cnn"])
    assert context.params["model"] == "small_cnn"


def test_a_comparison_keeps_what_was_reached_when_it_is_interrupted(few, tmp_path, monkeypatch):
    trained, history = iter([True, True]), comparing._history

    def interrupted(*words):
        if next(trained, False):
            return history(*words)
        raise KeyboardInterrupt

    monkeypatch.setattr(comparing, "_history", interrupted)
    result = run("compare", "--optimizers", "sgd,adam,adamw", "--schedulers", "constant", "--seeds", 1, "--epochs", 1, "--output", tmp_path)
    assert result.exit_code == 130 and len(json.loads((tmp_path / "comparison.json").read_text())) == 2
