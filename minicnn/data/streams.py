"""Random numbers for what happens to samples on their way into a batch (cropping, flipping, ...).

A loader gives every batch a stream of its own, seeded before the loading starts. So augmentation is the same whichever
thread loads the batch, whenever it does, and however many threads there are.
"""

import threading
from contextlib import contextmanager

from .. import arrays

_thread = threading.local()


def generator():
    """The Generator to draw from here: that of the batch being loaded in this thread, else the default one."""
    seed = getattr(_thread, "seed", None)
    if seed is None:
        return arrays.default_generator
    if _thread.generator is None:
        _thread.generator = arrays.Generator().manual_seed(seed)
    return _thread.generator


@contextmanager
def seeded(seed):
    """Within the block, in this thread, `generator()` starts anew from a seed."""
    before = vars(_thread).copy()
    _thread.seed, _thread.generator = seed, None         # made when first drawn from: most batches draw nothing
    try:
        yield
    finally:
        vars(_thread).clear()
        vars(_thread).update(before)
