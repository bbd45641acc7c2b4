"""A full disk, in every command that writes: one line that names the file, and good files stay what they were."""

import os
import shutil
import subprocess
import sys

import pytest
from helpers import commands

FULL = "No space left on device"


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained") / "run"
    assert commands.run("train", "--epochs", 1, "--output", folder, "--quiet").exit_code == 0
    return folder


WRITING = (
    ("data", "sheet", "--output", "sheet.png"),
    ("data", "statistics", "--output", "looked-at"),
    ("evaluate", "RUN", "--report", "page.html"),
    ("compare", "--epochs", 1, "--seeds", 1, "--optimizers", "sgd", "--schedulers", "constant", "--output", "compared"),
)


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("words", WRITING, ids=lambda words: " ".join(map(str, words[:2])))
def test_what_was_written_before_stays(trained, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    words = [trained if word == "RUN" else word for word in words]
    assert commands.run(*words).exit_code == 0
    before = contents(tmp_path)
    assert before

    def full(handle):
        raise OSError(28, FULL)

    monkeypatch.setattr(os, "fsync", full)
    message = commands.refused(*words)
    assert message.startswith(str(tmp_path)) and message.endswith(FULL)
    assert contents(tmp_path) == before


def in_a_small_filesystem(folder, kilobytes, command):
    """The outcome of a shell command in a file system of so many kilobytes, and what was in it afterwards, copied to folder/found."""
    (folder / "small").mkdir()
    script = f"mount -t tmpfs -o size={kilobytes}k none small && {{ cd small; {command}; status=$?; cd ..; cp -a small found; exit $status; }}"
    return subprocess.run(["unshare", "--map-root-user", "--mount", "sh", "-c", script], cwd=folder, capture_output=True, text=True,
                          timeout=300, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})


def why_no_small_filesystem(folder):
    if shutil.which("unshare") is None:
        return "unshare, which gives a process a file system of its own, is not installed"
    tried = in_a_small_filesystem(folder, 100, "true")
    return tried.stderr.strip() if tried.returncode else None


@pytest.mark.parametrize("kilobytes, file", [(100, "checkpoint.mcnn"), (600, "checkpoint.mcnn"), (1150, "report.html")])
def test_a_training_in_a_file_system_that_is_full(tmp_path, kilobytes, file):
    """The first checkpoint, one that replaces another, and what is written after the training."""
    (tmp_path / "try").mkdir()
    why = why_no_small_filesystem(tmp_path / "try")
    if why:
        pytest.skip(why)
    pytest.importorskip("jinja2")
    outcome = in_a_small_filesystem(tmp_path, kilobytes, f"{sys.executable} -m minicnn train --epochs 2 --report --output run")
    assert outcome.returncode == 2, outcome.stderr
    assert outcome.stderr.count("\n") == 1 and outcome.stderr.endswith(f"/run/{file}: {FULL}\n")
    found = tmp_path / "found" / "run"
    assert not list(found.glob(".*")) and not (found / "results.json").exists()
    assert ("minicnn train --resume run" in outcome.stdout) == (found / "checkpoint.mcnn").exists()
    resumed = commands.run("train", "--resume", found)                        # there is room now
    assert resumed.exit_code == 0 and (found / "results.json").exists()
    whole = commands.run("train", "--epochs", 2, "--output", tmp_path / "whole")
    assert whole.exit_code == 0
    for name in ("history.csv", "model.mcnn", "results.json"):
        assert (found / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
