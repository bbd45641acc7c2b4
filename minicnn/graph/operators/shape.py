"""The same numbers in another shape, order or type: reshape, transpose, cut, join, repeat, pad."""

from math import prod

import numpy as np

from ...elementary import shape as ours
from ...elementary.arithmetic import where
from ...elementary.joining import cat
from ...elementary.windows import pad as pad_constant
from ...errors import BadValue, ShapeError
from ...functional.padding import pad_border
from ...tensor import wrap
from ..axes import axes_of, axis_of
from ..dtypes import dtype_of, type_of
from .table import operator
from .values import Numbers, beside, constant, integers, number

# Shape ---------------------------------------------------------------------------------------------------------------------


@operator("Identity")
def identity(input):
    return input


@operator("Reshape")
def reshape(data, shape_input: Numbers = None, *, shape=None, allowzero=0):
    """In another shape: -1 is what is left over, and 0 keeps the length (or is 0, with allowzero)."""
    wanted = integers(shape_input) if shape_input is not None else integers(shape)
    if wanted is None:
        raise BadValue("Reshape needs a shape, as an input or (before version 5) as an attribute")
    if not allowzero:
        wanted = [_kept(data, i) if n == 0 else n for i, n in enumerate(wanted)]
    if -1 in wanted and 0 in wanted:
        raise ShapeError(f"a length of -1 cannot be found beside a length of 0: {wanted}")
    return ours.reshape(data, wanted)


def _kept(data, axis):
    if axis >= data.ndim:
        raise ShapeError(f"0 at position {axis} of the new shape means the old length there, but the input has shape {tuple(data.shape)}")
    return data.shape[axis]


@operator("Flatten")
def flatten(input, *, axis=1):
    """A matrix: the axes before `axis` make its rows, the others its columns."""
    axis = input.ndim if axis == input.ndim else axis_of(axis, input.ndim)
    return ours.reshape(input, (prod(input.shape[:axis]), prod(input.shape[axis:])))


@operator("Squeeze")
def squeeze(data, axes_input: Numbers = None, *, axes=None):
    """Without axes of length 1: all of them, or those named."""
    chosen = integers(axes_input) if axes_input is not None else axes
    if chosen is None:
        return ours.squeeze(data)
    chosen = axes_of(chosen, data.ndim)
    if any(data.shape[axis] != 1 for axis in chosen):
        raise ShapeError(f"only axes of length 1 can be left out, not axes {chosen} of shape {tuple(data.shape)}")
    return ours.reshape(data, tuple(n for axis, n in enumerate(data.shape) if axis not in chosen))


@operator("Unsqueeze")
def unsqueeze(data, axes_input: Numbers = None, *, axes=None):
    """With new axes of length 1 at these places of the result."""
    chosen = integers(axes_input) if axes_input is not None else axes
    if chosen is None:
        raise BadValue("Unsqueeze needs axes, as an input or (before version 13) as an attribute")
    chosen, lengths = axes_of(chosen, data.ndim + len(chosen)), iter(data.shape)
    return ours.reshape(data, tuple(1 if axis in chosen else next(lengths) for axis in range(data.ndim + len(chosen))))


@operator("Transpose")
def transpose(data, *, perm=None):
    """The axes in another order; without one, turned around."""
    return ours.permute(data, *(range(data.ndim)[::-1] if perm is None else perm)) if data.ndim else data


@operator("Expand")
def expand(input, shape: Numbers):
    """Repeated to a shape that it broadcasts with."""
    return ours.broadcast_to(input, np.broadcast_shapes(tuple(input.shape), tuple(integers(shape))))


@operator("Tile")
def tile(input, repeats: Numbers):
    return ours.repeat(input, *integers(repeats))


@operator("DepthToSpace")
def depth_to_space(input, *, blocksize, mode="DCR"):
    """Channels traded for pixels: each block of blocksize² channels becomes a square. The block's place comes first in the channels
    ("DCR") or last ("CRD")."""
    n, c, h, w = input.shape
    deep = c // blocksize**2
    if mode == "DCR":
        x = input.reshape(n, blocksize, blocksize, deep, h, w).permute(0, 3, 4, 1, 5, 2)
    else:
        x = input.reshape(n, deep, blocksize, blocksize, h, w).permute(0, 1, 4, 2, 5, 3)
    return x.reshape(n, deep, h * blocksize, w * blocksize)


