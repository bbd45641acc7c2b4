"""What every test starts from: one thread, no display, the same seeds, and GPU tests only where there is a GPU."""

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


def pytest_collection_modifyitems(items):
    """Skip the tests marked `gpu`, with the reason, where no GPU can be used."""
    marked = [item for item in items if item.get_closest_marker("gpu")]
    reason = arrays.why_no_gpu() if marked else None
    for item in marked if reason else ():
        item.add_marker(pytest.mark.skip(reason=reason))
