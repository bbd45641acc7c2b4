"""What Python costs: tiny operations, where the arithmetic is nothing and the engine is everything, next to PyTorch.

    OMP_NUM_THREADS=1 python benchmarks/overhead.py

Both libraries take turns in one process, in rounds of a few milliseconds; the medians of the rounds are compared. A ratio below 1
means that minicnn is quicker.
"""

import os

for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

import gc  # noqa: E402
import statistics  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402

import torch  # noqa: E402

import minicnn  # noqa: E402

ROUNDS = 40
ROUND_SECONDS = 5e-3


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
    "add, unrecorded": add_unrecorded, "100 adds, forward and backward": chain_of_100, "training step of a small MLP": mlp_step,
}


def seconds(function, repeats):
    start = time.perf_counter()
    for _ in range(repeats):
        function()
    return (time.perf_counter() - start) / repeats


def compare(case):
    """Median seconds per call: (minicnn's, PyTorch's)."""
    functions = case(minicnn), case(torch)
    repeats = [max(1, round(ROUND_SECONDS / seconds(f, 10))) for f in functions]
    rounds = [[seconds(f, n) for f, n in zip(functions, repeats)] for _ in range(ROUNDS)]
    return tuple(map(statistics.median, zip(*rounds)))


def import_time(name):
    """Median milliseconds that `import name` takes on top of NumPy."""
    program = f"import numpy, time; start = time.perf_counter(); import {name}; print(time.perf_counter() - start)"
    runs = [float(subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout) for _ in range(5)]
    return statistics.median(runs) * 1e3


def main():
    torch.set_num_threads(1)
    gc.freeze()                                 # what the imports made is not looked through again and again
    print(f"{'':34} {'minicnn':>10} {'PyTorch':>10} {'ratio':>7}")
    for name, case in CASES.items():
        ours, theirs = compare(case)
        print(f"{name:34} {ours * 1e6:>7.1f} us {theirs * 1e6:>7.1f} us {ours / theirs:>7.2f}")
    ours, theirs = import_time("minicnn"), import_time("torch")
    print(f"{'import, on top of NumPy':34} {ours:>7.0f} ms {theirs:>7.0f} ms {ours / theirs:>7.2f}")


if __name__ == "__main__":
    main()
