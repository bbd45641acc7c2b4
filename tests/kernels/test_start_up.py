"""Compiled kernels are the default, kept on disk, and no file, folder or thread that is not as it should be stops a program."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from minicnn import kernels

pytest.importorskip("numba")
cache = pytest.importorskip("minicnn.kernels.cpu.cache")

ROOT = Path(__file__).parents[2]

# Few kernels, for both dtypes; prints which ones were compiled, and whether the results are right.
PROGRAM = """
import numpy as np
import minicnn
from minicnn import kernels, shapes
minicnn.set_num_threads(2)
compiled = []
window = shapes.pool2d_window((2, 3, 80, 80), 2)                # so many pixels are shared out to threads
with kernels.compiling.heard(lambda name, seconds: compiled.append(name) if seconds else None):
    for dtype in ("float32", "float64"):
        x = np.arange(38400, dtype=dtype).reshape(2, 3, 80, 80)
        assert (kernels.of(x).max_pool2d(x, window)[0] == kernels.array.max_pool2d(x, window)[0]).all()
print(*compiled)
"""


def start(code, folder, **environment):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NUMBA_CACHE_DIR": str(folder), **environment}
    return subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            cwd=folder)


def output(process):
    out, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    return out.split()


def run(code, folder, **environment):
    return output(start(code, folder, **environment))


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A folder in which two processes, begun at the same time, have left what they compiled."""
    folder = tmp_path_factory.mktemp("kernels")
    together = [start(PROGRAM, folder) for _ in range(2)]
    compiled = [output(process) for process in together]
    assert all("windows.max_pool" in names for names in compiled), compiled         # they did compile at once
    return folder


@pytest.fixture
def folder(filled, tmp_path):
    return shutil.copytree(filled, tmp_path / "kernels")


def test_what_two_processes_compiled_at_once_serves_a_third(folder):
    assert run(PROGRAM, folder) == []
    assert list(folder.rglob("*.part")) == []


