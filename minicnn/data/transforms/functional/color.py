"""Brightness, contrast, saturation, hue, grey: by Pillow's own enhancers for Pillow images, by the formulas for tensors (..., C, H, W).

Each of the first three mixes the image with a duller one, x·factor + dull·(1 − factor): with black, with its mean grey, with its greys.
Results for tensors are torchvision's to 1e-6 of white (uint8: to one level).
"""

from numbers import Number

import numpy as np

from ....errors import BadType, BadValue, ShapeError
from .kinds import apply, channels_of, white

LUMA = (0.2989, 0.587, 0.114)           # of red, green and blue


def adjust_brightness(img, brightness_factor):
    """The image mixed with black: 0 is black, 1 the image, 2 twice as bright."""
    return _adjust(img, "Brightness", lambda array: np.zeros((), np.float32), "brightness_factor", brightness_factor)


def adjust_contrast(img, contrast_factor):
    """The image mixed with its mean grey: 0 is that grey, 1 the image."""
    return _adjust(img, "Contrast", lambda array: grey(array).mean((-3, -2, -1), keepdims=True, dtype=np.float32), "contrast_factor",
                   contrast_factor)


def adjust_saturation(img, saturation_factor):
    """The image mixed with its own greys: 0 is black and white, 1 the image."""
    return _adjust(img, "Color", grey, "saturation_factor", saturation_factor)


def _adjust(img, enhancer, dull, name, factor):
    if not isinstance(factor, Number) or not factor >= 0:
        raise BadValue(f"{name} must be a number of at least 0, got {factor!r}")

    def of_pillow(image):
        from PIL import ImageEnhance

        return getattr(ImageEnhance, enhancer)(image).enhance(factor)

    return apply(img, of_pillow, lambda array: mixed(_checked(array), dull(array), factor))


def _checked(array, allowed=(1, 3)):
    if array.ndim < 3 or array.shape[-3] not in allowed:
        raise ShapeError(f"colours need an image (..., C, H, W) of {' or '.join(map(str, allowed))} channels, got {array.shape}")
    return array


def mixed(x, dull, factor):
    """x·factor + dull·(1 − factor), held between black and white; integers are cut, not rounded."""
    if dull is x:
        return x
    result = np.float32(factor) * x + np.float32(1 - factor) * dull
    return np.clip(result, 0, white(x)).astype(x.dtype)


def grey(array):
    """(..., 1, H, W) luminance of (..., 3, H, W), in its dtype; grey stays as it is."""
    if _checked(array).shape[-3] == 1:
        return array
    r, g, b = np.moveaxis(array, -3, 0)
    return (LUMA[0] * r + LUMA[1] * g + LUMA[2] * b).astype(array.dtype)[..., None, :, :]


def rgb_to_grayscale(img, num_output_channels=1):
    """The image in greys, with 1 channel or with 3 equal ones; a tensor that has 1 channel keeps it."""
    if num_output_channels not in (1, 3):
        raise BadValue(f"num_output_channels must be 1 or 3, got {num_output_channels!r}")
    return apply(img, _grey_pillow, _grey_array, num_output_channels)


def to_grayscale(img, num_output_channels=1):
    """As rgb_to_grayscale, for Pillow images."""
    if not hasattr(img, "getbands"):
        raise BadType(f"to_grayscale takes a Pillow image, got {type(img).__name__}; rgb_to_grayscale takes tensors too")
    return rgb_to_grayscale(img, num_output_channels)


def _grey_pillow(image, channels):
    image = image.convert("L")
    return image if channels == 1 else image.convert("RGB")


def _grey_array(array, channels):
    found = grey(array)
    return np.repeat(found, 3, axis=-3) if channels == 3 and array.shape[-3] == 3 else found.copy()


def adjust_hue(img, hue_factor):
    """The colours moved along the circle of hues by hue_factor, in −0.5...0.5 of a turn; greys stay."""
    if not isinstance(hue_factor, Number) or not -0.5 <= hue_factor <= 0.5:
        raise BadValue(f"hue_factor must be between -0.5 and 0.5, got {hue_factor!r}")
    return apply(img, _hue_pillow, _hue_array, hue_factor)


def _hue_pillow(image, factor):
    from PIL import Image

    if image.mode in ("L", "1", "I", "F"):
        return image
    hue, saturation, value = image.convert("HSV").split()
    moved = np.asarray(hue) + np.uint8(int(factor * 255) % 256)         # uint8 wraps around, as hues do
    return Image.merge("HSV", (Image.fromarray(moved), saturation, value)).convert(image.mode)


def _hue_array(array, factor):
    if channels_of(_checked(array)) == 1:
        return array
    x = array if array.dtype.kind == "f" else array.astype(np.float32) / np.float32(white(array))
    hue, saturation, value = to_hsv(x)
    moved = from_hsv((hue + x.dtype.type(factor)) % 1, saturation, value)
    return moved if array.dtype.kind == "f" else (moved * (white(array) + 1 - 1e-3)).astype(array.dtype)


def to_hsv(x):
    """Hue, saturation and value (..., H, W), each in 0..1, of (..., 3, H, W)."""
    r, g, b = np.moveaxis(x, -3, 0)
    high, low = x.max(-3), x.min(-3)
    chroma = high - low
    safe = np.where(chroma == 0, 1, chroma)                             # of grey the hue is 0
    sextant = np.where(high == r, (g - b) / safe, np.where(high == g, 2 + (b - r) / safe, 4 + (r - g) / safe))
    return (sextant / 6 + 1) % 1, chroma / np.where(high == 0, 1, high), high


def from_hsv(hue, saturation, value):
    """(..., 3, H, W): each channel is value·(1 − saturation·t), with t = 0 near its own hue and 1 far from it."""
    channels = []
    for offset in (5, 3, 1):
        k = (offset + hue * 6) % 6
        channels.append(value * (1 - saturation * np.clip(np.minimum(k, 4 - k), 0, 1)))
    return np.clip(np.stack(channels, -3), 0, 1).astype(value.dtype)
