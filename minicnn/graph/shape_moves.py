"""The shapes that moving, cutting and joining give, and what becomes of the content of a vector of sizes on the way."""

import math

import numpy as np

from ..errors import BadValue
from .axes import axes_of
from .dtypes import dtype_of, type_of
from .facts import MAX_CONTENT, Known, Unknown, rule
from .shape_rules import arithmetic, without
from .sizes import Size, broadcast, known


def followed(call, shape, compute):
    """A Known of that shape, with the content where the inputs' is known."""
    if any(x is None or x.content is None or x.content.size > MAX_CONTENT for x in call.inputs):
        return shape
    content = np.asarray(compute(*[x.content.astype(object) for x in call.inputs]), object)
    return shape if any(known(size) and abs(size) >= 2**63 for size in content.flat) else Known(call.known().dtype, shape, content)


# Sizes as values

@rule("Shape")
def shape(call):
    parts = call.shape()[call.get("start", 0):call.get("end")]
    return Known("int64", (len(parts),), vector(parts))


@rule("Size")
def size(call):
    return Known("int64", (), np.array(math.prod(call.shape()), object))


def vector(parts):
    found = np.empty(len(parts), object)
    found[:] = parts
    return found


@rule("Add", "Sub", "Mul", "Div")
def calculation(call):
    integers = all(x.dtype in ("int32", "int64") for x in call.inputs)
    operator = {"Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": np.frompyfunc(quotient, 2, 1)}[call.name]
    return followed(call, arithmetic(call), operator) if integers else arithmetic(call)


def quotient(a, b):
    """ONNX rounds towards zero; a free size is not negative."""
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1) if known(a, b) else a // b


@rule("Cast")
def cast(call):
    to, x = call.get("to"), call.known()
    whole = type_of(to) in ("int32", "int64") and x.dtype in ("int32", "int64")
    return Known(dtype_of(to), x.shape, x.content if whole else None)


@rule("Identity")
def identity(call):
    return call.known()


# Moves

@rule("Reshape")
def reshape(call):
    """Sizes that are 0 are the input's, one that is -1 takes what is left."""
    wanted = list(call.get("shape") if "shape" in call.node.attributes else call.sizes(1))
    given = call.shape()
    if not call.get("allowzero", 0):
        wanted = [given[axis] if known(size) and size == 0 else size for axis, size in enumerate(wanted)]
    total, rest = math.prod(given), math.prod(size for size in wanted if not (known(size) and size == -1))
    if any(known(size) and size < -1 for size in wanted) or wanted.count(-1) > 1:
        raise BadValue(f"{wanted} is no shape")
    if -1 in wanted:
        if known(total, rest) and (rest == 0 or total % rest):
            raise BadValue(f"{total} numbers cannot be put into the shape {wanted}")
        wanted[wanted.index(-1)] = total // rest if not known(rest) or rest else 0
    elif differ(total, rest):
        raise BadValue(f"{total} numbers cannot be put into the shape {wanted}")
    return reshaped(call, tuple(wanted))


def differ(a, b):
    """Whether two sizes are certainly not the same; a free one is taken to be at least 1."""
    return a != b if known(a, b) else not known(a) and not known(b) and a.factors == b.factors and a.coefficient != b.coefficient


@rule("Flatten")
def flatten(call):
    given = call.shape()
    axis = call.get("axis", 1)
    if not -len(given) <= axis <= len(given):
        raise BadValue(f"axis {axis} is outside the {len(given)} axes")
    axis += len(given) * (axis < 0)
    return (math.prod(given[:axis]), math.prod(given[axis:]))


@rule("Transpose")
def transpose(call):
    given = call.shape()
    perm = call.get("perm", list(range(len(given)))[::-1])
    if sorted(perm) != list(range(len(given))):
        raise BadValue(f"perm {perm} is not for {len(given)} axes")
    return tuple(given[axis] for axis in perm)


@rule("Squeeze")
def squeeze(call):
    given, axes = call.shape(), call.axes()
    if axes is None:
        if not known(*given):
            raise Unknown
        axes = [axis for axis, size in enumerate(given) if size == 1]
    if any(known(given[axis]) and given[axis] != 1 for axis in axes):
        raise BadValue(f"axes {axes} cannot go, they have sizes other than 1")
    return reshaped(call, without(given, axes, False))


@rule("Unsqueeze")
def unsqueeze(call):
    given, axes = call.shape(), call.axes()
    rank = len(given) + len(axes)
    places = axes_of(axes, rank)
    rest = iter(given)
    return reshaped(call, tuple(1 if axis in places else next(rest) for axis in range(rank)))


def reshaped(call, shape):
    x = call.known()
    content = x.content.reshape(shape) if x.content is not None and x.content.size <= MAX_CONTENT and known(*shape) else None
    return Known(x.dtype, shape, content)


@rule("Concat")
def concat(call):
    shapes = [call.shape(i) for i in range(len(call.inputs))]
    axis = call.axis(1)
    if any(len(s) != len(shapes[0]) for s in shapes):
        raise BadValue("its inputs have different numbers of axes")
    for a, *sizes in zip(range(len(shapes[0])), *shapes):
        if a != axis and len({s for s in sizes if known(s)}) > 1:
            raise BadValue(f"along axis {a} its inputs have the sizes {sizes}")
    joined = tuple(sum(sizes) if a == axis else next(filter(known, sizes), sizes[0]) for a, sizes in enumerate(zip(*shapes)))
    return followed(call, joined, lambda *parts: np.concatenate(parts, axis))


