"""Who watches operations: the search for the first NaN or infinity (`detect_anomaly`), and what writes a model down as a graph."""

from contextlib import nullcontext

import numpy as np

from ..errors import GraphError


class Watch:
    """Is shown what a thread computes; this one lets everything pass.

    tracing  whether no value may change: what is changed in place gets other memory then
    """

    tracing = False

    def result(self, operation, inputs, attributes, arrays, out):
        """An operation has run."""

    def gradient(self, operation, dx, dy):
        """An operation has given a gradient."""

    def call(self, function, args, kwargs):
        """Run a function that says more than the operations it consists of."""
        return function(*args, **kwargs)

    def inside(self, name):
        """A block that computes a node of a graph."""
        return nullcontext()

    def custom(self, function, inputs, outputs):
        """A Function of the user's own has run; its gradient is Python code."""


class Anomaly(Watch):
    """Looks at each result and each gradient, and refuses the first NaN that was made of numbers."""

    def result(self, operation, inputs, attributes, arrays, out):
        check_finite(operation.name, out.array, arrays)

    def gradient(self, operation, dx, dy):
        check_finite(f"the backward of {operation.name}", dx, [dy])


def check_finite(what, result, given):
    """Refuse a NaN that was made of numbers, and an infinity that was made of finite ones."""
    made = [name for name, test in (("NaN", np.isnan), ("infinity", np.isinf)) if _has(test, result)]
    if made and not any(_has(np.isnan, x) or made == ["infinity"] and _has(np.isinf, x) for x in given):
        array = getattr(result, "array", result)
        raise GraphError(f"{what} made the first {' and '.join(made)}: {int((~np.isfinite(array)).sum())} of {array.size} elements, "
                         f"shape {array.shape}")


def _has(test, x):
    """Whether some element of a tensor, an array or a number passes the test."""
    x = np.asarray(x) if isinstance(x, float) else getattr(x, "array", x)
    return x is not None and getattr(x, "dtype", np.dtype(bool)).kind == "f" and bool(test(x).any())
