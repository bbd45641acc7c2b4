"""Trains the same network on Fashion-MNIST with minicnn and with a plain PyTorch script: seconds per epoch, test accuracy.

    python benchmarks/fashion_mnist.py
    python benchmarks/fashion_mnist.py --epochs 1 --threads 1 --json fashion.json --picture fashion.png
    python benchmarks/fashion_mnist.py --dataset digits --epochs 3

minicnn's part is what `minicnn train --dataset fashion-mnist --epochs 3` runs, with all that the command writes. PyTorch's part has the
same network, optimizer, schedule, batch size, loss, augmentation, normalisation, split and seed, written as one would for PyTorch
(`fashion_mnist_torch.py`), in both memory layouts. They take turns, epoch by epoch, in one process with the same number of threads. An
epoch is the pass over the training images and the validation; the test is made with the epoch that was best in the validation. A
seed gives other random numbers in the two libraries, so accuracies differ by chance. Where nothing is compiled yet, minicnn's first
epoch takes longer: the column "epoch by epoch" shows it, the median of the epochs does not count it.

Fashion-MNIST is looked for where `minicnn train` does: on Debian, `apt install dataset-fashion-mnist` puts it there.
"""

import tempfile
import time
from pathlib import Path

from common import Column, make_parser, median, parse, positive, print_table, set_threads, write_results
from contenders import LAYOUTS
from fashion_mnist_torch import TorchRun

from minicnn import kernels
from minicnn.train import Callback, config
from minicnn.train import run as runs

COLUMNS = [
    Column("contender", "contender"), Column("epoch_s", "seconds per epoch", "{:.2f}"), Column("ratio", "ratio", "{:.2f}"),
    Column("epochs_s", "epoch by epoch"), Column("validation", "validation", "{:.2%}"), Column("test", "test accuracy", "{:.2%}"),
]


class TakeTurns(Callback):
    """Measures minicnn's epochs, and lets the others run one after each."""

    def __init__(self, others):
        self.others, self.times = others, {"minicnn": []} | {name: [] for name in others}

    def on_epoch_start(self, trainer):
        self.began = time.perf_counter()

    def on_epoch_end(self, trainer):
        self.times["minicnn"].append(time.perf_counter() - self.began)
        print(f"epoch {trainer.epoch} of {trainer.epochs}", flush=True)
        for name, run in self.others.items():
            start = time.perf_counter()
            run.epoch()
            self.times[name].append(time.perf_counter() - start)


def train(chosen, folder):
    """One row for each contender."""
    settings = config.complete(chosen.dataset, epochs=chosen.epochs, data_dir=chosen.data_dir, seed=chosen.seed)
    run = runs.start(settings, folder)
    others = {name: TorchRun(settings, run.job, layout) for name, layout in LAYOUTS.items()}
    turns = TakeTurns(others)
    run.job.trainer.callbacks.append(turns)
    with kernels.using(chosen.kernels):
        run.fit()
        outcome, _ = run.test()
    rows = [{"contender": "minicnn", "validation": run.best.record["val_accuracy"], "test": outcome.accuracy}]
    rows += [{"contender": name, "validation": other.best_accuracy, "test": other.test()} for name, other in others.items()]
    for row in rows:
        times = turns.times[row["contender"]]
        row |= {"epoch_s": median(times), "times_s": times, "epochs_s": " ".join(f"{seconds:.1f}" for seconds in times)}
    best = min(row["epoch_s"] for row in rows[1:])
    return [row | {"ratio": row["epoch_s"] / best} for row in rows]


def draw(rows):
    from pictures import labelled_bars, panels

    figure, axes = panels(1, 2, 9, 1.2 + 0.45 * len(rows), sharey=True)
    names, seconds, percent = ([row["contender"] for row in rows], [row["epoch_s"] for row in rows], [100 * row["test"] for row in rows])
    labelled_bars(axes[0], names, seconds, [f"{one:.1f} s" for one in seconds])
    labelled_bars(axes[1], names, percent, [f"{one:.1f} %" for one in percent])
    axes[0].set(title="Time of an epoch", xlabel="s")
    axes[1].set(title="Test accuracy", xlabel="%", xticks=range(0, 101, 20))
    return figure


def options():
    parser = make_parser(__doc__, threads=2)
    parser.add_argument("--dataset", choices=["fashion-mnist", "mnist", "digits"], default="fashion-mnist")
    parser.add_argument("--data-dir", help="as of `minicnn train`")
    parser.add_argument("--epochs", type=positive, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kernels", default="numba", choices=["numba", "array"], help="minicnn's")
    return parser


def main(arguments=None):
    chosen = parse(options(), arguments)
    set_threads(chosen.threads, with_torch=True)
    with tempfile.TemporaryDirectory() as folder:
        rows = train(chosen, Path(folder) / "run")
    print_table(COLUMNS, rows)
    write_results("fashion_mnist", chosen, COLUMNS, rows, draw)


if __name__ == "__main__":
    main()
