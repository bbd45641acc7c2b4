"""PyTorch's own sample inputs and refused inputs for modules (its ModuleInfo table), run through PyTorch and through minicnn.

    python tests/helpers/moduleinfo.py Conv2d BatchNorm2d -v      # these entries of the table; none named: all that minicnn has

Both modules are built with the same arguments, ours loads PyTorch's weights; compared are the outputs, the gradients of inputs
and parameters, and the buffers afterwards, in training and in evaluation, float64. Needs `torch` and `expecttest`.
"""

import sys
import warnings
from collections import Counter
from pathlib import Path

import torch

import minicnn
from minicnn import nn

sys.path.insert(0, str(Path(__file__).parents[1]))
from helpers import opinfo  # noqa: E402
from helpers.opinfo import REFUSALS, OutOfSurface, compare, compare_gradients, convert, fresh  # noqa: E402
from helpers.report import report  # noqa: E402


def entries(names=()):
    """The ModuleInfo entries of these names, or all whose namesake is in minicnn.nn."""
    from torch.testing._internal.common_modules import module_db

    return [info for info in module_db if hasattr(nn, info.name.rpartition(".")[2])
            and (not names or info.name.rpartition(".")[2] in names)]


def twins(info, sample):
    """PyTorch's module and ours, built with the same arguments and with the same weights; both float64."""
    given = sample.constructor_input
    theirs = info.module_cls(*given.args, **given.kwargs).double()
    arguments = convert([given.args, given.kwargs])
    ours = getattr(nn, info.module_cls.__name__)(*arguments[0], **arguments[1]).double().to(opinfo.DEVICE)
    state = {name: convert(value) for name, value in theirs.state_dict().items()}
    ours.load_state_dict(state, strict=True)
    return theirs, ours


def compare_sample(info, sample, training, rtol=1e-6, atol=1e-9):
    """None when outputs, gradients and buffers agree, else a sentence."""
    theirs, ours = (module.train(training) for module in twins(info, sample))
    if repr(theirs) != repr(ours):
        return f"repr: expected {theirs!r}, got {ours!r}"
    given = [fresh(v) for v in (sample.forward_input.args, sample.forward_input.kwargs)]
    mine = convert(given)
    expected = theirs(*given[0], **given[1])
    y = ours(*mine[0], **mine[1])
    return (compare(expected, y, rtol, atol)
            or compare_gradients(expected, y, [given, list(theirs.parameters())], [mine, list(ours.parameters())], rtol, atol)
            or compare(list(theirs.state_dict().values()), list(ours.state_dict().values()), rtol, atol))


def refuses(info, error):
    """None when minicnn refuses what PyTorch refuses, at construction or in the forward pass, with one of its own errors."""
    given = error.module_error_input
    cls = getattr(nn, info.module_cls.__name__)
    arguments = convert([given.constructor_input.args, given.constructor_input.kwargs])
    try:
        module = cls(*arguments[0], **arguments[1])
        if error.error_on.name == "FORWARD_ERROR":
            arguments = convert([given.forward_input.args, given.forward_input.kwargs])
            module.double().to(opinfo.DEVICE)(*arguments[0], **arguments[1])
    except REFUSALS as refusal:
        return None if isinstance(refusal, minicnn.errors.Error) else f"NOTE raised by chance? {type(refusal).__name__}: {refusal}"
    return "accepted"


def checks(info):
    for training in (True, False):
        for sample in info.module_inputs_func(info, "cpu", torch.float64, True, training):
            if sample.forward_input is not None:
                yield f"training={training}", sample, lambda s=sample, t=training: compare_sample(info, s, t)
    if info.module_error_inputs_func is not None:
        for error in info.module_error_inputs_func(info, "cpu", torch.float64, False, True):
            yield "must be refused:", error.module_error_input, lambda e=error: refuses(info, e)


def run(info, verbose=0):
    """Walk one entry's samples and refused inputs; print what fails; return the counts."""
    counts = Counter()
    torch.manual_seed(0)
    for kind, sample, check in checks(info):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                wrong = check()
        except OutOfSurface:
            counts["skipped"] += 1
            continue
        except Exception as error:
            wrong = f"{type(error).__name__}: {error}"
        note = bool(wrong) and wrong.startswith("NOTE")
        counts["failed" if wrong and not note else "passed"] += 1
        if wrong and (verbose or not note):
            print(f"   {info.name} {kind} {describe(sample)}\n      {wrong[:400]}")
    return counts


def describe(sample):
    def short(v):
        return f"{str(v.dtype)[6:]}{tuple(v.shape)}" if isinstance(v, torch.Tensor) else repr(v)

    inputs = [i for i in (sample.constructor_input, sample.forward_input) if i is not None]
    return " on ".join(", ".join([*map(short, i.args), *(f"{k}={short(v)}" for k, v in i.kwargs.items())]) for i in inputs)


if __name__ == "__main__":
    sys.exit(report(__doc__, "modules: Conv2d, ...", entries, run, lambda info: info.name))
