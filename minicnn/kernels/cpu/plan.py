"""How a convolution is cut into pieces: all the numbers that its compiled loops need, worked out once for each shape."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from .tile import MAX_VECTORS, PAIRS, PLAIN
from .tiling import WEIGHT_ORDER, Tiling
from .vector import MACHINE

BUFFER_BYTES = 768 << 10        # the padded images of one task: they share the second-level cache with the weights
WEIGHT_BYTES = 128 << 10        # the weights of a block: if there are more, they are used a few kernel rows at a time
ROWS_BYTES = 32 << 10           # so that these stay in the first-level cache
SUM_PIXELS = 128                # pixels that a tile of the weights' gradient sums up before it goes to memory


class Plan(NamedTuple):
    """A correlation y[n,p,q,o] = Σ w[o,c,i,j] · x[n, p·stride + i·dilation - top, q·stride + j·dilation - left, c].

    All sizes are in numbers, not bytes. x lies channels-last; y's pixels may have gaps between them (y_*), which is how the
    gradient of a strided convolution is written one phase at a time. Where its weights lie is said by w_*.
    """

    images: int             # N
    height: int             # H, W, C of x
    width: int
    channels: int
    groups: int
    depth: int              # C / groups
    kernel_h: int
    kernel_w: int
    stride_h: int
    stride_w: int
    dilation_h: int
    dilation_w: int
    top: int                # padding, before; negative where the first pixels are not seen
    left: int
    rows: int               # P, Q: output pixels
    columns: int
    outs: int               # O / groups
    y_first: int            # where y's first pixel lies, and the steps to the next image, row and column
    y_image: int
    y_row: int
    y_column: int
    w_first: int            # where w[0,0,0,0] lies, and the steps to the next group, output and input channel, kernel row and column
    w_group: int
    w_out: int
    w_in: int
    w_i: int
    w_j: int
    run: int                # numbers of x that a row of a window sees in one piece, and how many such pieces a row has
    runs: int
    kind: int               # of the tiles: PLAIN or PAIRS
    vectors: int
    tile_rows: int          # the most rows of a tile
    block: int              # output channels that are computed at once
    blocks: int             # blocks in a group: the last one may reach beyond its channels
    kernel_rows: int        # how many rows of the kernel are summed up at once, for all pixels of a task
    together: int           # images in a task
    band: int               # output rows in a task
    padded: bool            # whether x must be copied into a buffer with zeros around it
    turned: bool            # gradient of the weights: whether tiles are output channels by places in the window, not the other way
    sum_images: int         # how many images and rows a tile of that gradient sums up before it goes to memory
    sum_rows: int
    cut: int = 0            # what becomes of y at the end: 0 nothing, 1 max(y, 0), 2 min(max(y, 0), 6) (see `cut_pixels`)

    def record(self):
        """The plan as compiled code takes it: an array with one record, whose fields have the same names."""
        return _record_of(self)

    @property
    def steps(self):
        """Rows of packed weights for a run: one for each number, or for each pair."""
        return -(-self.run // 2) if self.kind == PAIRS else self.run

    @property
    def packed(self):
        """Size of the packed weights: groups, blocks, kernel rows, runs, steps, the tile's width."""
        width = self.block * 2 if self.kind == PAIRS else self.block
        return self.groups * self.blocks * self.kernel_h * self.runs * self.steps * width

    @property
    def sums(self):
        """Size of the gradient of the weights as the tiles sum it up."""
        return self.groups * self.kernel_h * self.runs * self.blocks * self.block * (self.outs if self.turned else self.run)

    @property
    def buffer(self):
        """Size of the buffer for the padded images of a task."""
        row = _seen(self.columns, self.kernel_w, self.stride_w, self.dilation_w) * self.channels
        return self.together * _seen(self.band, self.kernel_h, self.stride_h, self.dilation_h) * row if self.padded else 0


# For pooling: whether no two windows share a pixel, whether besides every pixel lies in one, and whether they are 2x2 inside the image.
POOLING = "apart", "covered", "squares"

# For loops over all elements: whether the result is written past the caches, whether a ReLU cuts it, and how many elements there are.
ELEMENTS = "past", "cut", "elements"

# The type of a kernel's numbers.
RECORD = np.dtype([(name, np.int64) for name in dict.fromkeys((*Plan._fields, *POOLING, *ELEMENTS, *Tiling._fields, *WEIGHT_ORDER))])


@lru_cache(maxsize=4096)
def record(**fields):
    """An array with one record: some fields of a plan, the others 0."""
    return np.array([tuple(fields.get(name, 0) for name in RECORD.names)], RECORD)


@lru_cache(maxsize=4096)
def _record_of(plan):
    """Found by the plan's numbers alone, which takes less than to write down fifty names."""
    return record(**plan._asdict())


