"""Sums over many elements on a GPU: the tree by which the threads of a block add up, and kernels in CUDA C that use it.

The shape of the tree and of the launch depends on the shapes of the arrays alone, so that the same inputs give the same bits.
"""

from functools import cache

import cupy
import numpy as np

THREADS = 256           # of a block; a power of two
SLICES = 64             # blocks at most that share one sum
FEW = 2048              # elements for which another block does not pay

_TREE = f"#define THREADS {THREADS}" + """
// What all threads of the block have in `value`, summed, for each of them. `shared` holds a number of each thread.
__device__ T block_sum(T value, T* shared) {
    shared[threadIdx.x] = value;
    __syncthreads();
    for (int half = blockDim.x / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) shared[threadIdx.x] += shared[threadIdx.x + half];
        __syncthreads();
    }
    const T sum = shared[0];
    __syncthreads();                                    // all have read it before the next sum writes there
    return sum;
}
"""


@cache
def compiled(source, name, kind):
    """The kernel of that name in a CUDA source, where T is the dtype with the letter `kind`; `block_sum` is there to be used."""
    return cupy.RawKernel(f"typedef {'float' if kind == 'f' else 'double'} T;\n{_TREE}\n{source}", name)


def slices(elements):
    """How many blocks share the sum of so many elements."""
    return min(max(elements // FEW, 1), SLICES)


def check(dtype, *arrays):
    """Refuse what a kernel in C would misread: it checks nothing itself. None stands for an array left out."""
    for a in arrays:
        if a is not None and not (isinstance(a, cupy.ndarray) and a.dtype == dtype and a.flags.c_contiguous):
            raise TypeError(f"expected contiguous CuPy arrays of {np.dtype(dtype)}, got {type(a).__name__} of {getattr(a, 'dtype', None)}")


def pointer(a):
    """An array as a kernel's argument; the null pointer for None."""
    return 0 if a is None else a
