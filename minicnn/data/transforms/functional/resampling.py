"""New sizes, and what turns, shears and blurs: Pillow's own resampling for Pillow images, array code for tensors.

For tensors the results are torchvision's to 1e-5 of white (uint8: to one level); `tests/data` has cases worked out by hand.
"""

import numpy as np

from ....errors import BadType, BadValue, ShapeError
from .frame import crop
from .kinds import PILLOW_CODES, InterpolationMode, apply, array_mode, as_before, computing, interpolation_mode, size_of

NEAREST, EXACT, BILINEAR, BICUBIC = (InterpolationMode[name] for name in ("NEAREST", "NEAREST_EXACT", "BILINEAR", "BICUBIC"))


def resize(img, size, interpolation=BILINEAR, max_size=None, antialias=True):
    """The image in another size.

    size       (height, width); or one number for the shorter side, the longer one in proportion
    max_size   of the longer side, where `size` is one number: a longer image is made smaller still
    antialias  average over all pixels that fall into one when making smaller; Pillow always does
    """
    mode = interpolation_mode(interpolation)
    target = output_size(size_of(img), check_size(size, max_size), max_size)
    if target == tuple(size_of(img)):
        return img
    return apply(img, lambda image, *_: image.resize(target[::-1], PILLOW_CODES[mode]), resized_array, target, mode, antialias)


def check_size(size, max_size=None):
    """A list of one or two numbers."""
    sizes = [size] if isinstance(size, int) else size
    if not isinstance(sizes, (tuple, list)) or not all(isinstance(n, (int, np.integer)) for n in sizes):
        raise BadType(f"size must be an integer or a sequence of integers, got {size!r}")
    if len(sizes) not in (1, 2):
        raise BadValue(f"size must be one number, for the shorter side, or (height, width), got {size!r}")
    if min(sizes) < 1:
        raise BadValue(f"size must be 1 or more, got {size!r}")
    if max_size is not None and len(sizes) != 1:
        raise BadValue("max_size needs a size of one number, for the shorter side")
    if max_size is not None and max_size <= sizes[0]:
        raise BadValue(f"max_size = {max_size} must be greater than the size asked for the shorter side, {sizes[0]}")
    return list(sizes)


def output_size(before, size, max_size=None):
    """(height, width) after resizing an image of size `before`."""
    if len(size) == 2:
        return tuple(size)
    short, long = size[0], int(size[0] * max(before) / min(before))
    if max_size is not None and long > max_size:
        short, long = int(max_size * short / long), max_size
    return (short, long) if before[0] <= before[1] else (long, short)


def resized_array(array, target, mode, antialias):
    """y[..., p, q] = Σ_{h,w} R[p,h]·C[q,w]·x[..., h, w]: one matrix for the rows and one for the columns."""
    array_mode(mode, (NEAREST, EXACT, BILINEAR, BICUBIC))
    if mode in (NEAREST, EXACT):
        rows, columns = (nearest(n, m, mode) for n, m in zip(array.shape[-2:], target))
        return array[..., rows[:, None], columns]
    x = computing(array)
    rows, columns = (weights(n, m, mode, antialias).astype(x.dtype) for n, m in zip(array.shape[-2:], target))
    return as_before(rows @ x @ columns.T, array)                       # (P, H) @ (..., H, W) @ (W, Q)


def nearest(before, after, mode):
    """(after,) which pixel stands at each place."""
    places = (np.arange(after) + (0.5 if mode is EXACT else 0)).astype(np.float32)
    return np.minimum((places * np.float32(before / after)).astype(np.int64), before - 1)


