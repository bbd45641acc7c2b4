"""From recorded operations to nodes of a graph: one rule for each operation's name.

An operation becomes ONNX's where that has the same values and the same gradients; else the function of ours by its name (`own.py`).
The operations of layers are in `layer_operations.py`.
"""

import numpy as np

from .. import arrays
from .ir import ELEMENT_TYPES
from .own import index_words

RULES = {}


def rule(*names):
    """Puts a rule into the table for operations of these names."""
    def add(function):
        RULES.update(dict.fromkeys(names, function))
        return function
    return add


# Element by element ------------------------------------------------------------------------------------------------------


@rule(*("Add Sub Mul Div Neg Exp Log Sqrt Reciprocal Sin Cos Tanh Erf Sign Abs Floor Ceil Round Sigmoid Sinh Cosh Tan Asin Acos Atan Asinh "
        "Acosh Atanh Max Min MatMul Relu HardSwish Selu").split())
def _same_name(step):
    step.finish(step.call.name, step.operands())


OWN_NAMES = {"Expm1": "expm1", "Log1p": "log1p", "Rsqrt": "rsqrt", "Trunc": "trunc", "FloorDiv": "floor_divide", "TruncDiv": "trunc_divide",
             "Mod": "remainder", "Celu": "celu", "Swish": "silu", "Gelu": "gelu", "Softplus": "softplus", "LogSigmoid": "logsigmoid",
             "Mish": "mish", "ne": "ne", "isfinite": "isfinite", "detach": "detach",
             "custom_gradient": "custom_gradient"}


@rule(*OWN_NAMES)
def _own_name(step):
    step.own(OWN_NAMES[step.call.name], step.operands(), **step.arguments)


COMPARISONS = {"eq": "Equal", "lt": "Less", "le": "LessOrEqual", "gt": "Greater", "ge": "GreaterOrEqual", "isnan": "IsNaN",
               "isinf": "IsInf"}


@rule(*COMPARISONS)
def _comparison(step):
    step.finish(COMPARISONS[step.call.name], step.operands())


LOGIC = {"and": "And", "or": "Or", "xor": "Xor", "not": "Not"}


@rule(*(f"{kind}_{word}" for kind in ("logical", "bitwise") for word in LOGIC))
def _logic(step):
    word = step.call.name.partition("_")[2]
    if all(x.dtype == bool for x in step.call.inputs if arrays.is_array(x)):
        step.finish(LOGIC[word], step.operands())
    else:
        step.own(step.call.name, step.operands())


@rule("Where")
def _where(step):
    condition, *others = step.call.inputs
    dtype = next(x.dtype for x in others if arrays.is_array(x))
    step.finish("Where", [step.value(condition), *(step.value(x, dtype=dtype) for x in others)])


@rule("Clip")
def _clip(step):
    if step.arguments:
        return step.own("hardtanh", step.operands(), min_val=step.arguments["min"], max_val=step.arguments["max"])
    x, *bounds = step.call.inputs
    names = [step.value(x), *("" if np.ndim(b) == 0 and np.isinf(b) else step.value(b, role, x.dtype)
                              for b, role in zip(bounds, ("min", "max")))]
    if all(np.ndim(b) == 0 for b in bounds):
        return step.finish("Clip", names)
    larger = step.before("Max", names[:2], np.maximum(x, bounds[0])) if names[1] else names[0]
    return step.finish("Min", [larger, names[2]]) if names[2] else step.finish("Identity", [larger])


@rule("Pow")
def _pow(step):
    if step.arguments:
        step.own("pow", step.operands(), **step.arguments)
    else:
        step.finish("Pow", step.operands())


@rule("Fmod")
def _fmod(step):
    step.finish("Mod", step.operands(), fmod=1)


@rule("LeakyRelu")
def _leaky_relu(step):
    step.finish("LeakyRelu", step.operands(), alpha=step.arguments["negative_slope"])


@rule("Elu")
def _elu(step):
    step.finish("Elu", step.operands(), alpha=step.arguments.get("alpha", 1.0))


@rule("HardSigmoid")
def _hardsigmoid(step):
    step.finish("HardSigmoid", step.operands(), alpha=1 / 6, beta=0.5)


@rule("Cast")
def _cast(step):
    step.finish("Cast", step.operands(), to=ELEMENT_TYPES[str(step.y.dtype)])


# Shape and order ---------------------------------------------------------------------------------------------------------


@rule("Identity")
def _identity(step):
    step.same()


@rule("Reshape")
def _reshape(step):
    before, after = step.x.shape, step.y.shape
    if before == after:
        return step.same()
    if len(before) > 2 and len(after) == 2 and after[0] == before[0]:
        return step.finish("Flatten", step.operands(), axis=1)
    return step.finish("Reshape", [step.value(step.x), step.constant("shape", after)])


@rule("Transpose")
def _transpose(step):
    step.finish("Transpose", step.operands(), perm=list(step.arguments["perm"]))


@rule("Expand")
def _expand(step):
    if step.x.shape == step.y.shape:
        return step.same()
    return step.finish("Expand", [step.value(step.x), step.constant("shape", step.y.shape)])


@rule("Flip")
def _flip(step):
    step.own("flip", step.operands(), dims=step.arguments["axes"])


@rule("Roll")
def _roll(step):
    step.own("roll", step.operands(), shifts=step.arguments["shifts"], dims=step.arguments["axes"])


@rule("Diagonal")
def _diagonal(step):
    first, second = step.arguments["axes"]
    step.own("diagonal", step.operands(), offset=step.arguments["offset"], dim1=first, dim2=second)


