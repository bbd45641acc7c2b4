"""Products of matrices, and sums over shared indices."""

from ...elementary.arithmetic import add, mul
from ...elementary.linear_algebra import einsum, matmul
from ...errors import ShapeError
from ...nn import functional as F
from .table import operator
from .values import beside


@operator("MatMul")
def matrix_product(a, b):
    """As numpy.matmul: vectors count as a row on the left and a column on the right; axes in front broadcast."""
    return matmul(*beside(a, b))


@operator("Gemm")
def gemm(a, b, c=None, *, alpha=1.0, beta=1.0, transA=0, transB=0, broadcast=0):  # noqa: N803
    """alpha · a b + beta · c, of matrices; each may be transposed first."""
    if a.ndim != 2 or b.ndim != 2:
        raise ShapeError(f"expected two matrices, got {tuple(a.shape)} and {tuple(b.shape)}")
    a = a.T if transA else a
    if a.is_floating_point() and alpha == beta == 1 and (c is None or c.ndim == 1 and c.shape[0] == b.shape[0 if transB else 1]):
        return F.linear(a, b if transB else b.T, c)
    y = matmul(a, b.T if transB else b)
    y = y if alpha == 1 else _scaled(y, alpha)
    return y if c is None else add(y, c if beta == 1 else _scaled(c, beta))


def is_unscaled(node):
    """Whether a Gemm is a b + c, of which at most b is transposed."""
    return all(node.attributes.get(name, default) == default for name, default in (("alpha", 1.0), ("beta", 1.0), ("transA", 0)))


def _scaled(x, factor):
    """x times an attribute, in the type of x."""
    return mul(x, factor if x.is_floating_point() else int(factor))


@operator("Einsum")
def sum_over_indices(*inputs, equation):
    return einsum(equation, *beside(*inputs))
