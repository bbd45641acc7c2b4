"""A run folder is written by one training at a time: two would mix their checkpoints."""

import os
from contextlib import contextmanager

from ..errors import DataError


@contextmanager
def alone_in(folder):
    """Within the block, who else enters it for this folder gets DataError, in any process. A killed process holds nothing.

    Where the system has no such locks (Windows, some network folders), the block changes nothing.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        lock(fcntl, handle, folder)
        yield
    finally:
        os.close(handle)


def lock(fcntl, handle, folder):
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise DataError(f"the run in {folder} is being trained just now, by another process; wait for its end, or stop it") from None
    except OSError:                 # no locks there
        pass
