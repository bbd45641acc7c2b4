"""What an image is to a transform: a Pillow image, or a Tensor or array (..., C, H, W); its size, and the ways to interpolate."""

from enum import Enum

import numpy as np

from ....errors import BadType, BadValue, ShapeError
from ....tensor import Tensor, wrap


class InterpolationMode(Enum):
    """How pixels between pixels are found. BOX, HAMMING and LANCZOS are for Pillow images."""

    NEAREST = "nearest"
    NEAREST_EXACT = "nearest-exact"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    BOX = "box"
    HAMMING = "hamming"
    LANCZOS = "lanczos"


# Pillow's numbers for the ways of resampling, which are also accepted for a mode.
PILLOW_CODES = {
    InterpolationMode.NEAREST: 0, InterpolationMode.LANCZOS: 1, InterpolationMode.BILINEAR: 2, InterpolationMode.BICUBIC: 3,
    InterpolationMode.BOX: 4, InterpolationMode.HAMMING: 5, InterpolationMode.NEAREST_EXACT: 0,
}
FROM_CODES = {code: mode for mode, code in reversed(PILLOW_CODES.items())}


def interpolation_mode(value):
    """An InterpolationMode from itself or from Pillow's number."""
    if isinstance(value, InterpolationMode):
        return value
    if isinstance(value, int) and value in FROM_CODES:
        return FROM_CODES[value]
    raise BadType(f"interpolation must be an InterpolationMode or Pillow's number for one, got {value!r}")


def array_mode(mode, allowed):
    """The mode, where tensors can be interpolated by it."""
    if mode not in allowed:
        raise BadValue(f"tensors are interpolated by {', '.join(m.value for m in allowed)}; {mode.value} is for Pillow images")
    return mode


def is_pillow(image):
    """Whether it is a Pillow image; without importing Pillow."""
    return hasattr(image, "getbands")


def apply(image, of_pillow, of_array, *arguments):
    """of_pillow(image, ...), or of_array(its array, ...) as a Tensor for a Tensor and as an array for an array."""
    if is_pillow(image):
        return of_pillow(image, *arguments)
    result = of_array(array_of(image), *arguments)
    return wrap(result) if isinstance(image, Tensor) else result


def array_of(image):
    """The array (..., H, W) of a Tensor, or the array itself. Raises BadType, ShapeError for other things."""
    array = image.array if isinstance(image, Tensor) else image
    if not isinstance(array, np.ndarray):
        raise BadType(f"an image must be a Pillow image, a Tensor or an array, got {type(image).__name__}")
    if array.ndim < 2:
        raise ShapeError(f"an image must have the shape (..., H, W), got {array.shape}")
    return array


def size_of(image):
    """(H, W)"""
    return image.size[::-1] if is_pillow(image) else array_of(image).shape[-2:]


def channels_of(image):
    if is_pillow(image):
        return len(image.getbands())
    array = array_of(image)
    return array.shape[-3] if array.ndim > 2 else 1


def white(array):
    """The number that stands for white: 255 for uint8, 1 for floats, the largest number for other integers."""
    return 1 if array.dtype.kind == "f" else int(np.iinfo(array.dtype).max)


def as_before(values, array):
    """Floating point results in the dtype of the image they were computed from: integers are rounded (to even at halves)."""
    if array.dtype.kind == "f":
        return values.astype(array.dtype, copy=False)
    return np.clip(np.rint(values), *_range(array.dtype)).astype(array.dtype)


def _range(dtype):
    return np.iinfo(dtype).min, np.iinfo(dtype).max


def computing(array):
    """The image in floating point: float32, or float64 where it is that already."""
    return array if array.dtype.kind == "f" else array.astype(np.float32)


def fill_values(fill, channels):
    """`fill` as one number per channel, of one number or a list of 1 or so many; None: zeros. Raises BadValue."""
    values = [0.0] if fill is None else list(fill) if isinstance(fill, (tuple, list)) else [fill]
    if len(values) not in (1, channels):
        raise BadValue(f"fill must be one number, or one for each of {channels} channels, got {fill!r}")
    return values * channels if len(values) == 1 else values


def pillow_fill(fill, image):
    """`fill` as Pillow takes it: a number for one band, else a tuple."""
    if fill is None or isinstance(fill, str):
        return fill
    values = tuple(value if image.mode == "F" else int(value) for value in fill_values(fill, len(image.getbands())))
    return values[0] if len(values) == 1 else values
