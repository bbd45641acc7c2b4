"""cuBLAS and cuRAND: shared libraries under their names, in which what the project needs is a plain loop and all else aborts.

Which functions they must have is read from CuPy's own modules, whose imports would fail else.
"""

import ctypes
import importlib.util
import re
import subprocess
from pathlib import Path

from . import counters
from .compiling import HERE, build

LIBRARIES = {"cublas": ("libcublas.so.12", "blas.cpp"), "curand": ("libcurand.so.10", "rand.cpp")}
ABORT = """#include <cstdio>
#include <cstdlib>
static void abort_in(const char* name) { fprintf(stderr, "cupy_on_cpu: %s is not simulated\\n", name); abort(); }
"""
_loaded = {}


def install():
    """Load the libraries, and have CuPy find them when it looks for NVIDIA's."""
    import cuda.pathfinder as pathfinder

    for library in LIBRARIES:
        _loaded[library] = ctypes.CDLL(str(_built(library)), ctypes.RTLD_GLOBAL)
    counters.products[0] = lambda: ctypes.c_longlong.in_dll(_loaded["cublas"], "products").value
    search = pathfinder.load_nvidia_dynamic_lib
    names = {"cublas": "cublas", "cublasLt": "cublas", "curand": "curand"}
    pathfinder.load_nvidia_dynamic_lib = lambda name: Found(names[name]) if name in names else search(name)


class Found:
    """What the search for a library gives."""

    was_already_loaded_from_elsewhere, found_via = False, "cupy_on_cpu"

    def __init__(self, library):
        self.abs_path, self._handle_uint = _loaded[library]._name, _loaded[library]._handle


def _built(library):
    """Beside what is simulated, a weak function for each that CuPy's module refers to: it gives way to a simulated one of its name."""
    soname, source = LIBRARIES[library]
    stubs = "\n".join(f'extern "C" __attribute__((weak)) void {name}() {{ abort_in("{name}"); }}' for name in _called(library))
    return build(f"{ABORT}{stubs}\n", ["-O2", f"-Wl,-soname,{soname}", HERE / source])


def _called(library):
    """The library's functions that CuPy's module calls."""
    module = Path(importlib.util.find_spec("cupy_backends").origin).parent / "cuda" / "libs"
    (path,) = module.glob(f"{library}.*.so")
    symbols = subprocess.run(["nm", "-D", "--undefined-only", path], capture_output=True, text=True, check=True).stdout
    return sorted(set(re.findall(rf"\b{library}[A-Z]\w*", symbols)))
