"""The compiler in NVRTC's place: a kernel's CUDA source becomes a shared library by g++, with `cuda_on_cpu.h` for what CUDA adds to C++.

Libraries are kept in a folder, under a hash of all that went into them. Two processes may make the same one at once: each writes a
file of its own, and moves it to its place when it is whole. Most of the time goes into CuPy's headers, which are compiled once.
"""

import hashlib
import importlib.metadata
import importlib.util
import os
import re
import subprocess
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from . import driver, switches
from .driver import LAUNCHER, SHARED_MEMORY

HERE = Path(__file__).parent
OPTIONS = ["-std=c++17", "-w", "-fPIC", "-fpermissive", "-U_FORTIFY_SOURCE"]
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined", "-g"]
HEADERS = ("cuda_on_cpu.h", "cupy/complex.cuh", "cupy/carray.cuh", "cupy/atomics.cuh", "cupy/math_constants.h")

own = set()             # names of the project's own kernels that were compiled, CuPy's being those called cupy_...
_made = {}              # {path of a library: (source, names of its kernels, options)}
_nvrtc = []             # CuPy's function that calls it


def install():
    """Put g++ in the place of CuPy's compiler. Imports cupy: the runtime, driver and libraries must be replaced already."""
    os.environ["CUPY_ACCELERATORS"] = ""                    # CUB is not simulated
    os.environ["CUPY_CACHE_IN_MEMORY"] = "1"                # CuPy's own cache on disk is for a GPU's binaries
    import cupy
    from cupy.cuda import compiler

    _nvrtc.append(compiler._compile_using_nvrtc_no_warning)
    compiler._compile_using_nvrtc_no_warning = compiler.compile_using_nvrtc = compile_kernel
    compiler._preprocess = lambda *_: "cupy_on_cpu"         # the part of the key of CuPy's cache that NVRTC would give
    if switches.SANITIZE:
        cupy.cuda.set_allocator(None)                       # no pool: an array's memory ends where the array does


def compile_kernel(source, options=(), arch=None, filename="", name_expressions=None, *_, **__):
    """What NVRTC's wrapper returns, (binary, names): here the path of a shared library."""
    if name_expressions:
        raise NotImplementedError("templates, named by name_expressions, are not simulated")
    names = re.findall(r"__global__\s+(?:__launch_bounds__\s*\([^)]*\)\s*)?void\s+(?:__launch_bounds__\s*\([^)]*\)\s*)?(\w+)\s*\(", source)
    path = _library(source, names, options)
    if _is_own(names):
        own.update(names)
        for architecture in switches.ARCHITECTURES:
            _check_by_nvrtc(source, options, path, architecture)
    return str(path).encode(), None


def _is_own(names):
    return not all(name.startswith("cupy_") for name in names)


def _library(source, names, options):
    definitions = [option for option in options if option.startswith("-D")]
    sanitizers = SANITIZERS if switches.SANITIZE and _is_own(names) else []
    path = build(_as_cpp(source, names), ["-O1", *sanitizers, *definitions, *_include_options()], headers=True)
    _made[str(path)] = source, names, options
    return path


def compile_own(architecture):
    """Compile the project's own kernels that were used so far by NVRTC: how many there were."""
    found = [(path, made) for path, made in _made.items() if _is_own(made[1])]
    for path, (source, _, options) in found:
        _check_by_nvrtc(source, options, Path(path), architecture)
    return len(found)


@contextmanager
def planted(kernel, old, new):
    """Inside the block, a kernel is run with a mistake: with `new` where its source has `old`. Do the checks notice?"""

    def mistaken(path):
        source, names, options = _made[path]
        if old not in source:
            raise ValueError(f"{old!r} is not in the source of {kernel}:\n{source}")
        return str(_library(source.replace(old, new, 1), names, options))

    driver.planted[kernel] = mistaken
    try:
        yield
    finally:
        del driver.planted[kernel]


def _as_cpp(source, names):
    """The source as C++: shared memory whose size is given at launch becomes an array, and each kernel gets a launcher."""
    source = re.sub(r"extern\s+__shared__\s+(?:__align__\(\d+\)\s*)?([\w:<> ]+?)\s+(\w+)\s*\[\s*\]",
                    rf"static \1 \2[{SHARED_MEMORY} / sizeof(\1)]", source)
    has_barriers = str(bool(re.search(r"__sync|__shfl|__ballot|__any|__all", source))).lower()
    return "\n".join([source, *(f"LAUNCHER({LAUNCHER}{name}, {name}, {has_barriers})" for name in names), ""])


def _check_by_nvrtc(source, options, path, architecture):
    """Compile a kernel for an architecture; raises CuPy's CompileException where NVRTC refuses it."""
    binary = path.with_suffix(f".sm_{architecture}.cubin")
    if not binary.exists():
        compiled, _ = _nvrtc[0](source, options, architecture, "kernel.cu", None, None, True)
        _write(binary, compiled)


# g++ -------------------------------------------------------------------------------------------------------------------------


def build(source, options, headers=False):
    """The path of the shared library that g++ makes of a source; headers: behind CUDA's and CuPy's headers."""
    options = [*OPTIONS, *map(str, options)]
    path = _place(source, options, "so")
    if not path.exists():
        _write(path.with_suffix(".cpp"), source.encode())
        ahead = ["-include", _precompiled(tuple(options))] if headers else []
        _gxx([*options, "-shared", *ahead, path.with_suffix(".cpp")], path)
    return path


@cache
def _precompiled(options):
    """The headers, compiled ahead with the same options: what is to be included, beside which g++ finds them."""
    path = _place("headers", options, "h")
    compiled = path.with_suffix(".h.gch")
    if not compiled.exists():
        _write(path, "".join(f"#include <{header}>\n" for header in HEADERS).encode())
        _gxx([*options, "-x", "c++-header", path], compiled)
    return path


def _gxx(arguments, path):
    made = path.with_name(f"{path.name}.{os.getpid()}")
    done = subprocess.run(["g++", *arguments, "-o", made], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"g++ cannot compile {path.with_suffix('.cpp')}:\n{done.stderr[:4000]}")
    os.replace(made, path)


def _write(path, content):
    made = path.with_name(f"{path.name}.{os.getpid()}")
    made.write_bytes(content)
    os.replace(made, path)


def _place(source, options, suffix):
    key = hashlib.sha256("\0".join([_version(), source, *options]).encode()).hexdigest()[:24]
    return switches.cache_folder() / f"{key}.{suffix}"


@cache
def _version():
    """Changes with our sources, with CuPy and with g++."""
    version = subprocess.run(["g++", "--version"], capture_output=True, text=True, check=True).stdout
    ours = [path.read_text(encoding="utf-8") for path in sorted([*HERE.glob("*.h"), *HERE.glob("*.cpp"), *HERE.glob("include/cupy/*")])]
    return hashlib.sha256("\0".join([importlib.metadata.version("cupy-cuda12x"), version, *ours]).encode()).hexdigest()


@cache
def _include_options():
    """Our headers before CuPy's: those of half precision and complex numbers stand in for CuPy's, which need CUDA's."""
    packages = _packages()
    return [f"-I{path}" for path in (HERE, HERE / "include", packages / "cupy/_core/include", packages / "nvidia/cuda_runtime/include")]


def _packages():
    """The folder that CuPy was installed in."""
    return Path(importlib.util.find_spec("cupy").origin).parents[1]
