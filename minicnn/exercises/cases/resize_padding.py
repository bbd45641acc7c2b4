"""Configurations of interpolation and of padding that continues the image."""

from ...functional.padding import pad_border
from ...functional.resize import interpolation_matrix, resize
from .. import laws
from .case import cases_of, numbers

resize_case = cases_of("resize", resize, (laws.transposed_gives_dx, laws.examples_are_independent, laws.constants_stay))
pad_case = cases_of("pad_border", pad_border, (
    laws.transposed_gives_dx, laws.examples_are_independent, laws.constants_stay))


def interpolation(label, x, size, *modes, align_corners=False):
    """One mode for every axis, or one mode for each."""
    modes = modes * len(size) if len(modes) == 1 else modes
    matrices = [interpolation_matrix(mode, n, m, None, align_corners) for mode, n, m in zip(modes, x[2:], size)]
    resize_case(label, numbers(*x), matrices=tuple(matrices), laws=(laws.gradient_is_handed_on,))


interpolation("nearest, larger", (2, 2, 3, 4), (5, 7), "nearest")
interpolation("nearest, smaller", (2, 2, 5, 7), (3, 4), "nearest-exact")
interpolation("bilinear, larger", (2, 2, 3, 4), (5, 6), "bilinear")
interpolation("bilinear, corners aligned", (2, 1, 4, 3), (6, 7), "bilinear", align_corners=True)
interpolation("bicubic, smaller down, larger across", (2, 1, 6, 5), (4, 7), "bicubic")
interpolation("area", (2, 1, 5, 7), (2, 3), "area")
interpolation("linear, a sequence", (2, 3, 5), (8,), "linear")
interpolation("another mode for each axis of a square", (2, 2, 4, 4), (6, 6), "bilinear", "nearest")
interpolation("trilinear, a volume", (1, 1, 2, 3, 2), (3, 4, 3), "trilinear")
interpolation("one image to one pixel", (1, 2, 3, 3), (1, 1), "area")
interpolation("empty batch", (0, 2, 3, 4), (5, 6), "bilinear")


def border(label, x, widths, mode, **options):
    """widths of the axes behind (N, C)."""
    pad_case(label, numbers(*x), widths=((0, 0), (0, 0), *widths), mode=mode, **options)


WHOLE = {"laws": (laws.gradient_is_handed_on,)}         # without cropping, no gradient is lost
border("mirrored, uneven", (2, 2, 4, 5), ((1, 3), (2, 0)), "reflect", **WHOLE)
border("mirrored, as far as it goes", (1, 1, 3, 4), ((2, 2), (3, 3)), "reflect", **WHOLE)
border("repeated, uneven", (2, 2, 3, 4), ((2, 1), (0, 3)), "replicate", **WHOLE)
border("circular, uneven", (2, 2, 3, 4), ((1, 2), (3, 0)), "circular", **WHOLE)
border("a sequence, mirrored", (2, 2, 5), ((3, 1),), "reflect", **WHOLE)
border("a volume, repeated", (1, 1, 2, 2, 3), ((1, 0), (0, 1), (1, 1)), "replicate", **WHOLE)
border("cropped before, mirrored behind", (2, 1, 5, 6), ((-1, 2), (2, -2)), "reflect")
border("cropped before, circular behind", (2, 1, 5, 6), ((-2, 1), (1, -1)), "circular")
border("one image", (1, 2, 3, 3), ((1, 1), (1, 1)), "circular", **WHOLE)
border("empty batch", (0, 2, 3, 3), ((1, 1), (1, 1)), "replicate")
