"""Reading images at places between their pixels, and laying windows back: GridSample, AffineGrid, Col2Im, MaxUnpool, CenterCropPad."""

from itertools import product
from math import prod

import numpy as np

from ...elementary.arithmetic import abs, clamp, floor, remainder, round, where
from ...elementary.indexing import gather, scatter_add
from ...elementary.joining import stack
from ...elementary.shape import broadcast_to
from ...elementary.windows import overlap_add
from ...elementary.windows import pad as pad_constant
from ...errors import BadValue, ShapeError
from ...shapes import Window, positions
from ...tensor import wrap
from ..axes import axes_of
from .convolution import per_axis
from .table import operator
from .values import Numbers, beside, constant, integers

# At places given -----------------------------------------------------------------------------------------------------------------

MODES = {"linear": "linear", "bilinear": "linear", "nearest": "nearest", "cubic": "cubic", "bicubic": "cubic"}


@operator("GridSample")
def grid_sample(x, grid, *, align_corners=0, mode="linear", padding_mode="zeros"):
    """x (N, C, ...) at the places in grid (N, ..., d): -1 and 1 are the ends of an axis, the last axis first."""
    dims = x.ndim - 2
    if grid.ndim != x.ndim or grid.shape[-1] != dims or mode not in MODES:
        raise ShapeError(f"expected a grid (N, ..., {dims}) of {x.ndim} axes and a mode among {', '.join(MODES)}, got {tuple(grid.shape)} "
                         f"and {mode!r}")
    x, grid = beside(x, grid)
    output = tuple(grid.shape[1:-1])
    places = []
    for axis, n in enumerate(x.shape[2:]):
        g = grid[..., dims - 1 - axis].reshape(len(grid), prod(output))
        place = (g + 1) * ((n - 1) / 2) if align_corners else ((g + 1) * n - 1) * 0.5
        places.append(place if MODES[mode] == "cubic" else within(place, n, padding_mode, bool(align_corners)))
    y = sample(x, [neighbours(place, MODES[mode]) for place in places], padding_mode, bool(align_corners))
    return y.reshape(*x.shape[:2], *output)


def within(place, n, padding_mode, align_corners):
    """Places beyond the ends of an axis: as they are ("zeros"), at the ends ("border"), or mirrored there ("reflection")."""
    if padding_mode == "zeros":
        return place
    if padding_mode == "border":
        return clamp(place, 0, n - 1)
    if padding_mode != "reflection":
        raise BadValue(f"padding_mode must be 'zeros', 'border' or 'reflection', got {padding_mode!r}")
    low, high = (0.0, n - 1.0) if align_corners else (-0.5, n - 0.5)
    if high == low:
        return place * 0
    folded = remainder(abs(place - low), 2 * (high - low))
    return clamp(where(folded > high - low, 2 * (high - low) - folded, folded) + low, 0, n - 1)


def neighbours(place, mode):
    """[(pixels, weights)]: which pixels of an axis count at each place, and how much."""
    if mode == "nearest":
        return [(round(place).detach(), 1.0)]
    first = floor(place).detach()
    part = place - first
    if mode == "linear":
        return [(first, 1 - part), (first + 1, part)]
    return [(first + k, keys(abs(part - k), k in (0, 1))) for k in (-1, 0, 1, 2)]


def keys(distance, near, a=-0.75):
    """The weight of a pixel by Keys' cubic convolution (1981), within the distance of 1, or beyond it."""
    if near:
        return ((a + 2) * distance - (a + 3)) * distance * distance + 1
    return ((distance - 5) * distance + 8) * distance * a - 4 * a


def sample(x, axes, padding_mode, align_corners):
    """Σ x[pixel] · weight over all combinations of the axes' neighbours: (N, C, places)."""
    n, c, *size = x.shape
    flat, total = x.reshape(n, c, prod(size)), 0
    for corner in product(*axes):
        index, weight, inside = 0, 1.0, True
        for (pixel, part), length in zip(corner, size):
            inside = inside & ((pixel >= 0) & (pixel < length))
            pixel = clamp(within(pixel, length, padding_mode, align_corners), 0, length - 1)
            index, weight = index * length + pixel.to("int64"), part * weight
        values = gather(flat, 2, broadcast_to(index.unsqueeze(1), (n, c, index.shape[1])))
        weight = weight * inside.to(x.dtype) if padding_mode == "zeros" else weight
        total = values * (weight.unsqueeze(1) if hasattr(weight, "unsqueeze") else weight) + total
    return total


@operator("AffineGrid")
def affine_grid(theta, size: Numbers, *, align_corners=0):
    """The places (N, ..., d) that theta (N, d, d + 1) maps the pixels of images (N, C, ...) of a size to, for GridSample."""
    n, _, *lengths = integers(size)
    ends = [np.linspace(-1, 1, m) if align_corners else (np.arange(m) * 2 + 1) / m - 1 for m in lengths]
    pixels = np.meshgrid(*ends, indexing="ij")[::-1]                                # the last axis first
    rows = np.stack([*pixels, np.ones(lengths)], -1).reshape(-1, len(lengths) + 1)
    return (constant(rows.astype(theta.dtype), theta) @ theta.transpose(1, 2)).reshape(n, *lengths, len(lengths))


