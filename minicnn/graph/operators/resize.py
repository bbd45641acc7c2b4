"""Another size for some axes: each new place is a weighted mean of old ones, by a matrix for each axis as in `functional/resize.py`.

What ONNX leaves open: which place in the old axis a new one corresponds to (coordinate_transformation_mode), which old elements around it
count, with which weights (mode), and what happens beyond the ends.
"""

from functools import lru_cache
from math import ceil, floor

import numpy as np

from ...errors import BadValue, ShapeError
from ...functional import resize as layer
from ..axes import axes_of
from .table import operator
from .values import Numbers, constant, floats, integers

LARGEST = 1 << 30               # bytes of the weights for one axis
ASYMMETRIC, HALF = "asymmetric", "half_pixel"
SIMPLE = "floor, or where an axis shrinks ceil"          # onnxruntime's choice for versions before 11, which leave it open


@operator("Upsample")
def upsample(x, scales_input: Numbers = None, *, scales=None, mode="nearest"):
    """The former Resize: a new place p is p / scale in the old axis."""
    return resize(x, None, scales_input, scales_attribute=scales, mode=mode, coordinate_transformation_mode=ASYMMETRIC,
                  nearest_mode=SIMPLE)


@operator("Resize")
def resize_operator(x, roi: Numbers = None, scales: Numbers = None, sizes: Numbers = None, *, mode="nearest",
                    coordinate_transformation_mode=HALF, cubic_coeff_a=-0.75, exclude_outside=0, extrapolation_value=0.0,
                    nearest_mode="round_prefer_floor", antialias=0, axes=None, keep_aspect_ratio_policy="stretch", opset):
    """The axes with other lengths: by `sizes`, or by `scales` = new / old. (In version 10 the second input is the scales.)"""
    if opset < 11:
        return resize(x, None, roi, mode=mode, coordinate_transformation_mode=ASYMMETRIC, nearest_mode=SIMPLE)
    return resize(x, roi, scales, sizes, mode=mode, coordinate_transformation_mode=coordinate_transformation_mode,
                  nearest_mode=nearest_mode, a=cubic_coeff_a, exclude_outside=bool(exclude_outside), beyond=extrapolation_value,
                  antialias=bool(antialias), axes=axes, policy=keep_aspect_ratio_policy)


def resize(x, roi, scales, sizes=None, *, scales_attribute=None, mode, coordinate_transformation_mode, nearest_mode, a=-0.75,
           exclude_outside=False, beyond=0.0, antialias=False, axes=None, policy="stretch"):
    """x with each axis multiplied by its matrix; `beyond` stands where a place is taken from outside of the old axis."""
    chosen = axes_of(range(x.ndim) if axes is None else axes, x.ndim)
    scales = floats(scales) or scales_attribute
    lengths, scales = new_lengths([x.shape[axis] for axis in chosen], scales, integers(sizes) or None, policy)
    ends = floats(roi) or [0.0] * len(chosen) + [1.0] * len(chosen)
    rules = Rules(mode, coordinate_transformation_mode, nearest_mode, a, exclude_outside, antialias)
    found = {}
    for i, axis in enumerate(chosen):
        part = (ends[i], ends[i + len(chosen)]) if rules.place == "tf_crop_and_resize" else (0.0, 1.0)
        if lengths[i] != x.shape[axis] or scales[i] != 1 or part != (0.0, 1.0):
            found[axis] = rules, x.shape[axis], lengths[i], scales[i], part
    return _apply(x, found, beyond)


class Rules(tuple):
    """What is the same for all axes: mode, place (the coordinate_transformation_mode), nearest_mode, a, exclude_outside, antialias."""

    def __new__(cls, *values):
        rules = super().__new__(cls, values)
        rules.mode, rules.place, rules.nearest_mode, rules.a, rules.exclude_outside, rules.antialias = values
        if rules.mode not in ("nearest", "linear", "cubic"):
            raise BadValue(f"mode must be 'nearest', 'linear' or 'cubic', got {rules.mode!r}")
        if rules.place not in PLACES:
            raise BadValue(f"coordinate_transformation_mode must be one of {', '.join(PLACES)}; got {rules.place!r}")
        if rules.mode == "nearest" and rules.nearest_mode not in (SIMPLE, *NEAREST):
            raise BadValue(f"nearest_mode must be one of {', '.join(NEAREST)}; got {rules.nearest_mode!r}")
        return rules


def new_lengths(lengths, scales, sizes, policy):
    """The new length of each axis, and the scale by which places are computed."""
    if (scales is None) == (sizes is None):
        raise BadValue(f"Resize needs either scales or sizes, got {scales} and {sizes}")
    given = scales if sizes is None else sizes
    if len(given) != len(lengths) or min(given, default=1) <= 0:
        raise ShapeError(f"Resize needs a positive number for each of {len(lengths)} axes, got {given}")
    if sizes is None:
        return [floor(n * s) for n, s in zip(lengths, scales)], scales
    scales = [m / n for m, n in zip(sizes, lengths)]
    if policy == "stretch":
        return sizes, scales
    if policy not in ("not_larger", "not_smaller"):
        raise BadValue(f"keep_aspect_ratio_policy must be 'stretch', 'not_larger' or 'not_smaller', got {policy!r}")
    scale = (min if policy == "not_larger" else max)(scales)
    return [int(scale * n + 0.5) for n in lengths], [scale] * len(lengths)


