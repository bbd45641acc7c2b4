"""The gradient of a convolution's input as convolutions with stride 1: every s-th pixel of it, along each axis, is one *phase*."""

from functools import lru_cache
from math import gcd
from typing import NamedTuple


class Phase(NamedTuple):
    """Along one axis, every `stride`-th pixel of dx, from `first` on: a correlation of dy with a part of the kernel, reversed."""

    first: int
    count: int          # pixels
    tap: int            # the tap that is laid on the first pixel of dy that is seen, and the step back to the next one
    step: int
    kernel: int         # how many taps it are
    dilation: int
    before: int


@lru_cache(maxsize=4096)
def phases(window):
    """(rows, columns): tuples of phases, those left out that no window sees."""
    before = (first for first, _ in window.padding)
    return tuple(tuple(_along(*axis)) for axis in zip(window.size, window.kernel, window.stride, window.dilation, before))


def all_seen(window, rows, columns):
    """Whether the phases reach every pixel."""
    return all(len(found) == min(stride, size) for found, stride, size in zip((rows, columns), window.stride, window.size))


def _along(size, kernel, stride, dilation, before):
    """Pixel h = first + i·stride gets tap k from the window at (h + before - k·dilation) / stride, where that is whole."""
    step = stride // gcd(stride, dilation)
    for first in range(min(stride, size)):
        taps = [k for k in range(kernel) if (first + before - k * dilation) % stride == 0]
        if taps:
            offset = (first + before - taps[-1] * dilation) // stride
            yield Phase(first, -(-(size - first) // stride), taps[-1], step, len(taps), dilation // gcd(stride, dilation), -offset)
