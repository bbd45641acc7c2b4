"""PyTorch's own sample inputs and refused inputs (its OpInfo table), run through PyTorch and through minicnn.

    python tests/helpers/opinfo.py add sum nn.functional.conv2d      # these entries of the table
    python tests/helpers/opinfo.py add --dtype int64 --reference -v  # another dtype, the larger set of samples, every failure

Importable: `entries`, `checks`.
"""

import argparse
import sys
import types
import unittest
import warnings
from collections import Counter

import numpy as np
import torch

import minicnn
from minicnn import arrays

DEVICE = "cpu"          # where minicnn computes; tests/gpu takes another
REFUSALS = (ValueError, TypeError, RuntimeError, IndexError)
DTYPES = {getattr(torch, n): getattr(minicnn, n) for n in ("float32", "float64", "int64", "int32", "int16", "int8", "uint8", "bool")}


# Where the table's entry is not the function itself: how ours is called with the same arguments.
ADAPTERS = {
    "T": lambda x: x.T,
    "mT": lambda x: x.mT,
    "einsum": lambda operands, equation: minicnn.einsum(equation, *operands),
    "where": lambda x, condition, other, **options: minicnn.where(condition, x, other, **options),
    "fill": lambda x, value: x.clone().fill_(value),
    "zero_": lambda x: x.clone().zero_(),
    "normal.in_place": lambda x, *args, **options: x.clone().normal_(*args, **options),
    "uniform": lambda x, *args, **options: x.clone().uniform_(*args, **options),
    "item": lambda x: minicnn.Tensor.item(x),
    "__rdiv__": lambda x, other: minicnn.Tensor.__rtruediv__(x, other),
}
RANDOM = set("bernoulli empty empty_like new_empty normal rand rand_like randn randn_like randint randint_like uniform".split())


class OutOfSurface(Exception):
    """A sample uses what minicnn does not have on purpose: complex numbers, half precision, other devices."""


def entries(names):
    """The OpInfo entries with one of these names (with or without the variant after the dot)."""
    # PyTorch's table imports its own tests' base class from a package that nothing else needs.
    sys.modules.setdefault("expecttest", types.SimpleNamespace(TestCase=unittest.TestCase))
    from torch.testing._internal.common_methods_invocations import op_db

    return [op for op in op_db if op.name in names or full_name(op) in names]


def full_name(op):
    return f"{op.name}.{op.variant_test_name}" if op.variant_test_name else op.name


def ours(op, form="function"):
    """minicnn's namesake: a function of `minicnn` or `minicnn.nn.functional`, or a method of Tensor."""
    if {op.name, full_name(op)} & ADAPTERS.keys() and form == "function":
        return ADAPTERS.get(full_name(op)) or ADAPTERS[op.name]
    if op.name.startswith("nn.functional."):
        import minicnn.nn.functional as functional

        return getattr(functional, op.name.rpartition(".")[2])
    if form == "method" or not hasattr(minicnn, op.name) or isinstance(getattr(minicnn, op.name), np.dtype):
        return getattr(minicnn.Tensor, op.name)
    return getattr(minicnn, op.name)


def theirs(op, form="function"):
    return op.method_variant if form == "method" else op.op


def convert(value, storages=None):
    """The same value for minicnn: tensors copied with their strides and what memory they share; dtypes and devices by name."""
    storages = {} if storages is None else storages
    if isinstance(value, torch.Tensor):
        return storages.setdefault(("tensor", id(value)), _tensor(value, storages))
    if isinstance(value, torch.dtype):
        if value not in DTYPES:
            raise OutOfSurface(str(value))
        return DTYPES[value]
    if isinstance(value, torch.device):
        return DEVICE if value.type == "cpu" else str(value)
    if isinstance(value, torch.memory_format):
        return getattr(minicnn, str(value).removeprefix("torch."))
    if isinstance(value, torch.layout):
        raise OutOfSurface(str(value))
    if isinstance(value, complex):
        raise OutOfSurface("complex")
    if isinstance(value, dict):
        return {k: DEVICE if k == "device" and v == "cpu" else convert(v, storages) for k, v in value.items()}
    if isinstance(value, torch.Size):
        return tuple(value)
    return type(value)(convert(v, storages) for v in value) if type(value) in (list, tuple) else value


