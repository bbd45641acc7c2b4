"""The table of kernels: which function computes a hot operation, chosen by where the array lies.

Each form is a module with the same functions, under the same names and signatures: `loops` is for reading, `array` runs on any
array module. A faster form need not have them all: what it lacks, it takes from `array`.

    with kernels.using("loops"):
        y = conv2d(x, w)            # the plain loops, slow, to compare with
"""

from contextlib import contextmanager
from types import SimpleNamespace

from ..arrays import on_gpu
from ..errors import BadValue
from . import array, loops


def _form(module, fallback=None):
    names = {k: v for k, v in vars(module).items() if callable(v) and not k.startswith("_")}
    return SimpleNamespace(**(vars(fallback) if fallback else {}) | names)


FORMS = {"loops": _form(loops), "array": _form(array)}
_chosen = {"cpu": FORMS["array"], "gpu": FORMS["array"]}


def of(x):
    """The kernels for this array."""
    return _chosen["gpu" if on_gpu(x) else "cpu"]


@contextmanager
def using(form):
    """Inside the block, arrays on the CPU are computed by the named form: "loops" or "array"."""
    if form not in FORMS:
        raise BadValue(f"no kernels called {form!r}; there are {', '.join(FORMS)}")
    before, _chosen["cpu"] = _chosen["cpu"], FORMS[form]
    try:
        yield
    finally:
        _chosen["cpu"] = before
