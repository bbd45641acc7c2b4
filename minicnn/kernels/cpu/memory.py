"""How activations lie in memory for these kernels: channels-last, (N, H, W, C), behind an NCHW view."""

import numpy as np

LINE = 64               # bytes of a cache line
FLOATS = (np.dtype("float32"), np.dtype("float64"))


def computable(*arrays):
    """Whether these kernels take the arrays: floats of one kind, none of them empty; None stands for an argument left out."""
    given = [a for a in arrays if a is not None]
    return all(type(a) is np.ndarray and a.size and a.dtype == given[0].dtype for a in given) and given[0].dtype in FLOATS


def empty(shape, dtype):
    """`numpy.empty` that begins at a cache line: a vector that lies across two of them takes two loads."""
    dtype = np.dtype(dtype)
    size = int(np.prod(shape)) * dtype.itemsize
    memory = np.empty(size + LINE, np.uint8)
    start = -memory.ctypes.data % LINE
    return memory[start : start + size].view(dtype).reshape(shape)


def channels_last(x):
    """(N, C, H, W) -> (N, H, W, C), contiguous: a view where x lies so already, else a copy."""
    return np.ascontiguousarray(x.transpose(0, 2, 3, 1))


def channels_first(x):
    """(N, H, W, C) -> a view (N, C, H, W)."""
    return x.transpose(0, 3, 1, 2)
