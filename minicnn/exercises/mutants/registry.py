"""What a mutant is: one classic mistake in a forward, a backward or an update, under a name, with what a teacher would say."""

import warnings
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from ... import kernels

MUTANTS = []


class Mutant(NamedTuple):
    """A variant of `target.part` that is wrong in one way."""

    operation: str          # what it corrupts, by the name that its reader knows: conv2d, cross_entropy, adam, ...
    target: Any             # a Layer operation, a class, or the module that holds a function
    part: str               # the attribute it replaces: "forward", "backward", a function's name; "pair" for both halves
    function: Callable      # the wrong variant; for "pair" a class with the functions `forward` and `backward`
    says: str               # the sentence for the student who made this mistake

    @property
    def name(self):
        return self.function.__name__

    def __str__(self):
        return f"{self.operation}.{self.name}"

    @property
    def replacements(self):
        """{attribute: the wrong function}"""
        if self.part != "pair":
            return {self.part: self.function}
        return {half: getattr(self.function, half) for half in ("forward", "backward")}


def mutants_of(operation, target):
    """A decorator for the mutants of one operation: `@mutant("backward", "what the teacher says")`."""

    def mutant(part, says, target=target):
        def register(function):
            MUTANTS.append(Mutant(operation, target, part, function, says))
            return function

        return register

    return mutant


def of(operation, part=None):
    """The mutants of one operation, given by its name or as the Layer itself; of one part of it where a part is named."""
    return [m for m in MUTANTS if operation in (m.operation, m.target) and part in (None, m.part)]


@contextmanager
def planted(mutant):
    """Inside the block the mistake is in the program.

    The kernels are array code meanwhile: compiled ones trust their indices, and a wrong one would write anywhere. What a
    mistake divides by zero, it does in silence.
    """
    originals = {part: getattr(mutant.target, part) for part in mutant.replacements}
    try:
        for part, function in mutant.replacements.items():
            setattr(mutant.target, part, np.errstate(all="ignore")(function))
        with kernels.using("array"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield mutant
    finally:
        for part, function in originals.items():
            setattr(mutant.target, part, function)
