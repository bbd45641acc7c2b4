"""`minicnn.cuda`: is there a GPU that can be used, and if not, why."""

from .arrays import why_no_gpu


def is_available():
    """True when tensors can be moved to "cuda"."""
    return why_no_gpu() is None


def device_count():
    """1 or 0: one process uses one GPU."""
    return int(is_available())
