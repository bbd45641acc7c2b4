"""What all benchmarks share: options, threads, taking turns, the machine, and how results are written."""

import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent
TURN_SECONDS = 0.05             # how long a contender works before the next one has its turn


# Options -------------------------------------------------------------------------------------------------------------------


def make_parser(documentation, seconds=None, threads=None, isa=False):
    """A parser with the options that all scripts have; the module's docstring is its help, examples included.

    seconds, threads  defaults of options that not every script has; None: without the option
    """
    parser = argparse.ArgumentParser(description=documentation, formatter_class=Help)
    parser.add_argument("--json", metavar="FILE", type=Path, help="write results, settings and the machine here")
    parser.add_argument("--picture", metavar="FILE", type=Path, help="draw the results: .png, .pdf or .svg")
    if seconds is not None:
        parser.add_argument("--seconds", type=float, default=seconds, help="of measuring, for each line of the table")
    if threads is not None:
        parser.add_argument("--threads", type=positive, default=threads, help="of every contender")
    if isa:
        parser.add_argument("--isa", choices=["native", "avx2"], default="native", help="avx2: hold both sides to AVX2, as on a laptop")
    return parser


def positive(text):
    """For options: a whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1, got {text!r}")
    return int(text)


class Help(argparse.RawDescriptionHelpFormatter, argparse.ArgumentDefaultsHelpFormatter):
    """Help with the description as it is written, and with defaults where there are any."""

    def _get_help_string(self, action):
        return super()._get_help_string(action) if action.default not in (None, False) else action.help


def parse(parser, arguments=None):
    """The options; where AVX2 is asked for, in a process that starts anew with it."""
    chosen = parser.parse_args(arguments)
    if getattr(chosen, "isa", "native") == "avx2":
        start_again_with(avx2_settings())
    return chosen


# AVX2 only -------------------------------------------------------------------------------------------------------------------


def avx2_settings():
    """The environment in which nobody uses wider vectors: oneDNN, PyTorch, its MKL; Numba, NumPy, its OpenBLAS."""
    from numpy._core._multiarray_umath import __cpu_dispatch__ as numpys

    return {
        "ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2", "MKL_ENABLE_INSTRUCTIONS": "AVX2",
        "NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "+avx,+avx2,+fma,+f16c,+bmi,+bmi2,+sse4.2,+popcnt",
        "OPENBLAS_CORETYPE": "Haswell", "NPY_DISABLE_CPU_FEATURES": " ".join(f for f in numpys if f.startswith(("AVX512", "X86_V4"))),
    }


def start_again_with(settings):
    """Run this very command in the given environment, in this process's place; return where it is so already."""
    if any(os.environ.get(name) != value for name, value in settings.items()):
        sys.stdout.flush()
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], os.environ | settings)


def check_avx2(with_torch):
    """Raise unless both libraries say that they use AVX2: a comparison with one of them held back would be worth nothing."""
    from minicnn.kernels.cpu.vector import MACHINE

    if MACHINE.bytes != 32:
        raise SystemExit(f"minicnn does not use AVX2, but vectors of {MACHINE.bytes} bytes")
    if with_torch:
        import torch

        if torch.backends.cpu.get_cpu_capability() != "AVX2":
            raise SystemExit(f"PyTorch does not use AVX2, but {torch.backends.cpu.get_cpu_capability()}")


# Threads and time ------------------------------------------------------------------------------------------------------------


def set_threads(count, with_torch):
    """The same number for everybody; Numba first, because it sets OpenMP's number for the whole process."""
    import minicnn
    from minicnn import kernels

    if "numba" not in sys.modules:
        os.environ["NUMBA_NUM_THREADS"] = str(count)
    minicnn.set_num_threads(count)
    with kernels.using("numba"):
        pass
    if with_torch:
        import torch

        torch.set_num_threads(count)


def make_ready(chosen, with_torch):
    """Threads as the options say; where AVX2 is asked for, a check that it is what is used."""
    set_threads(chosen.threads, with_torch)
    if chosen.isa == "avx2":
        check_avx2(with_torch)


def take_turns(steps, seconds, least=5):
    """{name: times in s}: the contenders take turns, so that whatever else the machine does disturbs all of them alike.

    A turn lasts TURN_SECONDS. Its first step is not counted: the threads of the one before still wait for work then, and keep
    cores busy with it; and the cache holds what others used.
    """
    times, end = {name: [] for name in steps}, time.perf_counter() + seconds
    while time.perf_counter() < end or min(map(len, times.values())) < least:
        for name, step in steps.items():
            step()
            turn_end = time.perf_counter() + TURN_SECONDS
            while True:
                start = time.perf_counter()
                step()
                times[name].append(time.perf_counter() - start)
                if start > turn_end - times[name][-1]:
                    break
    return times


def median(times):
    return statistics.median(times)


def percentile_20(times):
    """What a step takes when little else goes on."""
    return sorted(times)[len(times) // 5]


def in_fresh_process(script, *arguments, **environment):
    """The JSON that another script here prints when it runs by itself, in an environment with these variables."""
    command = [sys.executable, str(FOLDER / script), *map(str, arguments)]
    done = subprocess.run(command, env=os.environ | environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


# Results ---------------------------------------------------------------------------------------------------------------------


class Column(NamedTuple):
    """A column of a table: the key in each row, the heading, and how a value is written ("{:.2f}")."""

    key: str
    heading: str
    form: str = "{}"

    def text(self, row):
        value = row.get(self.key)
        return "" if value is None else self.form.format(value)


def print_table(columns, rows):
    """The rows as a table of text: words to the left, numbers to the right."""
    cells = [[column.heading for column in columns]] + [[column.text(row) for column in columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells)]
    for line in cells:
        print("  ".join(cell.ljust(width) if column.form == "{}" else cell.rjust(width)
                        for cell, width, column in zip(line, widths, columns)).rstrip())


def write_results(name, chosen, columns, rows, draw):
    """The JSON file and the picture that were asked for. `draw(rows)` gives a figure."""
    if chosen.json:
        settings = {name: str(value) if isinstance(value, Path) else value for name, value in vars(chosen).items()}
        content = {"benchmark": name, "machine": machine(), "settings": settings,
                   "columns": [column._asdict() for column in columns], "rows": rows}
        chosen.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    if chosen.picture:
        from minicnn.plot.style import save, style

        with style():
            save(draw(rows), chosen.picture)


def machine():
    """What the figures depend on, as far as a program can tell."""
    from importlib.metadata import PackageNotFoundError, version

    import minicnn

    versions = {"minicnn": minicnn.__version__}
    for package in ("numpy", "numba", "llvmlite", "torch", "onnxruntime"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = None
    return {"cpu": cpu_name(), "cores": cores(), "vectors": vectors(), "system": platform.platform(), "python": platform.python_version(),
            "versions": versions, "minicnn_threads": minicnn.get_num_threads(), "torch_threads": torch_threads(),
            "date": datetime.date.today().isoformat()}


def cores():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def cpu_name():
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def vectors():
    """Bytes of a vector in our kernels; what PyTorch says of itself, where it was used."""
    found = {}
    if "minicnn.kernels.cpu" in sys.modules:
        from minicnn.kernels.cpu.vector import MACHINE

        found["minicnn_bytes"] = MACHINE.bytes
    if "torch" in sys.modules:
        found["torch"] = sys.modules["torch"].backends.cpu.get_cpu_capability()
    return found


def torch_threads():
    return sys.modules["torch"].get_num_threads() if "torch" in sys.modules else None
