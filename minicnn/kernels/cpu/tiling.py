"""How Winograd's convolution is cut into pieces: all the numbers that its compiled loops need, worked out once for each shape."""

from functools import lru_cache
from math import gcd
from typing import NamedTuple

from .tile import PAIRS, PLAIN
from .transforms import TILES
from .vector import MACHINE

VECTORS = 2                     # the width of the register tiles, where there are as many channels
BUFFER_BYTES = 768 << 10        # the transformed tiles of one task: they share the second-level cache with the weights
FEW = 64 * 36                   # tiles times points, whose products for a block stay in the cache
DEPTH = 128                     # input channels whose transformed weights for a block stay there along with them
PART = 64                       # channels, in and out, whose sums for the gradient of w stay in the cache

WEIGHT_ORDER = ("out_step", "in_step", "tap_first", "tap_step")     # from one output channel, input channel and tap to the next


class Tiling(NamedTuple):
    """A correlation of x with a 3x3 kernel, in tiles of some pixels of y; all sizes in numbers, not bytes. 0 where not used."""

    images: int                 # N
    height: int                 # H, W, C of x
    width: int
    channels: int
    rows: int                   # P, Q, O of y
    columns: int
    outs: int
    top: int                    # padding, before; negative where the first pixels are not seen
    left: int
    tile: int                   # pixels of a tile of y, each way, and of the tile of x that its windows touch: two more
    side: int
    points: int                 # of evaluation: side²
    tiles_h: int                # tiles in an image, down and across, and in all images
    tiles_w: int
    tiles: int
    together: int               # tiles in a task
    depth: int                  # channels of x that are transformed at once
    width_out: int              # and channels of y
    kind: int                   # of the register tiles: PLAIN or PAIRS; their width, and the channels that these are
    vectors: int
    block: int
    tile_rows: int              # the most rows of one
    plane: int                  # from one point to the next: in the transformed x, in the products or transformed dy
    product_plane: int
    few: bool = False           # whether the threads share out the output channels, not the tiles
    blocks: int = 0             # blocks of output channels
    weight_plane: int = 0       # from point to point in the transformed weights
    parts_in: int = 0           # the gradient of w: parts of the input channels, of the output channels, and of the tiles
    parts_out: int = 0
    splits: int = 0
    sum_plane: int = 0          # from point to point in the sums
    cut: int = 0                # what becomes of y at the end, as in a Plan

    @property
    def buffer(self):
        """Size of a thread's buffer: two kinds of planes, a block beyond them, and zeros or space for what is outside an image."""
        other = self.weight_plane if self.few else self.plane
        return self.points * (self.product_plane + other) + self.block + self.depth + self.width_out

    @property
    def planes(self):
        """Size of the transformed images, where threads share them, and zeros for a pixel."""
        return self.points * self.plane + self.channels

    @property
    def packed(self):
        """Size of the transformed weights, where threads share them, and a block of zeros after them."""
        return self.blocks * self.points * self.weight_plane + self.block

    @property
    def sums(self):
        """Size of one unit's sums for the gradient of w, and a block beyond them."""
        return self.points * self.sum_plane + self.block


@lru_cache(maxsize=4096)
def correlation(size, outs, output, before, itemsize, threads, prepared=False):
    """The tiling for y from x of size (N, H, W, C), or for dx from dy; with weights that were transformed before, or with others."""
    paired = outs < VECTORS * MACHINE.lanes(itemsize) and size[3] % 2 == 0
    kind, vectors, block, tile_rows = _pairs(itemsize) if paired else _plain(outs, itemsize)
    grid, channels, blocks = cut_into_tiles(size[0], output, size[3], outs, prepared), size[3], -(-outs // block)
    few = grid.tiles * grid.points <= FEW and blocks >= threads and not prepared
    together = grid.tiles if few else _together(-(-grid.tiles // threads), grid.points * (channels + block) * itemsize, tile_rows)
    depth = min(channels, DEPTH) if few else channels
    return Tiling(*size, *output, outs, *before, *grid, together, depth, block, kind, vectors, block, tile_rows,
                  _plane(together * channels, itemsize), _plane(together * block, itemsize), few, blocks=blocks,
                  weight_plane=_plane(depth * block, itemsize))


@lru_cache(maxsize=4096)
def weight_sums(size, outs, output, before, itemsize, threads):
    """The tiling for dw from x of size (N, H, W, C) and dy."""
    parts_in, parts_out, grid = -(-size[3] // PART), -(-outs // PART), cut_into_tiles(size[0], output, size[3], outs)
    if grid.tiles * grid.points <= FEW:                      # one part for each thread, rather than sums to be added up
        parts_out = max(parts_out, min(threads, outs // MACHINE.lanes(itemsize)))
    depth, width = -(-size[3] // parts_in), -(-outs // parts_out)
    splits = min(threads // gcd(threads, parts_in * parts_out), grid.tiles)
    together = _together(-(-grid.tiles // splits), grid.points * (depth + width) * itemsize, 8)
    return Tiling(*size, *output, outs, *before, *grid, together, depth, width, *_plain(width, itemsize),
                  _plane(together * depth, itemsize), _plane(together * width, itemsize),
                  parts_in=parts_in, parts_out=parts_out, splits=splits, sum_plane=_plane(depth * width, itemsize))


def _plain(columns, itemsize):
    """(kind, vectors, channels, most rows) of the register tiles of a product: no wider than it has columns, if it has a vector of them."""
    lanes = MACHINE.lanes(itemsize)
    vectors = max(min(columns // lanes, VECTORS), 1)
    return PLAIN, vectors, vectors * lanes, MACHINE.rows(vectors)


def _pairs(itemsize):
    """The same for one vector of columns and an even number of k's: a plain tile would wait for its loads."""
    return PAIRS, VECTORS, MACHINE.lanes(itemsize), MACHINE.rows(VECTORS)


class Grid(NamedTuple):
    """The first fields of a Tiling that say how images are cut into tiles."""

    tile: int
    side: int
    points: int
    tiles_h: int
    tiles_w: int
    tiles: int

    @classmethod
    def of(cls, tile, images, rows, columns):
        """The grid for images of y into tiles of so many pixels each way."""
        down, across = -(-rows // tile), -(-columns // tile)
        return cls(tile, tile + 2, (tile + 2) ** 2, down, across, images * down * across)


@lru_cache(maxsize=4096)
def cut_into_tiles(images, output, channels, outs, prepared=False):
    """Images of y in tiles of the size that costs least: 3x3 pixels are one tile of their own, not a part of 4x4."""
    return min((Grid.of(tile, images, *output) for tile in TILES), key=lambda grid: cost(grid, channels, outs, prepared))


def cost(grid, channels, outs, prepared=False):
    """Cycles of the multipliers, divided by channels · outs and times the numbers in a vector; `prepared`: the weights are transformed.

    For 36 points: 20 for a tile, 250 for each vector of channels that it transforms, and 300 for the transforms of the weights, or 200
    for reading them. Fewer points take that much less.
    """
    return (grid.tiles * (20 + 250 / channels + 250 / outs) + (200 if prepared else 300)) * grid.points / 36


def _together(share, size, rows):
    """Tiles in a task: as many (of `size` bytes, transformed) as fit the buffer, in tasks of one size, of whole register tiles."""
    tasks = -(-share // max(BUFFER_BYTES // size, 2 * rows))
    return -(-share // tasks // rows) * rows


def _plane(size, itemsize):
    """A size with a cache line to spare: the planes begin at neighbouring lines, not at the same line of every 4096 bytes."""
    lane = 64 // itemsize
    return -(-size // lane) * lane + lane
