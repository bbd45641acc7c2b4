"""What Python costs: tiny operations, where the arithmetic is nothing and the engine is everything; imports; the first step.

    python benchmarks/overhead.py
    python benchmarks/overhead.py --parts operations --json overhead.json --picture overhead.png

Operations: both libraries take turns in one process with one thread, in rounds of a few milliseconds; the medians of the rounds are
compared. A ratio below 1 means that minicnn is quicker. Import: on top of NumPy, in processes of their own, the median of five.
First step: a process of its own builds the network of `minicnn train` and takes one step, batch 64. Warm, Numba finds its machine
code on the disk; cold, its cache is an empty folder, and everything is compiled.
"""

import os

for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

import gc  # noqa: E402
import statistics  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402

from common import Column, in_fresh_process, make_parser, parse, positive, print_table, write_results  # noqa: E402

ROUND_SECONDS = 5e-3
UNITS = {"us": 1e6, "ms": 1e3}
COLUMNS = [Column("what", "what"), Column("unit", "unit"), Column("minicnn", "minicnn", "{:,.1f}"),
           Column("pytorch", "PyTorch", "{:,.1f}"), Column("ratio", "ratio", "{:.2f}")]


# Operations: for each a function that takes the library and gives what is timed ----------------------------------------------


def add(t):
    x, y = t.ones(1, requires_grad=True), t.ones(1, requires_grad=True)
    return lambda: (x + y).backward()


def multiply(t):
    x, y = t.ones(1, requires_grad=True), t.ones(1, requires_grad=True)
    return lambda: (x * y).backward()


def add_forward(t):
    x, y = t.ones(1, requires_grad=True), t.ones(1, requires_grad=True)
    return lambda: x + y


def add_unrecorded(t):
    x, y = t.ones(1), t.ones(1)
    return lambda: x + y


def chain_of_100(t):
    x, y = t.ones(1, requires_grad=True), t.ones(1, requires_grad=True)

    def run():
        z = x
        for _ in range(100):
            z = z + y
        z.backward()

    return run


def layer(make, *shape):
    """A layer on a tiny input, forward and backward."""
    def case(t):
        module, x = make(t), t.randn(*shape, requires_grad=True)
        dy = t.ones_like(module(x))
        return lambda: module(x).backward(dy)

    return case


def cross_entropy(t):
    logits, labels = t.randn(4, 10, requires_grad=True), t.tensor([0, 1, 2, 3])
    return lambda: t.nn.functional.cross_entropy(logits, labels).backward()


def mlp_step(t):
    model = t.nn.Sequential(t.nn.Linear(8, 16), t.nn.ReLU(), t.nn.Linear(16, 4))
    optimizer = t.optim.SGD(model.parameters(), lr=0.1)
    loss = t.nn.CrossEntropyLoss()
    x, target = t.randn(4, 8), t.tensor([0, 1, 2, 3])

    def run():
        optimizer.zero_grad()
        loss(model(x), target).backward()
        optimizer.step()

    return run


CASES = {
    "add, forward and backward": add, "multiply, forward and backward": multiply, "add, recorded forward": add_forward,
    "add, unrecorded": add_unrecorded, "100 adds, forward and backward": chain_of_100,
    "relu": layer(lambda t: t.nn.ReLU(), 1, 4, 4, 4), "max_pool2d": layer(lambda t: t.nn.MaxPool2d(2), 1, 4, 4, 4),
    "conv2d": layer(lambda t: t.nn.Conv2d(4, 4, 3), 1, 4, 4, 4), "batch_norm": layer(lambda t: t.nn.BatchNorm2d(4), 1, 4, 4, 4),
    "linear": layer(lambda t: t.nn.Linear(4, 4), 1, 4), "cross_entropy": cross_entropy, "training step of a small MLP": mlp_step,
}


def seconds(function, repeats):
    start = time.perf_counter()
    for _ in range(repeats):
        function()
    return (time.perf_counter() - start) / repeats


