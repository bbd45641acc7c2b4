"""Convolution on a GPU: im2col, then one matrix product each for y, dw and the columns of dx, which col2im gathers.

    y (O, M) = w (O, K) @ columns (K, M)      dw = dy @ columnsᵀ      dcolumns = wᵀ @ dy      with K = C·KH·KW, M = N·P·Q

With G groups, G smaller products run as one. The batch is cut where its columns would take more than WORKSPACE bytes.
"""

from math import prod

import cupy

from .. import array
from . import depthwise
from .columns import col2im, im2col, is_identity
from .memory import MOST, by_channel, computable, images_like, per_image_parts, pixels, swapped
from .gemm import gemm

WORKSPACE = 256 << 20       # bytes of columns at a time


def conv2d(x, w, b, window, groups):
    """y[n,o,p,q] = b[o] + Σ_{c,i,j} w[o,c,i,j] · x[n,c,p·s+i·d-pad,q·s+j·d-pad]"""
    if not computable(x, w, b):
        return array.conv2d(x, w, b, window, groups)
    if depthwise.applies(x.shape[1], groups):
        return depthwise.conv2d(x, w, b, window)
    y = images_like((len(x), len(w), *window.output), x.dtype)
    products, weights = _grouped(by_channel(y), groups), _grouped(w.reshape(len(w), -1), groups)
    for images, columns in _parts(x.shape, window, x.itemsize):
        gemm(weights, _grouped(im2col(x[images], window), groups), products[:, :, columns])       # (G, O/G, K) @ (G, K, M)
    if b is not None:
        y += b.reshape(-1, 1, 1)
    return y


def conv2d_dx(dy, w, window, groups):
    """dx[n,c,h,v] = Σ w[o,c,i,j] · dy[n,o,p,q] over the windows that saw the pixel."""
    if not computable(dy, w):
        return array.conv2d_dx(dy, w, window, groups)
    c = w.shape[1] * groups
    if depthwise.applies(c, groups):
        return depthwise.conv2d_dx(dy, w, window, groups)
    dx = images_like((len(dy), c, *window.size), dy.dtype)
    weights = _grouped(w.reshape(len(w), -1), groups).swapaxes(1, 2)
    gradients, depth = _grouped(by_channel(dy), groups), c * prod(window.kernel)
    for images, columns in _parts(dx.shape, window, dx.itemsize):
        part = gradients[:, :, columns]
        if is_identity(window):
            gemm(weights, part, _grouped(by_channel(dx), groups)[:, :, columns])
        else:
            dcolumns = cupy.empty((depth, part.shape[2]), dx.dtype)
            gemm(weights, part, _grouped(dcolumns, groups))                                       # (G, K, O/G) @ (G, O/G, M)
            col2im(dcolumns, swapped(dx[images]), window)
    return dx


def conv2d_dw(dy, x, window, groups):
    """dw[o,c,i,j] = Σ_{n,p,q} x[n,c,p·s+i·d-pad,q·s+j·d-pad] · dy[n,o,p,q]"""
    if not computable(dy, x):
        return array.conv2d_dw(dy, x, window, groups)
    if depthwise.applies(x.shape[1], groups):
        return depthwise.conv2d_dw(dy, x, window)
    dw = cupy.empty((dy.shape[1], x.shape[1] // groups, *window.kernel), x.dtype)
    products, gradients = _grouped(dw.reshape(len(dw), -1), groups), _grouped(by_channel(dy), groups)
    for images, columns in _parts(x.shape, window, x.itemsize):
        rows = _grouped(im2col(x[images], window), groups).swapaxes(1, 2)
        gemm(gradients[:, :, columns], rows, products, add=images.start > 0)                      # (G, O/G, M) @ (G, M, K)
    return dw


def _grouped(matrix, groups):
    """(rows, M) -> a view (G, rows/G, M)."""
    return matrix.reshape(groups, matrix.shape[0] // groups, matrix.shape[1])


def _parts(shape, window, itemsize):
    """The slices of the batch that are done at a time, each with the slice of its columns (n, p, q)."""
    n, c = shape[:2]
    depth = 0 if is_identity(window) else c * prod(window.kernel) * pixels(window)
    largest = max(c * prod(window.size), depth)
    for images in per_image_parts(n, largest, min(WORKSPACE // itemsize if depth else MOST, MOST)):
        yield images, slice(images.start * pixels(window), images.stop * pixels(window))
