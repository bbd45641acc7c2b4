"""Times inference: minicnn as it is and compiled, PyTorch, and onnxruntime, side by side.

    python benchmarks/inference.py
    python benchmarks/inference.py --networks resnet20 vgg_small --batch 1 --seconds 20

All in one process, on the same images, from the same weights, with the same number of threads. Contenders take turns of a twentieth of
a second; what counts is the ratio of the medians. PyTorch runs in both its memory layouts, onnxruntime (left out where it is not
installed, and with --isa avx2, to which it cannot be held) what `torch.onnx.export` makes of PyTorch's model. Before the clock starts, all
logits are compared; where one differs by more than a ten-thousandth, the script ends with an error.
"""

import io
import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from common import Column, make_parser, make_ready, parse, positive, write_results
from contenders import DEFAULT, add_ratios, check_first_steps, contenders, each_network, timed
from networks import NETWORKS

import minicnn

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
    """PyTorch's model as onnxruntime runs it."""
    import onnxruntime
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
    if find_spec("onnxruntime") and chosen.isa == "native":
        found["onnxruntime"] = in_onnxruntime(found["PyTorch NCHW"], chosen.threads)
    differences = check_first_steps({"minicnn": found["minicnn"], **found}, f"{network}, batch {batch}", 1, TOLERANCE)
    rows = timed(network, batch, found, chosen.seconds, differences)
    add_ratios(rows, ["minicnn compiled"], median_ms="ratio")
    return rows


def draw(rows):
    from pictures import grouped_bars

    return grouped_bars(rows, value="ratio", written="median_ms", unit="ms", title="Time of a batch",
                        quantity="relative to minicnn compiled")


def options():
    parser = make_parser(__doc__, seconds=10, threads=2, isa=True)
    parser.add_argument("--networks", nargs="+", default=DEFAULT, choices=NETWORKS, metavar="NAME", help=", ".join(NETWORKS))
    parser.add_argument("--batch", nargs="+", type=positive, default=[1, 64])
    return parser


def main(arguments=None):
    chosen = parse(options(), arguments)
    make_ready(chosen, with_torch=True)
    rows = each_network(compare, chosen, COLUMNS)
    write_results(Path(__file__).stem, chosen, COLUMNS, rows, draw)


if __name__ == "__main__":
    main()
