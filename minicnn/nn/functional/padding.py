"""Padding, with PyTorch's arguments: widths from the last axis to the first, (left, right, top, bottom, ...)."""

from ...elementary.windows import pad as pad_constant
from ...errors import BadType, BadValue, ShapeError
from ...functional import padding as layer
from ...shapes import tuple_of
from ...tensor import Tensor

__all__ = ["pad"]


def pad(input, pad, mode="constant", value=None):
    """The input with a border of other widths on each side: (left, right), or (left, right, top, bottom), and so on.

    mode: "constant" (a border of `value`, by default 0, on any number of axes), "reflect" (mirrored at the border pixels),
    "replicate" (the border pixels repeated) or "circular" (going on at the opposite side). Negative widths crop.
    """
    if not isinstance(input, Tensor):
        raise BadType(f"pad: expected the input to be a Tensor, got {type(input).__name__}")
    widths = _widths(tuple_of(pad, "pad"), input)
    if mode == "constant":
        return pad_constant(input, widths, 0 if value is None else value) if any(map(any, widths)) else input.clone()
    if mode not in ("reflect", "replicate", "circular"):
        raise BadValue(f"pad: mode must be 'constant', 'reflect', 'replicate' or 'circular', got {mode!r}")
    if value:
        raise BadValue(f"pad: mode {mode!r} takes no value, got {value}")
    _check_border(input.array.shape, widths, len(pad) // 2, mode)
    return layer.pad_border(input, widths=widths, mode=mode)


def _widths(pad, input):
    """((before, after), ...) for every axis of the input, from PyTorch's order."""
    if len(pad) % 2 or len(pad) > 2 * input.array.ndim:
        raise BadValue(f"pad: expected two widths for each of at most {input.array.ndim} axes of the input {tuple(input.shape)}, "
                       f"the last axis first; got {len(pad)}: {pad}")
    pairs = tuple(zip(pad[::2], pad[1::2]))[::-1]
    widths = ((0, 0),) * (input.array.ndim - len(pairs)) + pairs
    if any(max(-before, 0) + max(-after, 0) > n for n, (before, after) in zip(input.array.shape, widths)):
        raise ShapeError(f"pad: the input {tuple(input.shape)} is too small to be cropped by {pad}")
    return widths


def _check_border(shape, widths, axes, mode):
    """What can be continued: one, two or three axes behind the channels, none of them empty, each long enough."""
    if len(shape) not in (axes + 1, axes + 2) or axes > 3:
        raise ShapeError(f"pad: mode {mode!r} pads the axes behind the channels, (C, ...) or (N, C, ...); it needs 2 widths for "
                         f"each of them (at most 3), got {2 * axes} for the input {tuple(shape)}")
    if 0 in shape[len(shape) - axes - (mode != "circular") :]:
        raise ShapeError(f"pad: only the batch axis may be empty, got shape {tuple(shape)}")
    for n, (before, after) in zip(shape[-axes:], widths[-axes:]):
        longest = {"reflect": n - 1, "circular": n - max(-before, 0) - max(-after, 0)}
        if mode in longest and max(before, after) > longest[mode]:
            raise ShapeError(f"pad: mode {mode!r} can continue an axis of length {n} by at most {longest[mode]}, got {(before, after)}")
        if n + before + after < 1:
            raise ShapeError(f"pad: nothing would be left of an axis of length {n}, cropped by {(before, after)}")
