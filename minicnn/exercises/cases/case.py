"""What a configuration is: an operation with inputs and options, at which its checks are run."""

from collections.abc import Callable
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np

from ...tensor import Tensor

CASES = []


class Surface(NamedTuple):
    """A function of the public surface beside its definition; both map tensors to a tensor."""

    function: Callable
    definition: Callable

    def __call__(self, *inputs):
        return self.function(*inputs)


class Case(NamedTuple):
    """One configuration of an operation."""

    operation: str          # the name under which its mutants are listed
    label: str              # what is special about this configuration
    layer: Any              # a Layer or a Surface: the operation itself
    inputs: tuple           # arrays, or None for what is absent
    options: Callable       # arrays -> the attributes: batch norm's mean, for instance, depends on x
    smooth: bool            # whether it has a derivative there: no kink and no tie at these inputs
    edge: bool              # whether the function ends there, so that its inputs cannot be moved to both sides
    laws: tuple             # functions from laws.py that it must keep

    def attributes(self, inputs):
        return self.options(*(x.array if isinstance(x, Tensor) else x for x in inputs))

    def function(self, *tensors):
        """The operation on tensors that stand for the inputs, None where an input is absent."""
        return self.layer(*tensors, **self.attributes(tensors))

    def definition(self, *tensors):
        """The same by the definition."""
        return self.layer.definition(*tensors, **self.attributes(tensors))

    def of_first_input(self, x):
        """The operation as a function of its first input alone."""
        return self.function(x, *(None if a is None else Tensor(a) for a in self.inputs[1:]))


def cases_of(operation, layer, laws=()):
    """A function that adds cases of one operation: `case("stride 2", x, w, window=...)`.

    Attributes are keywords; `options`, a function of the input arrays, in their place where they depend on these. `laws`
    are added to those of all cases of the operation.
    """
    common = laws

    def case(label, *inputs, smooth=True, edge=False, laws=(), options=None, **attributes):
        options = options or (lambda *arrays: attributes)
        CASES.append(Case(operation, label, layer, inputs, options, smooth and not edge, edge, (*common, *laws)))

    return case


def of(operation):
    """All cases of an operation, by its name."""
    return [case for case in CASES if case.operation == operation]


def numbers(*shape, seed=""):
    """Normally distributed float64, always the same for a shape and a seed."""
    return np.random.default_rng(crc32(f"{shape}{seed}".encode())).standard_normal(shape)


def digits(*shape, seed=""):
    """Integers from -2 to 2 as float64: full of ties."""
    return np.random.default_rng(crc32(f"{shape}{seed}".encode())).integers(-2, 3, shape).astype(float)
