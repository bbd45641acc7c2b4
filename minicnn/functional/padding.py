"""Padding that continues the image: mirrored at its border, repeated from it, or going on at the opposite side.

Each pixel of the result is a copy of one pixel of the image, found axis by axis: y[…, p, q] = x[…, rows[p], columns[q]].
(Padding with a constant is the elementary operation `elementary.windows.pad`.)
"""

from functools import lru_cache, partial

import numpy as np

from ..arrays import module_of
from ..autograd.operation import Layer
from .layout import along


@lru_cache(maxsize=1024)
def sources(length, before, after, mode):
    """Which of `length` pixels each place of the padded axis copies, as a tuple; negative widths crop."""
    places = np.arange(-before, length + after)
    if mode == "replicate":
        return tuple(np.clip(places, 0, length - 1).tolist())
    if mode == "reflect":
        last = length - 1
        return tuple((last - np.abs(last - np.abs(places))).tolist())
    start, stop = max(-before, 0), length - max(-after, 0)                  # circular: what the crop leaves is repeated
    return tuple((start + (places - start) % max(stop - start, 1)).tolist())


@lru_cache(maxsize=1024)                    # or each step would bring the table to the GPU anew
def _on_device(module, *arguments):
    return module.asarray(sources(*arguments))


def _padded_axes(widths):
    return [(axis, *width) for axis, width in enumerate(widths) if any(width)]


def pad_border_definition(x, *, widths, mode):
    """Reading at the sources, one axis after the other."""
    for axis, before, after in _padded_axes(widths):
        x = x[(slice(None),) * axis + (list(sources(x.shape[axis], before, after, mode)),)]
    return x


def pad_border_forward(x, *, widths, mode):
    """Reading at the sources, one axis after the other; `widths` has (before, after) for each axis"""
    y = x
    for axis, before, after in _padded_axes(widths):
        places = _on_device(module_of(y), y.shape[axis], before, after, mode)
        y = along(y, axis, lambda rows, places=places: np.take(rows, places, 1))
    return y, (x.shape, x.dtype, widths, mode)


def pad_border_backward(dy, saved, needed):
    """A pixel that was copied to several places gets the sum of their gradients; one that was cropped away gets 0."""
    shape, _, widths, mode = saved
    for axis, before, after in reversed(_padded_axes(widths)):
        add_up = partial(_add_up, length=shape[axis], before=before, after=after, mode=mode)
        dy = along(dy, axis, add_up)
    return (dy,)


def _add_up(dy, length, before, after, mode):
    """The transpose of reading at the sources: the image itself at once, then each place of the border."""
    dx = np.zeros((dy.shape[0], length, dy.shape[2]), dy.dtype, like=dy)
    start, stop = max(-before, 0), length - max(-after, 0)
    inside = range(start + before, max(start, stop) + before)
    dx[:, start:stop] = dy[:, inside.start : inside.stop]
    for place, source in enumerate(sources(length, before, after, mode)):
        if place not in inside:
            dx[:, source] += dy[:, place]
    return dx


def _any_image(saved):
    """The operation is linear: its derivative is the same at every input, so none needs to be kept."""
    shape, dtype, _, _ = saved
    return (np.zeros(shape, dtype),)


pad_border = Layer("Pad", pad_border_forward, pad_border_backward, pad_border_definition, replay=_any_image)
