"""What every test starts from: one thread, no display, the same seeds, and GPU tests only where there is a GPU, real or simulated."""

import os

for library in ("OMP", "OPENBLAS", "MKL"):              # before NumPy starts its threads
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

import pytest  # noqa: E402
from hypothesis import settings  # noqa: E402

import minicnn  # noqa: E402
from minicnn import arrays  # noqa: E402

# The same examples every time: a red run can be repeated, and a green one is not luck.
settings.register_profile("repeatable", derandomize=True, deadline=None, print_blob=True)
# HYPOTHESIS_PROFILE=search looks for new counterexamples, far longer.
settings.register_profile("search", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


@pytest.fixture(autouse=True)
def same_seed():
    """The default stream starts from 0 in every test, whichever ran before."""
    minicnn.manual_seed(0)


def pytest_addoption(parser):
    parser.addoption("--simulated-gpu", action="store_true",
                     help="run the tests marked `gpu` by CuPy on the CPU (tests/helpers/cupy_on_cpu)")


def pytest_configure(config):
    """Before anything imports cupy."""
    if config.getoption("simulated_gpu"):
        from helpers import cupy_on_cpu

        cupy_on_cpu.start()


def pytest_sessionfinish(session, exitstatus):
    if session.config.getoption("simulated_gpu"):
        from helpers import cupy_on_cpu

        cupy_on_cpu.leave_with(int(exitstatus))


def pytest_collection_modifyitems(config, items):
    """Skip, with the reason, the tests marked `gpu` where no GPU can be used, and those that need the other kind of GPU."""
    marked = [item for item in items if item.get_closest_marker("gpu")]
    reason = arrays.why_no_gpu() if marked else None
    simulated = config.getoption("simulated_gpu")
    for item in marked:
        why = reason or why_not_this_gpu(item, simulated)
        if why:
            item.add_marker(pytest.mark.skip(reason=why))


def why_not_this_gpu(item, simulated):
    """None, or why a test cannot run on the simulated GPU, or on a real one."""
    if simulated and item.get_closest_marker("real_gpu"):
        return f"not simulated: {item.get_closest_marker('real_gpu').args[0]}"
    if not simulated and item.get_closest_marker("simulated_gpu"):
        return "needs the counters of the simulated GPU: --simulated-gpu"
    return None
