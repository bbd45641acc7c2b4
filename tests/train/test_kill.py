"""Killed at random moments, and gone on with, a training is the undisturbed one: some kills of many, see tests/killed.py."""

import os
import shutil
import subprocess
import sys

import pytest
from helpers import commands
from killed import RUNS, Differs, Killer, compare

from minicnn import errors, get_num_threads
from minicnn.serialize import load, save
from minicnn.train import config as configuration
from minicnn.train import run
from minicnn.train.alone import alone_in
from minicnn.train.environment import changes, environment

pytestmark = pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL there")


@pytest.mark.parametrize("number, kills", [(1, 3), (3, 3)])
def test_killed_and_gone_on_with_equals_undisturbed(tmp_path, number, kills):
    killer, options = Killer(tmp_path, seed=number), RUNS[number].replace("FOLDER", "images").split()
    whole, seconds = killer.undisturbed(options, "whole")
    compare(whole, killer.killed_until_complete(options, "parts", seconds, kills))
    assert 0 < killer.fell.total() <= kills


@pytest.fixture
def pair(tmp_path):
    """Two folders of the same run."""
    config = configuration.complete(epochs=1, ema=0.9, optimizer="adam", checkpoint_every=4)
    made = run.start(config, tmp_path / "whole")
    made.fit()
    shutil.copytree(tmp_path / "whole", tmp_path / "parts")
    compare(tmp_path / "whole", tmp_path / "parts")
    return tmp_path / "whole", tmp_path / "parts"


@pytest.mark.parametrize("path", [("model",), ("average",), ("random",), ("callbacks", 0, "record", "epoch"),
                                  ("optimizer", "state", 0, "exp_avg"), ("scheduler", "last_epoch")])
def test_the_comparison_sees_one_bit(pair, path):
    state = load(pair[1] / "checkpoint.mcnn")
    owner = state
    for key in path[:-1]:
        owner = owner[key]
    owner[path[-1]] = changed(owner[path[-1]])
    save(state, pair[1] / "checkpoint.mcnn")
    with pytest.raises(Differs, match="in checkpoint.mcnn: state." + str(path[0])):
        compare(*pair)


def changed(value):
    """The value with one bit flipped somewhere."""
    if isinstance(value, dict):
        key = next(key for key, part in value.items() if not isinstance(part, str))
        return {**value, key: changed(value[key])}
    if isinstance(value, int):
        return value ^ 1
    array = getattr(value, "array", value)
    array.reshape(-1).view("u1")[0] ^= 1
    return value


def test_the_comparison_sees_files_that_are_missing_or_different(pair):
    (pair[1] / "history.csv").write_text("")
    with pytest.raises(Differs, match="in history.csv"):
        compare(*pair)
    (pair[1] / "history.csv").unlink()
    with pytest.raises(Differs, match="only in one folder: {'history.csv'}"):
        compare(*pair)


# What is gone on with after a kill that fell before the first checkpoint, or into a save

def test_killed_before_the_first_checkpoint_it_begins_anew(pair):
    whole, parts = pair
    for path in parts.iterdir():
        if path.name != "config.json":
            path.unlink()
    (parts / ".0123456789abcdef.part").write_bytes(b"half of a file")
    run.resume(parts).fit()
    compare(whole, parts)


def test_what_a_killed_save_left_does_not_make_a_folder_used(tmp_path):
    (tmp_path / ".0123456789abcdef.part").write_bytes(b"half of a file")
    (tmp_path / ".0123456789abcdeg.part").mkdir()
    with pytest.raises(errors.DataError, match="is not empty"):
        run.make_folder(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".0123456789abcdeg.part"]
    (tmp_path / ".0123456789abcdeg.part").rmdir()
    assert run.make_folder(tmp_path) == tmp_path


# One at a time

HOLDS = "import sys, time\nfrom minicnn.train.alone import alone_in\nwith alone_in(sys.argv[1]):\n    print(flush=True)\n    time.sleep(60)"


def test_a_run_that_is_being_trained_is_not_gone_on_with(pair):
    holder = subprocess.Popen([sys.executable, "-c", HOLDS, pair[1]], stdout=subprocess.PIPE,
                              env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    holder.stdout.readline()
    with pytest.raises(errors.DataError, match="is being trained just now"):
        run.resume(pair[1])
    holder.kill()
    holder.communicate()
    run.resume(pair[1]).fit()


def test_the_folder_is_free_after_the_training(tmp_path):
    with alone_in(tmp_path):
        with pytest.raises(errors.DataError), alone_in(tmp_path):
            pass
    with alone_in(tmp_path):
        pass


def test_a_folder_is_trained_in_by_one_run(tmp_path):
    made = run.start(configuration.complete(epochs=1), tmp_path / "run")
    with alone_in(tmp_path / "run"), pytest.raises(errors.DataError, match="is being trained just now"):
        made.fit()
    assert not made.has_checkpoint


# Other versions

def test_other_versions_are_told_of_in_words(pair):
    state = load(pair[1] / "checkpoint.mcnn")
    assert run.resume(pair[1]).remarks == []
    save({**state, "environment": {**state["environment"], "NumPy": "1.0", "threads": "64"}}, pair[1] / "checkpoint.mcnn")
    (remark,) = run.resume(pair[1]).remarks
    assert "until now (NumPy 1.0, now " in remark and "; threads 64, now " in remark and "last digits" in remark
    del state["environment"]                        # as of a checkpoint from before there was such an entry
    save(state, pair[1] / "checkpoint.mcnn")
    assert run.resume(pair[1]).remarks == []


def test_the_environment_is_that_of_the_training(tmp_path, monkeypatch):
    before = environment()
    assert before["threads"] == str(get_num_threads()) and before["kernels"].startswith(("array", "compiled for vectors of"))
    assert set(before) >= {"minicnn", "Python", "NumPy", "system"} and changes(before) == []
    monkeypatch.setattr("minicnn.train.environment.get_num_threads", lambda: 999)
    monkeypatch.setattr("minicnn.train.environment.kernels.why_not_compiled", lambda: None if before["kernels"] == "array" else "a whim")
    assert {change.partition(" ")[0] for change in changes(before)} == {"threads", "kernels"}


def test_the_command_tells_of_another_environment(pair):
    (pair[1] / "results.json").unlink(missing_ok=True)
    state = load(pair[1] / "checkpoint.mcnn")
    save({**state, "environment": {**state["environment"], "NumPy": "1.0"}}, pair[1] / "checkpoint.mcnn")
    assert "(NumPy 1.0, now " in " ".join(commands.run("train", "--resume", pair[1]).output.split())


# Checkpoints within an epoch

def test_checkpoints_within_an_epoch_come_every_so_many_steps(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr("minicnn.train.callbacks.save", lambda state, path: seen.append((state["epoch"], state["step"])))
    made = run.start(configuration.complete(epochs=2, checkpoint_every=8), tmp_path / "run")
    made.fit()
    assert seen == [(0, 0), (0, 8), (0, 16), (1, 0), (1, 8), (1, 16), (2, 0), (2, 0)]


def test_waiting_is_counted_over_interruptions(pair):
    state = load(pair[1] / "checkpoint.mcnn")
    resumed = run.resume(pair[1])
    assert resumed.job.trainer.waiting.steps == state["waiting"]["steps"] > 10
    assert resumed.job.trainer.waiting.total == state["waiting"]["total"] > 0
