"""Machine code kept on disk: a file for each kernel and dtype, named by all that its content depends on.

Numba can do this itself, but: it takes a damaged file for a good one, or ends the program; it ends the program, too, where no folder can
be written to, or the disk is full; it does not see that a helper in another file has changed; and it numbers its files, so that
two processes which compile at once, for float32 and float64, can each leave its code under the other's number. Here a
file's name is a digest of what the code was made from, and it begins with a digest of what follows: nothing else is read, and
whatever goes wrong means compiling again.
"""

import os
import pickle
import sys
import tempfile
import time
from contextlib import suppress
from functools import cache
from hashlib import sha256
from importlib import resources
from pathlib import Path

import llvmlite
import numba
from numba.core.ccallback import CFunc
from numba.core.compiler import CompileResult
from numba.core.registry import cpu_target
from numba.core.runtime import rtsys
from numba.core.serialize import dumps

from ..compiling import tell

KEPT = 8                # files of one kernel: two dtypes, on computers with other CPUs that share the folder, in other versions
DIGEST = 32             # bytes of a sha256


# Files --------------------------------------------------------------------------------------------------------------------


@cache
def folders():
    """Where files are looked for: NUMBA_CACHE_DIR where it is set, else the package's folder and the user's."""
    if numba.config.CACHE_DIR:
        return (Path(numba.config.CACHE_DIR) / "minicnn",)
    import platformdirs

    return Path(__file__).parent / "__pycache__", Path(platformdirs.user_cache_dir("minicnn", appauthor=False)) / "kernels"


def folder():
    """The first of the folders that can be written to; None where there is none, and every process compiles for itself."""
    for place in folders():
        with suppress(OSError):
            place.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=place).close()
            return place
    return None


@cache
def _made_from():
    """What all machine code depends on: the files here, the compiler, and the CPU that it compiles for."""
    sources = sorted((file.name, file.read_bytes()) for file in resources.files(__package__).iterdir()
                     if file.name.endswith((".py", ".pyc")))
    return repr((sources, numba.__version__, llvmlite.__version__, sys.version_info[:2], numba.config.OPT,
                 cpu_target.target_context.codegen().magic_tuple()))


def _file_name(name, detail):
    return f"{name}-{sha256((_made_from() + detail).encode()).hexdigest()[:24]}.code"


def read(name, detail=""):
    """The bytes kept under a name and a detail (a signature, a dtype); None where there are none, or not those written."""
    for place in folders():
        path = place / _file_name(name, detail)
        with suppress(OSError):
            found = path.read_bytes()
            if sha256(found[DIGEST:]).digest() == found[:DIGEST]:
                with suppress(OSError):
                    os.utime(path)                          # used just now: among the last to be thrown away
                return found[DIGEST:]
    return None


def write(name, data, detail=""):
    """Keep bytes under a name and a detail, if that can be. The file is whole at any moment, whoever else writes it."""
    place = folder()
    if place is None:
        return
    path = place / _file_name(name, detail)
    part = path.with_suffix(f".{os.getpid()}.part")
    try:
        part.write_bytes(sha256(data).digest() + data)
        os.replace(part, path)
        _throw_away_old(place, name)
    except OSError:                                         # the disk is full, or the folder was taken away: so it is not kept
        with suppress(OSError):
            part.unlink()


def _throw_away_old(place, name):
    files = sorted(place.glob(f"{name}-*"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in files[KEPT:]:
        path.unlink(missing_ok=True)


# Functions ----------------------------------------------------------------------------------------------------------------


class _Cache:
    """What Numba asks for a function's machine code, and gives it to: it calls these two methods of its own cache."""

    def __init__(self, function):
        self.name = f"{function.__module__.rpartition('.')[2]}.{function.__name__}"        # two files may each have a `correlate`

    def load_overload(self, signature, target_context):
        data = read(self.name, str(signature))
        rtsys.initialize(target_context)                    # memory for arrays inside kernels
        with suppress(Exception):                           # whatever is wrong with it: it can be compiled again
            if data is not None:
                return CompileResult._rebuild(target_context, *pickle.loads(data))
        target_context.refresh()                            # Numba's own library, only for compiling: it takes as long as its import
        tell(self.name)
        self.began = time.perf_counter()
        return None

    def save_overload(self, signature, result):
        with suppress(Exception):
            write(self.name, dumps(result._reduce()), str(signature))
        tell(self.name, time.perf_counter() - self.began)


def compiled(function, signature):
    """A function as machine code that can be called by its `address`: from disk, or compiled and kept.

    Unless it `allocates`, it is compiled without the counts of references to arrays that Numba keeps: they cost up to a quarter of the
    time where a tile is short, and nobody needs them (`_nrt` is the option for the runtime that counts).
    """
    options = {"nopython": True, "error_model": "numpy", "_nrt": getattr(function, "allocates", False)}
    found = CFunc(function, (signature.args, signature.return_type), {}, options)
    found._cache = _Cache(function)
    found.compile()
    return found


def kept(dispatcher):
    """A function with `numba.njit`, whose machine code is kept here."""
    dispatcher._cache = _Cache(dispatcher.py_func)
    return dispatcher