@operator("SpaceToDepth")
def space_to_depth(input, *, blocksize, mode="DCR"):
    """Pixels traded for channels: each square of blocksize² pixels becomes as many channels."""
    n, c, h, w = input.shape
    x = input.reshape(n, c, h // blocksize, blocksize, w // blocksize, blocksize)
    x = x.permute(0, 3, 5, 1, 2, 4) if mode == "DCR" else x.permute(0, 1, 3, 5, 2, 4)
    return x.reshape(n, c * blocksize**2, h // blocksize, w // blocksize)


# Parts --------------------------------------------------------------------------------------------------------------------


@operator("Concat")
def concat(*inputs, axis=1):
    inputs = beside(*inputs)
    return cat(inputs, axis_of(axis, inputs[0].ndim))


@operator("Split")
def split(input, split_input: Numbers = None, *, split=None, axis=0, num_outputs=None, outputs):
    """Consecutive pieces along an axis: of the lengths given, or else equal ones, the last of which may be shorter."""
    axis = axis_of(axis, input.ndim)
    if num_outputs not in (None, outputs):
        raise BadValue(f"num_outputs is {num_outputs}, but there are {outputs} outputs")
    length, count = input.shape[axis], outputs
    lengths = integers(split_input) if split_input is not None else integers(split)
    if lengths is None:
        each = -(-length // count)
        lengths = [max(min(each, length - i * each), 0) for i in range(count)]
    if sum(lengths) != length or min(lengths) < 0 or len(lengths) != outputs:
        raise ShapeError(f"pieces of {lengths} do not make up the {length} of axis {axis}, or are not {outputs}, as there are outputs")
    edges = np.cumsum([0, *lengths]).tolist()
    return tuple(input[(slice(None),) * axis + (slice(a, b),)] for a, b in zip(edges, edges[1:]))


@operator("Slice")
def slice_(data, starts_input: Numbers = None, ends_input: Numbers = None, axes_input: Numbers = None, steps_input: Numbers = None, *,
           starts=None, ends=None, axes=None):
    """Part of each axis: attributes before version 10, then inputs."""
    starts, ends = integers(starts if starts_input is None else starts_input), integers(ends if ends_input is None else ends_input)
    if starts is None or ends is None or len(starts) != len(ends):
        raise BadValue(f"Slice needs starts and ends, as many of one as of the other, got {starts} and {ends}")
    axes = integers(axes if axes_input is None else axes_input)
    axes = axes_of(range(len(starts)) if axes is None else axes, data.ndim)
    steps = integers(steps_input) or [1] * len(starts)
    if not len(starts) == len(axes) == len(steps) or 0 in steps:
        raise BadValue(f"Slice needs an axis and a step other than 0 for each start, got axes {axes}, steps {steps}, starts {starts}")
    index, turned = [slice(None)] * data.ndim, []
    for start, end, axis, step in zip(starts, ends, axes, steps):
        places = _places(data.shape[axis], start, end, step)
        if step < 0:                                                    # our tensors' slices go forward
            places = places[::-1]
            turned.append(axis)
        index[axis] = slice(places.start, places.stop, places.step) if places else slice(0, 0)
    part = data[tuple(index)]
    return ours.flip(part, *turned) if turned else part


def _places(length, start, end, step):
    """Which places of an axis a slice takes. As Python's, but that a step backwards from before the first place starts at the first."""
    start, end = (n + length if n < 0 else n for n in (start, end))
    low, high = (0, length) if step > 0 else (-1, length - 1)
    return range(min(max(start, 0), high), min(max(end, low), high), step)


@operator("Trilu")
def triangle(input, k: Numbers = None, *, upper=1):
    """The upper or lower triangle of matrices, from the k-th diagonal on; zeros elsewhere."""
    offset = 0 if k is None else int(number(k))
    ones = np.ones(tuple(input.shape[-2:]), bool)
    mask = np.triu(ones, offset) if upper else np.tril(ones, offset)
    return where(constant(mask, input), input, wrap(np.zeros((), input.dtype, like=input.array)))


# Margins ------------------------------------------------------------------------------------------------------------------

BORDERS = {"reflect": "reflect", "edge": "replicate", "wrap": "circular"}


@operator("Pad")
def pad(data, pads_input: Numbers = None, constant_value: Numbers = None, axes: Numbers = None, *, pads=None, value=0.0, mode="constant"):
    """A margin of one value, or of the image continued: mirrored ("reflect"), repeated ("edge") or going on at its other side ("wrap")."""
    pads = integers(pads if pads_input is None else pads_input)
    chosen = axes_of(range(data.ndim) if axes is None else integers(axes), data.ndim)
    if pads is None or len(pads) != 2 * len(chosen):
        raise BadValue(f"Pad needs two widths for each of the axes {chosen}, got {pads}")
    widths = [(0, 0)] * data.ndim
    for axis, before, after in zip(chosen, pads[: len(chosen)], pads[len(chosen) :]):
        widths[axis] = before, after
    if any(n + before + after < 0 for n, (before, after) in zip(data.shape, widths)):
        raise ShapeError(f"the widths {widths} crop more than there is of {tuple(data.shape)}")
    if mode == "constant":
        return pad_constant(data, widths, value if constant_value is None else number(constant_value))
    if mode not in BORDERS:
        raise BadValue(f"mode must be 'constant', 'reflect', 'edge' or 'wrap', got {mode!r}")
    if mode == "reflect" and any(max(width) >= n for n, width in zip(data.shape, widths) if max(width) > 0):
        raise ShapeError(f"an axis can be mirrored by less than its length: widths {widths} for {tuple(data.shape)}")
    return pad_border(data, widths=tuple(widths), mode=BORDERS[mode])


# Types --------------------------------------------------------------------------------------------------------------------


@operator("Cast")
def cast(input, *, to, saturate=1, round_mode="up"):
    """In another type. One that a Tensor has not is held by a wider one, its numbers rounded or cut first (but for bfloat16)."""
    name, held = type_of(to), np.dtype(dtype_of(to))
    if name in (str(held), "bfloat16"):
        return ours.cast(input, held)
    between = np.dtype(name)
    narrow = ours._cast(input if held.kind == "f" else input.detach(), to=between, back=input.dtype)
    return ours._cast(narrow, to=held, back=between)


@operator("CastLike")
def cast_like(input, target_type, *, saturate=1, round_mode="up"):
    return ours.cast(input, target_type.dtype)