def test_damaged_files_are_compiled_anew(folder):
    """Cut off, overwritten, or empty; and mended by the way."""
    by_name = {path.name.split("-")[0]: path for path in sorted(folder.rglob("*.code"))}
    whole = by_name["windows.max_pool"].read_bytes()
    by_name["windows.max_pool"].write_bytes(whole[: len(whole) // 2])
    by_name["launch._share_out"].write_bytes(b"\0" * by_name["launch._share_out"].stat().st_size)
    by_name["tiles_float64"].write_bytes(b"")
    assert set(run(PROGRAM, folder)) == {"windows.max_pool", "launch._share_out", "tiles_float64"}
    assert run(PROGRAM, folder) == []


def test_from_a_zip_file(folder, tmp_path):
    """And it finds what the same files compiled as a folder."""
    package = tmp_path / "sources"
    shutil.copytree(ROOT / "minicnn", package / "minicnn", ignore=shutil.ignore_patterns("__pycache__", "*.npz"))
    archive = shutil.make_archive(str(tmp_path / "minicnn"), "zip", package)
    assert run(PROGRAM + "assert '.zip' in minicnn.__file__", folder, PYTHONPATH=archive) == []
    (tmp_path / "empty").mkdir()
    assert "windows.max_pool" in run(PROGRAM, tmp_path / "empty", PYTHONPATH=archive)


def test_for_another_cpu_everything_is_compiled_anew(folder):
    """A folder may be shared by different computers."""
    assert "windows.max_pool" in run(PROGRAM, folder, NUMBA_CPU_NAME="generic", NUMBA_CPU_FEATURES="")
    assert run(PROGRAM, folder) == []


def test_a_folder_that_cannot_be_written_to(folder, tmp_path):
    """Below a file there can be no folder: kernels are compiled, and not kept."""
    (tmp_path / "file").write_text("")
    assert "windows.max_pool" in run(PROGRAM, tmp_path, NUMBA_CACHE_DIR=str(tmp_path / "file"))


# In this process, with the files alone


@pytest.fixture
def places(tmp_path, monkeypatch):
    """Two folders in the place of the package's and the user's."""
    found = tmp_path / "package", tmp_path / "user"
    monkeypatch.setattr(cache, "folders", lambda: found)
    return found


def test_what_is_written_is_read(places):
    cache.write("kernel", b"code", "float32")
    assert cache.read("kernel", "float32") == b"code"
    assert cache.read("kernel", "float64") is None and cache.read("kernels", "float32") is None
    assert [path.parent for path in places[0].rglob("*")] == [places[0]]


def test_the_user_s_folder_serves_where_the_package_s_cannot_be_written_to(places):
    places[0].write_text("no folder")
    cache.write("kernel", b"code")
    assert cache.read("kernel") == b"code" and cache.folder() == places[1]


def test_a_folder_that_is_taken_away_meanwhile(places):
    cache.write("kernel", b"code")
    shutil.rmtree(places[0])
    assert cache.read("kernel") is None
    cache.write("kernel", b"code")
    assert cache.read("kernel") == b"code"


def test_a_full_disk(places, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    cache.write("kernel", b"code")
    assert cache.read("kernel") is None and list(places[0].iterdir()) == []


def test_old_files_do_not_pile_up(places):
    for number in range(30):
        cache.write("kernel", b"code", str(number))
        cache.write("kernel_dx", b"code", str(number))
    assert len(list(places[0].glob("kernel-*"))) == len(list(places[0].glob("kernel_dx-*"))) == cache.KEPT
    assert cache.read("kernel", "29") == b"code"


# Threads, and the default

AT_ONCE = """
import threading
import numpy as np
import numba
import minicnn
from minicnn import kernels
minicnn.set_num_threads(2)
x = np.arange(-5000, 5000, dtype="f").reshape(100, 100)
right = []
def loader():
    for _ in range(50):
        right.append((kernels.of(x).relu(x) == np.maximum(x, 0)).all())
threads = [threading.Thread(target=loader) for _ in range(3)]
[thread.start() for thread in threads], loader(), [thread.join() for thread in threads]
print(len(right), all(right), kernels.why_not_compiled() is None, numba.threading_layer())
"""


def test_numba_s_own_threads_with_loader_threads(folder):
    assert run(AT_ONCE, folder, NUMBA_THREADING_LAYER="workqueue") == ["200", "True", "True", "workqueue"]


def test_without_threads_the_array_kernels_are_used(tmp_path):
    """As where the layer that is asked for, here TBB, is missing."""
    code = """
import sys
sys.modules["numba.np.ufunc.tbbpool"] = None
from minicnn import kernels
import numpy as np
print(kernels.of(np.zeros(3)) is kernels.FORMS["array"], kernels.is_compiled(), kernels.folder(), kernels.why_not_compiled())
"""
    found = run(code, tmp_path, NUMBA_THREADING_LAYER="tbb")
    assert found[:3] == ["True", "False", "None"] and "threading" in found


def test_compiled_kernels_are_the_default():
    x = np.zeros(3, "f")
    assert kernels.of(x) is kernels.form("numba") is not kernels.FORMS["array"] and kernels.is_compiled()
    with kernels.using("array"):
        assert kernels.of(x) is kernels.FORMS["array"] and not kernels.is_compiled()


# Warming up, and the peak


def test_warming_up_finds_every_kernel():
    """By what each is called with: all that anything here hands to `launch`."""
    import re

    found = {kernel.__name__ for kernel in pytest.importorskip("minicnn.kernels.cpu.warmup").kernels()}
    sources = "\n".join(path.read_text() for path in (ROOT / "minicnn" / "kernels" / "cpu").glob("*.py"))
    launched = set(re.findall(r"\blaunch\((?:\w+\.)?(\w+),", sources)) - {"kernel"}
    assert len(launched) > 5 and launched <= found
    assert all(seconds >= 0 for seconds in kernels.warmup("float32").values())
    assert set(kernels.warmup("float32").values()) == {0}


def test_the_peak_is_measured():
    assert 1e8 < kernels.peak("float64") < kernels.peak("float32") < 1e13
