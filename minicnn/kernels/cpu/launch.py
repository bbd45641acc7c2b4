"""How the kernels are compiled, kept on disk, and shared out to threads.

Numba compiles a parallel loop slowly (seconds), and everything that such a loop calls is compiled along with it once more. So there
is a single parallel loop here, for all kernels: it calls a kernel by its address. Therefore all kernels have the same arguments:

    kernel(a, b, c, d, e, whole, plan, thread, threads)

five flat arrays of floats and one of int32 (those not needed are empty), a record of numbers (`plan.RECORD`), which thread is calling, and
how many there are. A kernel is compiled for a dtype when it is first used on it, and kept on disk (`cache.py`).
"""

from functools import cache
from threading import Lock

import numba
import numpy as np
from llvmlite import ir
from numba import prange, types
from numba.extending import intrinsic
from numba.np.numpy_support import from_dtype

from ..threads import get_num_threads
from .cache import compiled, kept
from .plan import RECORD
from .tiles import provide

FLOAT_ARRAYS = 5
NO_NUMBERS = np.empty(0, np.int32)
CALLED_BY_KERNELS_ALONE = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}       # a quarter of a helper's compile time


def _signature(dtype):
    floats, whole, plan = (types.Array(kind, 1, "C") for kind in (from_dtype(dtype), types.int32, from_dtype(RECORD)))
    return types.void(*[floats] * FLOAT_ARRAYS, whole, plan, types.int64, types.int64)


@cache
def compiled_kernel(kernel, dtype):
    """The kernel's machine code, which is alive as long as somebody has this."""
    provide(dtype)
    return compiled(kernel, _signature(dtype))


@cache
def _ready(kernel, dtype, alone):
    """(the loop that calls kernels, the kernel's machine code, its address, empty arrays in place of those that it does not need).

    Called by what `compile` returns, the loop takes half the time: what its arguments are is not looked at each time.
    """
    loop = _run_alone if alone else _share_out
    run, code = loop.compile((types.int64, *_signature(dtype).args[:-1])), compiled_kernel(kernel, dtype)
    return run if alone or not ONE_AT_A_TIME else _locked(run), code, code.address, (np.empty(0, dtype),) * FLOAT_ARRAYS


def allocates(kernel):
    """A kernel that makes arrays of its own. It shares no helper that returns arrays with others, unless that is inline.

    All others have their arrays lent by whoever launches them, and are compiled without counting references to them (`cache.py`): a
    helper's counts, or their absence, would be those of whichever kernel was compiled first.
    """
    kernel.allocates = True
    return kernel


def helper(function=None, inline=False):
    """Compile a function that kernels call; with `inline` it is written out where it is called, and not compiled by itself."""
    if function is None:
        return lambda function: helper(function, inline)
    return numba.njit(error_model="numpy", inline="always" if inline else "never", **CALLED_BY_KERNELS_ALONE)(function)


# The parallel loop --------------------------------------------------------------------------------------------------------


@intrinsic
def _call(typingctx, address, a, b, c, d, e, whole, plan, thread, threads):
    """Call the kernel at an address."""
    def write(context, builder, signature, values):
        arguments = [context.cast(builder, value, kind, types.int64) if isinstance(kind, types.Integer) else value
                     for value, kind in zip(values[1:], signature.args[1:])]
        kind = ir.FunctionType(context.get_value_type(types.none), [argument.type for argument in arguments])
        builder.call(builder.inttoptr(values[0], kind.as_pointer()), arguments)
        return context.get_dummy_value()

    return types.void(address, a, b, c, d, e, whole, plan, thread, threads), write


@kept
@numba.njit(parallel=True, nogil=True)
def _share_out(address, a, b, c, d, e, whole, plan, threads):
    for thread in prange(threads):
        _call(address, a, b, c, d, e, whole, plan, thread, threads)


@kept
@numba.njit(nogil=True)
def _run_alone(address, a, b, c, d, e, whole, plan, threads):
    """In this thread, without waking or waiting for another."""
    for thread in range(threads):
        _call(address, a, b, c, d, e, whole, plan, thread, threads)


# Numba's own layer of threads, for want of a better one, breaks when two Python threads enter it at once.
ONE_AT_A_TIME, LOCK = numba.get_num_threads() and numba.threading_layer() == "workqueue", Lock()


def _locked(function):
    def run(*arguments):
        with LOCK:
            return function(*arguments)
    return run


def launch(kernel, plan, *floats, whole=NO_NUMBERS, threads=None):
    """Run a kernel in as many threads as `set_num_threads` says, or in `threads`: each computes its share.

    The compiled loop takes one kind of array: what is read-only, not in one piece or not aligned is copied for it, and is no place for a
    result.
    """
    threads = threads or get_num_threads()
    run, _, address, nothing = _ready(kernel, floats[0].dtype, threads == 1)
    arrays = [a.ravel() if a.flags.carray else a.flatten() for a in floats]         # `flatten` copies
    run(address, *arrays, *nothing[len(floats) :], whole, plan, threads)
