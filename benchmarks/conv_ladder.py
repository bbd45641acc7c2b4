"""One convolution, computed in the ways that lead from the formula to the fast code: time, memory and error of each.

    python benchmarks/conv_ladder.py
    python benchmarks/conv_ladder.py --batch 64 --channels 64 --size 8 --pass dw --json ladder.json --picture ladder.png

The layer is 3x3 with padding 1, from C to C channels. Time is the median of the repetitions, in turns. The loops compute some of the
images only, and their time is multiplied by as much as is left out (marked "x16"). Memory is what is needed at most beside arguments
and result, as tracemalloc counts NumPy's arrays. The error is the largest difference from the same formula in float64, relative to its
largest value. `winograd` is left out where minicnn does not choose it for such a layer.
"""

import time
import tracemalloc

import algorithms
import numpy as np
from common import Column, make_parser, median, parse, positive, print_table, set_threads, take_turns, write_results

from minicnn import kernels, shapes
from minicnn.kernels import array
from minicnn.kernels.cpu import memory

FUNCTIONS = {"y": "conv2d", "dx": "conv2d_dx", "dw": "conv2d_dw"}
LOOPS_IMAGES = 1
COLUMNS = [
    Column("algorithm", "algorithm"), Column("scaled", ""), Column("ms", "ms", "{:,.2f}"), Column("speedup", "times faster", "{:,.0f}"),
    Column("gflops", "GF/s", "{:.3g}"), Column("memory_kb", "extra memory KB", "{:,.0f}"), Column("error", "error", "{:.0e}"),
    Column("about", "what it does"),
]


class Problem:
    """The arrays of one layer and one pass; `arguments(n)` are those of its first n images."""

    def __init__(self, batch, channels, size, which):
        rng = np.random.default_rng(0)
        self.which, self.batch = which, batch
        self.w = rng.standard_normal((channels, channels, 3, 3), np.float32)
        self.x, self.dy = (rng.standard_normal((batch, size, size, channels), np.float32).transpose(0, 3, 1, 2) for _ in range(2))
        self.window = shapes.conv2d_window(self.x.shape, self.w.shape, padding=1)
        self.gflop = 2e-9 * self.dy.size * self.w[0].size

    def arguments(self, images, dtype=np.float32):
        x, dy, w = (a.astype(dtype, copy=False) for a in (self.x[:images], self.dy[:images], self.w))
        return {"y": (x, w, None), "dx": (dy, w), "dw": (dy, x)}[self.which] + (self.window, 1)

    def step(self, algorithm, images):
        """A function that computes the pass for so many images."""
        arguments = self.arguments(images)

        def run():
            with algorithms.using(algorithm):
                return getattr(kernels.of(arguments[0]), FUNCTIONS[self.which])(*arguments)
        return run

    def error(self, result, images):
        """The largest difference from float64, relative to the largest value."""
        wanted = getattr(array, FUNCTIONS[self.which])(*self.arguments(images, np.float64))
        return float(abs(result - wanted).max() / abs(wanted).max())


def extra_memory(step):
    """(bytes that a call needs at most beside its result, the result); memory that is kept for later use counts again."""
    memory.POOL = memory.Pool()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    result = step()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return max(most - before - result.nbytes, 0), result


def climb(problem, names, seconds):
    """One row for each algorithm, the loops first."""
    steps = {name: problem.step(name, problem.batch) for name in names if name != "loops"}
    rows = [loops_row(problem)] if "loops" in names else []
    small = Problem(1, len(problem.w), 5, problem.which)
    if {"direct", "winograd"} <= set(steps) and np.array_equal(steps["direct"](), steps["winograd"]()):
        del steps["winograd"]                                               # not chosen for this layer
    for name, step in steps.items():
        small.step(name, 1)()                                               # compiles
        most, result = extra_memory(step)
        rows.append({"algorithm": name, "memory_kb": most / 1024, "error": problem.error(result, problem.batch)})
    times = take_turns(steps, seconds)
    for row in rows:
        row["about"] = algorithms.ABOUT[row["algorithm"]]
        row["ms"] = row.get("ms") or 1e3 * median(times[row["algorithm"]])
        row["gflops"], row["speedup"] = 1e3 * problem.gflop / row["ms"], rows[0]["ms"] / row["ms"]
    return rows


def loops_row(problem):
    """The loops: time from some of the images, memory from small ones, since counting makes them several times slower."""
    images = min(LOOPS_IMAGES, problem.batch)
    start = time.perf_counter()
    result = problem.step("loops", images)()
    seconds = time.perf_counter() - start
    small = Problem(1, len(problem.w), 2, problem.which).step("loops", 1)
    small()
    most, _ = extra_memory(small)
    return {"algorithm": "loops", "scaled": f"x{problem.batch / images:g}" if images < problem.batch else "",
            "ms": 1e3 * seconds * problem.batch / images, "memory_kb": most / 1024, "error": problem.error(result, images)}


def time_text(ms):
    return f"{ms:.3g} ms" if ms < 1000 else f"{ms / 1000:.3g} s"


def scaled(row):
    return f"({row['scaled']})" if row.get("scaled") else ""


def draw(rows):
    from pictures import labelled_bars, panels

    figure, axes = panels(1, 3, 11, 1.2 + 0.45 * len(rows), sharey=True)
    names = [row["algorithm"] for row in rows]
    labelled_bars(axes[0], names, [row["ms"] for row in rows], [f"{time_text(row['ms'])} {scaled(row)}" for row in rows], log=True)
    megabytes = [row["memory_kb"] / 1024 for row in rows]
    labelled_bars(axes[1], names, megabytes, [f"{one:.2f} MB" for one in megabytes])
    labelled_bars(axes[2], names, [1e6 * row["error"] for row in rows], [f"{1e6 * row['error']:.2g}" for row in rows])
    axes[0].set(title="Time", xlabel="ms (logarithmic)")
    axes[1].set(title="Extra memory", xlabel="MB beside arguments and result")
    axes[2].set(title="Error", xlabel="largest, in millionths of the largest value")
    return figure


def options():
    known = [name for name in algorithms.available() if name != "numba"]
    parser = make_parser(__doc__, seconds=5, threads=2)
    parser.add_argument("--batch", type=positive, default=16, help="images")
    parser.add_argument("--channels", type=positive, default=32, help="C, of input and output")
    parser.add_argument("--size", type=positive, default=16, help="height and width of the images")
    parser.add_argument("--pass", dest="which", choices=list(FUNCTIONS), default="y", help="y, or the gradient of input or weights")
    parser.add_argument("--algorithms", nargs="+", choices=known, default=known)
    return parser


def main(arguments=None):
    chosen = parse(options(), arguments)
    set_threads(chosen.threads, with_torch=False)
    problem = Problem(chosen.batch, chosen.channels, chosen.size, chosen.which)
    rows = climb(problem, chosen.algorithms, chosen.seconds)
    print_table(COLUMNS, rows)
    write_results("conv_ladder", chosen, COLUMNS, rows, draw)


if __name__ == "__main__":
    main()
