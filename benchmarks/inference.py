"""Times inference: minicnn as it is and compiled, PyTorch, and onnxruntime, side by side.

    python benchmarks/inference.py
    python benchmarks/inference.py --networks resnet20 vgg_small --batch 1 --seconds 20

All in one process, on the same images, from the same weights, with the same number of threads. Contenders take turns of a twentieth of
a second; what counts is the ratio of the medians. PyTorch runs in both its memory layouts, onnxruntime (left out where it is not
installed) what `torch.onnx.export` makes of PyTorch's model. Before the clock starts, all logits are compared.
"""

import io
import warnings
from pathlib import Path

import numpy as np
from common import Column, make_parser, median, parse, percentile_20, print_table, set_threads, take_turns, write_results
from contenders import contenders
from networks import NETWORKS

import minicnn

DEFAULT = ["lenet5", "vgg_small", "resnet20", "alexnet", "googlenet_block", "vgg11", "mlp"]
TOLERANCE = 1e-4

COLUMNS = [
    Column("network", "network"), Column("batch", "batch", "{:d}"), Column("contender", "contender"),
    Column("median_ms", "median ms", "{:.3f}"), Column("p20_ms", "p20 ms", "{:.3f}"), Column("ratio", "ratio to compiled", "{:.2f}"),
    Column("difference", "difference", "{:.0e}"),
]


def compiled(contender):
    """The contender's model, compiled for inference."""
    model = contender.model.compile_for_inference()

    def infer():
        with minicnn.no_grad():
            return model(contender.x).numpy()

    return infer


def in_onnxruntime(contender, threads):
    """PyTorch's model as onnxruntime runs it; None where that is not installed."""
    try:
        import onnxruntime
    except ImportError:
        return None
    import torch

    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(contender.model, (contender.x,), file, input_names=["x"], dynamo=False)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(file.getvalue(), options, providers=["CPUExecutionProvider"])
    given = {"x": np.ascontiguousarray(contender.x.numpy())}
    return lambda: session.run(None, given)[0]


def compare(network, batch, chosen):
    """One row for each contender on one network."""
    found = contenders(network, batch, "infer", ["numba"], with_torch=True)
    found = {"minicnn compiled": compiled(found["minicnn"]), **found}
    found["onnxruntime"] = in_onnxruntime(found["PyTorch NCHW"], chosen.threads)
    found = {name: contender for name, contender in found.items() if contender is not None}
    differences = check(found, f"{network}, batch {batch}")
    times = take_turns(found, chosen.seconds)
    best = median(times["minicnn compiled"])
    return [{"network": network, "batch": batch, "contender": name, "median_ms": 1e3 * median(times[name]),
             "p20_ms": 1e3 * percentile_20(times[name]), "ratio": median(times[name]) / best, "difference": differences[name]}
            for name in found]


def check(found, where):
    """{name: largest difference from minicnn's logits, relative to the largest of these}; they must agree."""
    wanted = found["minicnn"]()
    differences = {name: float(np.abs(contender() - wanted).max() / np.abs(wanted).max()) for name, contender in found.items()}
    for name, difference in differences.items():
        if not difference <= TOLERANCE:
            raise SystemExit(f"{where}: {name} computes something else, by {difference:.1e}")
    return differences


def draw(rows):
    from pictures import grouped_bars

    return grouped_bars(rows, value="ratio", written="median_ms", unit="ms", title="Time of a batch",
                        quantity="relative to minicnn compiled")


def options():
    parser = make_parser(__doc__, seconds=10, threads=2, isa=True)
    parser.add_argument("--networks", nargs="+", default=DEFAULT, choices=NETWORKS, metavar="NAME", help=", ".join(NETWORKS))
    parser.add_argument("--batch", nargs="+", type=int, default=[1, 64])
    return parser


def main(arguments=None):
    chosen = parse(options(), arguments)
    set_threads(chosen.threads, True)
    rows = []
    for batch in chosen.batch:
        for network in chosen.networks:
            rows += (found := compare(network, batch, chosen))
            print_table(COLUMNS, found)
            print(flush=True)
    write_results(Path(__file__).stem, chosen, COLUMNS, rows, draw)


if __name__ == "__main__":
    main()
