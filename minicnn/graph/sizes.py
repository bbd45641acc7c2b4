"""Sizes that are not known before a network runs, and arithmetic with them: N, 49·N, (H+1)//2.

    >>> n = Size.named("N")
    >>> 7 * n * 7 // 49 == n
    True

Two that are equal here are equal whatever the free sizes are; two that differ may be equal all the same.
"""

import itertools
from dataclasses import dataclass

from ..errors import BadValue

MAX_TEXT, MAX_FACTORS = 80, 8       # beyond these an expression is only "some size", so that none grows without end
_numbers = itertools.count()


@dataclass(frozen=True)
class Size:
    """coefficient · factor · factor ..., each factor a name or an expression in words."""

    coefficient: int
    factors: tuple

    @classmethod
    def named(cls, name):
        return cls(1, (name,)) if len(name) <= MAX_TEXT else cls.unknown()

    @classmethod
    def unknown(cls):
        """A size that is equal to no other."""
        return cls(1, (f"?{next(_numbers)}",))

    def __str__(self):
        return "·".join([str(self.coefficient)] * (self.coefficient != 1) + list(self.factors))

    def __mul__(self, other):
        if isinstance(other, Size):
            return product(self.coefficient * other.coefficient, self.factors + other.factors)
        return product(self.coefficient * other, self.factors)

    __rmul__ = __mul__

    def __floordiv__(self, other):
        """Exact where it can be seen to be; else an expression of its own."""
        other = other if isinstance(other, Size) else Size(int(other), ())
        rest = list(self.factors)
        if other.coefficient and self.coefficient % other.coefficient == 0:
            try:
                for factor in other.factors:
                    rest.remove(factor)
                return product(self.coefficient // other.coefficient, tuple(rest))
            except ValueError:
                pass
        return Size.named(f"({self}//{other})")

    def __add__(self, other):
        if isinstance(other, Size) and other.factors == self.factors:
            return product(self.coefficient + other.coefficient, self.factors)
        return self if isinstance(other, int) and other == 0 else Size.named(f"({self}+{other})")

    __radd__ = __add__

    def __sub__(self, other):
        return 0 if self == other else self + -1 * other

    def __rsub__(self, other):
        return -1 * self + other


def product(coefficient, factors):
    """coefficient · factors, as an int where no factor is left."""
    if not factors or coefficient == 0:
        return coefficient
    if len(factors) > MAX_FACTORS or abs(coefficient) >= 2**63:
        return Size.unknown()
    return Size(coefficient, tuple(sorted(factors)))


def known(*sizes):
    """Whether each is a number."""
    return all(not isinstance(size, Size) for size in sizes)


def broadcast(*shapes):
    """The shape that these are stretched to. A free size beside a number above 1 must be 1 or that number."""
    longest = max(map(len, shapes), default=0)
    padded = [(1,) * (longest - len(shape)) + tuple(shape) for shape in shapes]
    return tuple(stretched(sizes, shapes) for sizes in zip(*padded))


def stretched(sizes, shapes):
    numbers = {size for size in sizes if known(size)} - {1}
    free = {size for size in sizes if not known(size)}
    if len(numbers) > 1:
        raise BadValue(f"shapes {' and '.join(map(text, shapes))} do not fit together")
    if numbers:
        return numbers.pop()
    return 1 if not free else free.pop() if len(free) == 1 else Size.unknown()


def text(shape):
    """A shape in words: (N, 3, 32, 32)."""
    return f"({', '.join(map(str, shape))})"
