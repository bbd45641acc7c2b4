"""Images: another size, channels traded for pixels, windows cut out and laid back."""

from math import isfinite

from ... import arrays, shapes
from ...autograd.mode import watched_whole
from ...elementary.windows import overlap_add, windows
from ...elementary.windows import pad as pad_constant
from ...errors import BadType, BadValue, ShapeError
from ...functional import resize as layer
from ...tensor import Tensor
from .arguments import batched, check_tensors

__all__ = ["channel_shuffle", "fold", "interpolate", "pixel_shuffle", "pixel_unshuffle", "unfold", "upsample", "upsample_bilinear",
           "upsample_nearest"]

# Interpolation -----------------------------------------------------------------------------------------------------------

# Each mode, and how many axes it can have behind (N, C).
_AXES = {"nearest": (1, 2, 3), "nearest-exact": (1, 2, 3), "area": (1, 2, 3), "linear": (1,), "bilinear": (2,), "trilinear": (3,),
         "bicubic": (2,)}
_CORNERS = ("linear", "bilinear", "trilinear", "bicubic")


@watched_whole
def interpolate(input, size=None, scale_factor=None, mode="nearest", align_corners=None, recompute_scale_factor=None,
                antialias=False):
    """Images (N, C, H, W) in another size; also sequences (N, C, L) and volumes (N, C, D, H, W).

    size: the new length of each axis behind the channels, or scale_factor: its ratio to the old one (one number or one for each).
    mode: "nearest", "nearest-exact", "linear" (L), "bilinear", "bicubic" (H, W), "trilinear" (D, H, W) or "area".
    align_corners: whether the outermost pixels' centres coincide, or (by default) the images' edges.
    recompute_scale_factor: compute with the ratio of the whole-numbered sizes in place of scale_factor itself.
    """
    _check_mode(input, mode, align_corners, antialias)
    size, scales = _sizes(input.array.shape[2:], size, scale_factor, recompute_scale_factor)
    x = input if input.is_floating_point() else _bytes_as_float(input, mode)
    y = layer.resize(x, matrices=layer.matrices_for(x.array, size, mode, scales, bool(align_corners)))
    return y if x is input else y.to(input.dtype)


def _check_mode(input, mode, align_corners, antialias):
    if not isinstance(input, Tensor):
        raise BadType(f"interpolate: expected the input to be a Tensor, got {type(input).__name__}")
    if mode not in _AXES:
        raise BadValue(f"interpolate: mode must be one of {', '.join(map(repr, _AXES))}; got {mode!r}")
    if input.array.ndim - 2 not in _AXES[mode]:
        raise ShapeError(f"interpolate: mode {mode!r} needs an input (N, C, ...) with {' or '.join(map(str, _AXES[mode]))} axes behind "
                         f"the channels, got shape {tuple(input.shape)}")
    if 0 in input.array.shape[1:]:
        raise ShapeError(f"interpolate: only the batch axis may be empty, got shape {tuple(input.shape)}")
    if align_corners is not None and mode not in _CORNERS:
        raise BadValue(f"interpolate: align_corners belongs to the modes {', '.join(_CORNERS)}; mode {mode!r} has none")
    if antialias:
        raise BadValue("interpolate: antialias=True is not supported; mode 'area' averages when an image shrinks")


def _bytes_as_float(input, mode):
    if input.dtype != arrays.uint8 or not mode.startswith("nearest"):
        raise BadType(f"interpolate: mode {mode!r} needs floating point, got {input.dtype}; convert it with .float()")
    return input.to(arrays.float32)


def _sizes(lengths, size, scale_factor, recompute):
    """The new length of each axis, and the scale to compute positions with (None: the ratio of the lengths)."""
    if (size is None) == (scale_factor is None):
        raise BadValue("interpolate: give either size or scale_factor" + (", not both" if size is not None else ""))
    if size is None:
        scales = _each(scale_factor, len(lengths), "scale_factor")
        if not all(isfinite(s) and s > 0 for s in scales):
            raise BadValue(f"interpolate: scale_factor must be positive and finite, got {scale_factor}")
        new = tuple(int(n * s) for n, s in zip(lengths, scales))
    else:
        if recompute:
            raise BadValue("interpolate: recompute_scale_factor goes with scale_factor, and size was given")
        new = shapes.tuple_of(_each(size, len(lengths), "size"), "size")
    if min(new) < 1:
        raise ShapeError(f"interpolate: the new size {new} must be at least 1 on each axis (the input has {tuple(lengths)})")
    return new, (None,) * len(new) if size is not None or recompute else tuple(map(float, scales))


def _each(value, count, name):
    """One value for each axis."""
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,) * count
    if len(values) != count:
        raise ShapeError(f"interpolate: expected {name} to be a number or {count} of them, one for each axis behind the "
                         f"channels, got {value!r}")
    return values


def upsample(input, size=None, scale_factor=None, mode="nearest", align_corners=None):
    """The former name of `interpolate`."""
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input, size=None, scale_factor=None):
    """`interpolate` with mode "nearest"."""
    return interpolate(input, size, scale_factor)