@operator("DeformConv")
def deformable_convolution(x, w, offset, b=None, mask=None, *, dilations=None, group=1, kernel_shape=None, offset_group=1, pads=None,
                           strides=None):
    """A convolution of images whose every window reads at places moved by `offset` (N, groups·KH·KW·2, P, Q), scaled by `mask` (Dai et al.
    2017). Between pixels it reads their weighted mean, outside of the image 0."""
    (n, c), kernel, (p, q) = x.shape[:2], tuple(w.shape[2:]), tuple(offset.shape[2:])
    stride, dilation = per_axis(strides, 2, "strides"), per_axis(dilations, 2, "dilations")
    pads, members = per_axis(pads, 2, "pads", 0, 2), c // offset_group
    moved = offset.reshape(n, offset_group, prod(kernel), 2, p * q)
    scale = None if mask is None else mask.reshape(n, offset_group, prod(kernel), 1, p * q)
    columns = []
    for g in range(offset_group):
        for k, corner in enumerate(product(*map(range, kernel))):
            starts = [np.arange(m) * s - before + i * d for m, s, before, i, d in zip((p, q), stride, pads, corner, dilation)]
            at = [constant(a.reshape(-1).astype(x.dtype), x) + moved[:, g, k, axis]
                  for axis, a in enumerate(np.meshgrid(*starts, indexing="ij"))]
            read = sample(x[:, g * members : (g + 1) * members], [neighbours(place, "linear") for place in at], "zeros", False)
            columns.append(read if scale is None else read * scale[:, g, k])
    columns = stack(columns, 1).reshape(n, offset_group, prod(kernel), members, p * q).transpose(2, 3)      # (N, G, C/G, K, P·Q)
    columns = columns.reshape(n, group, c // group * prod(kernel), p * q)
    y = w.reshape(group, w.shape[0] // group, c // group * prod(kernel)) @ columns
    y = y.reshape(n, w.shape[0], p, q)
    return y if b is None else y + b.reshape(-1, 1, 1)


# Windows laid back -----------------------------------------------------------------------------------------------------------------


@operator("Col2Im")
def columns_to_image(input, image_shape: Numbers, block_shape: Numbers, *, dilations=None, pads=None, strides=None):
    """Columns (N, C·block, L), each a block of an image, added up where they overlap: (N, C, ...). The transpose of cutting them out."""
    size, kernel = integers(image_shape), integers(block_shape)
    dims = len(size)
    stride, dilation = per_axis(strides, dims, "strides"), per_axis(dilations, dims, "dilations")
    pads = per_axis(pads, dims, "pads", 0, 2)
    full = [n + before + after for n, before, after in zip(size, pads[:dims], pads[dims:])]
    counts = map(positions, size, kernel, stride, zip(pads[:dims], pads[dims:]), dilation)
    channels = input.shape[1] // prod(kernel)
    y = input.reshape(input.shape[0], channels, *kernel, *counts)
    for i in range(dims):                               # axis by axis: its block and its positions become its length, which goes last
        y = y.movedim((2, 2 + dims - i), (-2, -1))
        lead, (k, p) = y.shape[:-2], y.shape[-2:]
        window = Window((full[i], 1), (k, 1), (stride[i], 1), ((0, 0), (0, 0)), (dilation[i], 1), (p, 1))
        y = overlap_add(y.reshape(prod(lead), 1, k, 1, p, 1), window, (full[i], 1)).reshape(*lead, full[i])
    return pad_constant(y, ((0, 0), (0, 0), *((-before, -after) for before, after in zip(pads[:dims], pads[dims:]))))


@operator("MaxUnpool")
def max_unpool(x, i, output_shape: Numbers = None, *, kernel_shape, pads=None, strides=None):
    """The elements of x at their places i in a larger tensor made flat, zeros elsewhere: what MaxPool took, put back."""
    dims = len(kernel_shape)
    stride, pads = per_axis(strides, dims, "strides"), per_axis(pads, dims, "pads", 0, 2)
    natural = [(n - 1) * s + k - before - after
               for n, s, k, before, after in zip(x.shape[2:], stride, kernel_shape, pads[:dims], pads[dims:])]
    shape = (*x.shape[:2], *natural)
    wanted = shape if output_shape is None else tuple(integers(output_shape))
    flat = scatter_add(wrap(np.zeros(prod(shape), x.dtype, like=x.array)), 0, i.reshape(-1).to("int64"), x.reshape(-1))
    return pad_constant(flat.reshape(*shape), [(0, m - n) for n, m in zip(shape, wanted)])


@operator("CenterCropPad")
def center_crop_pad(input, shape: Numbers, *, axes=None):
    """The middle of each axis in another length: cut off, or filled up with zeros, on both sides alike."""
    lengths, widths = integers(shape), [(0, 0)] * input.ndim
    for axis, m in zip(axes_of(range(input.ndim) if axes is None else axes, input.ndim), lengths):
        missing = m - input.shape[axis]
        before = missing // 2 if missing >= 0 else -(-missing // 2)
        widths[axis] = before, missing - before
    return pad_constant(input, widths)
