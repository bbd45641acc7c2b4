"""How activations lie in memory for these kernels, channels-last behind an NCHW view, and where that memory comes from.

Memory that is fresh from the operating system is slow: it is cleared, page by page, as it is first touched, which costs a third of
the time of a convolution that fills it. A training step asks for the same sizes again and again, so blocks are kept and lent once
more. Nothing has to be given back: every array that lies in a block, be it a view of a view, refers to the block, so a block is free
when nobody but the pool does.
"""

from collections import defaultdict
from math import prod
from sys import getrefcount
from threading import Lock

import numpy as np

from ...arrays import Block, is_lent

LINE = 64                   # bytes of a cache line
PAGE = 4096                 # bytes; two arrays at one place of their pages get in each other's way in the first-level cache
SLACK = 256                 # bytes behind a block that may be read: kernels load whole vectors, also for the last few numbers
SMALL = 1 << 12             # bytes: smaller arrays come from NumPy, which has them at hand
LARGE = 1 << 15             # elements, from which on it pays to share out a copy
MUCH = 1 << 18              # bytes, from which on a block may be lent that is larger than asked for
MANY = 1 << 12              # sizes asked for that are remembered
SPARE = 64 << 20            # bytes that are kept at first, whether or not somebody will ask for them again
FLOATS = (np.dtype("float32"), np.dtype("float64"))


def computable(*arrays):
    """Whether these kernels take the arrays: floats of one kind, none of them empty; None stands for a later one left out."""
    kind = arrays[0].dtype
    if kind not in FLOATS:
        return False
    for a in arrays:
        if a is not None and (type(a) is not np.ndarray or a.dtype is not kind and a.dtype != kind or not a.size):
            return False
    return True


def channels_last(x):
    """(N, C, H, W) -> (N, H, W, C), contiguous: a view where x lies so already, else a copy."""
    x = x.transpose(0, 2, 3, 1)
    if x.flags.c_contiguous:
        return x
    from .layout import channels_last_copy

    return channels_last_copy(x)


def channels_first(x):
    """(N, H, W, C) -> a view (N, C, H, W)."""
    return x.transpose(0, 3, 1, 2)


def contiguous(x):
    """x itself where it is contiguous, else a copy that is."""
    if x.flags.c_contiguous:
        return x
    copy = empty(x.shape, x.dtype)
    copy[...] = x
    return copy


def empty(shape, dtype):
    """`numpy.empty` in a block of the pool. It begins at a cache line: a vector that lies across two of them takes two loads."""
    size = prod(shape) * (dtype if isinstance(dtype, np.dtype) else np.dtype(dtype)).itemsize
    if size < SMALL:
        return np.empty(shape, dtype)
    memory, start = POOL.block(size)
    return np.ndarray(shape, dtype, memory, start)


def reshaped(x, shape):
    """A contiguous array in another shape. If it lies in a block, the result has the block for its base, as x has: it is no view of x."""
    if type(x.base) is not Block:
        return x.reshape(shape)
    return np.ndarray(shape, x.dtype, x.base, x.ctypes.data - x.base.ctypes.data)


def with_slack(x):
    """A contiguous array, itself or copied, with SLACK bytes behind it that can be read: there are some behind whatever is lent."""
    if is_lent(x):
        return x
    copy = np.empty(x.size + SLACK // x.itemsize, x.dtype)[: x.size].reshape(x.shape)
    copy[...] = x
    return copy


class Pool:
    """Blocks of memory: pairs of an array of bytes and the place in it from which on it is used."""

    def __init__(self):
        self.blocks = defaultdict(list)             # by size in bytes, the one that was lent last at the end
        self.fitting = {}                           # a size asked for -> the blocks of the next size that there is
        self.spare = SPARE                          # bytes that are kept although nobody uses them
        self.returned = {}                          # by size, bytes of all blocks when some of this size were returned to the system
        self.lock = Lock()                          # or two threads might find the same block free
        self.made = 0

    def block(self, size):
        """A block of at least `size` bytes that nobody uses."""
        with self.lock:
            blocks = self.fitting.get(size, ())
            if blocks and getrefcount(blocks[-1][0]) == UNUSED:     # a workspace, mostly, whose last user is done with it
                found = blocks[-1]
            else:
                found = _free(blocks) or self._find(size)
            return found[0], found[1]               # a reference more before the lock is let go: nobody else finds it free

    def _find(self, size):
        """A block for a size of which none is free, or which was not asked for before."""
        step = 1 << (size.bit_length() - 4 if size > SMALL else 9)  # one of eight sizes from one power of two to the next: for many shapes
        rounded = -(-size // step) * step
        found = _free(self.blocks[rounded]) or self._larger(rounded)
        if found is None:
            self._make_room(rounded)
            found = self._new(rounded)
        if len(self.fitting) == MANY:
            self.fitting.clear()
        self.fitting[size] = self.blocks[rounded]
        return found

    def _larger(self, size):
        """A free block of up to twice the size, where that is much: a step needs less memory than the sum of the most of each size."""
        for larger in sorted(other for other in self.blocks if size < other <= 2 * size) if size >= MUCH else ():
            found = _free(self.blocks[larger])
            if found is not None:
                return found
        return None

    def _new(self, size):
        memory = Block(size + PAGE + SLACK, np.uint8)
        self.made += 1
        start = -memory.ctypes.data % PAGE % LINE + self.made % (PAGE // LINE) * LINE
        self.blocks[size].append((memory, start))
        return self.blocks[size][-1]

    def _make_room(self, size):
        """Return free blocks to the system where they are more than what is in use: the sizes that are asked for have changed.

        Unless they are asked for again. The end of a training step uses little and sees sizes of its own, and the next step begins
        anew: where a size is missed that was returned, as much is kept from then on.
        """
        self.spare = max(self.spare, self.returned.pop(size, 0))
        used = {size: [block for block in blocks if getrefcount(block[0]) > UNUSED] for size, blocks in self.blocks.items()}
        total, in_use = _bytes(self.blocks), _bytes(used)
        if total - in_use > max(self.spare, in_use):
            self.returned |= {size: total for size in self.blocks}
            self.blocks, self.fitting = defaultdict(list, used), {}

    def size(self):
        """Bytes of all blocks, in use or free."""
        return _bytes(self.blocks)


def _free(blocks):
    """The first block that nobody uses, which goes to the end; None without any."""
    for place, block in enumerate(blocks):
        if getrefcount(block[0]) == UNUSED:
            blocks.append(blocks.pop(place))
            return block
    return None


def _bytes(blocks):
    return sum(size * len(some) for size, some in blocks.items())


_block = Block(0, np.uint8), 0
UNUSED = getrefcount(_block[0])         # to a block that only the pool refers to, counted as above: some Pythons do not count a name
POOL = Pool()