def weights(before, after, mode, antialias):
    """(after, before): how much of each old pixel goes into each new one; rows sum to 1.

    A new pixel's centre lies at (i + ½)·before/after. Antialiased, the kernel is as wide as a new pixel, and what lies outside of
    the image is left out; else it is as wide as an old one, and outside of the image its outermost pixel goes on.
    """
    scale = before / after
    centres = (np.arange(after) + 0.5) * scale                          # (after,)
    if antialias:
        stretch = max(scale, 1)
        reach = (1 if mode is BILINEAR else 2) * stretch
        pixels = np.arange(before)
        first, last = ((centres + side * reach + 0.5).astype(int)[:, None] for side in (-1, 1))
        w = kernel((pixels + 0.5 - centres[:, None]) / stretch, mode, -0.5) * ((pixels >= first) & (pixels < last))
        return w / w.sum(1, keepdims=True)
    return extended(centres - 0.5, before, mode)


def extended(places, before, mode):
    """The matrix of interpolation without antialiasing, at places measured in old pixels."""
    if mode is BILINEAR:
        places = np.maximum(places, 0)
    low = np.floor(places).astype(np.int64)
    matrix = np.zeros((len(places), before))
    for step in range(2) if mode is BILINEAR else range(-1, 3):
        pixel = np.clip(low + step, 0, before - 1)
        np.add.at(matrix, (np.arange(len(places)), pixel), kernel(places - (low + step), mode, -0.75))
    return matrix


def kernel(x, mode, a):
    """The triangle 1 − |x|, or Keys' cubic with its parameter a."""
    x = np.abs(x)
    if mode is BILINEAR:
        return np.maximum(1 - x, 0)
    near, far = ((a + 2) * x - (a + 3)) * x * x + 1, ((x - 5) * x + 8) * x * a - 4 * a
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def resized_crop(img, top, left, height, width, size, interpolation=BILINEAR, antialias=True):
    """A part of the image, in another size."""
    return resize(crop(img, top, left, height, width), size, interpolation, antialias=antialias)


def gaussian_blur(img, kernel_size, sigma=None):
    """The image convolved with a Gaussian of kernel_size (width, height; odd), mirrored at its edges.

    sigma  in pixels, one number or (along x, along y); None: 0.3·((kernel_size − 1)·½ − 1) + 0.8
    """
    sizes = [kernel_size] * 2 if isinstance(kernel_size, int) else list(kernel_size)
    if len(sizes) != 2 or any(n <= 0 or n % 2 == 0 for n in sizes):
        raise BadValue(f"kernel_size must be odd and positive, one number or two, got {kernel_size!r}")
    sigmas = [n * 0.15 + 0.35 for n in sizes] if sigma is None else [sigma] * 2 if isinstance(sigma, (int, float)) else list(sigma)
    if len(sigmas) not in (1, 2) or min(sigmas) <= 0:
        raise BadValue(f"sigma must be positive, one number or two, got {sigma!r}")
    windows = [gaussian(n, s) for n, s in zip(sizes, sigmas * (2 // len(sigmas)))]
    return apply(img, _blurred_pillow, blurred, *windows)


def gaussian(count, sigma):
    """(count,) weights that sum to 1."""
    x = np.linspace(-(count - 1) / 2, (count - 1) / 2, count)
    w = np.exp(-0.5 * (x / sigma) ** 2)
    return w / w.sum()


def _blurred_pillow(image, along_x, along_y):
    from PIL import Image

    pixels = np.asarray(image)
    planes = blurred(pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1), along_x, along_y)
    return Image.fromarray(planes[0] if pixels.ndim == 2 else np.ascontiguousarray(planes.transpose(1, 2, 0)))


def blurred(array, along_x, along_y):
    x = computing(array)
    for axis, w in ((-1, along_x), (-2, along_y)):
        if len(w) // 2 >= x.shape[axis]:
            raise ShapeError(f"kernel_size of {len(w)} is too large for an image of {array.shape[-2]} x {array.shape[-1]}")
        widths = [(0, 0)] * x.ndim
        widths[axis] = (len(w) // 2, len(w) // 2)
        padded, n = np.pad(x, widths, "reflect"), x.shape[axis]
        x = sum(x.dtype.type(v) * padded.take(range(i, i + n), axis) for i, v in enumerate(w))
    return as_before(x, array)
