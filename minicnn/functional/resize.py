"""Interpolation: an image in another size, each new pixel a weighted mean of old ones near it.

Rows and columns are treated alike and one after the other, so all of it is two small matrices:

    y = A x Bᵀ        y[p,q] = Σ_{h,v} A[p,h] · x[h,v] · B[q,v]

and since y is linear in x, the gradient is the same with the matrices transposed: dx = Aᵀ dy B. What distinguishes
nearest, linear, cubic and area interpolation is which weights stand in a row of A. Each row adds up to 1.
"""

from functools import lru_cache

import numpy as np

from ..arrays import module_of
from ..autograd.operation import Layer
from ..tensor import wrap
from .layout import along


def resize_definition(x, *, matrices):
    """x times each axis's matrix: matrices[i] (new length, length) belongs to axis 2 + i."""
    for axis, matrix in enumerate(matrices, 2):
        x = (x.transpose(axis, -1) @ wrap(matrix).T).transpose(axis, -1)
    return x


def resize_forward(x, *, matrices):
    """x times each axis's matrix"""
    return _multiply(matrices, x), (matrices, x.shape)


def _multiply(matrices, x):
    for axis, matrix in enumerate(matrices, 2):
        x = along(x, axis, lambda rows, matrix=matrix: _matrix_times(matrix, rows))
    return x


def _matrix_times(matrix, rows):
    """(m, n) times each of (before, n, after); one large product where there is nothing after."""
    return (rows[:, :, 0] @ matrix.T)[:, :, None] if rows.shape[2] == 1 else matrix @ rows


def resize_backward(dy, saved, needed):
    """dx = Aᵀ dy B: every old pixel gets back what it gave, with the same weights."""
    return (_multiply([matrix.T for matrix in saved[0]], dy),)


def _any_image(saved):
    """The operation is linear: its derivative is the same at every input, so none needs to be kept."""
    matrices, shape = saved
    return (np.zeros(shape, matrices[0].dtype, like=matrices[0]),)


resize = Layer("Resize", resize_forward, resize_backward, resize_definition, replay=_any_image)


def matrices_for(like, size, mode, scales, align_corners):
    """The matrix of each axis behind the channels, in the dtype and on the device of `like` (N, C, ...)."""
    return tuple(_on_device(module_of(like), like.dtype, mode, n, m, scale, align_corners)
                 for n, m, scale in zip(like.shape[2:], size, scales))


@lru_cache(maxsize=256)                     # or each step would bring the matrices to the GPU anew
def _on_device(module, dtype, *arguments):
    return module.asarray(interpolation_matrix(*arguments), dtype)


@lru_cache(maxsize=256)
def interpolation_matrix(mode, length, new_length, scale=None, align_corners=False):
    """(new_length, length), float64: the weights of the old pixels in each new one. scale is new/old where it was given."""
    if mode == "area":
        weights = _cells(length, new_length)
    else:
        step = length / new_length if scale is None else 1 / scale              # from one new pixel to the next, in old ones
        weights = _WEIGHTS[mode](np.arange(new_length), length, step, align_corners)
    matrix = np.zeros((new_length, length))
    for columns, weight in weights:
        np.add.at(matrix, (np.arange(new_length), np.clip(columns, 0, length - 1)), weight)
    return matrix


# Which old pixels, with which weights: pairs of arrays with one entry for each new pixel p -------------------------------


def _nearest(p, length, step, align_corners):
    """The old pixel in which the new pixel's first corner lies. Single precision decides on a border, as in PyTorch."""
    if len(p) in (length, 2 * length):
        return [(p * length // len(p), 1)]                                      # these two exactly, whatever the scale given
    return [(np.floor(p.astype(np.float32) * np.float32(step)).astype(int), 1)]


def _nearest_exact(p, length, step, align_corners):
    """The old pixel in which the new pixel's centre lies."""
    return [(np.floor((p.astype(np.float32) + np.float32(0.5)) * np.float32(step)).astype(int), 1)]


def _centres(p, length, step, align_corners):
    """Where the centres of the new pixels lie among those of the old; aligned, the outermost coincide."""
    if align_corners:
        return p * ((length - 1) / max(len(p) - 1, 1))
    return (p + 0.5) * step - 0.5


def _linear(p, length, step, align_corners):
    """The two old pixels around the new centre, the nearer one with the greater weight."""
    if len(p) == length:
        return [(p, 1)]                                                         # exactly, whatever the scale given
    centre = _centres(p, length, step, align_corners)
    left = np.floor(centre).astype(int)
    part = centre - left
    return [(left, 1 - part), (left + 1, part)]


def _cubic(p, length, step, align_corners):
    """The four old pixels around the new centre, weighted by Keys' cubic convolution (1981)."""
    centre = _centres(p, length, step, align_corners)
    left = np.floor(centre).astype(int)
    return [(left + k, _keys(np.abs(centre - left - k))) for k in (-1, 0, 1, 2)]


def _keys(distance, a=-0.75):
    """A cubic piece up to distance 1 and another up to 2, which meet smoothly."""
    near = ((a + 2) * distance - (a + 3)) * distance**2 + 1
    far = ((distance - 5) * distance + 8) * distance * a - 4 * a
    return np.where(distance <= 1, near, far)


def _cells(length, new_length):
    """Means over the cells of adaptive pooling, from ⌊p·n/m⌋ to ⌈(p+1)·n/m⌉: their pixels, one by one, with equal weights."""
    p = np.arange(new_length)
    start, end = p * length // new_length, -(-(p + 1) * length // new_length)
    return [(start + k, np.where(start + k < end, 1 / (end - start), 0)) for k in range(int((end - start).max(initial=0)))]


_WEIGHTS = {"nearest": _nearest, "nearest-exact": _nearest_exact, "linear": _linear, "bilinear": _linear, "trilinear": _linear,
            "bicubic": _cubic}
