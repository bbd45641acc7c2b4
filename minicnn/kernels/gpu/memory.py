"""How activations lie in a GPU's memory for these kernels: (C, N, H, W), channel by channel, behind an NCHW view."""

from math import prod

import cupy
import numpy as np

FLOATS = (np.dtype("float32"), np.dtype("float64"))
MOST = 2**31 - 1            # threads of a launch, so that the kernels' index arithmetic fits 32 bits: 64-bit divisions take far longer


def computable(*arrays):
    """Whether these kernels take the arrays: CuPy's, floats of one kind, none empty; None stands for a later one left out."""
    kind = arrays[0].dtype
    return kind in FLOATS and all(a is None or isinstance(a, cupy.ndarray) and a.dtype == kind and a.size for a in arrays)


def swapped(x):
    """(N, C, ...) -> a view (C, N, ...), and back again."""
    return x.swapaxes(0, 1)


def by_channel(x):
    """(N, C, ...) -> (C, M), M elements of each channel side by side: a view where x lies so already, else a copy."""
    return cupy.ascontiguousarray(swapped(x)).reshape(x.shape[1], -1)


def as_images(rows, shape):
    """(C, M) -> a view (N, C, ...) of a shape."""
    return swapped(rows.reshape(shape[1], shape[0], *shape[2:]))


def per_image_parts(n, elements, most=MOST):
    """Slices of a batch of n, so that `elements` for each image are at most `most` in all; an image is never cut."""
    size = max(most // max(elements, 1), 1)
    return [slice(start, min(start + size, n)) for start in range(0, n, size)]


def images_like(shape, dtype):
    """Uninitialised activations of a shape (N, C, H, W), lying channel by channel."""
    n, c, *pixels = shape
    return swapped(cupy.empty((c, n, *pixels), dtype))


def memory_order(x):
    """The axes, from the one with the longest steps in memory to the one with the shortest."""
    return sorted(range(x.ndim), key=lambda axis: -x.strides[axis])


def elementwise(kernel, x, *others):
    """`kernel(x, *others)` in the order in which x lies in memory, and the result lying so, too. All arrays have x's shape."""
    order = memory_order(x)
    y = kernel(*[a.transpose(order) if isinstance(a, cupy.ndarray) else a for a in (x, *others)])
    return y.transpose(sorted(range(x.ndim), key=order.__getitem__))


def pixels(window):
    """P · Q: how many output pixels an image has."""
    return prod(window.output)
