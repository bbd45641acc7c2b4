"""The checks that everybody has, run on a configuration: the definition, central differences, and laws to be kept.

`measure(case)` says how far they are apart, `caught(mutant)` which check finds a planted mistake.
"""

from itertools import islice
from typing import NamedTuple

import numpy as np

from ..autograd.backward import grad
from ..autograd.gradcheck import GradcheckError, gradcheck
from ..autograd.layercheck import check_layer
from ..autograd.operation import Layer
from ..nn.parameter import Parameter
from ..tensor import Tensor
from . import cases, mutants
from .cases import OptimizerCase
from .cases.optimizers import STARTS, STEPS, slope

# How far apart they are --------------------------------------------------------------------------------------------------


class Measured(NamedTuple):
    """What comparing one configuration, or several, came to."""

    elements: int               # numbers compared
    definition: float           # worst relative error against the definition
    differences: float          # worst relative error against central differences; NaN where there are none

    def __add__(self, other):
        worst = np.fmax(self[1:], other[1:])
        return Measured(self.elements + other.elements, *map(float, worst))


NOTHING = Measured(0, float("nan"), float("nan"))


def relative_error(found, expected):
    """The largest difference, relative to the largest number in `expected` (at least 1); NaN only agrees with NaN."""
    same = (found == expected) | (np.isnan(found) & np.isnan(expected))
    with np.errstate(invalid="ignore"):
        error = np.where(same, 0, np.nan_to_num(np.abs(found - expected), nan=np.inf)).max(initial=0)
    return float(error / np.abs(expected[np.isfinite(expected)]).max(initial=1))


def measure(case):
    """Compare value and gradients with the definition, and the gradients of smooth configurations with differences."""
    measured = compared_with_definition(case)
    if case.smooth:
        gradients = value_and_gradients(case.function, case.inputs)[1:]
        measured += _compared(gradients, central_differences(case.function, case.inputs), "differences")
    return measured


def compared_with_definition(case):
    """The operation's value and gradients, or the optimizer's path, against the definition's."""
    if isinstance(case, OptimizerCase):
        found, expected = [path(case)], [defined_path(case)]
    else:
        found, expected = (value_and_gradients(f, case.inputs) for f in (case.function, case.definition))
    return _compared(found, expected, "definition")


def _compared(found, expected, column):
    error = max(map(relative_error, found, expected))
    return NOTHING._replace(elements=sum(a.size for a in found), **{column: error})


def upstream(y):
    """The random dy that all comparisons share."""
    return np.random.default_rng(0).standard_normal(y.shape)


def value_and_gradients(function, inputs):
    """[y, dx, dw, ...] for the inputs that are given, as arrays; [y] alone where there is no gradient."""
    leaves = [None if x is None else Tensor(x.copy(), requires_grad=True) for x in inputs]
    y = function(*leaves)
    if not y.requires_grad:
        return [y.array]
    found = grad(y, [x for x in leaves if x is not None], Tensor(upstream(y)), materialize_grads=True)
    return [y.detach().array, *(dx.array for dx in found)]


def central_differences(function, inputs, h=1e-5):
    """(Σ dy·f(x + h) - Σ dy·f(x - h)) / 2h for each element of each input that is given."""
    xs = [None if x is None else Tensor(x.copy()) for x in inputs]
    dy = upstream(function(*xs))
    return [np.reshape([_difference(function, xs, x.array, index, dy, h) for index in np.ndindex(x.shape)], x.shape)
            for x in xs if x is not None]


def _difference(function, xs, array, index, dy, h):
    kept, total = array[index], 0.0
    for step in (h, -h):
        array[index] = kept + step
        total += (function(*xs).array * dy).sum() / (2 * step)
    array[index] = kept
    return total


# Optimizers: the positions after each step -------------------------------------------------------------------------------


def path(case):
    """(steps, starts): where the optimizer takes one parameter, each of whose elements started elsewhere."""
    p = Parameter(Tensor(np.array(STARTS)))
    optimizer, positions = case.optimizer([p], **case.options), []
    for t in range(1, STEPS + 1):
        p.grad = Tensor(np.array([slope(x, t) for x in p.tolist()]))
        optimizer.step()
        positions.append(p.tolist())
    return np.array(positions)


def defined_path(case):
    """The same by the definition, one start after the other."""
    return np.array([list(islice(case.definition(start, slope, **case.options), STEPS)) for start in STARTS]).T


# The checks: each raises GradcheckError where a case fails ---------------------------------------------------------------


def check_definition(case):
    """Value and all gradients are those of the definition; for an optimizer, the positions after each of 25 steps."""
    if isinstance(case.layer, Layer):
        check_layer(case.layer, *case.inputs, **case.attributes(case.inputs))
        return
    error = compared_with_definition(case).definition
    if not error <= 1e-9:
        raise GradcheckError(f"{case.operation} ({case.label}) differs from its definition by {error:.1e}")


def check_differences(case):
    """The gradients are those of the function itself, by finite differences; at a kink or tie, between those on its sides."""
    if case.edge:
        return
    tensors = [Tensor(x.copy(), requires_grad=True) for x in case.inputs if x is not None]

    def function(*given):
        given = iter(given)
        return case.function(*(None if x is None else next(given) for x in case.inputs))

    gradcheck(function, tensors)


def check_laws(case):
    """Everything in laws.py that this configuration must keep."""
    for law in case.laws:
        law(case.of_first_input, case.inputs[0])


CHECKS = {"definition": check_definition, "differences": check_differences, "laws": check_laws}

# Mutants -----------------------------------------------------------------------------------------------------------------


class Catch(NamedTuple):
    """How a mistake was found: by which check, in which configuration, and what the check said."""

    check: str
    case: str
    message: str


def caught(mutant, checks=CHECKS):
    """The first check that fails with the mistake planted, as a Catch; None where the mutant survives them all."""
    with mutants.planted(mutant):
        for name in checks:
            for case in cases.of(mutant.operation):
                try:
                    CHECKS[name](case)
                except GradcheckError as error:
                    return Catch(name, case.label, str(error))
    return None
