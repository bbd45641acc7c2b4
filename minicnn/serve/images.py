"""From a request's body to images: image files as they are, in a form or in base64, and pixels as lists of numbers.

Nothing that a client sends is ever taken for a path, and file names in a form are not looked at.
"""

import base64
import binascii
import io
import json

import numpy as np

from ..data.duplicates import LUMA
from ..data.reading import TooLarge
from ..errors import DataError
from ..models import picture
from .limits import Refused

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM")          # decoders that are in daily use, and so well tried
HOW = ('send an image file as the body (Content-Type: image/...), as the field "image" of a form (multipart/form-data), or JSON, '
       '{"image": X}, where X is the file in base64, or rows of pixels; {"images": [X, ...]} for several')


def of_json(body):
    """The images in a JSON body: bytes of image files, and arrays."""
    try:
        content = json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Refused(400, f"the body is not JSON: {error}") from None
    if not isinstance(content, dict) or len({"image", "images"} & set(content)) != 1 or len(content) > 1:
        raise Refused(422, 'expected {"image": ...} or {"images": [...]}')
    images = content["images"] if "images" in content else [content["image"]]
    if not isinstance(images, list) or not images:
        raise Refused(422, '"images" must be a list with at least one image')
    return [_of_base64(image) if isinstance(image, str) else _of_lists(image) for image in images]


def _no_number(word):
    raise ValueError(f"{word} is no number in JSON")


def _of_base64(text):
    try:
        return base64.b64decode(text.removeprefix("data:").rpartition(",")[2], validate=True)
    except (binascii.Error, ValueError):
        raise Refused(422, "an image as a string must be a file in base64; paths and addresses are not opened") from None


def _of_lists(rows):
    """(C, H, W) in 0..1 of lists (H, W) or (H, W, C), whole numbers 0..255 or others 0..1."""
    try:
        pixels = np.array(rows)
    except ValueError:
        pixels = np.array(None)
    if pixels.ndim not in (2, 3) or not pixels.size or pixels.dtype.kind not in "iuf" or pixels.ndim == 3 and pixels.shape[2] not in (1, 3):
        raise Refused(422, "an image as lists must be rows of pixels, (H, W) or (H, W, 1 or 3), rows of one length, with numbers only")
    most = 1 if pixels.dtype.kind == "f" else 255
    if pixels.min() < 0 or pixels.max() > most:
        raise Refused(422, f"pixels must be whole numbers from 0 to 255, or fractions from 0 to 1; these go from {pixels.min()} to "
                           f"{pixels.max()}")
    pixels = (pixels / most).astype(np.float32)
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def decoded(image, classifier, limits):
    """The Picture of an image file's bytes, or of pixels (C, H, W)."""
    channels = classifier.input_shape[0]
    if isinstance(image, bytes):
        try:
            pixels, mode = picture.decode(io.BytesIO(image), channels, FORMATS, limits.pixels)
        except TooLarge as error:
            raise Refused(413, str(error)) from None
        except DataError as error:
            raise Refused(422, str(error)) from None
    else:
        if image[0].size > limits.pixels:
            raise Refused(413, f"the image has {image[0].size:,} pixels, at most {limits.pixels:,} are taken")
        pixels, mode = in_channels(image, channels), "pixels"
    return picture.adapted(pixels, mode, classifier.input_shape, classifier.style)


def in_channels(pixels, channels):
    """Grey as colour, and colour as grey."""
    if len(pixels) == channels:
        return pixels
    if channels == 3:
        return np.repeat(pixels, 3, axis=0)
    return np.tensordot(np.array([LUMA], np.float32), pixels, 1)
