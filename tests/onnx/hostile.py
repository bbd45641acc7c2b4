"""Loads each hostile file in turn, for 3 GB of memory and 20 seconds at most, runs what could be loaded once, and prints what became
of it: `python hostile.py FOLDER [NAME ...]`.
"""

import sys
import time

import hostile_bytes  # noqa: F401
import hostile_graphs  # noqa: F401
from hostile_case import CASES

MEMORY, SECONDS = 3 * 10**9, 20


def main(folder, names):
    import resource
    from pathlib import Path

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    import warnings

    import minicnn
    from minicnn.errors import Error

    warnings.simplefilter("ignore")
    for name in names:
        below = Path(folder) / str(list(CASES).index(name))
        if not below.exists():
            below.mkdir()
            try:
                CASES[name](below)
            except (ValueError, OverflowError) as error:
                print(f"{name}\tNOT WRITTEN\t{error!r:.100}", flush=True)
                continue
        start = time.perf_counter()
        outcome = attempt(below / "model.onnx", minicnn, Error)
        print(f"{name}\t{outcome}\t{time.perf_counter() - start:.2f}", flush=True)


def attempt(path, minicnn, Error):
    """One word for what became of a file, and the message."""
    try:
        network = minicnn.onnx.load(path)
    except Error as error:
        told = str(path) in str(error)
        return f"{'refused' if told else 'REFUSED WITHOUT ITS NAME'}\t{type(error).__name__}: {str(error).replace(str(path), 'FILE')!r:.300}"
    except BaseException as error:
        return f"LOAD BROKE\t{error!r:.300}"
    try:
        with minicnn.no_grad():
            network(*[minicnn.zeros([s if isinstance(s, int) else 1 for s in v.shape], dtype=getattr(minicnn, v.dtype)) for v in network.graph.inputs])
    except Error as error:
        return f"refused to run\t{type(error).__name__}: {error!s:.200}"
    except BaseException as error:
        return f"RUN BROKE\t{error!r:.300}"
    return "loaded\t"


if __name__ == "__main__":
    import minicnn.onnx  # noqa: F401

    main(sys.argv[1], sys.argv[2:] or list(CASES))
