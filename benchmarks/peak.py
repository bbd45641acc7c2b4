"""The most multiply-adds that this CPU does in a second: the micro-kernel of the convolutions on data that stay in the nearest cache.

    python benchmarks/peak.py

What a convolution reaches is judged as a share of it: it is what the multipliers do when nothing else is in their way. CPUs change
their clock with load and heat, so other scripts measure it in turns with what they compare to it.
"""

from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
from common import cores, take_turns

import minicnn
from minicnn import kernels, nn
from minicnn.kernels.cpu.vector import MACHINE, multiply_tile

VECTORS, DEPTH, REPEATS = 2, 256, 8000
ROWS, COLUMNS = MACHINE.rows(VECTORS), VECTORS * MACHINE.lanes(4)


@numba.njit(nogil=True, error_model="numpy")        # not kept on disk: Numba would not see that the tile has changed
def multiply(a, b, c, repeats, rows, columns):
    """c[m, :] = Σ_k a[k, m] · b[k, :], again and again."""
    for _ in range(repeats):
        multiply_tile(rows, VECTORS, a, 0, b, 0, c, 0, c, 0, (1, 1, DEPTH), (0, 0, rows, 1), (0, 0, columns), columns, columns, columns)


def convolve_something():
    """The first convolution of a process makes the tiles known to what is compiled later."""
    with kernels.using("numba"):
        nn.functional.conv2d(minicnn.ones(1, 4, 8, 8), minicnn.ones(4, 4, 3, 3))


class Peak:
    """Called, it does `gflop` thousand millions of float32 additions and multiplications in so many threads."""

    def __init__(self, threads):
        convolve_something()
        self.arrays = [[np.zeros(size, np.float32) for size in (DEPTH * ROWS, DEPTH * COLUMNS, ROWS * COLUMNS)] for _ in range(threads)]
        self.pool = ThreadPoolExecutor(threads)
        self.gflop, self.gflops = 2e-9 * threads * REPEATS * DEPTH * ROWS * COLUMNS, 0

    def __call__(self):
        list(self.pool.map(lambda given: multiply(*given, REPEATS, ROWS, COLUMNS), self.arrays))

    def saw(self, times):
        """Keep the best speed: whatever else goes on can only lower it."""
        self.gflops = max(self.gflops, self.gflop / min(times))


def main():
    for threads in sorted({1, cores()}):
        peak = Peak(threads)
        peak.saw(take_turns({"peak": peak}, 1)["peak"])
        print(f"{threads} threads: {peak.gflops:.0f} GF/s, vectors of {MACHINE.bytes} bytes")


if __name__ == "__main__":
    main()
