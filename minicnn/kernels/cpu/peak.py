"""How fast this CPU multiplies and adds: the most that any kernel could reach."""

import time
from functools import cache

import numpy as np

from ..threads import get_num_threads
from .launch import launch
from .memory import empty
from .plan import record
from .tile import PLAIN, multiply_tile
from .vector import MACHINE

VECTORS = 2             # that a tile is wide
STEPS = 128             # of a tile: its numbers stay in the first-level cache
TILES = 20_000          # for each thread: some ten milliseconds


def multiply_again_and_again(a, b, c, _a, _b, _whole, plans, thread, threads):
    """c[m, :] = Σ_k a[k, m] · b[k, :], the largest tile, with all data in registers and the first-level cache: the multipliers' limit."""
    plan = plans[0]
    size = plan.tile_rows * plan.block
    for _ in range(plan.images):
        multiply_tile(PLAIN, plan.tile_rows, plan.vectors, a, 0, b, 0, c, thread * size, b, 0, (1, 1, plan.depth),
                      (0, 0, plan.tile_rows, 1), (0, 0, plan.block), plan.block, 0, plan.block)


def peak(dtype):
    """Floating-point operations a second of the micro-kernel with the present number of threads, measured once."""
    return _measured(np.dtype(dtype), get_num_threads())


@cache
def _measured(dtype, threads):
    rows, block = MACHINE.rows(VECTORS), VECTORS * MACHINE.lanes(dtype.itemsize)
    numbers = record(images=TILES, tile_rows=rows, vectors=VECTORS, block=block, depth=STEPS)
    arrays = [empty((count,), dtype) for count in (STEPS * rows, STEPS * block, threads * rows * block)]
    for a in arrays:
        a.fill(0)
    return 2 * threads * TILES * STEPS * rows * block / min(_seconds(numbers, arrays) for _ in range(7))


def _seconds(numbers, arrays):
    began = time.perf_counter()
    launch(multiply_again_and_again, numbers, *arrays)
    return time.perf_counter() - began
