"""Times a training step (forward, loss, backward, SGD with momentum) or inference of minicnn and PyTorch, side by side.

    python benchmarks/training_step.py --against torch
    python benchmarks/training_step.py --networks lenet5 resnet20 --batch 64 --mode infer --seconds 20
    python benchmarks/training_step.py --isa avx2 --json avx2.json --picture avx2.png
    python benchmarks/training_step.py --device cuda --networks vgg_small resnet20
    python benchmarks/training_step.py --memory

All in one process, through the public interface with autograd, on the same images, from the same weights, with the same number of
threads. Contenders take turns of a twentieth of a second; what counts is the ratio of the medians. PyTorch runs every network twice,
in its two memory layouts, and the ratio is to the better one. Before the clock starts, all take some steps, and their losses (in
inference: their logits) are compared; where the first differs by more than a thousandth, the script ends with an error.

With --device cuda all of them run on the GPU, PyTorch in float32 as minicnn (without TF32), and every step waits for its loss.

With --memory, nothing is timed: every contender takes some steps in a process of its own, and the table says how much memory was in
use at most, and how much of that the imports alone take.
"""

from pathlib import Path

from common import Column, in_fresh_process, make_parser, make_ready, parse, positive, write_results
from contenders import DEFAULT, LAYOUTS, add_ratios, check_first_steps, contenders, each_network, label, timed
from networks import NETWORKS

TIMES = [
    Column("network", "network"), Column("batch", "batch", "{:d}"), Column("contender", "contender"),
    Column("median_ms", "median ms", "{:.2f}"), Column("p20_ms", "p20 ms", "{:.2f}"), Column("ratio", "ratio", "{:.2f}"),
    Column("ratio_p20", "ratio of p20", "{:.2f}"), Column("steps", "steps", "{:d}"),
    Column("difference", "difference", "{:.0e}"),
]
MEMORY = [
    Column("network", "network"), Column("batch", "batch", "{:d}"), Column("contender", "contender"),
    Column("import_mb", "imports MB", "{:.0f}"), Column("peak_mb", "peak MB", "{:.0f}"),
    Column("above_mb", "peak above imports MB", "{:.0f}"), Column("ratio", "ratio", "{:.2f}"),
]


# Times -----------------------------------------------------------------------------------------------------------------------


def compare(network, batch, chosen):
    """One row for each contender on one network."""
    with_torch = chosen.against == "torch"
    steps = contenders(network, batch, chosen.mode, chosen.kernels, with_torch, chosen.device)
    differences = check_first_steps(steps, f"{network}, batch {batch}")
    for step in steps.values():
        step.hold_still()
    rows = timed(network, batch, steps, chosen.seconds, differences)
    add_ratios(rows, median_ms="ratio", p20_ms="ratio_p20")
    return rows


# Memory ----------------------------------------------------------------------------------------------------------------------


def compare_memory(network, batch, chosen):
    """One row for each contender, each in a process of its own; ours once before, so that nothing is left to compile."""
    libraries = {label(algorithm): ("minicnn", "--kernels", algorithm) for algorithm in chosen.kernels}
    if chosen.against == "torch":
        libraries |= {layout: (layout,) for layout in LAYOUTS}
    options = ["--batch", batch, "--mode", chosen.mode, "--threads", chosen.threads, "--steps", chosen.steps]
    rows = []
    for name, (library, *more) in libraries.items():
        found = [in_fresh_process("fresh_process.py", library, network, *more, *options) for _ in range(2)][-1]
        rows.append({"network": network, "batch": batch, "contender": name, "import_mb": found["import_mb"], "peak_mb": found["peak_mb"],
                     "above_mb": found["peak_mb"] - found["import_mb"]})
    add_ratios(rows, peak_mb="ratio")
    return rows


# Picture ---------------------------------------------------------------------------------------------------------------------


def draw_times(rows):
    from pictures import grouped_bars

    return grouped_bars(rows, value="ratio", written="median_ms", unit="ms", title="Time of a batch",
                        quantity="relative to PyTorch's better layout")


def draw_memory(rows):
    from pictures import grouped_bars

    return grouped_bars(rows, value="peak_mb", written="peak_mb", unit="MB", title="Peak memory of the process",
                        quantity="resident memory in MB")


def options():
    import algorithms

    parser = make_parser(__doc__, seconds=20, threads=2, isa=True)
    parser.add_argument("--against", choices=["torch", "nothing"], default="torch")
    parser.add_argument("--networks", nargs="+", default=DEFAULT, choices=NETWORKS, metavar="NAME", help=", ".join(NETWORKS))
    parser.add_argument("--kernels", nargs="+", default=["numba"], choices=algorithms.available(), help="minicnn's, each a contender")
    parser.add_argument("--batch", nargs="+", type=positive, default=[64, 1])
    parser.add_argument("--mode", choices=["train", "infer"], default="train", help="infer: evaluation mode, without gradients")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="where all of them run")
    parser.add_argument("--memory", action="store_true", help="measure memory, not time")
    parser.add_argument("--steps", type=positive, default=5, help="with --memory: how many")
    return parser


def main(arguments=None):
    chosen = parse(options(), arguments)
    if chosen.memory and chosen.device == "cuda":
        raise SystemExit("--memory measures the process, not the GPU: leave out --device cuda")
    if not chosen.memory:
        make_ready(chosen, chosen.against == "torch")
    measure, columns, draw = (compare_memory, MEMORY, draw_memory) if chosen.memory else (compare, TIMES, draw_times)
    rows = each_network(measure, chosen, columns)
    write_results("memory" if chosen.memory else Path(__file__).stem, chosen, columns, rows, draw)


if __name__ == "__main__":
    main()
