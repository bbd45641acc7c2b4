"""Convolution of a few pixels with many weights, as a dense layer: one image of 4x4 pixels, say, with 512 channels in and out.

    y[npq, o] = b[o] + Σ_{cij} columns[npq, cij] · w[o, cij]

The columns are what each window sees. There are few of them here, and the work is to bring the weights from memory once, or their
gradient there: memory bounds it. Each other algorithm brings the weights into an order of its own first, which costs more than all the
rest; a dense layer reads them as they lie.
"""

from functools import lru_cache

from . import dense
from .launch import helper, launch
from .memory import channels_first, channels_last, empty, reshaped
from .plan import record
from .windows import clipped_taps

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
    columns = dense.linear_dx(_rows(dy), w.reshape(len(w), -1))
    dx = empty((len(dy), *window.size, w.shape[1]), dy.dtype)
    launch(add_columns, _plan(dx.shape, window), columns, dx)
    return channels_first(dx)


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
    x = channels_last(x)
    columns = empty((len(x) * window.output[0] * window.output[1], x.shape[3] * window.kernel[0] * window.kernel[1]), x.dtype)
    launch(write_columns, _plan(x.shape, window), x, columns)
    return columns


@lru_cache(maxsize=4096)
def _plan(size, window):
    """The numbers for the loops, of images of size (N, H, W, C)."""
    (n, h, w, c), (kh, kw), (sh, sw), (dh, dw), (p, q) = size, window.kernel, window.stride, window.dilation, window.output
    return record(images=n, height=h, width=w, channels=c, kernel_h=kh, kernel_w=kw, stride_h=sh, stride_w=sw, dilation_h=dh,
                  dilation_w=dw, top=window.padding[0][0], left=window.padding[1][0], rows=p, columns=q)


# The columns: threads share out the channels ------------------------------------------------------------------------------


def write_columns(x, columns, _a, _b, _c, _, plans, thread, threads):
    """columns[npq,cij] = x[n, p·s + i·d - top, q·s + j·d - left, c], zero on padding."""
    plan = plans[0]
    taps, start, end = plan.kernel_h * plan.kernel_w, thread * plan.channels // threads, (thread + 1) * plan.channels // threads
    for pixel in range(plan.images * plan.rows * plan.columns):
        place, i_first, i_end, j_first, j_end = _seen(plan, pixel)
        for i in range(plan.kernel_h):
            for j in range(plan.kernel_w):
                to = pixel * plan.channels * taps + start * taps + i * plan.kernel_w + j
                column, inside = columns[to:], i_first <= i < i_end and j_first <= j < j_end
                at = place + (i * plan.dilation_h * plan.width + j * plan.dilation_w) * plan.channels
                pixels = x[at + start : at + end] if inside else x[:0]
                for c in range(len(pixels)):
                    column[c * taps] = pixels[c]
                for c in range(len(pixels), end - start):
                    column[c * taps] = 0


def add_columns(columns, dx, _a, _b, _c, _, plans, thread, threads):
    """dx[n,h,v,c] = Σ columns[npq,cij] over the windows that saw the pixel at (i, j)."""
    plan = plans[0]
    taps, start, end = plan.kernel_h * plan.kernel_w, thread * plan.channels // threads, (thread + 1) * plan.channels // threads
    for pixel in range(plan.images * plan.height * plan.width):
        for c in range(pixel * plan.channels + start, pixel * plan.channels + end):
            dx[c] = 0
    for pixel in range(plan.images * plan.rows * plan.columns):
        place, i_first, i_end, j_first, j_end = _seen(plan, pixel)
        for i in range(i_first, i_end):
            for j in range(j_first, j_end):
                of = pixel * plan.channels * taps + start * taps + i * plan.kernel_w + j
                at = place + (i * plan.dilation_h * plan.width + j * plan.dilation_w) * plan.channels
                column, pixels = columns[of:], dx[at + start : at + end]
                for c in range(len(pixels)):
                    pixels[c] += column[c * taps]


@helper
def _seen(plan, pixel):
    """Where an output pixel's window begins, and the (first, end) of its taps that lie in the image, down and across."""
    image, p, q = pixel // (plan.rows * plan.columns), pixel // plan.columns % plan.rows, pixel % plan.columns
    top, left = p * plan.stride_h - plan.top, q * plan.stride_w - plan.left
    place = ((image * plan.height + top) * plan.width + left) * plan.channels
    rows = clipped_taps(top, plan.dilation_h, plan.kernel_h, plan.height)
    return place, *rows, *clipped_taps(left, plan.dilation_w, plan.kernel_w, plan.width)
