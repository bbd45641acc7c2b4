"""A layer operation's pair against its definition: the same value, and the same gradient of every input.

`gradcheck` compares with finite differences, to 1e-5 or so; this compares with exact calculus, to the last digits, and looks at what
a kernel may get wrong without being wrong about the mathematics: memory that is not contiguous, inputs written to, a
gradient that is asked for alone.
"""

import numpy as np

from .. import arrays
from ..tensor import Tensor, wrap
from .backward import grad
from .gradcheck import GradcheckError
from .places import place

# What two orders of summation may differ by, relative to the largest number in the result.
TOLERANCE = {arrays.float64: 1e-9, arrays.float32: 1e-4}


def check_layer(operation, *inputs, **attributes):
    """True when forward and backward of a `Layer` agree with its definition at these inputs; raises GradcheckError otherwise.

    inputs are tensors, arrays or None (an absent bias), attributes what the operation takes as keywords. Checked for a random
    upstream gradient: the value, the gradient of every floating point input, each gradient asked for alone, the same with inputs
    strided inside memory full of NaN, and with channels last; that neither inputs nor upstream gradient were written to;
    and the gradient at the inputs that `replay` gives back.
    """
    xs = [x.array if isinstance(x, Tensor) else x for x in inputs]
    check = _LayerCheck(operation, xs, attributes)
    for layout, lay in LAYOUTS.items():
        check.pair(layout, lay)
    check.single_gradients()
    check.replayed()
    return True


def _same(array):
    return array.copy(order="K")


def _strided(array):
    """The same numbers as every second element of an array that is NaN (or 1) elsewhere."""
    filler = np.nan if array.dtype.kind == "f" else 1
    room = arrays.module_of(array).full([2 * n for n in array.shape], filler, array.dtype)
    view = room[(..., *(slice(1, None, 2),) * array.ndim)]          # an array, also without any axis
    view[...] = array
    return view


def _channels_last(array):
    return np.moveaxis(np.moveaxis(array, 1, -1).copy(), -1, 1) if array.ndim > 2 else array.copy(order="F")


LAYOUTS = {"contiguous": _same, "strided": _strided, "channels last": _channels_last}


class _LayerCheck:
    def __init__(self, operation, xs, attributes):
        self.operation, self.xs, self.attributes = operation, xs, attributes
        self.names = operation.input_names
        self.tracked = [arrays.is_array(x) and x.dtype.kind == "f" for x in xs]
        self.value, self.gradients = self.definition(xs)

    def definition(self, xs):
        """(value, the gradient of each floating point input) by the definition, for the upstream gradient that all checks share."""
        ts = [wrap(x) if arrays.is_array(x) else x for x in xs]
        ts = [t.detach().requires_grad_() if tracked else t for t, tracked in zip(ts, self.tracked)]
        y = self.operation.definition(*ts, **self.attributes)
        self.upstream = np.asarray(np.random.default_rng(0).standard_normal(y.shape)).astype(y.dtype)
        wanted = [t for t, tracked in zip(ts, self.tracked) if tracked]
        upstream = wrap(arrays.to_device(self.upstream, y.device))
        found = iter(grad(y, wanted, upstream, materialize_grads=True))
        return y.array, [next(found).array if tracked else None for tracked in self.tracked]

    def pair(self, layout, lay):
        """Forward and backward with inputs and upstream gradient laid out in one way."""
        xs = [lay(x) if arrays.is_array(x) else x for x in self.xs]
        dy = lay(arrays.to_device(self.upstream, arrays.device_of(self.value)))
        before = [_same(x) if arrays.is_array(x) else x for x in (*xs, dy)]
        y, saved = self.operation.forward(*xs, **self.attributes)
        self.compare("value", y, self.value, f"{layout} inputs")
        gradients = self.operation.backward(dy, saved, self.operation.needed(*self.tracked))
        self.compare_gradients(gradients, self.tracked, f"{layout} inputs")
        for name, now, then in zip((*self.names, "dy"), (*xs, dy), before):
            if arrays.is_array(then) and not _equal(now, then):
                raise GradcheckError(f"{self.operation.name}: forward or backward writes into {name}")

    def single_gradients(self):
        """Each gradient once more, asked for alone."""
        for position, tracked in enumerate(self.tracked):
            if tracked:
                only = [i == position for i in range(len(self.tracked))]
                _, saved = self.operation.forward(*self.xs, **self.attributes)
                dy = arrays.to_device(self.upstream, arrays.device_of(self.value))
                gradients = self.operation.backward(dy, saved, self.operation.needed(*only))
                self.compare_gradients(gradients, only, f"only {self.names[position]} needed")

    def replayed(self):
        """The definition's gradient at the inputs that `replay` offers instead of the true ones."""
        if self.operation.replay is not None:
            _, saved = self.operation.forward(*self.xs, **self.attributes)
            _, gradients = self.definition(self.operation.replay(saved))
            self.compare_gradients(gradients, self.tracked, "replayed inputs")

    def compare_gradients(self, gradients, needed, circumstances):
        if len(gradients) != len(self.xs):
            raise GradcheckError(f"{self.operation.name}: backward gives {len(gradients)} gradients for {len(self.xs)} inputs")
        for name, dx, expected, wanted in zip(self.names, gradients, self.gradients, needed):
            if wanted:
                self.compare(name, dx, expected, circumstances)

    def compare(self, name, found, expected, circumstances):
        what = "the value" if name == "value" else f"the gradient of {name}"
        if found is None or found.shape != expected.shape or found.dtype != expected.dtype:
            got = "None" if found is None else f"{found.dtype} {found.shape}"
            raise GradcheckError(f"{self.operation.name}: {what} is {got}, the definition's {expected.dtype} {expected.shape} "
                                 f"({circumstances})")
        found, expected = (np.asarray(arrays.to_numpy(a)) for a in (found, expected))
        error = np.where(np.isnan(found) & np.isnan(expected) | (found == expected), 0, np.abs(found - expected))
        scale = np.abs(expected[np.isfinite(expected)]).max(initial=1)
        if error.size and not error.max() <= TOLERANCE[expected.dtype] * scale:
            worst = np.unravel_index(np.nanargmax(np.nan_to_num(error, nan=np.inf)), error.shape)
            index = tuple(map(int, worst))
            raise GradcheckError(f"{self.operation.name}: {what} differs from the definition's at "
                                 f"{place('y' if name == 'value' else name, index)}: {found[worst]:.8g} instead of "
                                 f"{expected[worst]:.8g}, worst of {int((error > TOLERANCE[expected.dtype] * scale).sum())} of "
                                 f"{error.size} elements ({circumstances})")


def _equal(a, b):
    return bool(((a == b) | ((a != a) & (b != b))).all())
