"""What can be chosen from outside, by environment variables.

    CUPY_ON_CPU_CACHE      the folder of compiled kernels; else the user's cache folder. Several processes may use one
    CUPY_ON_CPU_NVRTC      architectures, as 75,80,90,120: each of the project's own kernels is compiled for them by NVRTC as well, which
                           refuses what g++ accepts and a GPU does not
    CUPY_ON_CPU_REVERSE    1: threads and blocks run from the last to the first. A result that changes shows a race
    CUPY_ON_CPU_SANITIZE   1: kernels are compiled with the address and undefined-behaviour sanitizers, and every array has memory of its
                           own, so that an access beyond its end is found. Needs LD_PRELOAD (see tests/gpu/test_own_kernels.py)
"""

import os
from contextlib import contextmanager
from pathlib import Path

import platformdirs


def _given(name):
    return os.environ.get(f"CUPY_ON_CPU_{name}", "")


SANITIZE = _given("SANITIZE") == "1"
ARCHITECTURES = tuple(filter(None, _given("NVRTC").split(",")))

_order = {"reversed": _given("REVERSE") == "1"}


def is_reversed():
    return _order["reversed"]


@contextmanager
def reversed_threads(reverse=True):
    """Inside the block, threads and blocks run from the last to the first."""
    before, _order["reversed"] = _order["reversed"], reverse
    try:
        yield
    finally:
        _order["reversed"] = before


def cache_folder():
    """Where compiled kernels are kept, made when it is missing."""
    folder = Path(_given("CACHE") or Path(platformdirs.user_cache_dir("minicnn")) / "cupy_on_cpu")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