@rule("Concat")
def _concat(step):
    full = [x for x, cut in zip(step.call.inputs, step.arguments["cuts"]) if cut is not None]
    step.finish("Concat", [step.value(x) for x in full], axis=step.arguments["axis"])


@rule("Pad")
def _pad(step):
    widths, mode = step.arguments["widths"], step.arguments.get("mode", "constant")
    if mode == "constant":
        pads = step.constant("pads", [before for before, _ in widths] + [after for _, after in widths])
        value = step.constant("value", step.arguments["value"], step.x.dtype)
        step.finish("Pad", [step.value(step.x), pads, value], mode="constant")
    else:
        step.own("pad", step.operands(), pad=[n for pair in reversed(_used(widths)) for n in pair], mode=mode)


def _used(widths):
    """The widths from the first axis that is padded; none of the axes before it may be named for these modes."""
    first = next((axis for axis, width in enumerate(widths) if any(width)), len(widths) - 1)
    return widths[min(first, max(len(widths) - 2, 1)):]


# Reading by index --------------------------------------------------------------------------------------------------------

LAST = np.iinfo(np.int64).max


@rule("GetItem")
def _getitem(step):
    index = step.arguments["index"]
    found = [i for i in index if arrays.is_array(i)]
    if not found:
        return _basic_index(step, index)
    if len(found) == 1 and found[0].dtype.kind == "i" and all(i is found[0] or i is Ellipsis or i == slice(None) for i in index):
        axis = next(axis for axis, i in enumerate(complete_index(index, step.x.ndim)) if arrays.is_array(i))
        return step.finish("Gather", [step.value(step.x), step.value(found[0], "indices")], axis=axis)
    words, found = index_words(index)
    return step.own("getitem", [step.value(step.x), *(step.value(i, "indices") for i in found)], index=words)


def complete_index(index, ndim):
    """The index with `...` written out as slices."""
    used = sum(1 for i in index if i is not None and i is not Ellipsis)
    place = next((k for k, i in enumerate(index) if i is Ellipsis), len(index))
    return (*index[:place], *(slice(None),) * (ndim - used), *index[place + 1 :])


def _basic_index(step, index):
    """Slices first, then integers from the last to the first, then new axes."""
    index = complete_index(index, step.x.ndim)
    read = [i for i in index if i is not None]
    moves = [("Slice", [(axis, i) for axis, i in enumerate(read) if isinstance(i, slice) and i != slice(None)])]
    moves += [("Gather", (axis, i)) for axis, i in reversed(list(enumerate(read))) if not isinstance(i, slice)]
    result = [i for i in index if i is None or isinstance(i, slice)]
    moves.append(("Unsqueeze", [axis for axis, i in enumerate(result) if i is None]))
    _run_moves(step, [move for move in moves if move[1] != []])


def _run_moves(step, moves):
    name, array = step.value(step.x), step.x
    if not moves:
        return step.same()
    for number, (kind, what) in enumerate(moves):
        inputs, attributes, array = MOVES[kind](step, array, what)
        if number == len(moves) - 1:
            step.finish(kind, [name, *inputs], **attributes)
        else:
            name = step.before(kind, [name, *inputs], array, **attributes)
    return None


def _slice(step, x, slices):
    axes = [axis for axis, _ in slices]
    starts, ends = [i.start or 0 for _, i in slices], [LAST if i.stop is None else i.stop for _, i in slices]
    parts = starts, ends, axes, [i.step or 1 for _, i in slices]
    inputs = [step.constant(role, numbers) for role, numbers in zip(("starts", "ends", "axes", "steps"), parts)]
    index = [slice(None)] * x.ndim
    for axis, i in slices:
        index[axis] = i
    return inputs, {}, x[tuple(index)]


def _pick(step, x, what):
    axis, position = what
    return [step.constant("index", position)], {"axis": axis}, np.take(x, position, axis)


def _new_axes(step, x, axes):
    return [step.constant("axes", axes)], {}, np.expand_dims(x, tuple(axes))


MOVES = {"Slice": _slice, "Gather": _pick, "Unsqueeze": _new_axes}


# Reductions and products -------------------------------------------------------------------------------------------------


@rule("ReduceSum")
def _sum(step):
    axes, keep = step.arguments["axes"], int(step.arguments["keepdims"])
    if not axes:
        return step.same()
    return step.finish("ReduceSum", [step.value(step.x), step.constant("axes", axes)], keepdims=keep)


@rule("ReduceMax", "ReduceMin")
def _extreme(step):
    axes, keep = step.arguments["axes"], int(step.arguments["keepdims"])
    if not axes:
        return step.same()
    return step.finish(step.call.name, [step.value(step.x)], axes=list(axes), keepdims=keep)


@rule("CumSum")
def _cumsum(step):
    step.finish("CumSum", [step.value(step.x), step.constant("axis", step.arguments["axis"])])


@rule("Softmax", "LogSoftmax")
def _softmax(step):
    step.finish(step.call.name, step.operands(), axis=step.arguments["axis"])


@rule("Norm", "CountNonzero")
def _norm(step):
    step.own("norm", step.operands(), p=step.arguments["p"], dim=step.arguments["axes"], keepdim=step.arguments["keepdims"])


@rule("NuclearNorm")
def _nuclear_norm(step):
    step.own("norm", step.operands(), p="nuc", dim=step.arguments["axes"], keepdim=step.arguments["keepdims"])


@rule("Einsum")
def _einsum(step):
    step.finish("Einsum", step.operands(), equation=f"{','.join(step.arguments['inputs'])}->{step.arguments['output']}")