def _apply(x, found, beyond):
    """Nearest by picking elements, else by products with matrices."""
    whole = not x.is_floating_point() and any(arguments[0].mode != "nearest" for arguments in found.values())
    y = x.to("float32") if whole else x
    matrices = {}
    for axis, arguments in found.items():
        if arguments[0].mode == "nearest":
            y = y[(slice(None),) * axis + (constant(nearest(*arguments), y),)]
        else:
            matrices[axis] = constant(matrix(*arguments).astype(y.dtype), y)
    y = _multiply(y, matrices)
    for axis, arguments in found.items():
        outside = is_beyond(*arguments)
        if outside.any():
            y = y.masked_fill(constant(outside.reshape(-1, *(1,) * (y.ndim - axis - 1)), y), beyond)
    return y.round().to(x.dtype) if whole else y


def _multiply(x, matrices):
    """x times a matrix for each of some axes."""
    if matrices and x.ndim > 2 and min(matrices) >= 2:
        return layer.resize(x, matrices=tuple(matrices[axis].array if axis in matrices else np.eye(n, dtype=x.dtype, like=x.array)
                                              for axis, n in enumerate(x.shape[2:], 2)))
    for axis, by in matrices.items():
        x = (x.transpose(axis, -1) @ by.T).transpose(axis, -1)
    return x


# Where a new place lies in the old axis -------------------------------------------------------------------------------------------

# p: the new places 0, 1, ...; n, m: old and new length; s: the scale; (start, end): the part of the old axis, as fractions
PLACES = {
    HALF: lambda p, n, m, s, start, end: (p + 0.5) / s - 0.5,
    "pytorch_half_pixel": lambda p, n, m, s, start, end: (p + 0.5) / s - 0.5 if m > 1 else p * 0.0,
    "half_pixel_symmetric": lambda p, n, m, s, start, end: n / 2 * (1 - m / (s * n)) + (p + 0.5) / s - 0.5,
    "tf_half_pixel_for_nn": lambda p, n, m, s, start, end: (p + 0.5) / s,
    ASYMMETRIC: lambda p, n, m, s, start, end: p / s,
    "align_corners": lambda p, n, m, s, start, end: p * (n - 1) / (_width(n, m, s) - 1) if m > 1 else p * 0.0,
    "tf_crop_and_resize": lambda p, n, m, s, start, end: (
        start * (n - 1) + p * (end - start) * (n - 1) / (m - 1) if m > 1 else p * 0.0 + 0.5 * (start + end) * (n - 1)),
}


def _width(n, m, s):
    """The new length before it was rounded down: scale times length, where that is no integer."""
    return m if abs(s * n - m) < 1e-4 else s * n


NEAREST = {
    "round_prefer_floor": lambda x: np.ceil(x - 0.5), "round_prefer_ceil": lambda x: np.floor(x + 0.5), "floor": np.floor, "ceil": np.ceil,
}


def places(rules, length, new_length, scale, part):
    """Where each new place lies, (new_length,), float64."""
    return PLACES[rules.place](np.arange(new_length, dtype=float), length, new_length, scale, *part)


def is_beyond(rules, length, new_length, scale, part):
    """Which new places lie outside of the old axis; asked for in one mode only, the others repeat its ends."""
    x = places(rules, length, new_length, scale, part)
    return (x < 0) | (x > length - 1) if rules.place == "tf_crop_and_resize" else np.zeros(new_length, bool)


def nearest(rules, length, new_length, scale, part):
    """The old element for each new place, (new_length,)."""
    mode = ("ceil" if scale < 1 else "floor") if rules.nearest_mode == SIMPLE else rules.nearest_mode
    return np.clip(NEAREST[mode](places(rules, length, new_length, scale, part)), 0, length - 1).astype(np.int64)


@lru_cache(maxsize=256)
def matrix(rules, length, new_length, scale, part):
    """The weights of the old elements in each new place, (new_length, length), float64."""
    if new_length * length * 8 > LARGEST:
        raise BadValue(f"an axis of {length} brought to {new_length} takes weights of {new_length * length * 8 / 2**30:,.1f} GiB, at most "
                       f"{LARGEST / 2**30:g} GiB are taken")
    centre, squeezed = places(rules, length, new_length, scale, part), min(scale, 1.0) if rules.antialias else 1.0
    reach = ceil((1 if rules.mode == "linear" else 2) / squeezed)
    columns = np.floor(centre).astype(int)[:, None] + np.arange(-reach, reach + 2)
    weights = _weights(np.abs(columns - centre[:, None]) * squeezed, rules)
    if rules.exclude_outside:
        weights = np.where((columns < 0) | (columns >= length), 0, weights)
    if rules.exclude_outside or rules.antialias:
        weights = weights / weights.sum(1, keepdims=True)
    found = np.zeros((new_length, length))
    np.add.at(found, (np.arange(new_length)[:, None], np.clip(columns, 0, length - 1)), weights)
    return found


def _weights(distance, rules):
    """By the distance from the new place: a hat, or Keys' cubic (1981) with its parameter a."""
    if rules.mode == "linear":
        return np.maximum(1 - distance, 0)
    near = ((rules.a + 2) * distance - (rules.a + 3)) * distance**2 + 1
    far = ((distance - 5) * distance + 8) * distance * rules.a - 4 * rules.a
    return np.where(distance <= 1, near, np.where(distance < 2, far, 0))
