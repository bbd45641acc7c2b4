"""How many threads the kernels on the CPU use."""

import os

from ..errors import BadValue


def _usable_cores():
    """OMP_NUM_THREADS, as every numerical library reads it, else the cores that this process may run on."""
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return int(wanted) if wanted.isdigit() and int(wanted) > 0 else cores


_chosen = [_usable_cores()]


def get_num_threads():
    """The number of threads that one operation on the CPU is shared out to."""
    return _chosen[0]


def threads_for(work, alone):
    """How many threads share work out: one for less than `alone`, which is done before another has woken up."""
    return 1 if work < alone else _chosen[0]


def set_num_threads(count):
    """Share every operation on the CPU out to `count` threads.

    Results are the same from run to run at one number of threads; between different numbers they differ by rounding.
    """
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise BadValue(f"set_num_threads expects a positive number, got {count!r}")
    _chosen[0] = count
