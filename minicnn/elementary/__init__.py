"""The elementary operations: about forty lines of calculus, from which everything else is defined."""

from . import arithmetic, comparison, creation, extra, in_place, indexing, linear_algebra, methods, reduction, shape, windows

__all__ = ["arithmetic", "comparison", "creation", "extra", "in_place", "indexing", "linear_algebra", "methods", "reduction",
           "shape", "windows"]
