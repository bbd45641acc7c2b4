"""The elementary operations: about forty lines of calculus, from which everything else is defined."""

from . import (
    arithmetic, comparison, creation, extra, in_place, indexing, joining, linear_algebra, methods, norms, ordering, printing, random,
    reduction, shape, windows,
)
