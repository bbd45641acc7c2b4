"""The real CuPy on a machine without a GPU: its CUDA driver replaced, its kernels compiled by g++ and run on the CPU.

    from helpers import cupy_on_cpu

    cupy_on_cpu.start()                         # before anything imports cupy
    with cupy_on_cpu.recorded() as events:
        ...                                     # whatever runs on "cuda"
    events.count("launch")

What is real: everything that the installed, unmodified wheel does in Python and Cython: which dtype comes out, broadcasting, the checks of
arguments, the sources of the kernels that CuPy writes, the memory pool, the pinned memory, what is copied and when. What is replaced:

    runtime.py    CUDA's runtime: device memory is the computer's own, filled with NaN when it is allocated; every copy, wait and
                  allocation is counted
    driver.py     CUDA's driver: a module is a shared library, a launch calls each thread of each block one after the other
    compiling.py  the compiler: g++ with `cuda_on_cpu.h` in NVRTC's place; NVRTC beside it, where that is asked for
    libraries.py  cuBLAS's matrix products and cuRAND's generators, as plain loops (blas.cpp, rand.cpp)

Environment (switches.py): what is compiled how, where it is kept, in which order the threads run.

Not simulated: Thrust and CUB (sort, argsort, permutation), float16, cupyx.jit, `cupy.random.default_rng`; that anything happens at the
same time as anything else; and speed. What passes here has not been tested on a GPU: rounding, TF32, races that depend on time and the
driver's own refusals show only there.
"""

import atexit
import os
import sys

from . import switches
from .counters import EVENTS, Events, errors, recorded
from .switches import reversed_threads

_status = []


def start():
    """Let the process use the simulated device. Must come before the first import of cupy; a second call does nothing."""
    if sys.modules.get("cupy_backends"):
        if started():
            return
        raise RuntimeError("cupy was imported before the simulator was started")
    from . import compiling, driver, libraries, runtime

    runtime.install()
    driver.install()
    libraries.install()
    compiling.install()
    atexit.register(_leave)


def leave_with(status):
    """Say what the process is to end with, when it comes to its end."""
    _status.append(status)


def _leave():
    """End without clearing up: CuPy would call the replaced functions when Python has already taken what they are made of apart."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(_status[-1] if _status else int(hasattr(sys, "last_value")))


def fresh_memory():
    """A context in which every array has memory of its own, full of NaN, and none that a right result was left in."""
    import cupy

    return cupy.cuda.using_allocator(None)


def pooled_memory():
    """A context in which arrays get their memory from CuPy's pool, as programs have it."""
    import cupy

    return cupy.cuda.using_allocator(cupy.get_default_memory_pool().malloc)


def planted(kernel, old, new):
    """A context in which a kernel is run with a mistake in its source: see compiling.py."""
    from . import compiling

    return compiling.planted(kernel, old, new)


def own_kernels():
    """The names of the project's own kernels that were compiled so far."""
    from . import compiling

    return compiling.own


def compile_own(architecture):
    """Compile the own kernels that were used so far by NVRTC, as 75 or 90; how many there were. Raises CuPy's CompileException."""
    from . import compiling

    return compiling.compile_own(architecture)


def started():
    """Whether cupy runs on the simulated device in this process."""
    from . import runtime

    return bool(runtime.installed)
