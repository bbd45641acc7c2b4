"""`minicnn doctor`: what this machine offers, what minicnn uses of it, and why not the rest."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version

import click

from .. import __version__, cuda, get_num_threads, kernels
from .show import heading, make_console

PACKAGES = ("numpy", "numba", "scipy", "pillow", "matplotlib")
GPU_PACKAGES = ("cupy-cuda12x", "cupy-cuda13x", "cupy")
WORTH_NAMING = ("avx", "avx2", "fma", "avx512f", "avx512vl", "neon", "sve")


@click.command(short_help="Say what this machine offers, and why not a GPU.")
def doctor():
    """Say what this machine offers: the CPU and its compiled kernels, the GPU or why there is none that can be used, and the
    versions of what minicnn stands on. To be added to a report of a problem.
    """
    console = make_console()
    for title, facts in (("Versions", versions()), ("CPU", about_cpu()), ("GPU", about_gpu())):
        heading(console, title)
        for name, fact in facts.items():
            console.print(f"  {name:<18} {fact}", markup=False, soft_wrap=True)


def versions():
    """{package: version} of what is installed."""
    found = {"minicnn": __version__, "Python": platform.python_version(), "system": platform.platform()}
    for package in (*PACKAGES, *GPU_PACKAGES):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            if package in PACKAGES:
                found[package] = "not installed"
    return found


def about_cpu():
    """The CPU, and the kernels that are compiled for it."""
    reason, threads = kernels.why_not_compiled(), f"{get_num_threads()}, {cores()} cores usable"
    if reason:
        return {"name": cpu_name(), "threads": threads, "compiled kernels": f"none, the array kernels are used: {reason}"}
    return {"name": cpu_name(), "instructions": " ".join(instructions()), "threads": threads,
            "compiled kernels": f"yes, for vectors of {vector_bytes()} bytes",
            "kept in": str(kernels.folder() or "") or "no folder: none can be written to; set NUMBA_CACHE_DIR"}


def about_gpu():
    """The GPU, or why there is none."""
    reason = cuda.why_not_available()
    if reason:
        return {"usable": "no", "why": reason}
    (free, total), (runtime, driver) = cuda.mem_get_info(), cuda.get_versions()
    return {"usable": "no, it is simulated on the CPU, for tests" if cuda.is_simulated() else "yes", "name": cuda.get_device_name(),
            "capability": ".".join(map(str, cuda.get_device_capability())), "memory": f"{total / 1e9:.1f} GB, {free / 1e9:.1f} GB free",
            "CUDA": f"{runtime}, the driver is for {driver}"}


def cpu_name():
    """The CPU as the system calls it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def cores():
    """On how many cores this process may run."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def instructions():
    """Of the instructions that kernels are compiled for, those that speed depends on."""
    from llvmlite.binding import get_host_cpu_features

    given = get_host_cpu_features()
    return [name for name in WORTH_NAMING if given.get(name)]


def vector_bytes():
    from ..kernels.cpu.vector import MACHINE

    return MACHINE.bytes
