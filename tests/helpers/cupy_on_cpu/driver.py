"""CUDA's driver: a module is a shared library made by compiling.py, a function its launcher, a launch a call of that."""

import ctypes

from . import switches
from .capsules import replace
from .counters import note
from .runtime import handles, nothing, number

LAUNCHER = "launch_on_cpu_"
SHARED_MEMORY = 49152   # bytes a block may have
planted = {}            # {kernel: function that makes of a library's path that of one with a mistake}
_modules, _functions = {}, {}


def install():
    """Replace the driver's functions, before cupy is imported."""
    import cupy_backends.cuda.api.driver as driver

    replace(driver, FUNCTIONS)


def load_module(data):
    """A module from what the compiler gave: the path of a shared library."""
    handle = next(handles)
    _modules[handle] = bytes(data).decode()
    return handle


def get_function(module, name):
    handle = next(handles)
    _functions[handle] = launcher(_modules[module], name), name, _modules[module]
    return handle


def launcher(path, name):
    """The function of a shared library that launches a kernel."""
    return getattr(ctypes.CDLL(path), LAUNCHER + name)


def launch(function, gx, gy, gz, bx, by, bz, shared, stream, arguments, extra):
    """Run every thread of every block; a launch that a GPU would refuse is refused."""
    run, name, path = _functions[function]
    note("launch", name)
    if not (0 < bx * by * bz <= 1024 and bz <= 64 and gx > 0 and 0 < gy <= 65535 and 0 < gz <= 65535 and shared <= SHARED_MEMORY):
        raise ValueError(f"a GPU would refuse to launch {name}: grid {gx, gy, gz}, block {bx, by, bz}, {shared} bytes of shared memory")
    sizes = (ctypes.c_uint * 6)(gx, gy, gz, bx, by, bz)
    if name in planted:
        run = launcher(planted[name](path), name)
    if run(ctypes.c_void_p(arguments), sizes, ctypes.c_int(switches.is_reversed())):
        raise RuntimeError(f"{name}: threads of a block wait at a barrier that others never come to")


FUNCTIONS = {
    "moduleLoadData": load_module, "moduleUnload": nothing, "moduleGetFunction": get_function, "launchKernel": launch,
    "ctxGetCurrent": number(1), "ctxGetDevice": number(0), "funcSetAttribute": nothing,
    "funcGetAttribute": lambda attribute, function: 1024 if attribute == 0 else 0,
    "occupancyMaxPotentialBlockSize": lambda *_: (1, 128), "occupancyMaxActiveBlocksPerMultiprocessor": number(8),
}
