"""Which part of an image is seen: crop, pad and flip. No pixel changes its value."""

import math
from numbers import Number

import numpy as np

from ....errors import BadType, BadValue, ShapeError
from .kinds import apply, is_pillow, pillow_fill, size_of

PADDING_MODES = ("constant", "edge", "reflect", "symmetric")


def hflip(img):
    """The image with left and right exchanged."""
    return apply(img, lambda image: image.transpose(_flip().FLIP_LEFT_RIGHT), lambda array: array[..., ::-1].copy())


def vflip(img):
    """The image with top and bottom exchanged."""
    return apply(img, lambda image: image.transpose(_flip().FLIP_TOP_BOTTOM), lambda array: array[..., ::-1, :].copy())


def _flip():
    from PIL import Image

    return Image.Transpose


def crop(img, top, left, height, width):
    """The part of an image that begins at (top, left); what lies outside of the image is 0."""
    box = (left, top, left + width, top + height)
    return apply(img, lambda image, *_: image.crop(box), _crop_array, top, left, height, width)


def _crop_array(array, top, left, height, width):
    rows, columns = array.shape[-2:]
    inside = array[..., max(top, 0) : max(top + height, 0), max(left, 0) : max(left + width, 0)]
    outside = [(_within(-start, length), _within(start + length - whole, length))
               for start, length, whole in ((top, height, rows), (left, width, columns))]
    return np.pad(inside, [(0, 0)] * (array.ndim - 2) + outside) if np.any(outside) else inside.copy()


def _within(count, most):
    return min(max(count, 0), most)


def center_crop(img, output_size):
    """The middle of an image; zeros around an image that is smaller.

    output_size  (height, width), or one number for both
    """
    height, width = pair("output_size", output_size)
    rows, columns = size_of(img)
    if height > rows or width > columns:
        more_rows, more_columns = max(height - rows, 0), max(width - columns, 0)
        img = pad(img, [more_columns // 2, more_rows // 2, (more_columns + 1) // 2, (more_rows + 1) // 2])
        rows, columns = size_of(img)
    return crop(img, round((rows - height) / 2), round((columns - width) / 2), height, width)


def pair(name, size):
    """(height, width) of one integer, of a sequence of one, or of two."""
    values = [size] if isinstance(size, Number) else list(size) if isinstance(size, (tuple, list)) else None
    if values is None or not all(isinstance(value, (int, np.integer)) and not isinstance(value, bool) for value in values):
        raise BadType(f"{name} must be an integer or (height, width), got {size!r}")
    if len(values) not in (1, 2):
        raise BadValue(f"{name} must be an integer or (height, width), got {size!r}")
    if min(values) < 1:
        raise BadValue(f"{name} must be 1 or more, got {size!r}")
    return (int(values[0]), int(values[-1]))


def pad(img, padding, fill=0, padding_mode="constant"):
    """The image with a frame around it; negative widths cut off.

    padding       one width for all sides; (left and right, top and bottom); or (left, top, right, bottom)
    fill          of the frame, for "constant": a number, or for Pillow images a tuple with one per channel
    padding_mode  "constant"; "edge": the outermost pixel; "reflect": mirrored without it; "symmetric": mirrored with it
    """
    sides, mode = check_padding(padding), check_padding_mode(padding_mode)
    check_fill(fill)
    check_what_is_left(size_of(img), sides)
    return apply(img, _pad_pillow, _pad_array, sides, fill, mode)


def check_padding(padding):
    """(left, top, right, bottom)"""
    if not isinstance(padding, (Number, tuple, list)):
        raise BadType(f"padding must be a number or a sequence of 1, 2 or 4, got {padding!r}")
    sides = [padding] if isinstance(padding, Number) else list(padding)
    if len(sides) not in (1, 2, 4):
        raise BadValue(f"padding must be a number or a sequence of 1, 2 or 4, got {len(sides)} numbers")
    if any(int(side) != side for side in sides):
        raise BadValue(f"padding must be whole numbers of pixels, got {padding!r}")
    return tuple(map(int, sides * (4 // len(sides))))


def check_what_is_left(size, sides):
    left, top, right, bottom = sides
    if size[0] + top + bottom < 0 or size[1] + left + right < 0:
        raise ShapeError(f"padding of {sides} leaves nothing of an image of {size[0]} x {size[1]}")


def check_padding_mode(mode):
    if mode not in PADDING_MODES:
        raise BadValue(f"padding_mode must be one of {', '.join(PADDING_MODES)}, got {mode!r}")
    return mode


def check_fill(fill):
    if not isinstance(fill, (Number, str, tuple, list)):
        raise BadType(f"fill must be a number, a colour's name or a tuple, got {fill!r}")


def _pad_pillow(image, sides, fill, mode):
    from PIL import Image, ImageOps

    if mode == "constant":
        padded = ImageOps.expand(image, border=sides, fill=pillow_fill(fill, image))
    else:
        padded = Image.fromarray(_pad_pixels(np.asarray(image), sides, mode))
    if image.mode == "P":
        padded = padded if padded.mode == "P" else padded.convert("P")
        padded.putpalette(image.getpalette())
    return padded


def _pad_pixels(pixels, sides, mode):
    """(H, W) or (H, W, C) with its frame, which is cut off where it is negative."""
    left, top, right, bottom = sides
    height, width = pixels.shape[:2]
    pixels = pixels[max(-top, 0) : height - max(-bottom, 0), max(-left, 0) : width - max(-right, 0)]
    widths = [(max(top, 0), max(bottom, 0)), (max(left, 0), max(right, 0))] + [(0, 0)] * (pixels.ndim - 2)
    return np.pad(pixels, widths, mode)


def _pad_array(array, sides, fill, mode):
    if mode == "constant" and not isinstance(fill, Number):
        if len(set(fill)) > 1 or isinstance(fill, str):
            raise BadType(f"a tensor is padded with one number, got fill={fill!r}")
        fill = fill[0]
    left, top, right, bottom = sides
    height, width = array.shape[-2:]
    most = {"reflect": 1, "symmetric": 0}.get(mode, -math.inf)          # a mirror shows no more than the image
    if max(left, right) > width - most or max(top, bottom) > height - most:
        raise ShapeError(f"padding of {sides} by mode {mode!r} is more than an image of {height} x {width} can be mirrored by")
    widths = [(0, 0)] * (array.ndim - 2) + [(max(top, 0), max(bottom, 0)), (max(left, 0), max(right, 0))]
    padded = np.pad(array, widths, mode, **({"constant_values": fill} if mode == "constant" else {}))
    return padded[..., max(-top, 0) : padded.shape[-2] - max(-bottom, 0), max(-left, 0) : padded.shape[-1] - max(-right, 0)]


def erase(img, i, j, h, w, v, inplace=False):
    """The tensor (..., C, H, W) with the part of h x w that begins at (i, j) set to v, a number or an array that fits."""
    if is_pillow(img):
        raise BadType("only tensors are erased: put RandomErasing after ToTensor")
    return apply(img, None, _erase, i, j, h, w, v, inplace)


def _erase(array, i, j, h, w, v, inplace):
    array = array if inplace else array.copy()
    array[..., i : i + h, j : j + w] = v
    return array
