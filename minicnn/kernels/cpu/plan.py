"""How a convolution is cut into pieces: all the numbers that its compiled loops need, worked out once for each shape."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from .vector import MACHINE

BUFFER_BYTES = 768 << 10        # the padded images of one task: they share the second-level cache with the weights
SUM_PIXELS = 128                # pixels that a tile of the weights' gradient sums up before it goes to memory


class Plan(NamedTuple):
    """A correlation y[n,p,q,o] = Σ w[o,c,i,j] · x[n, p·stride + i·dilation - top, q·stride + j·dilation - left, c].

    All sizes are in numbers, not bytes. x lies channels-last; y's pixels may have gaps between them (y_*), which is how the
    gradient of a strided convolution is written one phase at a time.
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
    block: int              # output channels that are computed at once, `vectors` vectors
    vectors: int
    blocks: int             # blocks in a group: the last one may reach beyond its channels
    tile_rows: int          # the most rows of a tile
    together: int           # images in a task
    band: int               # output rows in a task
    padded: bool            # whether x must be copied into a buffer with zeros around it
    sum_images: int         # how many images and rows a tile of the weights' gradient sums up before it goes to memory
    sum_rows: int

    def record(self):
        """The plan as compiled code takes it: an array with one record, whose fields have the same names."""
        return record(**self._asdict())

    @property
    def weight_shape(self):
        """Packed weights: groups, blocks, kernel rows and columns, input channels of the group, channels of the block."""
        return self.groups, self.blocks, self.kernel_h, self.kernel_w, self.depth, self.block

    @property
    def buffer(self):
        """Size of the buffer for the padded images of a task."""
        return self.together * _seen(self.band, self.kernel_h, self.stride_h, self.dilation_h) * self.row if self.padded else 0

    @property
    def wide(self):
        """Size of the copy of dy with whole blocks, for the pixels that are summed at once; 0 where dy's channels fill them."""
        filled = self.blocks * self.block
        return 0 if self.outs == filled else self.sum_images * self.sum_rows * self.columns * self.groups * filled

    @property
    def row(self):
        """Size of one padded row."""
        return _seen(self.columns, self.kernel_w, self.stride_w, self.dilation_w) * self.channels


# The type of a kernel's numbers.
RECORD = np.dtype([(name, np.int64) for name in Plan._fields])


@lru_cache(maxsize=4096)
def record(**fields):
    """An array with one record: some fields of a plan, the others 0."""
    return np.array([tuple(fields.get(name, 0) for name in RECORD.names)], RECORD)


def _seen(count, kernel, stride, dilation):
    """How many pixels `count` neighbouring windows touch."""
    return (count - 1) * stride + (kernel - 1) * dilation + 1


@lru_cache(maxsize=4096)
def plan(size, itemsize, threads, *, groups, outs, kernel, stride, dilation, before, output, y_steps):
    """The plan for x of size (N, H, W, C); pairs are (height, width), y_steps is (first, image, row, column)."""
    (n, h, w, c), (rows, columns) = size, output
    vectors, block = _block(outs, itemsize)
    padded = any(_sticks_out(*axis) for axis in zip((h, w), kernel, stride, dilation, before, output))
    whole = c * itemsize * _seen(columns, kernel[1], stride[1], dilation[1])
    together, band = _task(n, rows, threads, lambda count: whole * _seen(count, kernel[0], stride[0], dilation[0]))
    return Plan(n, h, w, c, groups, c // groups, *kernel, *stride, *dilation, *before, *output, outs, *y_steps, block, vectors,
                -(-outs // block), MACHINE.rows(vectors), together, band, padded, *_summed_at_once(together, band, rows, columns))


def _block(outs, itemsize):
    """(vectors, channels) of a block: two vectors, or one where the second would stay empty."""
    lanes = MACHINE.lanes(itemsize)
    vectors = 1 if -(-outs // lanes) in (1, 3) else 2
    return vectors, vectors * lanes


def _sticks_out(size, kernel, stride, dilation, before, output):
    """Whether the windows see pixels outside of the image."""
    return before > 0 or _seen(output, kernel, stride, dilation) - before > size


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
