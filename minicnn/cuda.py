"""`minicnn.cuda`: is there a GPU that can be used, and if not, why; its name, memory and clock, by the names of `torch.cuda`."""

from . import arrays, detection
from .arrays import module_for, why_no_gpu
from .errors import BadValue


def is_available():
    """True when tensors can be moved to "cuda". The first time, something small is computed to see."""
    return why_no_gpu() is None


def why_not_available():
    """None where a GPU can be used, else one sentence that says what is missing and what to install."""
    return why_no_gpu()


def device_count():
    """1 or 0: one process uses one GPU."""
    return int(is_available())


def current_device():
    """0, the one GPU's number. Raises DeviceError where there is none."""
    _cupy()
    return 0


def set_device(device):
    """Nothing: there is one GPU. To choose which, set CUDA_VISIBLE_DEVICES before the program starts."""
    _check(device)


def get_device_name(device=None):
    """The GPU's name, such as "NVIDIA GeForce RTX 4070". Raises DeviceError where there is none."""
    _check(device)
    name = _cupy().cuda.runtime.getDeviceProperties(0)["name"]
    return name.decode() if isinstance(name, bytes) else name


def get_device_capability(device=None):
    """The GPU's compute capability, such as (8, 9)."""
    _check(device)
    properties = _cupy().cuda.runtime.getDeviceProperties(0)
    return properties["major"], properties["minor"]


def mem_get_info(device=None):
    """(free, total) bytes of the GPU's memory."""
    _check(device)
    return _cupy().cuda.runtime.memGetInfo()


def get_versions():
    """(CUDA that CuPy was made for, CUDA that the driver is for), such as ("12.9", "13.0")."""
    runtime = _cupy().cuda.runtime
    return detection.dotted(runtime.runtimeGetVersion()), detection.dotted(runtime.driverGetVersion())


def is_simulated():
    """Whether what looks like a GPU is a program on the CPU, for tests: it has no speed."""
    return is_available() and any(word in get_device_name() for word in ("no GPU", "simulat"))


# Random numbers ------------------------------------------------------------------------------------------------------------


def manual_seed(seed):
    """Nothing: random numbers are drawn on the CPU for every device, and `minicnn.manual_seed` starts them."""


def manual_seed_all(seed):
    """Nothing, as `manual_seed`."""


# Memory: CuPy keeps what arrays gave back for the next ones ------------------------------------------------------------------


def memory_allocated(device=None):
    """Bytes of all arrays on the GPU. Without a GPU, 0."""
    return _pool(device, "used_bytes")


def memory_reserved(device=None):
    """Bytes that this process has got from the GPU: arrays, and what is kept for the next ones. Without a GPU, 0."""
    return _pool(device, "total_bytes")


def max_memory_allocated(device=None):
    """The most that arrays took, rounded up to the blocks that they lie in: what was got from the GPU since it was last emptied."""
    return _pool(device, "total_bytes")


def reset_peak_memory_stats(device=None):
    """Count the most anew from here on: what no array lies in is given back."""
    empty_cache()


def empty_cache():
    """Give the memory that CuPy keeps for the next arrays back to the GPU. Without a GPU, nothing."""
    if is_available():
        _cupy().get_default_memory_pool().free_all_blocks()


def _pool(device, what):
    _check(device)
    return getattr(_cupy().get_default_memory_pool(), what)() if is_available() else 0


# Time --------------------------------------------------------------------------------------------------------------------------


def synchronize(device=None):
    """Wait until the GPU has done what it was given, so that a clock read afterwards is true. Without a GPU, nothing."""
    if is_available():
        _cupy().cuda.Device().synchronize()


class Event:
    """A mark in the stream of the GPU's work, which the GPU passes when all before it is done: `torch.cuda.Event` for timing."""

    def __init__(self, enable_timing=False, blocking=False):
        self._event = _cupy().cuda.Event(block=blocking, disable_timing=not enable_timing)

    def record(self):
        """Put the mark after what the GPU was given so far."""
        self._event.record()

    def query(self):
        """Whether the GPU has passed the mark."""
        return self._event.done

    def synchronize(self):
        """Wait until the GPU has passed the mark."""
        self._event.synchronize()

    def elapsed_time(self, end_event):
        """Milliseconds from this mark to another; both must have been passed, and made with enable_timing=True."""
        return _cupy().cuda.get_elapsed_time(self._event, end_event._event)


def _cupy():
    return module_for("cuda")


def _check(device):
    """Refuse another device than the one there is; None and -1 stand for it, too."""
    if device not in (None, 0, -1) and (isinstance(device, int) or arrays.device(device).type != "cuda"):
        raise BadValue(f"there is one GPU, number 0 or 'cuda'; got {device!r}")
