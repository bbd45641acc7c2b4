"""The ways in which minicnn can compute a convolution, by name: those that the installed version has."""

import inspect
from contextlib import ExitStack, contextmanager, nullcontext

from minicnn import kernels

SWITCHES = inspect.signature(kernels.using).parameters
ALL = {                                     # name: what `kernels.using` is given, one call after the other
    "loops": ["loops"],
    "array": ["array"],
    "im2col": ["im2col"],
    "direct": ["numba", {"winograd": False}],
    "winograd": ["numba", {"winograd": True}],
    "numba": [],                            # as it chooses by itself
}
ABOUT = {
    "loops": "seven nested loops in Python, one for each index of the formula",
    "array": "NumPy: windows copied into a matrix (im2col), one matrix product",
    "im2col": "Numba: the same, image by image, the matrix small enough for the cache",
    "direct": "Numba: no matrix; a tile of outputs in vector registers reads the image",
    "winograd": "Numba: F(4x4,3x3), a quarter of the multiplications; smaller tiles for small images",
}


def available():
    """The names that this version of minicnn knows."""
    return [name for name, calls in ALL.items() if _form(name) in kernels.FORMS and (name != "winograd" or "winograd" in SWITCHES)]


def _form(name):
    return ALL[name][0] if ALL[name] else name


def using(name):
    """Inside the block, minicnn computes by the named algorithm."""
    return _switched(ALL[name]) if ALL[name] else nullcontext()


@contextmanager
def _switched(calls):
    with ExitStack() as stack:
        for call in calls:
            if isinstance(call, str):
                stack.enter_context(kernels.using(call))
            elif set(call) <= set(SWITCHES):
                stack.enter_context(kernels.using(**call))
        yield
