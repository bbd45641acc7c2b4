"""The table of kernels: which function computes a hot operation, chosen by where the array lies.

Each form is a module with the same functions, under the same names and signatures: `loops` is for reading, `array` runs on any
array module, `im2col` and `numba` are compiled for the CPU, the first by the textbook's way, the second as fast as we can. A faster form
need not have all functions: what it lacks, it takes from a slower one. On the CPU, "numba" is used where it can be, else "array".
Arrays on a GPU are computed by `gpu`, which falls back on `array`; CuPy is imported by nothing before there is such an array.

    with kernels.using("loops"):
        y = conv2d(x, w)            # the plain loops, slow, to compare with
    with kernels.using(winograd=False):
        y = conv2d(x, w)            # as compiled for the CPU, but without Winograd's algorithm: ten times as exact
"""

from contextlib import contextmanager
from types import SimpleNamespace

from ..arrays import on_gpu
from ..errors import BadValue, DeviceError
from . import algorithms, array, compiling, loops
from .inference import cut_array
from .threads import get_num_threads, set_num_threads

FASTEST = "numba"


def _form(module, fallback=None):
    names = {k: v for k, v in vars(module).items() if callable(v) and not k.startswith("_")}
    return SimpleNamespace(**(vars(fallback) if fallback else {}) | names)


def why_not_compiled():
    """None, or why the compiled kernels cannot be used: Numba is missing, switched off or has no threads."""
    try:
        import numba

        if numba.config.DISABLE_JIT:
            return "NUMBA_DISABLE_JIT is set"
        from . import cpu  # noqa: F401
    except (ImportError, ValueError) as error:                                 # ValueError: no threading layer could be loaded
        return str(error).splitlines()[0]
    return None


def _numba():
    """The kernels that Numba compiles; `array` takes their place where there can be none."""
    if why_not_compiled():
        return FORMS["array"]
    from . import cpu

    return _form(SimpleNamespace(**{name: getattr(cpu, name) for name in cpu.__all__}), FORMS["array"])


def _im2col():
    """The compiled kernels, but convolution by im2col and a matrix product."""
    if why_not_compiled():
        return FORMS["array"]
    from .cpu import im2col

    return _form(SimpleNamespace(conv2d=im2col.conv2d, conv2d_dx=im2col.conv2d_dx, conv2d_dw=im2col.conv2d_dw), form("numba"))


def _gpu():
    """The kernels for a GPU; an array that lies there is the proof that CuPy can be imported."""
    from . import gpu

    return _form(SimpleNamespace(**{name: getattr(gpu, name) for name in gpu.__all__}), FORMS["array"])


FORMS = {"loops": _form(loops, _form(array)), "array": _form(array), "im2col": None, "numba": None}      # None: made when needed
_MAKERS = {"im2col": _im2col, "numba": _numba}
_GPU_FORMS = {"array": FORMS["array"], "gpu": None}
_chosen = {"cpu": None, "gpu": None}                                           # None: the fastest


def form(name):
    """The functions of a form by its name."""
    if name not in FORMS:
        raise BadValue(f"no kernels called {name!r}; there are {', '.join(FORMS)}")
    FORMS[name] = FORMS[name] or _MAKERS[name]()
    return FORMS[name]


def of(x):
    """The kernels for this array."""
    return (_chosen["gpu"] or gpu_form("gpu")) if on_gpu(x) else (_chosen["cpu"] or FORMS[FASTEST] or form(FASTEST))


def gpu_form(name):
    """The functions of a form for arrays on a GPU: "gpu" or "array"."""
    if name not in _GPU_FORMS:
        raise BadValue(f"no kernels for a GPU called {name!r}; there are {', '.join(_GPU_FORMS)}")
    _GPU_FORMS[name] = _GPU_FORMS[name] or _gpu()
    return _GPU_FORMS[name]


@contextmanager
def using(name=None, *, winograd=None, gpu=None):
    """Inside the block, arrays on the CPU are computed by the named form: "loops", "array", "im2col" or "numba".

    winograd  whether "numba" may choose Winograd's algorithm for convolutions in float32
    gpu       the form for arrays on a GPU: "gpu" or "array"

    What is left out stays as it is.
    """
    before, allowed = dict(_chosen), algorithms.allowed["winograd"]
    if name is not None:
        _chosen["cpu"] = form(name)
    if gpu is not None:
        _chosen["gpu"] = gpu_form(gpu)
    if winograd is not None:
        algorithms.allowed["winograd"] = winograd
    try:
        yield
    finally:
        _chosen.update(before)
        algorithms.allowed["winograd"] = allowed


@contextmanager
def shapes_only():
    """Inside the block, arrays on the CPU get their shapes and no values: to describe a model, not to run it."""
    from . import only_shapes

    before, _chosen["cpu"] = _chosen["cpu"], _form(only_shapes, FORMS["array"])
    try:
        yield
    finally:
        _chosen["cpu"] = before


def is_compiled():
    """Whether arrays on the CPU are computed by compiled kernels now."""
    chosen = _chosen["cpu"] or form(FASTEST)
    return chosen in (FORMS["numba"], FORMS["im2col"]) and chosen is not FORMS["array"]


def conv2d_algorithm(images, channels, outs, window, groups, dtype):
    """By which algorithm a convolution on the CPU is computed now: a form's name, or what its compiled kernels have chosen."""
    chosen = _chosen["cpu"] or form(FASTEST)
    if chosen is not FORMS["numba"] or chosen is FORMS["array"]:
        return next(name for name, one in FORMS.items() if one is chosen)
    from .cpu.conv import algorithm

    return algorithm(images, channels, outs, window, groups, dtype)


def warmup(dtype="float32"):
    """Compile every kernel for a dtype, or find it on disk. Returns {kernel: seconds}, with 0 for those found.

    Raises DeviceError where there can be no compiled kernels.
    """
    reason = why_not_compiled()
    if reason:
        raise DeviceError(f"there are no compiled kernels to warm up: {reason}; the array kernels are used in their place")
    from .cpu import warmup as cpu_warmup

    return cpu_warmup.warmup(dtype)


def compile_ahead():
    """Have kernels that training will need compiled in another process, while this one compiles those that it needs first."""
    from .cpu import warmup as cpu_warmup

    cpu_warmup.start_another_process()


def folder():
    """Where compiled kernels are kept; None where no folder can be written to, or there are none."""
    if why_not_compiled():
        return None
    from .cpu import cache

    return cache.folder()


def peak(dtype="float32"):
    """Floating-point operations a second that the CPU reaches at best, measured; None where there are no compiled kernels."""
    if why_not_compiled():
        return None
    from .cpu.peak import peak

    return peak(dtype)
