"""With what a training is computed: its bits depend on that, besides on its Config and its data."""

import platform
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from .. import __version__, get_num_threads, kernels

OPTIONAL = {"Numba": "numba", "Pillow": "pillow"}


def versions():
    """{"minicnn": "0.1", "NumPy": "2.5.1", ...} of what computes; what is not installed is left out."""
    found = {"minicnn": __version__, "Python": platform.python_version(), "NumPy": np.__version__}
    for name, package in OPTIONAL.items():
        try:
            found[name] = version(package)
        except PackageNotFoundError:
            pass
    return found


def environment():
    """{name: value}, all strings: the versions, the system, and how the kernels are computed."""
    system = f"{platform.system()} {platform.machine()}"
    return {**versions(), "system": system, "kernels": how_computed(), "threads": str(get_num_threads())}


def how_computed():
    """Which kernels the CPU uses. The width of its vectors decides in which order numbers are added."""
    if kernels.why_not_compiled():
        return "array"
    from ..kernels.cpu.vector import MACHINE

    return f"compiled for vectors of {MACHINE.bytes} bytes"


def changes(before):
    """["NumPy 2.4.0, now 2.5.1", ...]: what is not as in an earlier `environment()`."""
    now = environment()
    pairs = {name: (before.get(name, "none"), now.get(name, "none")) for name in {**before, **now}}
    return [f"{name} {then}, now {value}" for name, (then, value) in pairs.items() if then != value]
