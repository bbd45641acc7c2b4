"""CUDA's runtime on the computer's own memory: allocation, copies, streams and events, each counted.

Everything happens at once and in order, so a stream or an event is only a number. What would make the host wait on a real GPU is
counted as a synchronisation: besides the calls that say so, a copy to the host, a blocking copy, and a copy from pageable memory.
"""

import ctypes
import time
from itertools import count

from . import switches
from .capsules import replace
from .counters import note

installed = []
KINDS = {1: "host to device", 2: "device to host"}
POISON = 0xFF           # four or eight of these bytes are NaN, as floating-point numbers

_c = ctypes.CDLL(None)
_c.aligned_alloc.restype, _c.aligned_alloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t] * 2
_c.malloc.restype, _c.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
_c.free.argtypes = [ctypes.c_void_p]

handles = count(1000)   # names of streams, events, modules and functions
_pinned = {}            # address: size
_times = {}             # of each event, when it was recorded


def install():
    """Replace the runtime's functions, before cupy is imported."""
    import cupy_backends.cuda.api.runtime as runtime

    FUNCTIONS["pointerGetAttributes"] = lambda pointer: runtime.PointerAttributes(-1, 0, pointer, 0)
    replace(runtime, FUNCTIONS)
    installed.append(runtime)


# Memory ----------------------------------------------------------------------------------------------------------------------


def malloc(size, *_):
    """Device memory, full of NaN. With sanitizers it is no larger than was asked for, so that its end is known."""
    note("allocation", size)
    return _allocate(size)


def _allocate(size):
    size = max(size, 1)
    pointer = _c.malloc(size) if switches.SANITIZE else _c.aligned_alloc(512, -(-size // 512) * 512)
    if not pointer:
        raise MemoryError(f"{size} bytes")
    ctypes.memset(pointer, POISON, size)
    return pointer


def free(pointer, *_):
    _c.free(pointer)


def host_alloc(size, flags):
    pointer = _allocate(size)
    _pinned[pointer] = size
    return pointer


def free_host(pointer):
    _pinned.pop(pointer, None)
    _c.free(pointer)


def memcpy(target, source, size, kind):
    """A copy that the host waits for."""
    _copy(target, source, size, kind, waits=kind in KINDS)


def memcpy_async(target, source, size, kind, stream):
    """A copy in a stream. From or to memory that is not pinned, the host waits all the same."""
    host = {1: source, 2: target}.get(kind)
    _copy(target, source, size, kind, waits=host is not None and not _is_pinned(host))


def _copy(target, source, size, kind, waits):
    note(KINDS.get(kind, "device to device"), size)
    if waits:
        note("synchronisation", KINDS[kind])
    ctypes.memmove(target, source, size)


def _is_pinned(pointer):
    return any(start <= pointer < start + size for start, size in _pinned.items())


def memset(pointer, value, size, *_):
    ctypes.memset(pointer, value & 255, size)


# Streams, events, the device -----------------------------------------------------------------------------------------------------


def wait(*_):
    note("synchronisation", "asked for")


def record(event, stream):
    _times[event] = time.perf_counter()


def elapsed(start, end):
    return (_times[end] - _times[start]) * 1e3


def nothing(*_):
    return None


def number(value):
    return lambda *_: value


def new_handle(*_):
    return next(handles)


PROPERTIES = {"name": b"simulated on the CPU", "warpSize": 32, "major": 8, "minor": 0, "multiProcessorCount": 4, "maxThreadsPerBlock": 1024,
              "maxThreadsDim": (1024, 1024, 64), "maxGridSize": (2**31 - 1, 65535, 65535), "sharedMemPerBlock": 49152,
              "totalGlobalMem": 1 << 34, "regsPerBlock": 65536}
# By CUDA's numbers: threads in a block and in each of its dimensions, blocks, shared memory, warp size, multiprocessors, capability.
ATTRIBUTES = {1: 1024, 2: 1024, 3: 1024, 4: 64, 5: 2**31 - 1, 6: 65535, 7: 65535, 8: 49152, 10: 32, 16: 4, 75: 8, 76: 0}

FUNCTIONS = {
    "_ensure_context": nothing, "check_status": nothing,
    "getDevice": number(0), "getDeviceCount": number(1), "setDevice": nothing, "deviceCanAccessPeer": number(0),
    "driverGetVersion": number(12090), "runtimeGetVersion": number(12090), "_getCUDAMajorVersion": number(12),
    "deviceGetAttribute": lambda attribute, device: ATTRIBUTES.get(attribute, 0),
    "getDeviceProperties": lambda device: dict(PROPERTIES), "memGetInfo": lambda: (1 << 33, 1 << 34),
    "malloc": malloc, "mallocAsync": malloc, "mallocManaged": malloc, "free": free, "freeAsync": free,
    "hostAlloc": host_alloc, "freeHost": free_host,
    "memcpy": memcpy, "memcpyAsync": memcpy_async, "memset": memset, "memsetAsync": memset, "pointerGetMemoryType": number(0),
    "streamCreate": new_handle, "streamCreateWithFlags": new_handle, "streamCreateWithPriority": new_handle, "streamDestroy": nothing,
    "streamQuery": nothing, "streamSynchronize": wait, "streamWaitEvent": nothing, "streamIsCapturing": number(0),
    "eventCreate": new_handle, "eventCreateWithFlags": new_handle, "eventDestroy": nothing, "eventQuery": nothing,
    "eventSynchronize": wait, "eventRecord": record, "eventElapsedTime": elapsed, "deviceSynchronize": wait,
}