def upsample_bilinear(input, size=None, scale_factor=None):
    """`interpolate` with mode "bilinear" and aligned corners."""
    return interpolate(input, size, scale_factor, "bilinear", align_corners=True)


# Channels and pixels -----------------------------------------------------------------------------------------------------


@watched_whole
def pixel_shuffle(input, upscale_factor):
    """Groups of r² channels become r times finer images: (..., C·r², H, W) -> (..., C, H·r, W·r)."""
    r = _factor("pixel_shuffle", input, upscale_factor)
    *lead, c, h, w = input.array.shape
    if c % (r * r):
        raise ShapeError(f"pixel_shuffle: the {c} channels of the input {tuple(input.shape)} must be a multiple of {r}² = {r * r}")
    k = len(lead)
    fine = input.reshape(*lead, c // (r * r), r, r, h, w).permute(*range(k), k, k + 3, k + 1, k + 4, k + 2)
    return fine.reshape(*lead, c // (r * r), h * r, w * r)


def pixel_unshuffle(input, downscale_factor):
    """The reverse of `pixel_shuffle`: (..., C, H·r, W·r) -> (..., C·r², H, W)."""
    r = _factor("pixel_unshuffle", input, downscale_factor)
    *lead, c, h, w = input.array.shape
    if h % r or w % r:
        raise ShapeError(f"pixel_unshuffle: height {h} and width {w} of the input {tuple(input.shape)} must be multiples of {r}")
    k = len(lead)
    coarse = input.reshape(*lead, c, h // r, r, w // r, r).permute(*range(k), k, k + 2, k + 4, k + 1, k + 3)
    return coarse.reshape(*lead, c * r * r, h // r, w // r)


def _factor(name, input, factor):
    if not isinstance(input, Tensor) or input.array.ndim < 3:
        raise ShapeError(f"{name}: expected a tensor (..., C, H, W), got {getattr(input, 'shape', type(input).__name__)}")
    if not isinstance(factor, int) or isinstance(factor, bool) or factor < 1:
        raise BadValue(f"{name}: the factor must be a positive integer, got {factor!r}")
    return factor


def channel_shuffle(input, groups):
    """Channels (N, G·C, ...) dealt out: the first of each group, then the second of each, and so on."""
    n, c = input.array.shape[:2]
    if groups < 1 or c % groups:
        raise ShapeError(f"channel_shuffle: groups={groups} must divide the {c} channels of the input {tuple(input.shape)}")
    return input.reshape(n, groups, c // groups, -1).transpose(1, 2).reshape(*input.shape)


# Windows -----------------------------------------------------------------------------------------------------------------


@watched_whole
def unfold(input, kernel_size, dilation=1, padding=0, stride=1):
    """Every window of the images as a column: (N, C, H, W) or (C, H, W) -> (N, C·KH·KW, P·Q)."""
    if not isinstance(input, Tensor):
        raise BadType(f"unfold: expected the input to be a Tensor, got {type(input).__name__}")
    x, alone = batched(input, "unfold")
    if 0 in x.array.shape[1:]:
        raise ShapeError(f"unfold: only the batch axis may be empty, got shape {tuple(input.shape)}")
    window = _window("unfold", x.array.shape[2:], kernel_size, dilation, padding, stride)
    columns = windows(pad_constant(x, window.pads), window)                     # (N, C, KH, KW, P, Q)
    n, c, kh, kw, p, q = columns.array.shape
    y = columns.reshape(n, c * kh * kw, p * q)
    return y.squeeze(0) if alone else y


@watched_whole
def fold(input, output_size, kernel_size, dilation=1, padding=0, stride=1):
    """Columns laid back as windows of images (N, C, H, W), added up where they overlap: the transpose of `unfold`."""
    check_tensors("fold", input)
    x, alone = batched(input, "fold", 2, "(C·KH·KW, P·Q)")
    window = _window("fold", shapes.pair(output_size, "output_size", least=1), kernel_size, dilation, padding, stride)
    n, rows, columns = x.array.shape
    (kh, kw), (p, q) = window.kernel, window.output
    if rows % (kh * kw) or not rows or columns != p * q:
        raise ShapeError(f"fold: expected input (N, C·{kh * kw}, {p * q}): a multiple of the kernel's {kh}x{kw} pixels, and {p}x{q} "
                         f"windows in images of {window.size[0]}x{window.size[1]}; got {tuple(input.shape)}")
    padded = overlap_add(x.reshape(n, rows // (kh * kw), kh, kw, p, q), window, window.reach)
    y = pad_constant(padded, [(-before, -after) for before, after in window.pads])
    return y.squeeze(0) if alone else y


def _window(name, size, kernel_size, dilation, padding, stride):
    kernel, stride = shapes.pair(kernel_size, "kernel_size", least=1), shapes.pair(stride, "stride", least=1)
    padding, dilation = shapes.pair(padding, "padding", least=0), shapes.pair(dilation, "dilation", least=1)
    return shapes.window(tuple(size), kernel, stride, tuple((p, p) for p in padding), dilation)
