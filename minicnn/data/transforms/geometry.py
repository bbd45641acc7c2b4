"""Sizes, crops, flips and affine maps, of Pillow images and of tensors (..., C, H, W)."""

import math
from collections.abc import Sequence
from numbers import Number

from ...errors import BadType, BadValue
from . import functional as F
from .functional.frame import check_fill, check_padding, check_padding_mode, pair
from .functional.kinds import InterpolationMode, interpolation_mode, size_of
from .functional.resampling import check_size
from .transform import chance, probability, stream, uniform

NEAREST, BILINEAR = InterpolationMode.NEAREST, InterpolationMode.BILINEAR


class Resize:
    """The image in another size; arguments as functional.resize."""

    def __init__(self, size, interpolation=BILINEAR, max_size=None, antialias=True):
        check_size(size, max_size)
        self.size, self.max_size, self.interpolation, self.antialias = size, max_size, interpolation_mode(interpolation), antialias

    def __call__(self, img):
        return F.resize(img, self.size, self.interpolation, self.max_size, self.antialias)

    def __repr__(self):
        return (f"Resize(size={self.size}, interpolation={self.interpolation.value}, max_size={self.max_size}, "
                f"antialias={self.antialias})")


class CenterCrop:
    """The middle of an image; zeros around an image that is smaller."""

    def __init__(self, size):
        self.size = pair("size", size)

    def __call__(self, img):
        return F.center_crop(img, self.size)

    def __repr__(self):
        return f"CenterCrop(size={self.size})"


class Pad:
    """The image with a frame around it; arguments as functional.pad."""

    def __init__(self, padding, fill=0, padding_mode="constant"):
        check_padding(padding)
        check_padding_mode(padding_mode)
        check_fill(fill)
        self.padding, self.fill, self.padding_mode = padding, fill, padding_mode

    def __call__(self, img):
        return F.pad(img, self.padding, self.fill, self.padding_mode)

    def __repr__(self):
        return f"Pad(padding={self.padding}, fill={self.fill}, padding_mode={self.padding_mode})"


class RandomCrop:
    """A part of an image, of one size, anywhere.

    size           (height, width), or one number for both
    padding        a frame that is put around the image first, with `fill` and `padding_mode` as functional.pad
    pad_if_needed  pad an image that is smaller than `size`, which else is refused
    """

    def __init__(self, size, padding=None, pad_if_needed=False, fill=0, padding_mode="constant"):
        self.size, self.padding, self.pad_if_needed = pair("size", size), padding, pad_if_needed
        self.fill, self.padding_mode = fill, check_padding_mode(padding_mode)
        if padding is not None:
            check_padding(padding)

    @staticmethod
    def get_params(img, output_size):
        """(top, left, height, width) at random. Raises BadValue where the image is smaller."""
        (rows, columns), (height, width) = size_of(img), output_size
        if rows < height or columns < width:
            raise BadValue(f"the crop of {height} x {width} is larger than the image of {rows} x {columns}; give pad_if_needed=True")
        top, left = (int(stream().integers(n + 1)) for n in (rows - height, columns - width))
        return top, left, height, width

    def __call__(self, img):
        if self.padding is not None:
            img = F.pad(img, self.padding, self.fill, self.padding_mode)
        (rows, columns), (height, width) = size_of(img), self.size
        if self.pad_if_needed and columns < width:
            img = F.pad(img, [width - columns, 0], self.fill, self.padding_mode)
        if self.pad_if_needed and rows < height:
            img = F.pad(img, [0, height - rows], self.fill, self.padding_mode)
        return F.crop(img, *self.get_params(img, self.size))

    def __repr__(self):
        return f"RandomCrop(size={self.size}, padding={self.padding})"


class RandomResizedCrop:
    """A random part of an image, scaled to one size (Szegedy et al., 2015).

    size   (height, width), or one number for both
    scale  the part's share of the image's area, from ... to
    ratio  its width to its height, from ... to, uniform in the logarithm
    """

    def __init__(self, size, scale=(0.08, 1.0), ratio=(3.0 / 4.0, 4.0 / 3.0), interpolation=BILINEAR, antialias=True):
        self.size, self.interpolation, self.antialias = pair("size", size), interpolation_mode(interpolation), antialias
        for name, interval in (("scale", scale), ("ratio", ratio)):
            check_interval(name, interval)
        self.scale, self.ratio = scale, ratio

    @staticmethod
    def get_params(img, scale, ratio):
        """(top, left, height, width) at random; after ten that do not fit, the largest in the middle with a ratio as asked for."""
        rows, columns = size_of(img)
        for _ in range(10):
            area = rows * columns * uniform(*scale)
            aspect = math.exp(uniform(*map(math.log, ratio)))
            width, height = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
            if 0 < width <= columns and 0 < height <= rows:
                return int(stream().integers(rows - height + 1)), int(stream().integers(columns - width + 1)), height, width
        return largest_in_the_middle(rows, columns, ratio)

    def __call__(self, img):
        return F.resized_crop(img, *self.get_params(img, self.scale, self.ratio), self.size, self.interpolation, self.antialias)

    def __repr__(self):
        scale, ratio = (tuple(round(v, 4) for v in interval) for interval in (self.scale, self.ratio))
        return (f"RandomResizedCrop(size={self.size}, scale={scale}, ratio={ratio}, interpolation={self.interpolation.value}, "
                f"antialias={self.antialias})")


def largest_in_the_middle(rows, columns, ratio):
    """(top, left, height, width)"""
    height, width = rows, columns
    if columns / rows < min(ratio):
        height = round(columns / min(ratio))
    elif columns / rows > max(ratio):
        width = round(rows * max(ratio))
    return (rows - height) // 2, (columns - width) // 2, height, width


