"""How a tensor is shown: as in PyTorch, with four digits and in columns."""

import numpy as np

from .. import arrays

DIGITS = 4


def describe(t):
    """`tensor([1., 2.], requires_grad=True)`: the values, and what is not as usual about the tensor."""
    array = arrays.to_numpy(t.array)
    notes = [f"size={array.shape}"] if not array.size and array.ndim > 1 else []
    notes += [f"dtype={t.dtype}"] if t.dtype not in (arrays.float32, arrays.int64, arrays.bool_) else []
    notes += [f"device='{t.device}'"] if t.is_cuda else []
    if t.node is not None:
        notes.append(f"grad_fn=<{t.node.name()}>")
    elif t.tracked:
        notes.append("requires_grad=True")
    return f"tensor({', '.join([_values(array), *notes])})"


def _values(array):
    if not array.size:
        return "[]"
    options = dict(separator=", ", prefix="tensor(", threshold=1000, edgeitems=3, max_line_width=80)
    if array.dtype.kind == "f":
        write = _writer(array)
        width = max((len(write(v)) for v in _shown(array).flat if np.isfinite(v)), default=0) if array.ndim else 0
        options["formatter"] = {"float_kind": lambda v: write(v).rjust(width)}
    return np.array2string(array, **options).replace(", ...,", ",  ...,")


def _shown(array):
    """The corners that are printed of a large array, the array itself otherwise."""
    if array.size <= 1000:
        return array
    return array[np.ix_(*[[*range(min(n, 3)), *range(max(n - 3, min(n, 3)), n)] for n in array.shape])]


def _writer(array):
    """How all of the numbers are written: whole ones as `3.`, with an exponent where they are too large, small or far apart."""
    numbers = np.abs(_shown(array).astype(np.float64))
    numbers = numbers[np.isfinite(numbers) & (numbers != 0)]
    largest, smallest = (numbers.max(), numbers.min()) if numbers.size else (1, 1)
    whole = bool((numbers == np.ceil(numbers)).all())
    if largest / smallest > 1000 or largest > 1e8 or not whole and smallest < 1e-4:
        return lambda v: f"{v:.{DIGITS}e}"
    return (lambda v: f"{v:.0f}." if np.isfinite(v) else str(v)) if whole else lambda v: f"{v:.{DIGITS}f}"
