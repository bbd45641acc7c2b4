"""Ctrl-C in a real process: it stops in good order, says how to go on, and what is gone on with equals the undisturbed run."""

import os
import signal
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner

from minicnn.cli import main

pytestmark = pytest.mark.skipif(os.name == "nt", reason="SIGINT cannot be sent to a single process there")


def start(folder, *words):
    return subprocess.Popen([sys.executable, "-u", "-m", "minicnn", "train", *words], cwd=folder, text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})


def read_until(process, text):
    for line in process.stdout:
        if text in line:
            return
    raise AssertionError(process.stderr.read())


def test_interrupted_and_resumed_equals_undisturbed(tmp_path):
    whole = start(tmp_path, "--epochs", "4", "--output", "whole")
    parts = start(tmp_path, "--epochs", "4", "--output", "parts")
    read_until(parts, "best so far")
    time.sleep(0.1)                                                        # somewhere within the second epoch
    parts.send_signal(signal.SIGINT)
    output, errors = parts.communicate(timeout=60)
    assert (parts.returncode, errors) == (130, "")
    assert "Stopped after " in output and "\n  minicnn train --resume parts\n" in output
    assert {"model.mcnn", "checkpoint.mcnn", "config.json", "history.csv", "learning-curve.png"} == set(os.listdir(tmp_path / "parts"))

    resumed = start(tmp_path, "--resume", "parts")
    output, errors = resumed.communicate(timeout=60)
    assert (resumed.returncode, errors) == (0, "") and "Training, from epoch " in output
    whole.communicate(timeout=60)
    for name in ("history.csv", "results.json", "model.mcnn", "learning-curve.png", "confusion-matrix.png", "mistakes.png"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "parts" / name).read_bytes(), name


def test_ctrl_c_before_the_training_is_one_line(tmp_path):
    code = "import minicnn.cli.train as t, os, signal\nfrom minicnn.cli import main\n" \
           "signal.signal(signal.SIGINT, signal.default_int_handler)\n" \
           "t.runs.start = lambda *args: os.kill(os.getpid(), signal.SIGINT)\nmain(['train'])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60,
                           env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert (found.returncode, found.stderr) == (130, "\nError: interrupted\n")


@pytest.mark.parametrize("broken", ["minicnn.train.Trainer.train_step", "minicnn.train.run.Run.test"])
def test_the_second_ctrl_c_says_how_to_go_on(tmp_path, monkeypatch, broken):
    def interrupted(*args):
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(broken, interrupted)
    result = CliRunner().invoke(main, ["train", "--epochs", "1", "--output", "a run"])
    assert result.exit_code == 130 and "Interrupted. What was reached" in result.output
    assert result.output.endswith("\n  minicnn train --resume 'a run'\n")
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(main, ["train", "--resume", "a run", "--quiet"]).exit_code == 0
