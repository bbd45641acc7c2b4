"""From an image file of any kind to a model's input, made to look like the images that the model was trained on.

A person's photograph of a digit is dark ink on a light page, large, off-centre; the network has seen light ink on black, that
fills a small square. What is done to bridge that is said in words (`Picture.notes`), so that nobody has to guess.
"""

from typing import NamedTuple

import numpy as np

from ..data.reading import opened, scaled
from ..errors import BadValue

BACKGROUNDS = ("dark", "light", "any")
WORKING_SIZE = 1024             # larger pictures are scaled down to this many pixels before anything else
INK = 0.2                       # of full contrast: what stands out from the background by more is content


class Picture(NamedTuple):
    """An input (C, H, W) float32 in 0..1, and what was done to get it."""

    pixels: np.ndarray
    notes: list


def style_of(images):
    """How images (N, C, H, W) uint8 look: {"background": "dark", "light" or "any", "fill": share of the frame}.

    A background is dark when nearly all images have a black margin; `fill` is then how much of the frame the content takes.
    """
    grey = images.mean(1) / 255
    margins = np.median(margin(grey), 1)
    for background, fits in (("dark", margins < INK), ("light", margins > 1 - INK)):
        if fits.mean() > 0.9:
            return {"background": background, "fill": _typical_fill(grey if background == "dark" else 1 - grey)}
    return {"background": "any", "fill": 1.0}


def _typical_fill(grey):
    """The median over light-on-dark images of the longer side of their content, as a share of the frame's side."""
    ink = grey > INK
    sides = np.maximum(ink.any(2).sum(1) / grey.shape[1], ink.any(1).sum(1) / grey.shape[2])
    return float(np.median(sides))


def margin(grey):
    """The outermost pixels of images (..., H, W): (..., 2·H + 2·W)."""
    return np.concatenate([grey[..., 0, :], grey[..., -1, :], grey[..., 0], grey[..., -1]], -1)


def read(path, input_shape, style, invert=None):
    """The Picture in an image file, for a model with this input_shape (C, H, W) and style.

    path    or a binary file that is open for reading
    invert  exchange light and dark; None: when the picture's margin is not as in the training images

    Raises DataError for what Pillow cannot read as an image, or what is larger than its limit against decompression bombs;
    OSError when the file itself cannot be opened.
    """
    if input_shape[0] not in (1, 3):
        raise BadValue(f"images can be read for models with 1 or 3 channels, this one takes {input_shape[0]}")
    return adapted(*decode(path, input_shape[0]), input_shape, style, invert)


def adapted(pixels, mode, input_shape, style, invert=None):
    """The Picture made of pixels (C, H, W) in 0..1; `mode` is what the notes call them."""
    size, notes = input_shape[1:], [f"{pixels.shape[2]}x{pixels.shape[1]} {mode}"]
    if invert or (invert is None and needs_inversion(pixels, style)):
        pixels = 1 - pixels
        notes.append("inverted" if invert else f"{style['background']} background expected: inverted")
    if list(pixels.shape[1:]) != list(size):
        pixels, done = fitted(shrunk(pixels), size, style)
        notes.append(done)
    return Picture(np.ascontiguousarray(pixels, np.float32), notes)


def needs_inversion(pixels, style):
    """Whether the margin is light where that of the training images is dark, or the other way round."""
    light = np.median(margin(pixels.mean(0))) > 0.5
    return style["background"] == ("dark" if light else "light")


# Decoding

def decode(path, channels, formats=None, most_pixels=None):
    """(pixels (C, H, W) in 0..1, the file's mode), upright and without transparency; the arguments are those of `reading.opened`."""
    from PIL import ImageOps

    return opened(path, lambda image: (_as_pixels(ImageOps.exif_transpose(image), channels), image.mode), True, formats, most_pixels)


def _as_pixels(image, channels):
    if image.mode[0] in "IF":                   # 16 and 32 bits, integer or float
        grey = scaled(np.nan_to_num(np.asarray(image, np.float64)), image.mode)
        return np.repeat(grey[None], channels, axis=0)
    if "transparency" in image.info or image.mode in ("LA", "PA", "La", "RGBA", "RGBa"):
        image = _opaque(image.convert("RGBA"))
    pixels = np.asarray(image.convert("L" if channels == 1 else "RGB"), np.float32) / 255
    return pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)


def _opaque(image):
    """A transparent image on white; on black, when what is visible of it is light."""
    from PIL import Image

    alpha, grey = (np.asarray(image.getchannel("A"), np.float64), np.asarray(image.convert("RGB").convert("L"), np.float64))
    light = (alpha * grey).sum() > 127.5 * alpha.sum()
    ground = Image.new("RGBA", image.size, "black" if light else "white")
    return Image.alpha_composite(ground, image)


# Fitting

def shrunk(pixels):
    """Large pictures scaled down, so that what follows is quick."""
    longest = max(pixels.shape[1:])
    return pixels if longest <= WORKING_SIZE else resized(pixels, [max(1, n * WORKING_SIZE // longest) for n in pixels.shape[1:]])


def fitted(pixels, size, style):
    """(pixels (C, *size), what was done): the content in the middle of the frame, as large as it is in the training images."""
    if style["background"] == "any":
        return resized(_middle(pixels, size), size), f"middle part scaled to {size[1]}x{size[0]}"
    ink = pixels if style["background"] == "dark" else 1 - pixels
    ink = without_background(ink)
    box = content_box(ink.mean(0))
    framed = centred(ink[:, box[0], box[1]], size, style["fill"])
    framed = framed / max(framed.max(), 1e-6)
    return framed if style["background"] == "dark" else 1 - framed, f"content centred in {size[1]}x{size[0]}"


def without_background(ink):
    """Light ink on exact black, at full contrast, from light ink on a page that is not quite black."""
    ground = np.median(margin(ink))
    brightest = np.percentile(ink, 99.9)
    return np.clip((ink - ground) / max(brightest - ground, 1e-6), 0, 1) if brightest - ground > 0.02 else np.zeros_like(ink)


def content_box(grey):
    """The (rows, columns) that hold all ink, as slices; everything, where there is none."""
    rows, columns = (np.flatnonzero((grey > 2 * INK).any(axis)) for axis in (1, 0))
    if not len(rows):
        return slice(None), slice(None)
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def centred(pixels, size, fill):
    """Pixels scaled to `fill` of the frame, their shape kept, in the middle of black."""
    scale = fill * min(n / m for n, m in zip(size, pixels.shape[1:]))
    inner = [min(n, max(1, round(m * scale))) for n, m in zip(size, pixels.shape[1:])]
    frame = np.zeros((len(pixels), *size), np.float32)
    top, left = ((n - m) // 2 for n, m in zip(size, inner))
    frame[:, top : top + inner[0], left : left + inner[1]] = resized(pixels, inner)
    return frame


def _middle(pixels, size):
    """The largest part in the middle that has the proportions of `size`."""
    height, width = pixels.shape[1:]
    scale = min(height / size[0], width / size[1])
    rows, columns = (max(1, round(n * scale)) for n in size)
    top, left = (height - rows) // 2, (width - columns) // 2
    return pixels[:, top : top + rows, left : left + columns]


def resized(pixels, size):
    """(C, *size) by Pillow's box filter, which averages what falls into a pixel; bilinear when enlarging."""
    from PIL import Image

    way = Image.Resampling.BOX if size[0] < pixels.shape[1] else Image.Resampling.BILINEAR
    return np.stack([np.asarray(Image.fromarray(np.asarray(plane, np.float32)).resize(size[::-1], way)) for plane in pixels])
