"""Compiles all kernels beforehand."""

import inspect
import pkgutil
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


def _is_kernel(function):
    names = list(inspect.signature(function).parameters)
    return len(names) == launch.FLOAT_ARRAYS + 4 and names[-2:] == ["thread", "threads"]


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
