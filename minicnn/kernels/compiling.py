"""Who hears that a kernel is being compiled: the command line, which tells its user why nothing seems to happen."""

from contextlib import contextmanager

_listeners = []


@contextmanager
def heard(listener):
    """Inside the block, `listener(name, seconds)` is called whenever a kernel is compiled: before, with None, and after.

    Kernels that are found on disk are not compiled, and nobody hears of them.
    """
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def tell(name, seconds=None):
    for listener in list(_listeners):
        listener(name, seconds)
