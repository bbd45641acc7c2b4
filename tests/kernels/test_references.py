"""Compiled kernels give back what they were lent: no array lives on because a kernel has counted a reference too many."""

import gc
import sys
from pathlib import Path

import numpy as np
import pytest

from minicnn import shapes

pytest.importorskip("numba")
cpu = pytest.importorskip("minicnn.kernels.cpu")
from helpers.threads import LEAST, threads_set_to  # noqa: E402
from minicnn.kernels.cpu import cache, launch, warmup  # noqa: E402

RNG = np.random.default_rng(0)
WINDOW, SQUARES = shapes.conv2d_window((4, 16, 12, 12), (16, 16, 3, 3), padding=1), shapes.pool2d_window((4, 16, 12, 12), 2)
X, DY, W = (RNG.standard_normal(shape).astype("f") for shape in ((4, 16, 12, 12), (4, 16, 12, 12), (16, 16, 3, 3)))
ROWS, OUT, TABLE = (RNG.standard_normal(shape).astype("f") for shape in ((64, 256), (64, 128), (128, 256)))
VECTOR, SCORES, LABELS = RNG.uniform(1, 2, 16).astype("f"), RNG.standard_normal((64, 10)).astype("f"), np.arange(64) % 10
NARROW = RNG.standard_normal((16, 2, 3, 3)).astype("f")         # two channels in eight groups

CALLS = {
    "conv2d": lambda: cpu.conv2d(X, W, VECTOR, WINDOW, 1), "conv2d_dx": lambda: cpu.conv2d_dx(DY, W, WINDOW, 1),
    "conv2d_dw": lambda: cpu.conv2d_dw(DY, X, WINDOW, 1), "groups": lambda: cpu.conv2d(X, NARROW, None, WINDOW, 8),
    "groups_dw": lambda: cpu.conv2d_dw(DY, X, WINDOW, 8), "max_pool2d": lambda: cpu.max_pool2d(X, SQUARES),
    "avg_pool2d": lambda: cpu.avg_pool2d(X, SQUARES, 4), "linear": lambda: cpu.linear(ROWS, TABLE, None),
    "linear_dx": lambda: cpu.linear_dx(OUT, TABLE), "linear_dw": lambda: cpu.linear_dw(OUT, ROWS),
    "linear_relu": lambda: cpu.linear_relu(ROWS, TABLE, None),
    "batch_statistics": lambda: cpu.batch_statistics(X, None, None, 0.1, 1e-5),
    "batch_norm": lambda: cpu.batch_norm(X, VECTOR, VECTOR, VECTOR, VECTOR),
    "batch_norm_dx": lambda: cpu.batch_norm_dx(DY, X, VECTOR, VECTOR, VECTOR), "channel_sums": lambda: cpu.channel_sums(X),
    "relu": lambda: cpu.relu(X), "relu_dx": lambda: cpu.relu_dx(DY, X), "add": lambda: cpu.add(X, DY),
    "softmax_cross_entropy": lambda: cpu.softmax_cross_entropy(SCORES, LABELS, -100),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("threads", [1, 2])
def test_no_reference_is_left(name, threads):
    arrays = X, DY, W, ROWS, OUT, TABLE, VECTOR, SCORES, LABELS, NARROW
    with threads_set_to(threads):
        CALLS[name]()                                           # compiled now
        gc.collect()
        before = [sys.getrefcount(a) for a in arrays]
        for _ in range(5):
            CALLS[name]()
    assert [sys.getrefcount(a) for a in arrays] == before


def test_only_kernels_that_make_arrays_count_references():
    """By their machine code, as it is kept; that of a helper that one kernel shares with another is part of both."""
    counting, dtype = {}, np.dtype("float32")
    for kernel in sorted(warmup.kernels(), key=lambda kernel: not hasattr(kernel, "allocates")):        # these first: see `allocates`
        launch.compiled_kernel(kernel, dtype)
        name = f"{kernel.__module__.rpartition('.')[2]}.{kernel.__name__}"
        counting[name] = b"NRT_incref" in cache.read(name, str(launch._signature(dtype))), hasattr(kernel, "allocates")
    assert len(counting) > 40 and {name: found for name, (found, wanted) in counting.items() if found is not wanted} == {}


def test_the_tests_know_all_that_small_work_goes_to_one_thread_in():
    """A module that they do not know would be tested with one thread alone."""
    sources = Path(cpu.__file__).parent.glob("*.py")
    assert {path.stem for path in sources if "threads_for(" in path.read_text()} == {module.__name__.rpartition(".")[2] for module, _ in LEAST}
