"""Winograd's convolution, F(4x4, 3x3) mostly: 36 multiplications for 16 output pixels of a 3x3 kernel, instead of 144.

Two filters of a length-3 correlation, y = (d₀g₀ + d₁g₁ + d₂g₂, d₁g₀ + d₂g₁ + d₃g₂), are read off a product of polynomials; and a product
of polynomials is found by evaluating both at enough points, multiplying value by value, and interpolating. Four outputs of a
3-tap filter need 4 + 3 - 1 = 6 points: 0, 1, -1, 2, -2 and ∞. In two dimensions this is done along rows and columns, so that a tile
of 4x4 output pixels Y comes from the 6x6 input pixels d that its windows touch and from the weights g by

    Y = Aᵀ · [(G · g · Gᵀ) ⊙ (Bᵀ · d · B)] · A

where ⊙ multiplies number by number: 36 products. Bᵀ evaluates the pixels, G the weights, Aᵀ interpolates (the matrices are made in
`transforms.py`). The sum over input channels commutes with Aᵀ and is taken before it: for each of the 36 points a matrix product of
tiles x input channels with input channels x output channels, where nearly all the time is spent. The transforms cost additions, as
many for each channel as the products cost for about ten: with few channels the direct algorithm is faster (`pays`).

Images of 3x3 or 6x6 pixels would leave half of such tiles empty. They are cut into tiles of 3x3 with 5 points each way, those of 2x2 into
tiles of 2x2 with 4. So are small images of which there are few, where most of the time goes into the weights' points: there should be
few of these (`tiling.cost`).

Both gradients follow from Y being linear in d and in g. The gradient of x is such a convolution itself, of dy with the weights
turned by 180 degrees and their channels exchanged. That of g is the formula transposed:

    dg = Gᵀ · [Σ_tiles (Bᵀ · d · B) ⊙ (A · dY · Aᵀ)] · G

The price is accuracy: Bᵀ adds pixels up with factors up to 5, Aᵀ products with factors up to 8, and much of it cancels. Relative to
the largest value the error is about 1e-5 in float32, that of the direct algorithm below 1e-6; 3e-5 where hundreds of channels have
weights of one sign. `kernels.using(winograd=False)` does without.

Source: A. Lavin and S. Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016, sections 4.1 to 4.3.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from .. import algorithms
from ..threads import get_num_threads, threads_for
from . import winograd_loops as loops
from .launch import launch
from .memory import channels_first, channels_last, contiguous, empty
from .plan import record
from .tiling import WEIGHT_ORDER, Tiling, correlation, cost, cut_into_tiles, weight_sums
from .transforms import TAPS
from .vector import MACHINE

SMALLEST = 512          # channels times pixels of a side
TRANSFORMED = 4         # times as much memory as the weights take their points, at most
FEWEST_CHANNELS = MACHINE.lanes(4)          # of x and of y
FEW_WEIGHTS, FEW_PIXELS = 1 << 13, 1 << 14  # for fewer, one thread is enough to transform them


def pays(images, output, channels, outs, window, groups, dtype, prepared=False):
    """Whether this is faster than the direct algorithm, for one pass: `output` is the size of the images that are cut into tiles.

    By cycles as in `tiling.cost`. The direct algorithm takes about 5 for a pixel, in rows of at least four, and 350 for bringing the
    weights into order. Where both images and channels are few, this one would save less time than its kernels take to compile:
    `minicnn train` on 8x8 digits starts some seconds earlier without.

    prepared  both have brought the weights into order before. Then there is to be read what became of them, which is up to four times
              as much for this algorithm
    """
    if min(channels, outs) * min(output) < SMALLEST or min(output) < 2:
        return False
    if not (algorithms.allowed["winograd"] and dtype == np.float32 and groups == 1 and window.kernel == (3, 3)
            and window.stride == window.dilation == (1, 1) and min(channels, outs) >= FEWEST_CHANNELS):
        return False
    direct = 5 * images * output[0] * max(output[1], 4) + (0 if prepared else 350)
    return cost(cut_into_tiles(images, output, channels, outs, prepared), channels, outs, prepared) < direct


def conv2d(x, w, b, window):
    """y[n,o,p,q] = b[o] + Σ_{c,i,j} w[o,c,i,j] · x[n,c,p+i-pad,q+j-pad]"""
    outs, ((top, _), (left, _)) = len(w), window.padding
    w = a_vector_of(w, 0, 1)
    return _correlated(x, w, (TAPS * w.shape[1], TAPS, 0, 1), b, outs, window.output, (top, left))


def conv2d_dx(dy, w, window):
    """dx[n,c,h,v] = Σ_{o,i,j} w[o,c,i,j] · dy[n,o,h-i+pad,v-j+pad]: the correlation with the kernel turned by 180 degrees."""
    channels, ((top, _), (left, _)) = w.shape[1], window.padding
    w = a_vector_of(w, 0, 1)
    return _correlated(dy, w, (TAPS, TAPS * w.shape[1], TAPS - 1, -1), None, channels, window.size, (2 - top, 2 - left))


def _correlated(x, w, order, b, outs, output, before):
    """The correlation of x with weights that lie in the order given (WEIGHT_ORDER), as an NCHW view."""
    x, threads = a_vector_of(channels_last(x), 3), get_num_threads()
    bias = _no_bias(max(outs, MACHINE.lanes(x.itemsize)), x.dtype) if b is None else a_vector_of(b, 0)
    work = _work(x.shape, len(bias), output, before, x.itemsize, threads, order)
    if work.tiling.few:
        y, buffers = _results(x, work, threads)
        planes = _ending_with_zeros(work.planes, x.shape[3], x.dtype)
        launch(loops.transform_images, work.plan, x, planes, threads=threads_for(x.size, FEW_PIXELS))
        launch(loops.correlate_blocks, work.plan, planes, w, bias, y, buffers)
    else:
        y = correlated(x, transformed(w, work), bias, work)
    return channels_first(y if y.shape[3] == outs else contiguous(y[..., :outs]))


def _results(x, work, threads):
    """(y, the threads' buffers), to be written."""
    tiling = work.tiling
    return empty((len(x), tiling.rows, tiling.columns, tiling.outs), x.dtype), empty((threads, work.buffer), x.dtype)


def made_ready(x, w, b, window, cut):
    """(bias, work) of a convolution whose weights are transformed once; what it computes is `cut` at once."""
    channels, outs = (max(size, MACHINE.lanes(x.itemsize)) for size in (x.shape[1], len(w)))
    work = _work((len(x), *x.shape[2:], channels), outs, window.output, tuple(first for first, _ in window.padding), x.itemsize,
                 get_num_threads(), (TAPS * channels, TAPS, 0, 1), True, cut)
    return _no_bias(outs, x.dtype) if b is None else a_vector_of(b, 0), work


def transformed(w, work):
    """The points of weights of a vector of channels at least, in the order in which the loops read them."""
    packed = _ending_with_zeros(work.packed, work.tiling.block, w.dtype)
    launch(loops.transform_weights, work.plan, w, packed, threads=threads_for(w.size, FEW_WEIGHTS))
    return packed


def correlated(x, packed, bias, work):
    """y (N, P, Q, O) from x (N, H, W, C), a vector of channels at least, and weights that are transformed."""
    y, buffers = _results(x, work, get_num_threads())
    launch(loops.correlate, work.plan, x, packed, bias, y, buffers)
    return y


def _ending_with_zeros(size, zeros, dtype):
    array = empty((size,), dtype)
    array[-zeros:] = 0
    return array


def conv2d_dw(dy, x, window):
    """dw[o,c,i,j] = Σ_{n,p,q} x[n,c,p+i-pad,q+j-pad] · dy[n,o,p,q]"""
    outs, channels, threads = dy.shape[1], x.shape[1], get_num_threads()
    x, dy = a_vector_of(channels_last(x), 3), a_vector_of(channels_last(dy), 3)
    plan, splits, sums, buffer = _sums_plan(x.shape, dy.shape[3], window.output, window.padding, x.itemsize, threads)
    dw = empty((dy.shape[3], x.shape[3], 3, 3), x.dtype)
    sums, buffers = empty(sums, x.dtype), empty((threads, buffer), x.dtype)
    launch(loops.correlate_weights, plan, x, dy, sums, dw, buffers)
    if splits > 1:
        launch(loops.add_splits, plan, sums, dw)
    return dw if dw.shape[:2] == (outs, channels) else contiguous(dw[:outs, :channels])


@lru_cache(maxsize=64)
def _no_bias(outs, dtype):
    """Zeros, which nobody changes."""
    return np.zeros(outs, dtype)


def a_vector_of(a, *axes):
    """The array with at least a vector of channels along some axes, the further ones 0: no loop takes less."""
    missing = _missing(a.shape, a.itemsize, axes)
    return contiguous(a) if missing is None else np.pad(a, missing)


@lru_cache(maxsize=4096)
def _missing(shape, itemsize, axes):
    """How much is to be added before and behind each axis; None where there is enough along all of them."""
    lanes = MACHINE.lanes(itemsize)
    if all(shape[axis] >= lanes for axis in axes):
        return None
    return [(0, max(lanes - size, 0) if axis in axes else 0) for axis, size in enumerate(shape)]


class Work(NamedTuple):
    """A correlation as it is cut into pieces, with what would take time to work out at every call."""

    tiling: Tiling
    plan: np.ndarray            # its numbers, as compiled code takes them
    buffer: int                 # sizes of the memory for it
    planes: int
    packed: int


@lru_cache(maxsize=4096)
def _work(size, outs, output, before, itemsize, threads, order, prepared=False, cut=0):
    """The Work for x of size (N, H, W, C), made once for each case."""
    tiling = correlation(size, outs, output, before, itemsize, threads, prepared)._replace(cut=cut)
    plan = record(**tiling._asdict(), **dict(zip(WEIGHT_ORDER, order)))
    return Work(tiling, plan, tiling.buffer, tiling.planes, tiling.packed)


@lru_cache(maxsize=4096)
def _sums_plan(size, outs, output, padding, itemsize, threads):
    """(the numbers, how many parts of the tiles are summed up apart, shape of the sums, size of a buffer) for the gradient of w."""
    tiling = weight_sums(size, outs, output, tuple(first for first, _ in padding), itemsize, threads)
    slots = tiling.parts_in * tiling.parts_out * tiling.splits if tiling.splits > 1 else threads
    return record(**tiling._asdict()), tiling.splits, (slots, tiling.sums), tiling.buffer
