"""The number of threads, for as long as a test needs it, and whether small work goes to one of them."""

from contextlib import ExitStack, contextmanager
from unittest.mock import patch

from minicnn import get_num_threads, set_num_threads
from minicnn.kernels.cpu import conv, dropout, loss, normalization, pooling, steps, winograd

LEAST = [(conv, "FEW_WEIGHTS"), (dropout, "ALONE"), (loss, "ALONE"), (normalization, "ALONE"), (pooling, "ALONE"), (steps, "ALONE"),
         (winograd, "FEW_WEIGHTS"), (winograd, "FEW_PIXELS")]


@contextmanager
def threads_set_to(count, alone=False):
    """`alone`: what is small goes to one thread, as it does outside of tests; else all is shared out, however small."""
    before = get_num_threads()
    set_num_threads(count)
    try:
        with ExitStack() as patches:
            for module, name in LEAST if not alone else ():
                patches.enter_context(patch.object(module, name, 0))
            yield
    finally:
        set_num_threads(before)
