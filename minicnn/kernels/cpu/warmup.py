"""Compiles kernels beforehand: all of them, or in another process those that a training step needs last.

Numba compiles in one thread. While it compiles the forward pass, which has to wait for it, another process can compile the backward
pass and the optimizer's step: this one then finds them on disk.
"""

import atexit
import inspect
import os
import pkgutil
import subprocess
import sys
from importlib import import_module

import numpy as np

from .. import compiling
from ..threads import get_num_threads, set_num_threads
from . import launch
from .plan import record
from .pointwise import relu_loop


def kernels():
    """All functions here that are called as `launch.py` says: by nine arguments, the last of them (..., thread, threads)."""
    package = __package__
    modules = [import_module(f"{package}.{info.name}") for info in pkgutil.iter_modules(import_module(package).__path__)]
    return [function for module in modules for function in vars(module).values()
            if inspect.isfunction(function) and function.__module__ == module.__name__ and _is_kernel(function)]


NEEDED_LAST = ("steps.sgd_loop", "spread.spread", "direct.correlate_weights", "direct.unpack", "pointwise.scale_both", "pointwise.sums",
               "windows.max_pool_dx", "windows.sum_pool_dx", "pointwise.totals", "pointwise.relu_dx_loop")


def compile_needed_last(dtype="float32"):
    """What the other process does."""
    for name in NEEDED_LAST:
        module, function = name.split(".")
        launch.compiled_kernel(getattr(import_module(f"{__package__}.{module}"), function), np.dtype(dtype))


def start_another_process():
    """Have the kernels that are needed last compiled beside this process, where there is a core for it."""
    if (os.cpu_count() or 1) > 1:
        code = f"from {__name__} import compile_needed_last; compile_needed_last()"
        silent = {stream: subprocess.DEVNULL for stream in ("stdin", "stdout", "stderr")}
        atexit.register(subprocess.Popen([sys.executable, "-c", code], **silent).kill)


def _is_kernel(function):
    names = list(inspect.signature(function).parameters)
    return len(names) == launch.FLOAT_ARRAYS + 4 and [name.strip("_") for name in names[-2:]] == ["thread", "threads"]


def warmup(dtype):
    """Compile all kernels for a dtype, or find them on disk. Returns {name: seconds}, with 0 for those found."""
    dtype, seconds = np.dtype(dtype), {}

    def note(name, took):
        seconds[name] = took or 0

    with compiling.heard(note):
        _loops(dtype)                       # first: it waits for Numba itself to get ready
        for kernel in kernels():
            seconds.setdefault(f"{kernel.__module__.rpartition('.')[2]}.{kernel.__name__}", 0)
            launch.compiled_kernel(kernel, dtype)
    return seconds


def _loops(dtype):
    """The two loops that run kernels, by running one: alone, and shared out."""
    before, x = get_num_threads(), np.zeros(2, dtype)
    try:
        for threads in (1, 2):
            set_num_threads(threads)
            launch.launch(relu_loop, record(), x, np.empty_like(x))
    finally:
        set_num_threads(before)
