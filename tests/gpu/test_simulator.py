"""The simulated device itself: what it counts, refuses and finds, by small kernels written for it."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers import cupy_on_cpu

cupy = pytest.importorskip("cupy")

pytestmark = [pytest.mark.gpu, pytest.mark.simulated_gpu]

ROOT = Path(__file__).parents[2]

# Sums 64 numbers by a tree. Each round reads what other threads wrote in the round before.
TREE_SUM = """
extern "C" __global__ void tree_sum(const float* x, float* y) {
    __shared__ float shared[64];
    const int t = threadIdx.x;
    shared[t] = x[t];
    __syncthreads();
    for (int half = 32; half > 0; half /= 2) {
        if (t < half) shared[t] += shared[t + half];
        __syncthreads();
    }
    if (t == 0) y[0] = shared[0];
}
"""


def tree_sum(x):
    y = cupy.zeros(1, np.float32)
    cupy.RawKernel(TREE_SUM, "tree_sum")((1,), (64,), (x, y))
    return float(y[0])


# Counting


def test_copies_waits_and_allocations_are_counted():
    with cupy_on_cpu.pooled_memory(), cupy_on_cpu.recorded() as events:
        x = cupy.asarray(np.ones(1000003, np.float32))
        y = x + 1
        float(y[0])
        cupy.cuda.Device().synchronize()
    assert events.count("host to device") == 1 and events.of("host to device")[0].what == "4000012"
    assert events.count("device to host") == 1
    assert events.count("synchronisation") == 3             # the copy back waits, and CuPy waits for it once more
    assert events.count("allocation") == 2
    assert sum(events.launches().values()) == 1


def test_a_scalar_is_no_copy_and_memory_is_used_again():
    with cupy_on_cpu.pooled_memory():
        x = cupy.ones(100, np.float32)
        y = x * 2
        del y
        with cupy_on_cpu.recorded() as events:
            x * 2
    assert {event.kind for event in events} == {"launch"}


def test_fresh_memory_is_nan():
    assert cupy.isnan(cupy.empty(100)).all()


# Finding


def test_threads_of_a_block_meet_at_barriers(order):
    assert tree_sum(cupy.arange(64, dtype=np.float32)) == 64 * 63 / 2


def test_a_missing_barrier_shows_in_one_order():
    x = cupy.arange(64, dtype=np.float32)
    found = []
    for reverse in (False, True):
        with cupy_on_cpu.reversed_threads(reverse), cupy_on_cpu.planted("tree_sum", "half];\n        __syncthreads();", "half];"):
            found.append(tree_sum(x))
    assert found[0] != found[1]


def test_warps_shuffle_while_others_wait():
    """The first warp sums by shuffles, and only it; the other comes to the next barrier of the block at once."""
    kernel = cupy.RawKernel("""
    extern "C" __global__ void first_warp(int* y) {
        __shared__ int total;
        int value = threadIdx.x;
        if (threadIdx.x < 32) {
            for (int half = 16; half > 0; half /= 2) value += __shfl_down_sync(0xffffffffu, value, half);
            if (threadIdx.x == 0) total = value;
        }
        __syncthreads();
        y[threadIdx.x] = total;
    }""", "first_warp")
    for reverse in (False, True):
        y = cupy.zeros(64, np.int32)
        with cupy_on_cpu.reversed_threads(reverse):
            kernel((1,), (64,), (y,))
        assert (y == 32 * 31 // 2).all()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_barrier_that_not_all_come_to_is_an_error():
    kernel = cupy.RawKernel("""
    extern "C" __global__ void apart() {
        if (threadIdx.x < 32) __syncwarp(); else __syncthreads();
        if (threadIdx.x < 32) __syncthreads(); else { __syncwarp(); __syncthreads(); }
        if (threadIdx.x < 16) __syncthreads(); else __syncwarp();
    }""", "apart")
    kernel((1,), (64,), ())
    assert "wait at a barrier" in str(cupy_on_cpu.errors.pop()[1])


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("grid, block", [((1,), (2048,)), ((1, 65536), (32,))], ids=str)
def test_a_launch_that_a_gpu_would_refuse_is_an_error(grid, block):
    cupy.RawKernel('extern "C" __global__ void nothing() {}', "nothing")(grid, block, ())
    assert "a GPU would refuse" in str(cupy_on_cpu.errors.pop()[1])


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_what_is_not_simulated_is_an_error():
    cupy.cuda.Stream(non_blocking=True).launch_host_func(print, None)
    assert "is not simulated" in str(cupy_on_cpu.errors.pop()[1])


# In a process of its own


def start(code, **environment):
    code = f"from helpers import cupy_on_cpu\ncupy_on_cpu.start()\nimport cupy, numpy as np\n{code}"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")]), **environment}
    return subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def end(process):
    """(status, output, errors)"""
    output, errors = process.communicate(timeout=300)
    return process.returncode, output.strip(), errors


@pytest.mark.parametrize("last, status", [("pass", 0), ("raise ValueError", 1), ("cupy_on_cpu.leave_with(3)", 3)])
def test_a_process_ends_with_its_status(last, status):
    assert end(start(f"x = cupy.zeros(3)\n{last}"))[0] == status


def test_nvrtc_refuses_what_only_the_cpu_s_compiler_takes():
    """A call of the C library is nothing that a GPU could do."""
    source = 'extern "C" __global__ void k(int* y) { y[0] = std::atoi("7"); }'
    code = f"cupy.RawKernel({source!r}, 'k')((1,), (1,), (cupy.zeros(1, np.int32),))"
    assert end(start(code, CUPY_ON_CPU_NVRTC=""))[0] == 0
    status, _, errors = end(start(code, CUPY_ON_CPU_NVRTC="75,120"))
    assert status == 1 and "atoi" in errors


def test_two_processes_may_compile_the_same_at_once(tmp_path):
    together = [start("print(float((cupy.arange(5.0) * 2).sum()))", CUPY_ON_CPU_CACHE=str(tmp_path)) for _ in range(2)]
    assert [end(process)[:2] for process in together] == [(0, "20.0")] * 2
