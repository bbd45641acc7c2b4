"""What every test on the "cuda" device starts from: errors of the simulated driver are the test's, and memory is fresh."""

from contextlib import nullcontext

import pytest
from helpers import cupy_on_cpu


@pytest.fixture(autouse=True)
def no_hidden_errors():
    """CuPy does not always pass on what fails in a function of the driver."""
    cupy_on_cpu.errors.clear()
    yield
    found, cupy_on_cpu.errors[:] = list(cupy_on_cpu.errors), []
    assert found == []


@pytest.fixture(autouse=True)
def fresh_memory():
    """What a kernel forgets to write is NaN, and not what another one has left there."""
    with cupy_on_cpu.fresh_memory() if cupy_on_cpu.started() else nullcontext():
        yield


@pytest.fixture(params=["first to last", "last to first"])
def order(request):
    """Both orders in which the simulated device can run its threads; a real one has its own."""
    if request.param == "last to first" and not cupy_on_cpu.started():
        pytest.skip("a real GPU orders its threads itself")
    with cupy_on_cpu.reversed_threads(request.param == "last to first"):
        yield request.param
