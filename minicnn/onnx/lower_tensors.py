"""Functions of whole tensors in ONNX's operators: reductions, order, indices."""

from math import prod

import numpy as np

from ..graph.ir import ELEMENT_TYPES
from ..graph.operations import complete_index
from ..graph.own import index_of
from .lower import NotExpressible, rule

FIRST, LAST = np.iinfo(np.int64).min, np.iinfo(np.int64).max


def _slice(step, x, axis, start, stop, pace=1):
    return [x, *(step.constant(role, [n]) for role, n in (("start", start), ("end", stop), ("axis", axis), ("step", pace)))]


# Reductions --------------------------------------------------------------------------------------------------------------


@rule("mean")
def _mean(step):
    x = step.x
    if step.get("dtype"):
        x = step.step("Cast", [x], to=ELEMENT_TYPES[step.get("dtype")])
    if not step.rank:
        return step.same(x)
    return step.last("ReduceMean", [x], axes=step.axes(step.get("dim")), keepdims=int(bool(step.get("keepdim"))))


def centred_squares(step, axes):
    """(x - mean, its squares), the mean over some axes."""
    centred = step.step("Sub", [step.x, step.step("ReduceMean", [step.x], axes=axes, keepdims=1)])
    return centred, step.step("Mul", [centred, centred])


@rule("var", "std")
def _variance(step):
    """Σ (x - mean)² / (n - correction)."""
    axes, keep, unbiased = step.axes(step.get("dim")), int(bool(step.get("keepdim"))), step.get("unbiased")
    correction = step.get("correction", 1) if unbiased is None else int(unbiased)
    _, squares = centred_squares(step, axes)
    last = step.step if step.node.op_type == "std" else step.last
    if not correction:
        y = last("ReduceMean", [squares], axes=axes, keepdims=keep)
    else:
        lengths = [step.length(axis) for axis in axes]
        total = step.step("ReduceSum", [squares, step.constant("axes", axes)], keepdims=keep)
        with np.errstate(divide="ignore"):
            y = last("Div", [total, step.like("count", max(prod(lengths) - correction, 0))])
    if step.node.op_type == "std":
        step.last("Sqrt", [y])


@rule("logsumexp")
def _log_sum_exp(step):
    step.last("ReduceLogSumExp", [step.x], axes=step.axes(step.get("dim")), keepdims=int(bool(step.get("keepdim"))))


@rule("norm")
def _norm(step):
    p, axes, keep = step.get("p"), step.axes(step.get("dim")), int(bool(step.get("keepdim")))
    if p == "nuc" or not axes:
        raise NotExpressible(f"p={p!r}")
    if p in (1, 2):
        return step.last(f"ReduceL{int(p)}", [step.x], axes=axes, keepdims=keep)
    if p == 0:
        there = step.step("Not", [step.step("Equal", [step.x, step.like("zero", 0)])])
        return step.last("ReduceSum", [step.step("Cast", [there], to=ELEMENT_TYPES[str(step.dtype)]), step.constant("axes", axes)],
                         keepdims=keep)
    powers = step.step("Pow", [step.step("Abs", [step.x]), step.like("p", p)])
    total = step.step("ReduceSum", [powers, step.constant("axes", axes)], keepdims=keep)
    return step.last("Pow", [total, step.like("root", 1 / p)])


@rule("any", "all")
def _truth(step):
    numbers = step.step("Cast", [step.step("Cast", [step.x], to=ELEMENT_TYPES["bool"])], to=ELEMENT_TYPES["int32"])
    name = {"any": "ReduceMax", "all": "ReduceMin"}[step.node.op_type]
    found = step.step(name, [numbers], axes=step.axes(step.get("dim")), keepdims=int(bool(step.get("keepdim"))))
    step.last("Cast", [found], to=ELEMENT_TYPES["bool"])


@rule("argmax", "argmin")
def _place(step):
    """The place in the flattened tensor."""
    if step.get("keepdim"):
        raise NotExpressible("keepdim without dim")
    flat = step.step("Reshape", [step.x, step.constant("shape", [-1])])
    step.last({"argmax": "ArgMax", "argmin": "ArgMin"}[step.node.op_type], [flat], axis=0, keepdims=0)


# Order -------------------------------------------------------------------------------------------------------------------


@rule("topk", "sort", "argsort")
def _sorted(step):
    axis = step.get("dim", -1) % step.rank
    largest = step.get("largest", True) if step.node.op_type == "topk" else step.get("descending", False)
    count = step.get("k") if step.node.op_type == "topk" else step.length(axis)
    values, indices = step.step("TopK", [step.x, step.constant("k", [count])], 2, axis=axis, largest=int(largest), sorted=1)
    found = [indices] if step.node.op_type == "argsort" else [values, indices]
    for number, name in enumerate(found):
        step.last("Identity", [name], output=number)


