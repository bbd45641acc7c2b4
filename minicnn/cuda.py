"""`minicnn.cuda`: is there a GPU that can be used, and if not, why; and what PyTorch's programs call in passing."""

from .arrays import module_for, why_no_gpu


def is_available():
    """True when tensors can be moved to "cuda"."""
    return why_no_gpu() is None


def device_count():
    """1 or 0: one process uses one GPU."""
    return int(is_available())


def manual_seed(seed):
    """Nothing: random numbers are drawn on the CPU for every device, and `minicnn.manual_seed` starts them."""


def manual_seed_all(seed):
    """Nothing, as `manual_seed`."""


def synchronize(device=None):
    """Wait until the GPU has done what it was given, so that a clock read afterwards is true. Without a GPU, nothing."""
    if is_available():
        module_for("cuda").cuda.Device().synchronize()


def empty_cache():
    """Give the memory that CuPy keeps for the next arrays back to the GPU. Without a GPU, nothing."""
    if is_available():
        module_for("cuda").get_default_memory_pool().free_all_blocks()