@rule("Split")
def split(call):
    given, axis, count = call.shape(), call.axis(0), len(call.node.outputs)
    parts = call.axes(name="split")
    if call.get("num_outputs", count) != count:
        raise BadValue(f"num_outputs is {call.get('num_outputs')}, it has {count}")
    if parts is None:
        if not known(given[axis]):
            parts = [given[axis] // count] * count
        else:
            each = -(-given[axis] // count)
            parts = [min(each, given[axis] - each * i) for i in range(count)]
    if len(parts) != count or known(given[axis], *parts) and sum(parts) != given[axis]:
        raise BadValue(f"size {given[axis]} cannot be split into {count} parts of {parts}")
    return [(*given[:axis], part, *given[axis + 1:]) for part in parts]


@rule("Slice")
def cut(call):
    given = list(call.shape())
    starts, ends = call.axes(1, "starts"), call.axes(2, "ends")
    axes = call.axes(3)
    steps = call.integers(4) if call.has(4) else [1] * len(starts)
    axes = axes_of(range(len(starts)) if axes is None else axes, len(given))
    if not len(starts) == len(ends) == len(axes) == len(steps) or 0 in steps:
        raise BadValue(f"starts {starts}, ends {ends}, axes {axes} and steps {steps} do not belong together")
    places = {axis: slice_of(start, end, step) for axis, start, end, step in zip(axes, starts, ends, steps)}
    shape = tuple(cut_size(size, places[axis]) if axis in places else size for axis, size in enumerate(given))
    x = call.known()
    if x.content is None or x.content.size > MAX_CONTENT:
        return shape
    return Known(x.dtype, shape, x.content[tuple(places.get(axis, slice(None)) for axis in range(len(given)))])


def slice_of(start, end, step):
    """ONNX's bounds as Python's: one far below 0 with a negative step means before the first."""
    return slice(start, None if step < 0 and end < -2**31 + 1 else end, step)


def cut_size(size, part):
    if known(size):
        return len(range(*part.indices(size)))
    whole = part.start == 0 and part.step == 1 and part.stop >= 2**31 - 1
    return size if whole else Size.unknown()


@rule("Gather")
def gather(call):
    given, axis = call.shape(), call.axis(0)
    shape = (*given[:axis], *call.shape(1), *given[axis + 1:])
    x = call.known()
    if call.known(1).constant and known(given[axis]) and call.content(1).size:
        index = call.content(1).astype(np.int64)
        if not -given[axis] <= index.min() <= index.max() < given[axis]:
            raise BadValue(f"an index is outside the {given[axis]} places of axis {axis}")
    if x.content is None or x.content.size > MAX_CONTENT or not call.known(1).constant:
        return shape
    index = call.content(1).astype(np.int64)
    return Known(x.dtype, shape, np.asarray(x.content.astype(object).take(index, axis), object))


@rule("GatherElements")
def gather_elements(call):
    return call.shape(1)


@rule("Expand")
def expand(call):
    shape, content = broadcast(call.shape(), tuple(call.sizes(1))), call.known().content
    if content is None or not known(*shape) or math.prod(shape) > MAX_CONTENT:
        return shape
    return Known(call.known().dtype, shape, np.broadcast_to(content, shape))


@rule("Tile")
def tile(call):
    given = call.shape()
    repeats = call.sizes(1)
    if call.opset < 6 or len(repeats) != len(given):
        raise BadValue(f"repeats {repeats} are not for {len(given)} axes")
    return tuple(size * times for size, times in zip(given, repeats))


@rule("Pad")
def pad(call):
    given = call.shape()
    pads = call.axes(1, "pads")
    axes = axes_of(call.integers(3) if call.has(3) else range(len(given)), len(given))
    if len(pads) != 2 * len(axes) or call.get("mode", "constant") not in ("constant", "reflect", "edge", "wrap"):
        raise BadValue(f"pads {pads} in the mode {call.get('mode')} are not for {len(axes)} axes")
    more = {axis: pads[i] + pads[i + len(axes)] for i, axis in enumerate(axes)}
    return tuple(size + more.get(axis, 0) for axis, size in enumerate(given))


@rule("Resize", "Upsample")
def resize(call):
    given = call.shape()
    if call.get("keep_aspect_ratio_policy", "stretch") != "stretch" or call.get("coordinate_transformation_mode") == "tf_crop_and_resize":
        raise Unknown
    axes = axes_of(call.get("axes", range(len(given))), len(given))
    scales = 1 if call.name == "Upsample" or call.opset < 11 else 2
    if call.has(3) and call.known(3).shape != (0,):
        wanted = dict(zip(axes, call.sizes(3)))
        return tuple(wanted.get(axis, size) for axis, size in enumerate(given))
    factors = call.get("scales") or call.numbers(scales)
    if len(factors) != len(axes) or not all(0 < factor < math.inf for factor in factors):
        raise BadValue(f"scales {factors} are not for {len(axes)} axes")
    scaled = dict(zip(axes, factors))
    return tuple(resized(size, scaled.get(axis, 1)) for axis, size in enumerate(given))


def resized(size, factor):
    if known(size):
        return math.floor(size * factor)
    return size * int(factor) if factor == int(factor) else Size.unknown()


@rule("DepthToSpace", "SpaceToDepth")
def blocks(call):
    n, c, h, w = call.shape()
    b = call.get("blocksize")
    return (n, c // (b * b), h * b, w * b) if call.name == "DepthToSpace" else (n, c * b * b, h // b, w // b)
