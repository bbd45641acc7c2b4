"""Convolution of a few pixels with many weights, as a dense layer: one image of 4x4 pixels, say, with 512 channels in and out.

    y[npq, o] = b[o] + Σ_{cij} columns[npq, cij] · w[o, cij]

The columns are what each window sees. There are few of them here, and the work is to bring the weights from memory once, or their
gradient there: memory bounds it. Each other algorithm brings the weights into an order of its own first, which costs more than all the
rest; a dense layer reads them as they lie.
"""

from .. import array
from . import dense
from .memory import channels_first, channels_last, empty, reshaped

PIXELS = 64                     # of all images at the output, at most
WEIGHTS = 1 << 16               # at least: for fewer, it is done sooner than the columns are made
OF_WINOGRAD = 16, 1 << 19       # the same where Winograd's algorithm is the other choice


def pays(images, window, weights, groups, winograd):
    """Whether this is faster than the other algorithms; `winograd` says whether Winograd's is among them."""
    pixels, least = OF_WINOGRAD if winograd else (PIXELS, WEIGHTS)
    return images * window.output[0] * window.output[1] <= pixels and weights >= least and groups == 1


def conv2d(x, w, b, window):
    """y[n,o,p,q] = b[o] + Σ_{c,i,j} w[o,c,i,j] · x[n,c,p·s+i·d-pad,q·s+j·d-pad]"""
    y = dense.linear(_columns(x, window), w.reshape(len(w), -1), b)                     # (NPQ, O) = (NPQ, CIJ) @ (CIJ, O)
    return channels_first(y.reshape(len(x), *window.output, len(w)))


def conv2d_dx(dy, w, window):
    """dcolumns[npq,cij] = Σ_o dy[npq,o] · w[o,cij], each added to the pixel that the window saw there."""
    columns = dense.linear_dx(_rows(dy), w.reshape(len(w), -1)).reshape(len(dy), *window.output, w.shape[1], *window.kernel)
    dx = empty((len(dy), *window.reach, w.shape[1]), dy.dtype)
    dx[...] = 0
    for i, j, rows, across in array._steps(window):
        dx[:, rows, across] += columns[..., i, j]
    return array._unpadded(dx, window)


def conv2d_dw(dy, x, window):
    """dw[o,cij] = Σ_{npq} dy[npq,o] · columns[npq,cij]"""
    dw, shape = dense.linear_dw(_rows(dy), _columns(x, window)), (dy.shape[1], x.shape[1], *window.kernel)
    if dw.base is not None:
        return reshaped(dw, shape)                          # not a view: it becomes a leaf's `.grad` without a copy
    dw.resize(shape, refcheck=False)                        # nor is this one
    return dw


def _rows(y):
    """(N, O, P, Q) -> (NPQ, O)"""
    return channels_last(y).reshape(-1, y.shape[1])


def _columns(x, window):
    """(N, C, H, W) -> (NPQ, CIJ): every window as a row."""
    padded = array._padded(x, window)
    columns = empty((len(x), *window.output, x.shape[1], *window.kernel), x.dtype)
    for i, j, rows, across in array._steps(window):
        columns[..., i, j] = padded[:, rows, across]
    return columns.reshape(len(x) * window.output[0] * window.output[1], -1)
