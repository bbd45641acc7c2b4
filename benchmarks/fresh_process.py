"""What one library takes in a process of its own: seconds to import it and to its first step, and memory.

    python benchmarks/fresh_process.py minicnn lenet5
    python benchmarks/fresh_process.py "PyTorch channels_last" resnet20 --batch 64 --steps 10

Prints one line of JSON: import_s and first_step_s in seconds; import_mb, the memory after the imports, and peak_mb, the most that was
ever in use, both resident and in megabytes (2^20 bytes). `training_step.py --memory` and `overhead.py` run this.
"""

import argparse
import json
import os
import re
import sys
import time
from pathlib import Path


def resident(entry):
    """Megabytes in use now (VmRSS) or at most (VmHWM), by what Linux says; elsewhere the most, in either case."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return int(re.search(rf"{entry}:\s+(\d+) kB", status)[1]) / 1024
    except OSError:
        import resource

        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most / 2**20 if sys.platform == "darwin" else most / 1024


def load(library, threads):
    """Import what the library needs to compute, PyTorch without minicnn and the other way round."""
    if library.startswith("PyTorch"):
        import torch

        return torch.set_num_threads(threads)
    from common import set_threads

    return set_threads(threads, with_torch=False)


def make(library, network, batch, mode, kernels):
    from contenders import our_contender, torch_contender

    if library.startswith("PyTorch"):
        return torch_contender(network, batch, mode, library)
    return our_contender(network, batch, mode, kernels)


def run(chosen):
    start = time.perf_counter()
    load(chosen.library, chosen.threads)
    found = {"import_s": time.perf_counter() - start, "import_mb": resident("VmRSS")}
    step = make(chosen.library, chosen.network, chosen.batch, chosen.mode, chosen.kernels)
    start = time.perf_counter()
    step()
    found["first_step_s"] = time.perf_counter() - start
    for _ in range(chosen.steps - 1):
        step()
    return found | {"peak_mb": resident("VmHWM")}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library", choices=["minicnn", "PyTorch NCHW", "PyTorch channels_last"])
    parser.add_argument("network")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--mode", choices=["train", "infer"], default="train")
    parser.add_argument("--kernels", default="numba", help="minicnn's: numba, array, ...")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    chosen = parser.parse_args()
    os.environ.setdefault("NUMBA_NUM_THREADS", str(chosen.threads))
    print(json.dumps(run(chosen)))


if __name__ == "__main__":
    main()
