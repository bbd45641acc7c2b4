"""What is known of a value before a graph runs, and what the rules that find it ask: dtype, shape, the content of small vectors of sizes.

A shape's parts are ints and Sizes.
"""

import math
from typing import NamedTuple

import numpy as np

from ..errors import BadValue
from .axes import axis_of
from .sizes import Size, known

MAX_CONTENT = 64                    # numbers of a vector that is followed
RULES = {}


class Known(NamedTuple):
    """What is known of a value; None: nothing.

    content  an array of numbers, or of numbers and Sizes (dtype object)
    """

    dtype: str | None = None
    shape: tuple | None = None
    content: np.ndarray | None = None

    @property
    def constant(self):
        """Whether every number is known."""
        return self.content is not None and (self.content.dtype != object or known(*self.content.flat))

    @property
    def least_bytes(self):
        """What it takes at the least, its free sizes taken as 1."""
        return math.prod(s if known(s) else s.coefficient for s in self.shape or ()) * np.dtype(self.dtype or "float32").itemsize


class Unknown(Exception):
    """A rule cannot tell."""


class Call:
    """A node beside what is known of its inputs: what rules ask."""

    def __init__(self, node, inputs, opset):
        self.node, self.inputs, self.opset, self.name = node, inputs, opset, node.op_type

    def has(self, index):
        return index < len(self.inputs) and self.inputs[index] is not None

    def known(self, index=0):
        if not self.has(index):
            raise BadValue(f"its input {index} is left out")
        return self.inputs[index]

    def shape(self, index=0):
        return told(self.known(index).shape)

    def content(self, index):
        return told(self.known(index).content)

    def numbers(self, index):
        """The input as a list of Python's numbers."""
        if not self.known(index).constant:
            raise Unknown
        return self.content(index).reshape(-1).tolist()

    def integers(self, index):
        """The input as a list of Python's integers."""
        return whole_numbers(self.numbers(index), index)

    def sizes(self, index):
        """The input, a vector of sizes, as a list of ints and Sizes."""
        return whole_numbers(self.content(index).reshape(-1).tolist(), index)

    def get(self, name, default=None):
        return self.node.attributes.get(name, default)

    def axes(self, index=1, name="axes"):
        """A list that older versions have as an attribute and newer ones as an input; None where it is not given."""
        return self.get(name) if name in self.node.attributes else self.integers(index) if self.has(index) else None

    def axis(self, default, rank=None):
        return axis_of(self.get("axis", default), len(self.shape()) if rank is None else rank)


def told(value):
    if value is None:
        raise Unknown
    return value


def whole_numbers(values, index):
    if not all(type(value) in (int, Size) for value in values):
        raise BadValue(f"its input {index} holds {str(values):.80}, expected integers")
    return values


def rule(*names):
    """Registers the rule of these operators: Call -> a shape, a Known, or a list of these for the outputs in turn."""

    def register(function):
        RULES.update(dict.fromkeys(names, function))
        return function

    return register
