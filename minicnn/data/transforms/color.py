"""Colours: jitter, grey, blur, of Pillow images and of tensors (..., C, H, W)."""

from collections.abc import Sequence
from numbers import Number

from ...errors import BadType, BadValue
from . import functional as F
from .functional.kinds import channels_of
from .transform import chance, probability, stream, uniform


class ColorJitter:
    """Brightness, contrast, saturation and hue changed at random, in random order.

    Each is a number a, for a factor in 1 − a ... 1 + a, or the factors from ... to; of hue, a turn in −a ... a, at most 0.5.
    """

    def __init__(self, brightness=0, contrast=0, saturation=0, hue=0):
        self.brightness, self.contrast, self.saturation = (
            interval(name, value) for name, value in (("brightness", brightness), ("contrast", contrast), ("saturation", saturation)))
        self.hue = interval("hue", hue, middle=0, bounds=(-0.5, 0.5), clip=False)

    @staticmethod
    def get_params(brightness, contrast, saturation, hue):
        """(order of the four, and the factor of each, None where it is not to change)"""
        order = stream().permutation(4).tolist()
        return (order, *(None if bounds is None else uniform(*bounds) for bounds in (brightness, contrast, saturation, hue)))

    def __call__(self, img):
        order, *factors = self.get_params(self.brightness, self.contrast, self.saturation, self.hue)
        for i in order:
            if factors[i] is not None:
                img = (F.adjust_brightness, F.adjust_contrast, F.adjust_saturation, F.adjust_hue)[i](img, factors[i])
        return img

    def __repr__(self):
        return (f"ColorJitter(brightness={self.brightness}, contrast={self.contrast}, saturation={self.saturation}, "
                f"hue={self.hue})")


def interval(name, value, middle=1, bounds=(0, float("inf")), clip=True):
    """(from, to), or None where nothing would change. Raises BadType, BadValue."""
    if isinstance(value, Number):
        if value < 0:
            raise BadValue(f"{name} of one number must not be negative, got {value}")
        low, high = middle - float(value), middle + float(value)
        low = max(low, 0.0) if clip else low
    elif isinstance(value, Sequence) and len(value) == 2:
        low, high = map(float, value)
    else:
        raise BadType(f"{name} must be a number or two, got {value!r}")
    if not bounds[0] <= low <= high <= bounds[1]:
        raise BadValue(f"{name} must lie between {bounds[0]} and {bounds[1]}, the smaller number first, got {value!r}")
    return None if low == high == middle else (low, high)


class Grayscale:
    """The image in greys, with 1 channel or with 3 equal ones."""

    def __init__(self, num_output_channels=1):
        self.num_output_channels = num_output_channels

    def __call__(self, img):
        return F.rgb_to_grayscale(img, self.num_output_channels)

    def __repr__(self):
        return f"Grayscale(num_output_channels={self.num_output_channels})"


class RandomGrayscale:
    """The image in greys with probability p; it keeps its number of channels."""

    def __init__(self, p=0.1):
        self.p = probability(p)

    def __call__(self, img):
        return F.rgb_to_grayscale(img, channels_of(img)) if chance(self.p) else img

    def __repr__(self):
        return f"RandomGrayscale(p={self.p})"


class GaussianBlur:
    """The image blurred by a Gaussian whose deviation is drawn from an interval; arguments as functional.gaussian_blur."""

    def __init__(self, kernel_size, sigma=(0.1, 2.0)):
        sizes = (kernel_size,) * 2 if isinstance(kernel_size, int) else tuple(kernel_size)
        if len(sizes) != 2 or any(n <= 0 or n % 2 == 0 for n in sizes):
            raise BadValue(f"kernel_size must be odd and positive, one number or two, got {kernel_size!r}")
        sigmas = (sigma, sigma) if isinstance(sigma, Number) else tuple(sigma)
        if len(sigmas) != 2 or not 0 < sigmas[0] <= sigmas[1]:
            raise BadValue(f"sigma must be positive, one number or from ... to, got {sigma!r}")
        self.kernel_size, self.sigma = sizes, sigmas

    @staticmethod
    def get_params(sigma_min, sigma_max):
        """A deviation."""
        return uniform(sigma_min, sigma_max)

    def __call__(self, img):
        return F.gaussian_blur(img, self.kernel_size, self.get_params(*self.sigma))

    def __repr__(self):
        return f"GaussianBlur(kernel_size={self.kernel_size}, sigma={self.sigma})"
