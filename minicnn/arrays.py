"""The one place that knows NumPy from CuPy: devices, dtypes, transfers and random streams.

Everything above works on "an array" and lets NumPy's dispatch find the right library: `numpy.exp(a)` runs on the GPU
when `a` is a CuPy array. What dispatch cannot decide, because there is no array yet, is decided here.
"""

import sys
import threading
from collections import deque
from contextlib import contextmanager

import numpy as np

from . import detection
from .errors import BadType, BadValue, DeviceError

float32, float64 = np.dtype("float32"), np.dtype("float64")
int8, int16, int32, int64 = (np.dtype(f"int{bits}") for bits in (8, 16, 32, 64))
uint8 = np.dtype("uint8")
bool_ = np.dtype("bool")

DTYPES = {str(d): d for d in (float32, float64, int8, int16, int32, int64, uint8, bool_)}


class device:
    """Where an array lives: `device("cpu")` or `device("cuda")`. One GPU per process: "cuda:0" is the only index."""

    def __init__(self, kind):
        kind = str(kind)
        if kind not in ("cpu", "cuda", "cuda:0"):
            raise BadValue(f"device must be 'cpu' or 'cuda', got {kind!r}")
        self.type, _, index = kind.partition(":")
        self.index = int(index) if index else None

    def __str__(self):
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __repr__(self):
        return f"device(type={self.type!r})" if self.index is None else f"device(type={self.type!r}, index={self.index})"

    def __eq__(self, other):
        return isinstance(other, device) and self.type == other.type

    def __hash__(self):
        return hash(self.type)


CPU = device("cpu")


def is_array(value):
    """True for a NumPy array, and for a CuPy array when CuPy was imported."""
    return isinstance(value, np.ndarray) or on_gpu(value)


def on_gpu(value):
    if type(value) is np.ndarray:
        return False
    cupy = sys.modules.get("cupy")
    return cupy is not None and isinstance(value, cupy.ndarray)


def device_of(array):
    return device("cuda:0") if on_gpu(array) else CPU


def module_of(array):
    """`numpy`, or `cupy` for a CuPy array."""
    return sys.modules["cupy"] if on_gpu(array) else np


def module_for(where):
    """The array module that makes arrays on a device; raises DeviceError, with the reason, if there is no usable GPU."""
    if device(where if where is not None else "cpu").type == "cpu":
        return np
    reason = why_no_gpu()
    if reason:
        raise DeviceError(f"no usable GPU: {reason}")
    return sys.modules["cupy"]


def why_no_gpu():
    """None when a GPU can be used, else one sentence that says what is missing and what to do about it.

    Whether the CUDA libraries are there shows only when something is computed, so something is, once.
    """
    if any(cupy is sys.modules.get("cupy") for cupy in _TRIED):
        return None
    reason = detection.why_no_cupy()
    if reason is None:
        cupy = sys.modules["cupy"]
        reason = detection.why_no_device(cupy) or detection.why_no_libraries(cupy)
        if reason is None:
            _TRIED[:] = [cupy]
    return reason


_TRIED = []                         # the CuPy that has computed something


def to_device(array, where):
    """The array on a device: itself when it lies there already, else a copy."""
    module = module_for(where)
    if module is module_of(array):
        return array
    return module.asarray(array) if module is not np else to_numpy(array)


def to_numpy(array):
    """The array in the computer's own memory; a copy only when it comes from a GPU."""
    return sys.modules["cupy"].asnumpy(array) if on_gpu(array) else array


class Pinned(np.ndarray):
    """Pinned memory, in which an array lies: the system does not move it, so that the GPU can read it by itself."""


def pinned(array):
    """The array in pinned memory, contiguous: itself where it lies so already, else a copy. Raises DeviceError without a GPU."""
    cupy = module_for("cuda")
    if on_gpu(array):
        raise BadType("only memory of the CPU can be pinned, this array is on the GPU")
    if is_pinned(array) and array.flags.c_contiguous:
        return array
    memory = Pinned(array.nbytes, np.uint8, cupy.cuda.alloc_pinned_memory(max(array.nbytes, 1)))
    copy = np.ndarray(array.shape, array.dtype, memory)
    copy[...] = array
    return copy


def is_pinned(array):
    """Whether an array, or what it is a view of, lies in pinned memory."""
    while type(array) is np.ndarray:
        array = array.base
    return type(array) is Pinned


def copy_pinned(array):
    """A copy on the GPU of a contiguous array in pinned memory, without waiting for it: the array must stay as it is until then."""
    cupy = module_for("cuda")
    stream, copy = _thread.copy_stream or cupy.cuda.get_current_stream(), cupy.empty(array.shape, array.dtype)
    copy.data.copy_from_host_async(address(array), array.nbytes, stream)
    _UNDER_WAY.append((stream.record(), array))
    while _UNDER_WAY and _UNDER_WAY[0][0].done:
        _UNDER_WAY.popleft()
    return copy


@contextmanager
def copying_in(stream):
    """Within the block, in this thread, `copy_pinned` copies in a stream; the memory comes from the current one all the same."""
    before, _thread.copy_stream = _thread.copy_stream, stream
    try:
        yield
    finally:
        _thread.copy_stream = before


_UNDER_WAY = deque()        # (event, array) of copies: the array's memory must not serve another before the GPU has passed the event


def address(array):
    """Where the first element lies in memory."""
    return array.data.ptr if on_gpu(array) else array.__array_interface__["data"][0]


