"""The table of kernels: which function computes a hot operation, chosen by where the array lies.

Each form is a module with the same functions, under the same names and signatures: `loops` is for reading, `array` runs on any
array module, `numba` is compiled for the CPU. A faster form need not have them all: what it lacks, it takes from `array`.

    with kernels.using("loops"):
        y = conv2d(x, w)            # the plain loops, slow, to compare with
"""

from contextlib import contextmanager
from types import SimpleNamespace

from ..arrays import on_gpu
from ..errors import BadValue
from . import array, loops
from .threads import get_num_threads, set_num_threads


def _form(module, fallback=None):
    names = {k: v for k, v in vars(module).items() if callable(v) and not k.startswith("_")}
    return SimpleNamespace(**(vars(fallback) if fallback else {}) | names)


def _compiled():
    """The kernels that Numba compiles; `array` takes their place where Numba is missing, switched off or has no threads."""
    try:
        import numba

        if numba.config.DISABLE_JIT:
            return FORMS["array"]
        from . import cpu
    except (ImportError, ValueError):                                          # ValueError: no threading layer could be loaded
        return FORMS["array"]
    return _form(SimpleNamespace(**{name: getattr(cpu, name) for name in cpu.__all__}), FORMS["array"])


FORMS = {"loops": _form(loops, _form(array)), "array": _form(array), "numba": None}          # None: made when first asked for
_chosen = {"cpu": FORMS["array"], "gpu": FORMS["array"]}


def of(x):
    """The kernels for this array."""
    return _chosen["gpu" if on_gpu(x) else "cpu"]


@contextmanager
def using(form):
    """Inside the block, arrays on the CPU are computed by the named form: "loops", "array" or "numba"."""
    if form not in FORMS:
        raise BadValue(f"no kernels called {form!r}; there are {', '.join(FORMS)}")
    FORMS[form] = FORMS[form] or _compiled()
    before, _chosen["cpu"] = _chosen["cpu"], FORMS[form]
    try:
        yield
    finally:
        _chosen["cpu"] = before
