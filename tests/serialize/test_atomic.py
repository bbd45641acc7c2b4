"""A file is the old one or the whole new one: after a full disk, Ctrl-C, or a kill at any moment."""

import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from minicnn import errors
from minicnn.serialize import archive, atomic, load, save

pytestmark = pytest.mark.skipif(os.name != "posix", reason="tests POSIX permissions, links and signals")

OLD, NEW = {"epoch": 1}, {"epoch": 2, "w": np.zeros(1000)}


@pytest.fixture
def path(tmp_path):
    save(OLD, tmp_path / "m.mcnn")
    return tmp_path / "m.mcnn"


def names(folder):
    return sorted(entry.name for entry in folder.iterdir())


@pytest.mark.parametrize("interruption", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("where", [(archive, "write_member"), (os, "fsync"), (os, "replace")])
def test_an_interrupted_save_leaves_the_old_file_and_nothing_else(path, monkeypatch, interruption, where):
    def interrupt(*_, **__):
        raise interruption
    monkeypatch.setattr(*where, interrupt)
    with pytest.raises(type(interruption)):
        save(NEW, path)
    assert load(path) == OLD
    assert names(path.parent) == ["m.mcnn"]


def run(code, path):
    return subprocess.Popen([sys.executable, "-c", code, str(path)], cwd=Path(__file__).parents[2])


KILLED_BEFORE_RENAME = """
import os, sys
import numpy as np
from minicnn.serialize import save
os.replace = lambda *_: os._exit(9)
save({"epoch": 2, "w": np.zeros(1000)}, sys.argv[1])
"""

WITHOUT_SPACE = """
import resource, sys
import numpy as np
from minicnn.serialize import save
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    save({"epoch": 2, "w": np.zeros(1000)}, sys.argv[1])
except OSError:
    sys.exit(3)
"""

SAVES_FOREVER = """
import sys
import numpy as np
from minicnn.serialize import save
for epoch in range(10**9):
    save({"epoch": epoch, "w": np.full(50_000, epoch)}, sys.argv[1])
"""


def test_a_kill_between_write_and_rename_leaves_the_old_file(path):
    assert run(KILLED_BEFORE_RENAME, path).wait(60) == 9
    assert load(path) == OLD
    save(NEW, path)                                # what the killed one left behind is in nobody's way
    assert load(path)["epoch"] == 2


def test_a_file_that_may_not_grow_leaves_the_old_one(path):
    """As on a full disk: the system itself refuses a write in the middle."""
    assert run(WITHOUT_SPACE, path).wait(60) == 3
    assert load(path) == OLD
    assert names(path.parent) == ["m.mcnn"]


@pytest.mark.parametrize("moment", range(5))
def test_a_kill_at_any_moment_leaves_a_whole_file(path, moment):
    process = run(SAVES_FOREVER, path)
    try:
        deadline = time.monotonic() + 60
        while load(path) == OLD and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.0037 * moment)
        state = load(path)                         # what a reader sees while the writer goes on is whole as well
        assert (state["w"] == state["epoch"]).all()
    finally:
        process.kill()
        process.wait()
    state = load(path)
    assert (state["w"] == state["epoch"]).all()


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_permissions_are_those_of_any_new_file(tmp_path, mask):
    old = os.umask(mask)
    try:
        save(OLD, tmp_path / "m.mcnn")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "m.mcnn").stat().st_mode) == 0o666 & ~mask


def test_a_symbolic_link_stays_a_link(path):
    link = path.with_name("latest.mcnn")
    link.symlink_to(path.name)
    save(NEW, link)
    assert link.is_symlink()
    assert load(path)["epoch"] == 2


@pytest.mark.parametrize("place, words", [("missing/m.mcnn", "there is no folder"), (".", "it is a folder"),
                                          ("/dev/null", "not a plain file")])
def test_a_place_where_no_file_can_be_is_named(tmp_path, place, words):
    with pytest.raises(errors.DataError, match=words):
        save(OLD, tmp_path / place)


def test_the_block_of_replacing_may_fail(path):
    with pytest.raises(ZeroDivisionError), atomic.replacing(path) as file:
        file.write(b"half a file")
        1 / 0  # noqa: B018
    assert load(path) == OLD


def test_an_error_names_the_file_and_not_the_temporary_one(tmp_path, monkeypatch):
    def refuse(path, mode):
        raise FileNotFoundError(2, "No such file or directory", path)

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(FileNotFoundError) as caught, atomic.replacing(tmp_path / "state"):
        pass
    assert caught.value.filename == str(tmp_path / "state")
