"""The project's own kernels: a GPU's compiler takes them for every architecture, and the sanitizers find nothing in them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import cupy_on_cpu
from helpers.devices import run_own_kernels

cupy = pytest.importorskip("cupy")

pytestmark = [pytest.mark.gpu, pytest.mark.simulated_gpu]

ROOT = Path(__file__).parents[2]
ARCHITECTURES = [75, 80, 90, 120]           # Turing, Ampere, Hopper, Blackwell


@pytest.fixture(scope="module")
def used():
    """All own kernels have been used in this process."""
    with cupy_on_cpu.pooled_memory():
        run_own_kernels()


def written():
    """The names of the kernels in the sources of minicnn/kernels/gpu."""
    text = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "minicnn" / "kernels" / "gpu").glob("*.py"))
    return set(re.findall(r'"(minicnn_\w+)"|__global__ void (\w+)', text))


def test_none_was_left_out(used):
    names = {one or other for one, other in written()}
    assert len(names) > 10 and names <= cupy_on_cpu.own_kernels()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_nvrtc_compiles_every_own_kernel(used, architecture):
    assert cupy_on_cpu.compile_own(architecture) >= len(cupy_on_cpu.own_kernels()) > 0


# The sanitizers: in a process of its own, for their libraries must be loaded first -----------------------------------------------

RUN = """
from helpers import cupy_on_cpu
cupy_on_cpu.start()
import cupy
"""
OVERRUN = """
cupy.RawKernel('extern "C" __global__ void overrun(const float* x, float* y) { y[threadIdx.x] = x[threadIdx.x + 1]; }', "overrun")(
    (1,), (8,), (cupy.zeros(8, "float32"), cupy.zeros(8, "float32")))
"""
ODD = """
cupy.RawKernel('extern "C" __global__ void odd(int* y) { y[0] = 1 << (threadIdx.x + 40); }', "odd")((1,), (1,), (cupy.zeros(1, "int32"),))
"""
EVERYTHING = """
from helpers.devices import run_own_kernels
run_own_kernels()
print(len(cupy_on_cpu.own_kernels()), "kernels", cupy_on_cpu.errors)
"""


def sanitized(code):
    """A Python program with its kernels under the address and undefined-behaviour sanitizers."""
    libraries = [subprocess.run(["g++", f"-print-file-name=lib{name}.so"], capture_output=True, text=True).stdout.strip()
                 for name in ("asan", "ubsan")]
    if not all(map(os.path.isabs, libraries)):
        pytest.skip("g++ comes without its sanitizers here")
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    environment = {**os.environ, "PYTHONPATH": paths, "LD_PRELOAD": " ".join(libraries), "ASAN_OPTIONS": "detect_leaks=0",
                   "CUPY_ON_CPU_SANITIZE": "1", "PYTHONMALLOC": "malloc"}
    return subprocess.run([sys.executable, "-c", RUN + code], env=environment, capture_output=True, text=True, timeout=900)


def test_the_sanitizers_find_what_is_wrong():
    assert "heap-buffer-overflow" in sanitized(OVERRUN).stderr
    assert "shift exponent 40 is too large" in sanitized(ODD).stderr


def test_the_sanitizers_find_nothing_in_the_own_kernels():
    done = sanitized(EVERYTHING)
    assert done.returncode == 0, done.stderr[-4000:]
    assert "kernels []" in done.stdout and "runtime error" not in done.stderr and "Sanitizer" not in done.stderr, done.stderr[-4000:]