@rule("flip")
def _flip(step):
    axes = step.axes(step.get("dims"))
    step.last("Slice", [step.x, *(step.constant(role, [n] * len(axes)) for role, n in (("starts", -1), ("ends", FIRST))),
                        step.constant("axes", axes), step.constant("steps", [-1] * len(axes))])


@rule("roll")
def _roll(step):
    x = step.x
    for (axis, shift), add in step.in_turn(list(zip(step.axes(step.get("dims")), step.get("shifts")))):
        length = step.length(axis)
        cut = -shift % length if length else 0
        parts = [step.step("Slice", _slice(step, x, axis, *ends)) for ends in ((cut, LAST), (0, cut))]
        x = add("Concat", parts, axis=axis)


@rule("diagonal")
def _diagonal(step):
    """The part that is square after the offset, of which Einsum takes the diagonal."""
    first, second = step.axes([step.get("dim1", 0), step.get("dim2", 1)])
    offset, x = step.get("offset", 0), step.x
    rows, columns = step.length(first), step.length(second)
    top, left = max(-offset, 0), max(offset, 0)
    count = max(min(rows - top, columns - left), 0)
    for axis, start in ((first, top), (second, left)):
        x = step.step("Slice", _slice(step, x, axis, start, start + count))
    letters = [chr(ord("a") + axis) for axis in range(step.rank)]
    letters[second] = letters[first]
    rest = [c for axis, c in enumerate(letters) if axis not in (first, second)]
    step.last("Einsum", [x], equation=f"{''.join(letters)}->{''.join(rest)}{letters[first]}")


# Indices -----------------------------------------------------------------------------------------------------------------


@rule("nonzero")
def _nonzero(step):
    if step.get("as_tuple") or not step.rank:
        raise NotExpressible("as_tuple")
    step.last("Transpose", [step.step("NonZero", [step.x])], perm=[1, 0])


@rule("one_hot")
def _one_hot(step):
    classes = step.get("num_classes", -1)
    if classes < 1:
        raise NotExpressible("num_classes=-1")
    column = step.step("Unsqueeze", [step.x, step.constant("axes", [-1])])
    found = step.step("Equal", [column, step.constant("classes", np.arange(classes), step.dtype)])
    step.last("Cast", [found], to=ELEMENT_TYPES["int64"])


@rule("scatter", "scatter_add")
def _scatter(step):
    axis, index, source = step.get("dim"), step.input(1), step.input(2)
    if not source:
        source = step.step("Expand", [step.like("value", step.get("value")), step.step("Shape", [index])])
    options = {"reduction": "add"} if step.node.op_type == "scatter_add" else {}
    step.last("ScatterElements", [step.x, index, source], axis=axis % step.rank, **options)


@rule("setitem")
def _setitem(step):
    """The value in the middle of zeros, where the index leads; x elsewhere."""
    x, value = step.inputs[:2]
    if len(step.inputs) > 2 or None in step.get("index"):
        raise NotExpressible("with tensors or None in the index")
    index = complete_index(index_of(step.get("index"), ()), step.rank)
    if not index or index[0] != slice(None):
        raise NotExpressible("over the batch")
    rest, index = step.lengths(1), index[1:]
    if any(isinstance(i, slice) and i.step not in (None, 1) for i in index):
        raise NotExpressible("with steps in the index")
    spans = [range(n)[i] if isinstance(i, slice) else range(i % n, i % n + 1) for i, n in zip(index, rest)]
    mask = np.zeros((1, *rest), bool)
    mask[(slice(None), *(slice(s.start, s.stop) for s in spans))] = True
    region = [1 if isinstance(i, int) else len(s) for i, s in zip(index, spans)]
    value = _in_place(step, value, [1, *(len(s) for i, s in zip(index, spans) if isinstance(i, slice))], [0, *region])
    pads = [0, *(s.start for s in spans), 0, *(n - s.start - len(s) for s, n in zip(spans, rest))]
    padded = step.step("Pad", [value, step.constant("pads", pads)])
    step.last("Where", [step.constant("mask", mask, bool), padded, x])


def _in_place(step, value, shape, region):
    """The value broadcast over the axes that are sliced, and with an axis of length 1 for each that an integer was given for."""
    spread = step.step("Expand", [value, step.constant("shape", shape)])
    return step.step("Reshape", [spread, step.constant("region", region)])