def _seen(count, kernel, stride, dilation):
    """How many pixels `count` neighbouring windows touch."""
    return (count - 1) * stride + (kernel - 1) * dilation + 1


def plan(size, itemsize, threads, *, groups, outs, kernel, stride, dilation, before, output, y_steps, w_steps):
    """The plan for x of size (N, H, W, C); pairs are (height, width), steps are y's and w's in their order in Plan."""
    (n, h, w, c), (rows, columns) = size, output
    depth = c // groups
    run, runs = (depth * kernel[1], 1) if dilation[1] * c == depth else (depth, kernel[1])      # a window's row may lie in one piece
    kind, vectors = min(TILES, key=lambda tile: cost_of_pixels(*tile, columns, outs, MACHINE.lanes(itemsize)))
    block = vectors * MACHINE.lanes(itemsize) // (2 if kind == PAIRS else 1)
    padded = any(_sticks_out(*axis) for axis in zip((h, w), kernel, stride, dilation, before, output))
    whole = c * itemsize * _seen(columns, kernel[1], stride[1], dilation[1])
    together, band = _task(n, rows, threads, lambda count: whole * _seen(count, kernel[0], stride[0], dilation[0]))
    return Plan(n, h, w, c, groups, depth, *kernel, *stride, *dilation, *before, *output, outs, *y_steps, *w_steps, run, runs,
                kind, vectors, MACHINE.rows(vectors), block, -(-outs // block),
                _kernel_rows(kernel[0], depth * kernel[1] * block * itemsize, outs % block == 0), together, band, padded, False, 0, 0)


@lru_cache(maxsize=4096)
def weights_plan(forward, itemsize):
    """The plan for the gradient of the weights, from the one for the convolution itself."""
    lanes, run, outs = MACHINE.lanes(itemsize), forward.run, forward.outs
    tiles = [(turned, vectors) for turned in (False, True) for vectors in range(1, MAX_VECTORS + 1)]
    sides = {False: (run, outs), True: (outs, run)}                                            # (rows, columns) of the tiles
    turned, vectors = min(tiles, key=lambda tile: cost(*sides[tile[0]], tile[1], lanes))
    block = vectors * lanes
    some = _summed_at_once(forward.together, forward.band, forward.rows, forward.columns)
    return forward._replace(kind=PLAIN, vectors=vectors, tile_rows=MACHINE.rows(vectors), block=block, turned=turned,
                            blocks=-(-sides[turned][1] // block), sum_images=some[0], sum_rows=some[1])


# Which tiles: by the cycles that they take for each k ------------------------------------------------------------------------

TILES = (PLAIN, 2), (PLAIN, 3), (PAIRS, 1), (PAIRS, 2)


def _cycles(rows, vectors):
    """The multipliers take two vectors a cycle and four cycles for each; the loads somewhat less than two numbers a cycle."""
    return max(rows * vectors / 2, 4, (rows + vectors) * 0.61) + 0.35


def cost(rows, columns, vectors, lanes, height=None):
    """Cycles for one k of a product with so many rows and columns, in tiles of at most `height` rows."""
    tiles = -(-rows // (height or MACHINE.rows(vectors)))
    return tiles * _cycles(rows / tiles, vectors) * -(-columns // (vectors * lanes))


def cost_of_pixels(kind, vectors, pixels, outs, lanes):
    """The same for a row of output pixels; in pairs, half of the lanes are for another k."""
    return cost(pixels, 2 * outs, vectors, lanes) / 2 if kind == PAIRS else cost(pixels, outs, vectors, lanes)


# How much at a time ----------------------------------------------------------------------------------------------------------


def _sticks_out(size, kernel, stride, dilation, before, output):
    """Whether the windows see pixels outside of the image."""
    return before > 0 or _seen(output, kernel, stride, dilation) - before > size


def _kernel_rows(kernel, size, whole):
    """How many kernel rows, of `size` bytes each, at once. Sums that wait in y are read a block at a time: blocks must be whole."""
    return max(ROWS_BYTES // size, 1) if whole and kernel * size > WEIGHT_BYTES else kernel


def _task(n, rows, threads, size):
    """(images, output rows) of one task: as much as fits the buffer, as little as gives every thread the same share."""
    band = rows
    while band > 1 and (size(band) > BUFFER_BYTES or n * -(-rows // band) < threads):
        band = -(-band // 2)
    if band < rows:
        return 1, band
    return max(min(BUFFER_BYTES // max(size(rows), 1), n // threads, 16), 1), band


def _summed_at_once(together, band, rows, columns):
    """(images, rows) of about SUM_PIXELS pixels: several images only where they are summed whole."""
    some = max(min(SUM_PIXELS // columns, band), 1)
    return max(min(SUM_PIXELS // (some * columns), together), 1) if some == rows else 1, some
