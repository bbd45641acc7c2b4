"""Every classic mistake is noticed by the checks that users have, and without one all checks pass."""

import importlib
import inspect
import pkgutil

import numpy as np
import pytest

from minicnn import functional, optim, proof, shapes
from minicnn.autograd.operation import Layer
from minicnn.exercises import cases, checks, laws, mutants
from minicnn.functional.conv import conv2d
from minicnn.functional.pooling import max_pool2d

MUTANTS = mutants.MUTANTS


# Each mistake is noticed

@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_every_mutant_is_killed(mutant):
    catch = checks.caught(mutant)
    assert catch is not None, f"{mutant} survives: {mutant.says}"
    assert catch.message


# Where the derivative at a kink is a convention, finite differences can only say that it lies between the two sides.
CONVENTIONS = {"relu.relu_one_at_the_kink", "absolute_error.no_zero_among_the_signs"}


@pytest.mark.parametrize("mutant", [m for m in MUTANTS if m.part in ("backward", "pair")], ids=str)
def test_gradcheck_alone_kills_every_wrong_backward(mutant):
    """Who writes an operation of his own has no definition to compare with, and needs none."""
    assert (checks.caught(mutant, ["differences"]) is None) == (str(mutant) in CONVENTIONS)


@pytest.mark.parametrize("operation", cases.operations())
def test_mutants_compute_something_wherever_their_operation_does(operation):
    """A mistake that only crashes would be noticed by anybody; in how many configurations each one changes nothing is its own affair."""
    for mutant in mutants.of(operation):
        with mutants.planted(mutant):
            for case in cases.of(operation):
                checks.compared_with_definition(case)


# Nothing planted

@pytest.mark.parametrize("operation", cases.operations())
def test_without_mutants_all_checks_pass(operation):
    assert proof.failures(cases.of(operation)) == []


@pytest.mark.parametrize("operation", cases.operations())
def test_what_the_table_measures_is_rounding(operation):
    """In a configuration that claims to be smooth, the step of a central difference is small enough."""
    for case in cases.of(operation):
        measured = checks.measure(case)
        assert not measured.definition > 1e-10, case.label
        assert not measured.differences > 1e-8, case.label


# The list is complete

def layer_operations():
    """{name: Layer} of everything in minicnn.functional."""
    modules = [importlib.import_module(f"minicnn.functional.{info.name}") for info in pkgutil.iter_modules(functional.__path__)]
    return {name: value for module in modules for name, value in vars(module).items() if isinstance(value, Layer)}


@pytest.mark.parametrize("name", layer_operations())
def test_every_layer_operation_has_configurations_and_mutants(name):
    layer = layer_operations()[name]
    assert [case for case in cases.of(name) if case.layer is layer]
    assert len(mutants.of(layer)) >= 3
    assert {mutant.operation for mutant in mutants.of(layer)} == {name}
    assert {"forward", "backward"} <= {part for mutant in mutants.of(layer) for part in mutant.replacements}


@pytest.mark.parametrize("name", [name for name in optim.__all__ if inspect.isclass(getattr(optim, name)) and name != "Optimizer"])
def test_every_optimizer_has_configurations_and_mutants(name):
    assert len(cases.of(name)) >= 5
    assert len(mutants.of(name)) >= 4


def test_the_count_that_is_promised():
    assert len(MUTANTS) >= 160
    assert {mutant.operation for mutant in MUTANTS} == set(cases.operations())


def test_each_has_a_name_and_a_sentence_of_its_own():
    names = [str(mutant) for mutant in MUTANTS]
    assert len(set(names)) == len(names)
    assert [m.says for m in MUTANTS if not m.says.endswith(".") or not 20 < len(m.says) < 140] == []
    for operation in cases.operations():
        said = [(m.part, m.says) for m in mutants.of(operation)]
        assert len(set(said)) == len(said), operation


# Laws

EVERY_LAW = sorted({law.__name__ for case in cases.CASES for law in case.laws})


@pytest.mark.parametrize("name", EVERY_LAW)
def test_every_law_kills_a_mutant_by_itself(name):
    """A law that nothing breaks would be an ornament."""
    assert any(breaks(name, mutant) for mutant in MUTANTS)


def breaks(name, mutant):
    with mutants.planted(mutant):
        for case in cases.of(mutant.operation):
            for law in case.laws:
                try:
                    if law.__name__ == name:
                        law(case.of_first_input, case.inputs[0])
                except checks.GradcheckError:
                    return True
    return False


def test_every_law_is_put_to_use():
    written = {name for name, value in vars(laws).items() if inspect.isfunction(value) and not name.startswith("_")}
    assert sorted(written - {"grad", "must_agree", "value_and_dx"}) == EVERY_LAW


# Planting

def test_planting_puts_everything_back():
    mutant, = (m for m in MUTANTS if m.name == "all_ties_rewarded")
    before = max_pool2d.forward, max_pool2d.backward
    with mutants.planted(mutant):
        assert max_pool2d.forward is not before[0] and max_pool2d.backward is not before[1]
    assert (max_pool2d.forward, max_pool2d.backward) == before
    with pytest.raises(KeyError):
        with mutants.planted(mutant):
            raise KeyError
    assert (max_pool2d.forward, max_pool2d.backward) == before


def test_all_tied_maxima_are_rewarded_while_it_is_planted():
    """The classic, the mask x == y: of a window of four equal pixels, each gets the whole gradient."""
    mutant, = (m for m in MUTANTS if m.name == "all_ties_rewarded")
    window = shapes.pool2d_window((1, 1, 2, 2), 2)

    def dx():
        return laws.value_and_dx(lambda x: max_pool2d(x, window=window), np.ones((1, 1, 2, 2)), np.ones((1, 1, 1, 1)))[1].tolist()

    assert dx() == [[[[1, 0], [0, 0]]]]
    with mutants.planted(mutant):
        assert dx() == [[[[1, 1], [1, 1]]]]
    assert dx() == [[[[1, 0], [0, 0]]]]


def test_mutants_of_one_operation():
    assert mutants.of("conv2d") == mutants.of(conv2d) != []
    assert {m.part for m in mutants.of(conv2d, "backward")} == {"backward"}
    assert mutants.of("nothing") == []
