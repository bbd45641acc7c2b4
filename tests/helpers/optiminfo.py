"""PyTorch's own options and refused options for optimizers (its OptimizerInfo table), run through PyTorch and through minicnn.

    python tests/helpers/optiminfo.py SGD Adam -v      # these optimizers; none named: all that minicnn has

Each is run for 25 steps on two parameters with fixed gradients, float64, parameters compared after every step. Needs `torch`
and `expecttest`.
"""

import sys
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import torch

import minicnn
from minicnn import optim

sys.path.insert(0, str(Path(__file__).parents[1]))
from helpers import opinfo  # noqa: E402
from helpers.opinfo import REFUSALS, OutOfSurface, convert  # noqa: E402
from helpers.report import report  # noqa: E402

STEPS = 25
IGNORED = ("capturable", "differentiable", "foreach", "fused")     # how PyTorch computes, not what


def entries(names=()):
    from torch.testing._internal.common_optimizers import optim_db

    return [info for info in optim_db if hasattr(optim, info.optim_cls.__name__)
            and (not names or info.optim_cls.__name__ in names)]


def parameters(library):
    generator = np.random.default_rng(0)
    return [library.nn.Parameter(tensor(library, generator.standard_normal(shape))) for shape in ((3, 4), (4,))]


def tensor(library, values):
    return library.tensor(values, device=opinfo.DEVICE if library is minicnn else "cpu")


def path(library, cls, options):
    """The parameters after each of 25 steps, as one array."""
    params, generator, seen = parameters(library), np.random.default_rng(1), []
    optimizer = cls(params, **options)
    for _ in range(STEPS):
        for p in params:
            p.grad = tensor(library, generator.standard_normal(tuple(p.shape)))
        optimizer.step()
        seen.append(np.concatenate([p.detach().cpu().numpy().ravel() for p in params]))
    return np.array(seen)


def compare_options(info, options, rtol=1e-6):
    """None when the paths agree, else a sentence."""
    if any(options.get(name) for name in IGNORED):
        raise OutOfSurface("PyTorch's ways to compute")
    expected = path(torch, info.optim_cls, options)
    found = path(minicnn, getattr(optim, info.optim_cls.__name__), convert(options))
    close = np.isclose(found, expected, rtol, 1e-12)
    return None if close.all() else f"step {int(np.argwhere(~close)[0][0])}: {np.abs(found - expected).max():.2g} away"


def refuses(info, error):
    """None when minicnn refuses or warns as PyTorch does."""
    given = error.optimizer_error_input
    params = parameters(minicnn) if given.params is None else _parameters(given.params)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            getattr(optim, info.optim_cls.__name__)(params, **convert(given.kwargs))
        except REFUSALS as refusal:
            return None if isinstance(refusal, minicnn.errors.Error) else f"NOTE raised by chance? {refusal!r}"
    return None if warned and error.error_type is UserWarning else "accepted"


def _parameters(value, made=None):
    """The same structure with our Parameters, one for each of PyTorch's."""
    made = {} if made is None else made
    if isinstance(value, torch.Tensor):
        return made.setdefault(id(value), minicnn.nn.Parameter(tensor(minicnn, value.detach().numpy())))
    if isinstance(value, dict):
        return {k: _parameters(v, made) for k, v in value.items()}
    return type(value)(_parameters(v, made) for v in value) if isinstance(value, (list, tuple)) else value


def checks(info):
    for given in info.optim_inputs_func(device="cpu"):
        yield given.kwargs, lambda g=given: compare_options(info, g.kwargs)
    for error in info.optim_error_inputs_func(device="cpu", dtype=torch.float64):
        yield error.optimizer_error_input.desc, lambda e=error: refuses(info, e)


def run(info, verbose=0):
    """Walk one entry's options and refused options; print what fails; return the counts."""
    counts = Counter()
    for what, check in checks(info):
        try:
            wrong = check()
        except OutOfSurface:
            counts["skipped"] += 1
            continue
        except Exception as error:
            wrong = f"{type(error).__name__}: {error}"
        note = bool(wrong) and wrong.startswith("NOTE")
        counts["failed" if wrong and not note else "passed"] += 1
        if wrong and (verbose or not note):
            print(f"   {info.optim_cls.__name__} {what}\n      {wrong[:400]}")
    return counts


if __name__ == "__main__":
    sys.exit(report(__doc__, "optimizers: SGD, ...", entries, run, lambda info: info.optim_cls.__name__))