def _tensor(value, storages):
    if value.dtype not in DTYPES or value.layout is not torch.strided or value.device.type != "cpu" or value.ndim > 64:
        raise OutOfSurface(f"{value.dtype} {value.layout} {value.device} {value.ndim}")
    size = value.element_size()
    memory = value.untyped_storage()
    if memory.data_ptr() not in storages:
        storage = torch.empty(0, dtype=torch.uint8).set_(memory).numpy().copy()
        storages[memory.data_ptr()] = arrays.to_device(storage, DEVICE)
    offset, strides = value.storage_offset() * size, [s * size for s in value.stride()]
    array = view(storages[memory.data_ptr()], tuple(value.shape), DTYPES[value.dtype], offset, strides)
    return minicnn.Tensor(array, requires_grad=value.requires_grad)


def view(memory, shape, dtype, offset, strides):
    """An array in the memory of another, on whatever device."""
    start = memory.data + offset if arrays.on_gpu(memory) else memory[offset:].data if memory.size else memory
    return arrays.module_of(memory).ndarray(shape, dtype, start, strides=strides)


def fresh(value):
    """A copy of PyTorch's sample whose tensors are leaves of their own, with the same strides."""
    if isinstance(value, torch.Tensor):
        copy = value.detach().clone(memory_format=torch.preserve_format)
        if copy.stride() != value.stride() and value.layout is torch.strided and 0 not in value.stride() and value.numel():
            copy = torch.empty(value.untyped_storage().nbytes() // value.element_size(), dtype=value.dtype).as_strided(
                value.shape, value.stride(), value.storage_offset()).copy_(value.detach())
        return copy.requires_grad_(value.requires_grad)
    if isinstance(value, dict):
        return {k: fresh(v) for k, v in value.items()}
    return type(value)(fresh(v) for v in value) if type(value) in (list, tuple) else value


def tensors(value, kind):
    """All tensors inside nested lists, tuples and dicts, in order."""
    if isinstance(value, kind):
        return [value]
    items = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    return [t for item in items for t in tensors(item, kind)]


def compare_sample(op, sample, form="function", rtol=1e-6, atol=1e-9):
    """None when values and gradients agree, else a sentence. Raises OutOfSurface for what we do not have."""
    given = [fresh(v) for v in (sample.input, sample.args, sample.kwargs)]
    mine = convert(given)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            expected = theirs(op, form)(given[0], *given[1], **given[2])
        except Exception as error:
            raise OutOfSurface(f"PyTorch itself: {error}") from None
        try:
            y = ours(op, form)(mine[0], *mine[1], **mine[2])
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        strayed = [str(t.device) for t in tensors(y, minicnn.Tensor) if t.device.type != DEVICE and tensors(mine, minicnn.Tensor)]
        if strayed and op.name != "to":
            return f"a result lies on {strayed[0]}"
        if op.name in RANDOM:
            return _compare_kind(expected, y)
        return compare(expected, y, rtol, atol) or compare_gradients(expected, y, given, mine, rtol, atol)


def compare(expected, y, rtol, atol):
    """None when two results (nested tensors, numbers) agree in shape, dtype and value."""
    if isinstance(expected, torch.Tensor):
        return _compare_tensor(expected, y, rtol, atol)
    if isinstance(expected, (list, tuple)) and not isinstance(expected, torch.Size):
        if not isinstance(y, (list, tuple)) or len(y) != len(expected):
            return f"expected {len(expected)} results, got {y!r}"
        return next(filter(None, (compare(e, v, rtol, atol) for e, v in zip(expected, y))), None)
    if isinstance(expected, float):
        return None if np.isclose(expected, y, rtol, atol, equal_nan=True) else f"expected {expected}, got {y}"
    return None if expected == y else f"expected {expected!r}, got {y!r}"


def _compare_kind(expected, y):
    """For random results: shape and dtype."""
    got = (tuple(y.shape), y.dtype)
    return None if (tuple(expected.shape), DTYPES[expected.dtype]) == got else f"expected {expected.dtype} {expected.shape}, got {got}"


