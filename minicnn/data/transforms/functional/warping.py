"""Turned, moved, scaled and sheared images: an affine map takes each new pixel to the place in the image that it is read from.

    old place = M · new place,    M = (T(centre) · T(translate) · R(angle) · Shear · Scale · T(−centre))⁻¹
"""

import math
from numbers import Number

import numpy as np

from ....errors import BadType, BadValue
from .kinds import (
    PILLOW_CODES,
    InterpolationMode,
    apply,
    array_mode,
    as_before,
    channels_of,
    computing,
    fill_values,
    interpolation_mode,
    pillow_fill,
)

NEAREST, BILINEAR = InterpolationMode.NEAREST, InterpolationMode.BILINEAR


def inverse_matrix(center, angle, translate, scale, shear):
    """(2, 3) M, for angles in degrees, clockwise."""
    turn, shear_x, shear_y = math.radians(angle), *map(math.radians, shear)
    a = math.cos(turn - shear_y) / math.cos(shear_y)
    b = -math.cos(turn - shear_y) * math.tan(shear_x) / math.cos(shear_y) - math.sin(turn)
    c = math.sin(turn - shear_y) / math.cos(shear_y)
    d = -math.sin(turn - shear_y) * math.tan(shear_x) / math.cos(shear_y) + math.cos(turn)
    m = np.array([[d, -b], [-c, a]]) / scale                            # the inverse: rotation with shear has determinant 1
    return np.column_stack([m, np.asarray(center) - m @ (np.asarray(center) + np.asarray(translate))])


def rotate(img, angle, interpolation=NEAREST, expand=False, center=None, fill=None):
    """The image turned counter-clockwise by an angle in degrees.

    expand  make the frame so large that nothing is cut off
    center  (x, y) that stays where it is, from the upper left corner; None: the middle
    fill    what stands where nothing was: a number, or one per channel; None: 0
    """
    mode = interpolation_mode(interpolation)
    _check("angle", angle, Number)
    _check("center", center, (tuple, list, type(None)))
    return apply(img, _rotate_pillow, _rotate_array, angle, mode, expand, center, fill)


def _check(name, value, kinds):
    if not isinstance(value, kinds):
        raise BadType(f"{name} must be {'a number' if kinds is Number else 'a sequence of numbers'}, got {value!r}")


def _rotate_pillow(image, angle, mode, expand, center, fill):
    return image.rotate(angle, PILLOW_CODES[mode], expand, center, fillcolor=pillow_fill(fill, image))


def _rotate_array(array, angle, mode, expand, center, fill):
    matrix = inverse_matrix(_from_middle(center, array), -angle, (0, 0), 1, (0, 0))
    return warped(array, matrix, expanded_size(matrix, array.shape[-2:]) if expand else array.shape[-2:], mode, fill)


def _from_middle(center, array):
    height, width = array.shape[-2:]
    return (0, 0) if center is None else (center[0] - width / 2, center[1] - height / 2)


def expanded_size(matrix, size):
    """(height, width) that holds the whole of a turned image."""
    height, width = size
    matrix = matrix.astype(np.float32)                                  # in which a quarter turn's cosine of 6e-17 is lost
    corners = np.array([[-width, -height], [-width, height], [width, height], [width, -height]], np.float32) / 2
    places = corners @ matrix[:, :2].T + matrix[:, 2] + np.array([width, height], np.float32) / 2
    low, high = places.min(0), places.max(0)
    grid = 1e-4                                                         # a corner on a pixel's border asks for no pixel more
    columns, rows = np.ceil(np.trunc(high / grid) * grid) - np.floor(np.trunc(low / grid) * grid)
    return int(rows), int(columns)


def affine(img, angle, translate, scale, shear, interpolation=NEAREST, fill=None, center=None):
    """The image turned clockwise by `angle` degrees, sheared, scaled and moved; its middle, or `center`, stays where it is.

    translate  pixels to the right and down
    shear      degrees along x, or along x and along y
    """
    mode = interpolation_mode(interpolation)
    _check("angle", angle, Number)
    _check("translate", translate, (tuple, list))
    _check("shear", shear, (Number, tuple, list))
    shear = [shear, 0.0] if isinstance(shear, Number) else [*shear, 0.0] if len(shear) == 1 else list(shear)
    if len(translate) != 2 or len(shear) != 2:
        raise BadValue(f"translate must be two numbers, shear one or two, got {translate!r} and {shear!r}")
    if scale <= 0:
        raise BadValue(f"scale must be positive, got {scale}")
    return apply(img, _affine_pillow, _affine_array, angle, translate, scale, shear, mode, fill, center)


def _affine_pillow(image, angle, translate, scale, shear, mode, fill, center):
    from PIL import Image

    middle = (image.width / 2, image.height / 2) if center is None else center
    matrix = inverse_matrix(middle, angle, translate, scale, shear)
    return image.transform(image.size, Image.Transform.AFFINE, matrix.ravel().tolist(), PILLOW_CODES[mode],
                           fillcolor=pillow_fill(fill, image))


def _affine_array(array, angle, translate, scale, shear, mode, fill, center):
    return warped(array, inverse_matrix(_from_middle(center, array), angle, translate, scale, shear), array.shape[-2:], mode, fill)


def warped(array, matrix, size, mode, fill):
    """(..., *size) read from (..., H, W) at M · place, places measured from the middle of the images."""
    array_mode(mode, (NEAREST, BILINEAR))
    image = computing(array)
    columns, rows = places(matrix.astype(image.dtype), size, array.shape[-2:])
    found, inside = (_nearest if mode is NEAREST else _bilinear)(image, rows, columns)
    if fill is not None:
        ground = np.asarray(fill_values(fill, channels_of(array)), image.dtype)
        inside = (inside >= 0.5) if mode is NEAREST else inside         # where only a part of the pixel is image, the ground shines through
        found = found * inside + (1 - inside) * (ground[:, None, None] if array.ndim > 2 else ground[0])
    return as_before(found, array)


def places(matrix, size, before):
    """(2, *size): the column and the row at which each new pixel is read.

    By way of shares of the image's size, as torchvision goes, so that places halfway between two pixels are rounded as there.
    """
    y, x = ((np.arange(n) + 0.5 - n / 2).astype(matrix.dtype) for n in size)
    grid = np.stack([*np.broadcast_arrays(x, y[:, None]), np.ones(size, x.dtype)], -1).reshape(-1, 3)       # (P·Q, 3)
    lengths = np.array(before[::-1], x.dtype)
    shares = grid @ (matrix.T / (lengths / 2))                          # (P·Q, 2) in −1...1
    return (((shares + 1) * lengths - 1) / 2).T.reshape(2, *size)


def _nearest(image, rows, columns):
    return _read(image, np.rint(rows).astype(np.int64), np.rint(columns).astype(np.int64))


def _read(image, rows, columns):
    """(image[..., rows, columns], 1 where that lies within the image), 0 outside."""
    height, width = image.shape[-2:]
    inside = ((rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)).astype(image.dtype)
    return image[..., np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)] * inside, inside


def _bilinear(image, rows, columns):
    """The four pixels around each place, weighed by their nearness; outside of the image there are zeros."""
    top, left = np.floor(rows).astype(np.int64), np.floor(columns).astype(np.int64)
    down, right = rows - top, columns - left
    found = inside = 0
    for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)):
        weight = ((down if i else 1 - down) * (right if j else 1 - right)).astype(image.dtype)
        pixels, within = _read(image, top + i, left + j)
        found, inside = found + weight * pixels, inside + weight * within
    return found, inside