def beside(values, like, dtype=None):
    """A number or a NumPy array as an array on the device of `like`. A single number needs no copy: it goes as a kernel's argument."""
    if on_gpu(values):
        return values if dtype is None else values.astype(dtype, copy=False)
    values = np.asarray(values) if dtype is None else np.asarray(values).astype(dtype, copy=False)
    if not on_gpu(like):
        return values
    return module_of(like).asarray(values) if values.ndim else module_of(like).full((), values.item(), values.dtype)


def erf(x):
    """The error function of each element."""
    if on_gpu(x):
        from cupyx.scipy.special import erf
    else:
        from scipy.special import erf          # imported on first use: it would double the start-up time
    return erf(x)


def as_dtype(dtype):
    """A supported numpy.dtype from a dtype, its name, or one of Python's types (float means float64, as in PyTorch)."""
    if isinstance(dtype, np.dtype) and dtype in _SUPPORTED:
        return dtype
    try:
        found = np.dtype(dtype)
    except TypeError:
        found = None
    if found not in _SUPPORTED or dtype is None:
        raise BadType(f"dtype must be one of {', '.join(DTYPES)}; got {dtype!r}")
    return found


_SUPPORTED = frozenset(DTYPES.values())


class Generator:
    """A stream of random numbers with a seed of its own, like `torch.Generator`.

    Streams differ from PyTorch's: the same seed gives other numbers there. Here one seed gives the same numbers on
    every machine, because they are drawn by NumPy's PCG64 on the CPU.
    """

    def __init__(self, device="cpu"):
        module_for(device)
        self.seed()

    def manual_seed(self, seed):
        """Start the stream anew from an integer; negative seeds count from 2**64, as in PyTorch. Returns itself."""
        if not isinstance(seed, (int, np.integer)) or isinstance(seed, bool):
            raise BadType(f"manual_seed expects an integer, got {seed!r}")
        self._seed = int(seed) % 2**64
        self.numpy = np.random.Generator(np.random.PCG64(self._seed))
        return self

    def seed(self):
        """Start from a seed that nobody can know, and return it."""
        self.manual_seed(np.random.SeedSequence().entropy % 2**64)
        return self._seed

    def initial_seed(self):
        return self._seed

    def get_state(self):
        """A JSON-ready dict from which `set_state` goes on exactly where this stream stands."""
        return {"seed": self._seed, "stream": self.numpy.bit_generator.state}

    def set_state(self, state):
        self.manual_seed(state["seed"])
        self.numpy.bit_generator.state = state["stream"]


class _DefaultGenerator(Generator):
    """The stream that is drawn from where none is named: one for the program, and inside `seeded` one for that thread."""

    @property
    def numpy(self):
        return self._numpy if _thread.seed is None else _thread.stream()

    @numpy.setter
    def numpy(self, stream):
        self._numpy = stream


class _Thread(threading.local):
    """What one thread draws from while it is inside `seeded`, and in which stream it copies while inside `copying_in`."""

    seed = generator = copy_stream = None

    def stream(self):
        if self.generator is None:                      # made when first drawn from: most batches draw nothing
            self.generator = Generator().manual_seed(self.seed)
        return self.generator.numpy


_thread = _Thread()
default_generator = _DefaultGenerator().manual_seed(67280421310721)      # as in PyTorch, the same in every program until it is seeded


@contextmanager
def seeded(seed):
    """Within the block, in this thread, the default stream is a new one, started from a seed.

    A loader wraps every batch in it, so that augmentation is the same whichever thread loads the batch, and whenever.
    """
    before = _thread.seed, _thread.generator
    _thread.seed, _thread.generator = seed, None
    try:
        yield
    finally:
        _thread.seed, _thread.generator = before


def manual_seed(seed):
    """Seed the default stream, from which initialisation, dropout, shuffling and `randn` draw. Returns the generator."""
    return default_generator.manual_seed(seed)


def get_rng_state():
    """Where the default stream stands, for `set_rng_state` to come back to."""
    return default_generator.get_state()


def set_rng_state(state):
    """Let the default stream go on from a state that `get_rng_state` gave."""
    default_generator.set_state(state)


def add_at(target, index, values):
    """target[index] += values, where an index that occurs several times adds several times."""
    module_of(target).add.at(target, index, values)


class Block(np.ndarray):
    """Memory that is lent: one array at a time lies in it, which has it for its `base` (a view of that array has the array)."""


def is_view(array):
    """Whether somebody else may hold the array's memory."""
    return array.base is not None and type(array.base) is not Block


def is_lent(array):
    """Whether an array, or what it is a view of, lies in a Block: a kernel made it."""
    while type(array) is np.ndarray:
        array = array.base
    return type(array) is Block


def filled(shape, value, like):
    """An array of a shape with one value everywhere, of the dtype of `like`, and in its order in memory where both have as many axes."""
    order = sorted(range(like.ndim), key=lambda axis: -like.strides[axis]) if like.ndim == len(shape) else range(len(shape))
    y = module_of(like).full([shape[axis] for axis in order], value, like.dtype)
    return y.transpose(sorted(range(len(shape)), key=list(order).__getitem__))


def as_strided(x, shape, strides):
    """A view with its own shape and strides (in bytes): several of its elements may lie at one place."""
    return module_of(x).lib.stride_tricks.as_strided(x, shape, strides)