def _compare_tensor(expected, y, rtol, atol):
    if not isinstance(y, minicnn.Tensor):
        return f"expected a tensor, got {type(y).__name__}"
    if tuple(expected.shape) != tuple(y.shape):
        return f"expected shape {tuple(expected.shape)}, got {tuple(y.shape)}"
    if DTYPES.get(expected.dtype) != y.dtype:
        return f"expected {expected.dtype}, got {y.dtype}"
    if expected.dtype.is_floating_point and expected.requires_grad != y.requires_grad:
        return f"expected requires_grad={expected.requires_grad}, got {y.requires_grad}"
    e, v = expected.detach().numpy(force=True), y.detach().cpu().numpy()
    scale = 1e3 if expected.dtype == torch.float32 else 1
    close = np.isclose(v, e, rtol * scale, atol * scale, equal_nan=True) if e.dtype.kind == "f" else e == v
    if close.all():
        return None
    where = tuple(int(i) for i in np.argwhere(~close)[0]) if e.ndim else ()
    return f"value at {where}: expected {e[where]}, got {v[where]} ({int((~close).sum())} of {e.size} differ)"


def compare_gradients(expected, y, given, mine, rtol, atol):
    """None when the gradients of every input agree, for a random upstream gradient of every output."""
    pairs = [(e, v) for e, v in zip(tensors(expected, torch.Tensor), tensors(y, minicnn.Tensor)) if e.requires_grad]
    if not pairs:
        return None
    generator = torch.Generator().manual_seed(1)
    upstream = [torch.randn(e.shape, generator=generator, dtype=e.dtype) for e, _ in pairs]
    try:
        torch.autograd.backward([e for e, _ in pairs], upstream)
    except Exception as error:
        raise OutOfSurface(f"PyTorch itself: {error}") from None
    try:
        minicnn.autograd.backward([v for _, v in pairs], [convert(g) for g in upstream])
    except Exception as error:
        return f"backward: {type(error).__name__}: {error}"
    for i, (e, v) in enumerate(zip(tensors(given, torch.Tensor), tensors(mine, minicnn.Tensor))):
        wrong = _compare_gradient(e.grad, v.grad, rtol, atol)
        if wrong:
            return f"gradient of tensor {i} {tuple(e.shape)}: {wrong}"
    return None


def compare_second(op, sample, form="function", rtol=1e-6, atol=1e-8):
    """None when the gradients of the gradients agree, for random upstream gradients of both."""
    given = [fresh(v) for v in (sample.input, sample.args, sample.kwargs)]
    mine = convert(given)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            expected = _second(torch, theirs(op, form), given, torch.Tensor, lambda g: g)
        except Exception as error:
            raise OutOfSurface(f"PyTorch itself: {error}") from None
        try:
            found = _second(minicnn, ours(op, form), mine, minicnn.Tensor, convert)
        except Exception as error:
            return f"second derivative: {type(error).__name__}: {error}"
    if len(expected) != len(found):
        return f"second derivative: expected {len(expected)} gradients, got {len(found)}"
    return next(filter(None, (_compare_second(e, f, rtol, atol) for e, f in zip(expected, found))), None)


def _compare_second(e, f, rtol, atol):
    if e is None or f is None:
        known = f if e is None else e
        return None if known is None or not bool((known != 0).any()) else f"second derivative: expected {e}, got {f}"
    wrong = _compare_tensor(e.detach(), f.detach(), rtol, atol)
    return wrong and f"second derivative: {wrong}"


def _second(library, function, arguments, kind, convert):
    """The gradients of Σ v·(gradients of Σ u·outputs), for random u and v: by the inputs, and by u."""
    generator = torch.Generator().manual_seed(1)
    draw = lambda t: convert(torch.randn(tuple(t.shape), generator=generator, dtype=torch.float64))  # noqa: E731
    outputs = [t for t in tensors(function(arguments[0], *arguments[1], **arguments[2]), kind) if t.requires_grad]
    inputs = [t for t in tensors(arguments, kind) if t.requires_grad]
    u = [draw(t).requires_grad_() for t in outputs]
    first = library.autograd.grad(outputs, inputs, u, create_graph=True, allow_unused=True)
    first = [g for g in first if g is not None and g.requires_grad]
    return library.autograd.grad(first, inputs + u, [draw(g) for g in first], allow_unused=True)