def check_interval(name, interval, least=0.0):
    """Refuse what is not two numbers, the first not above the second."""
    if not isinstance(interval, Sequence) or not all(isinstance(v, Number) for v in interval):
        raise BadType(f"{name} must be two numbers, got {interval!r}")
    if len(interval) != 2 or not least <= interval[0] <= interval[1]:
        raise BadValue(f"{name} must be two numbers of at least {least:g}, the smaller one first, got {interval!r}")


class RandomHorizontalFlip:
    """Left and right exchanged, with probability p."""

    def __init__(self, p=0.5):
        self.p = probability(p)

    def __call__(self, img):
        return F.hflip(img) if chance(self.p) else img

    def __repr__(self):
        return f"RandomHorizontalFlip(p={self.p})"


class RandomVerticalFlip:
    """Top and bottom exchanged, with probability p."""

    def __init__(self, p=0.5):
        self.p = probability(p)

    def __call__(self, img):
        return F.vflip(img) if chance(self.p) else img

    def __repr__(self):
        return f"RandomVerticalFlip(p={self.p})"


def angles(name, values, lengths=(2,)):
    """A list of floats: of one number a, (−a, a). Raises BadType, BadValue."""
    if isinstance(values, Number):
        if values < 0:
            raise BadValue(f"{name} of one number must not be negative, got {values}")
        return [float(-values), float(values)]
    if not isinstance(values, Sequence):
        raise BadType(f"{name} must be a number or a sequence of {' or '.join(map(str, lengths))}, got {values!r}")
    if len(values) not in lengths:
        raise BadValue(f"{name} must be a number or a sequence of {' or '.join(map(str, lengths))}, got {values!r}")
    return [float(value) for value in values]


def check_center(center):
    if center is not None and not isinstance(center, Sequence):
        raise BadType(f"center must be (x, y), got {center!r}")
    if center is not None and len(center) != 2:
        raise BadValue(f"center must be (x, y), got {center!r}")
    return center


class RandomRotation:
    """The image turned by a random angle; other arguments as functional.rotate.

    degrees  from ... to, counter-clockwise; one number a: from −a to a
    """

    def __init__(self, degrees, interpolation=NEAREST, expand=False, center=None, fill=0):
        self.degrees, self.interpolation = angles("degrees", degrees), interpolation_mode(interpolation)
        self.expand, self.center, self.fill = expand, check_center(center), checked_fill(fill)

    @staticmethod
    def get_params(degrees):
        """An angle."""
        return uniform(*degrees)

    def __call__(self, img):
        return F.rotate(img, self.get_params(self.degrees), self.interpolation, self.expand, self.center, self.fill)

    def __repr__(self):
        center = f", center={self.center}" if self.center is not None else ""
        fill = f", fill={self.fill}" if self.fill is not None else ""
        return f"RandomRotation(degrees={self.degrees}, interpolation={self.interpolation.value}, expand={self.expand}{center}{fill})"


def checked_fill(fill):
    if fill is None:
        return 0
    if not isinstance(fill, (Number, Sequence)) or isinstance(fill, str):
        raise BadType(f"fill must be a number or one per channel, got {fill!r}")
    return fill


class RandomAffine:
    """The image turned, moved, scaled and sheared at random; its middle, or `center`, stays where it is but for the move.

    degrees    from ... to, clockwise; one number a: from −a to a
    translate  the largest moves along x and y, as shares of width and height; None: no move
    scale      from ... to; None: none
    shear      degrees along x from ... to, and along y from ... to if there are four; one number a: along x from −a to a
    """

    def __init__(self, degrees, translate=None, scale=None, shear=None, interpolation=NEAREST, fill=0, center=None):
        self.degrees, self.translate, self.scale = angles("degrees", degrees), translate, scale
        if translate is not None:
            check_shares(translate)
        if scale is not None:
            check_interval("scale", scale)
            if min(scale) <= 0:
                raise BadValue(f"scale must be positive, got {scale!r}")
        self.shear = None if shear is None else angles("shear", shear, (2, 4))
        self.interpolation, self.fill, self.center = interpolation_mode(interpolation), checked_fill(fill), check_center(center)

    @staticmethod
    def get_params(degrees, translate, scale_ranges, shears, img_size):
        """(angle, (right, down), scale, (shear along x, along y)) for an image of img_size (width, height)."""
        angle, move, shear = uniform(*degrees), (0, 0), (0.0, 0.0)
        if translate is not None:
            move = tuple(round(uniform(-share * n, share * n)) for share, n in zip(translate, img_size))
        scale = 1.0 if scale_ranges is None else uniform(*scale_ranges)
        if shears is not None:
            shear = (uniform(*shears[:2]), uniform(*shears[2:]) if len(shears) == 4 else 0.0)
        return angle, move, scale, shear

    def __call__(self, img):
        params = self.get_params(self.degrees, self.translate, self.scale, self.shear, size_of(img)[::-1])
        return F.affine(img, *params, self.interpolation, self.fill, self.center)

    def __repr__(self):
        shown = [f"degrees={self.degrees}", *(f"{name}={value}" for name, value in (
            ("translate", self.translate), ("scale", self.scale), ("shear", self.shear)) if value is not None)]
        shown += [f"interpolation={self.interpolation.value}"] * (self.interpolation is not NEAREST)
        shown += [f"fill={self.fill}"] * (self.fill != 0) + [f"center={self.center}"] * (self.center is not None)
        return f"RandomAffine({', '.join(shown)})"


def check_shares(translate):
    if not isinstance(translate, Sequence):
        raise BadType(f"translate must be two shares, got {translate!r}")
    if len(translate) != 2 or not all(0 <= share <= 1 for share in translate):
        raise BadValue(f"translate must be two shares between 0 and 1, got {translate!r}")
