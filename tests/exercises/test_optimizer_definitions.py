"""The optimizers' definitions: plain numbers, the same options as the optimizers, and the textbook's first steps."""

import doctest
import inspect
from itertools import islice

import pytest

from minicnn import optim
from minicnn.exercises.cases.optimizers import STEPS
from minicnn.optim import definitions

OPTIMIZERS = [name for name in optim.__all__ if inspect.isclass(getattr(optim, name)) and name != "Optimizer"]
# How an update is carried out, not what it is.
EXECUTION = {"self", "params", "foreach", "fused", "capturable", "differentiable"}


def resolved(function):
    """{option: default} of a definition; what it hands on by ** counts as its own."""
    parameters = inspect.signature(function).parameters.values()
    own = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
    return resolved(definitions.adam) | own if any(p.kind is p.VAR_KEYWORD for p in parameters) else own


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_definition_has_every_option_and_default_of_its_optimizer(name):
    defined = resolved(getattr(definitions, name.lower()))
    offered = {p.name: p.default for p in inspect.signature(getattr(optim, name)).parameters.values() if p.name not in EXECUTION}
    if name == "AdamW":
        defined.pop("decoupled_weight_decay")
    assert defined == offered


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_definition_goes_downhill(name):
    """On p², from either side, and on one plain float."""
    for start in (1.0, -1.0):
        path = list(islice(getattr(definitions, name.lower())(start, lambda p, t: 2 * p), STEPS))
        assert all(type(p) is float for p in path)
        assert abs(path[-1]) < abs(start)


def test_the_example_in_the_docstring():
    found = doctest.testmod(definitions)
    assert found.attempted == 2 and found.failed == 0