def _compare_gradient(expected, got, rtol, atol):
    if expected is None or got is None:
        return None if expected is got else f"expected {expected}, got {got}"
    return _compare_tensor(expected, got, rtol, atol)


def refuses(op, sample):
    """None when minicnn refuses the sample with an exception of the right kind, else a sentence."""
    mine = convert([sample.input, sample.args, sample.kwargs])
    try:
        y = ours(op)(mine[0], *mine[1], **mine[2])
    except REFUSALS as error:
        return None if isinstance(error, minicnn.errors.Error) else f"NOTE raised by chance? {type(error).__name__}: {error}"
    except Exception as error:
        return f"raised {type(error).__name__}: {error}"
    return f"accepted, gave {y!r}"[:300]


def samples(op, dtype, reference=False):
    requires_grad = dtype.is_floating_point and op.supports_autograd
    make = op.reference_inputs if reference else op.sample_inputs
    try:
        yield from make("cpu", dtype, requires_grad=requires_grad)
    except ValueError as error:                     # some of PyTorch's own generators cannot make what they promise
        print(f"   no more samples of {full_name(op)}: {error}")


def describe(sample):
    def short(v):
        if isinstance(v, torch.Tensor):
            return f"{str(v.dtype)[6:]}{tuple(v.shape)}" + ("" if v.numel() > 4 else f"={v.tolist()}")
        if isinstance(v, (list, tuple)):
            return "[" + ", ".join(map(short, v)) + "]"
        return repr(v)

    kwargs = [f"{k}={short(v)}" for k, v in sample.kwargs.items()]
    return ", ".join([short(sample.input), *map(short, sample.args), *kwargs])[:300]


def run(op, dtype, form, reference, verbose, second=False):
    """Walk one entry's samples and refused inputs; print what fails; return the counts."""
    counts, printed = Counter(), 0
    torch.manual_seed(0)
    for kind, sample, check in checks(op, dtype, form, reference, second):
        try:
            wrong = check()
        except OutOfSurface as reason:
            counts["skipped"] += 1
            if verbose > 1:
                print(f"   skipped: {reason}: {describe(sample)}")
            continue
        note = bool(wrong) and wrong.startswith("NOTE")
        counts["failed" if wrong and not note else "passed"] += 1
        if wrong and (printed < 3 or verbose) and (verbose or not note):
            printed += 1
            print(f"   {kind} {full_name(op)}({describe(sample)})\n      {wrong[:400]}")
    return counts


def checks(op, dtype, form="function", reference=False, second=False):
    """Triples of (what it is, the sample, a function that returns None or a sentence on what differs)."""
    check = compare_second if second else compare_sample
    if dtype in op.dtypes and not (second and op.name in RANDOM):
        for sample in samples(op, dtype, reference):
            if not second or isinstance(sample.input, torch.Tensor) and sample.input.numel() <= 2000 or op.name in ("cat", "stack", "einsum"):
                yield "sample", sample, lambda s=sample: check(op, s, form)
    if second:
        return
    if op.error_inputs_func is not None and form == "function" and dtype == torch.float64:
        for error_input in op.error_inputs("cpu"):
            sample = error_input.sample_input
            yield "must be refused:", sample, lambda s=sample: refuses(op, s)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="+", help="entries of PyTorch's OpInfo table: add, nn.functional.conv2d, ...")
    parser.add_argument("--dtype", default="float64")
    parser.add_argument("--form", default="function", choices=("function", "method"))
    parser.add_argument("--reference", action="store_true", help="the larger set of samples (reference_inputs)")
    parser.add_argument("--second", action="store_true", help="the gradients of the gradients instead")
    parser.add_argument("-v", "--verbose", action="count", default=0)
    options = parser.parse_args()
    total = Counter()
    for op in entries(options.names):
        try:
            counts = run(op, getattr(torch, options.dtype), options.form, options.reference, options.verbose,
                         options.second)
        except AttributeError as error:
            counts = Counter(missing=1)
            print(f"   missing: {error}")
        total += counts
        print(f"{full_name(op):45} " + "  ".join(f"{k} {v}" for k, v in sorted(counts.items())))
    print("total", dict(total))
    return 1 if total["failed"] or total["missing"] else 0


if __name__ == "__main__":
    sys.exit(main())
