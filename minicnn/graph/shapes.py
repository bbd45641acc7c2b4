"""What is known of a graph's values before it runs.

`outcome(node, inputs, opset)` asks the node's rule; the rules stand in `shape_rules.py` (layers, arithmetic) and `shape_moves.py` (what
moves, cuts and joins, where also the content of size vectors is followed), and what they work with in `facts.py`.
"""

from ..errors import DataError, Error
from . import shape_moves, shape_rules  # noqa: F401  (their rules take part)
from .facts import RULES, Call, Known, Unknown
from .order import label
from .sizes import Size, known, text

MAX_BYTES = 2**30                   # of one value, its free sizes taken as 1


def outcome(node, inputs, opset):
    """[Known] of a node's outputs.

    inputs  a Known for each of the node's inputs, None for one that is left out

    Raises DataError, naming the node, where the inputs do not fit, or an output would take more memory than anybody has.
    """
    blank = [Known()] * len(node.outputs)
    if node.domain or node.op_type not in RULES:
        return blank
    try:
        found = RULES[node.op_type](Call(node, inputs, opset))
    except Unknown:
        return blank
    except (Error, ValueError, TypeError, LookupError, ArithmeticError) as error:
        shapes = ", ".join("none" if x is None else "?" if x.shape is None else text(x.shape) for x in inputs)
        raise DataError(f"{label(node)}: {error} (inputs of shapes {shapes})") from None
    dtype = next((x.dtype for x in inputs if x is not None), None)
    found = [as_known(entry, dtype) for entry in (found if isinstance(found, list) else [found])]
    return [bounded(entry, node) for entry in (found + blank)[:len(node.outputs)]]


def as_known(entry, dtype):
    return entry if isinstance(entry, Known) else Known(dtype, entry)


def bounded(entry, node):
    """The entry, its shape's parts Python's ints and Sizes, if such a value can be."""
    if entry.shape is None:
        return entry
    shape = tuple(size if isinstance(size, Size) else int(size) for size in entry.shape)
    entry = entry._replace(shape=shape)
    if any(known(size) and size < 0 for size in shape):
        raise DataError(f"{label(node)}: its result would have the shape {text(shape)}: the input is too small")
    if entry.least_bytes > MAX_BYTES:
        raise DataError(f"{label(node)}: its result would have the shape {text(shape):.200} and take {entry.least_bytes / 2**30:,.1f} GiB")
    return entry