def compare(case, rounds):
    """Median seconds per call: (minicnn's, PyTorch's)."""
    import torch

    import minicnn

    functions = case(minicnn), case(torch)
    repeats = [max(1, round(ROUND_SECONDS / seconds(f, 10))) for f in functions]
    found = [[seconds(f, n) for f, n in zip(functions, repeats)] for _ in range(rounds)]
    return map(statistics.median, zip(*found))


def operations(chosen):
    import torch

    import minicnn

    torch.set_num_threads(1)
    with minicnn.kernels.using(chosen.kernels):
        for case in CASES.values():
            case(minicnn)()                         # compiled before the clock starts
        gc.freeze()                                 # what the imports made is not looked through again and again
        yield from (row(name, "us", *compare(case, chosen.rounds)) for name, case in CASES.items())


# Processes of their own ------------------------------------------------------------------------------------------------------


def imports(chosen):
    yield row("import, on top of NumPy", "ms", import_time("minicnn", chosen.processes), import_time("torch", chosen.processes))


def import_time(name, processes):
    """Median seconds that `import name` takes on top of NumPy."""
    program = f"import numpy, time; start = time.perf_counter(); import {name}; print(time.perf_counter() - start)"
    return statistics.median(float(subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout)
                             for _ in range(processes))


def first_steps(chosen):
    """Cold and warm, alone and with the imports before it: PyTorch's, or minicnn's and Numba's."""
    with tempfile.TemporaryDirectory() as folder:
        cold, *warm = [first_step("minicnn", chosen, NUMBA_CACHE_DIR=folder) for _ in range(1 + chosen.processes)]
    theirs = [first_step("PyTorch channels_last", chosen) for _ in range(chosen.processes)]
    for name, ours in (("cold", [cold]), ("warm", warm)):
        yield row(f"first training step, {name}", "ms", *(statistics.median(one[0] for one in found) for found in (ours, theirs)))
        yield row(f"import and first step, {name}", "ms", *(statistics.median(sum(one) for one in found) for found in (ours, theirs)))


def first_step(library, chosen, **environment):
    """(seconds to the end of the first step after building the network, seconds of the imports before)."""
    found = in_fresh_process("fresh_process.py", library, "small_cnn", "--steps", 1, "--threads", chosen.threads,
                             "--kernels", chosen.kernels, OMP_NUM_THREADS=str(chosen.threads), **environment)
    return found["first_step_s"], found["import_s"]


# ---------------------------------------------------------------------------------------------------------------------------


def row(what, unit, ours, theirs):
    """Two times in seconds as a row of the table."""
    return {"what": what, "unit": unit, "minicnn": UNITS[unit] * ours, "pytorch": UNITS[unit] * theirs, "ratio": ours / theirs}


PARTS = {"operations": operations, "import": imports, "first-step": first_steps}


def draw(rows):
    from pictures import labelled_bars, panels, short

    figure, (axes,) = panels(1, 1, 8, 1.3 + 0.32 * len(rows))
    labelled_bars(axes, [row["what"] for row in rows], [row["ratio"] for row in rows],
                  [f"{short(row['minicnn'])} : {short(row['pytorch'])} {row['unit']}" for row in rows], log=True)
    axes.axvline(1, color="black", linewidth=1, zorder=0.9)
    axes.xaxis.set_major_formatter("{x:,g}")
    axes.set(title="minicnn : PyTorch", xlabel="time relative to PyTorch (logarithmic)")
    return figure


def options():
    parser = make_parser(__doc__)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--kernels", default="numba", help="minicnn's: numba or array")
    parser.add_argument("--rounds", type=positive, default=40, help="of each operation")
    parser.add_argument("--processes", type=positive, default=5, help="for imports and the warm first step")
    parser.add_argument("--threads", type=positive, default=2, help="in the first step")
    return parser


def main(arguments=None):
    chosen = parse(options(), arguments)
    rows = [row for part in chosen.parts for row in PARTS[part](chosen)]
    print_table(COLUMNS, rows)
    write_results("overhead", chosen, COLUMNS, rows, draw)


if __name__ == "__main__":
    main()
