"""Elementary products of matrices and, more generally, sums over shared indices (einsum)."""

import numpy as np

from ..autograd.operation import Elementary
from ..errors import BadType, BadValue, ShapeError
from ..tensor import Tensor
from .shape import _cast, _permute

# z = x y: each factor's gradient is dz times the other factor, transposed to its side.
_matmul = Elementary("MatMul", np.matmul, lambda dz, y: matmul(dz, _swapped(y)), lambda dz, x: matmul(_swapped(x), dz))


def _swapped(x):
    """The last two dimensions exchanged."""
    order = tuple(range(len(x.shape)))
    return _permute(x, perm=order[:-2] + (order[-1], order[-2]))


def matmul(input, other):
    """The matrix product; vectors count as one row on the left and one column on the right; further dimensions broadcast."""
    if not isinstance(input, Tensor) and not isinstance(other, Tensor):
        return _matmul(input, other)
    _check_operands(input, other)
    x = input.unsqueeze(0) if input.array.ndim == 1 else input
    y = other.unsqueeze(1) if other.array.ndim == 1 else other
    z = _matmul(x, y)
    if other.array.ndim == 1:
        z = z.squeeze(-1)
    return z.squeeze(-1 if other.array.ndim == 1 else -2) if input.array.ndim == 1 else z


def _check_operands(x, y):
    for operand in (x, y):
        if not isinstance(operand, Tensor):
            raise BadType(f"matmul expects tensors, got {type(operand).__name__}")
    if x.array.ndim == 0 or y.array.ndim == 0:
        raise ShapeError(f"matmul needs at least one dimension on both sides, got {tuple(x.shape)} and {tuple(y.shape)}")
    inner = y.array.shape[-2 if y.array.ndim > 1 else 0]
    if x.array.shape[-1] != inner:
        raise ShapeError(f"matmul: {tuple(x.shape)} @ {tuple(y.shape)}: the left operand's last length {x.array.shape[-1]} "
                         f"must equal the right operand's {inner}")
    if x.array.dtype != y.array.dtype:
        raise GraphTypeError(x, y)


def GraphTypeError(x, y):
    return BadType(f"matmul: both operands must have one dtype, got {x.dtype} and {y.dtype}; convert one with .to()")


def _of_rank(x, y, rank, name):
    if x.array.ndim != rank or y.array.ndim != rank:
        raise ShapeError(f"{name} expects two tensors of {rank} dimensions, got {tuple(x.shape)} and {tuple(y.shape)}")


def mm(input, mat2):
    """The product of two matrices: (n, k) @ (k, m) = (n, m)."""
    _of_rank(input, mat2, 2, "mm")
    return matmul(input, mat2)


def bmm(input, mat2):
    """The products of two stacks of matrices: (b, n, k) @ (b, k, m) = (b, n, m)."""
    _of_rank(input, mat2, 3, "bmm")
    if input.array.shape[0] != mat2.array.shape[0]:
        raise ShapeError(f"bmm: both stacks must be of one length, got {tuple(input.shape)} and {tuple(mat2.shape)}")
    return matmul(input, mat2)


def outer(input, vec2):
    """z[i, j] = x[i] · y[j] of two vectors."""
    _of_rank(input, vec2, 1, "outer")
    return input.unsqueeze(1) * vec2.unsqueeze(0)


# einsum ------------------------------------------------------------------------------------------------------------------


def _einsum_rule(dz, position, xs, inputs, output, shapes):
    """An operand's gradient is an einsum too: of dz and the other operands, onto that operand's own letters.

    A letter that stands in this operand alone was summed away, so every position along it gets the same gradient.
    """
    mine = inputs[position]
    others = [letters for i, letters in enumerate(inputs) if i != position]
    found = [c for c in mine if c in output or c in "".join(others)]
    rest = [x for i, x in enumerate(xs) if i != position]
    dx = _einsum(dz, *rest, inputs=(output, *others), output="".join(found), shapes=None)
    return _cast_like(dx.reshape(tuple(n if c in found else 1 for c, n in zip(mine, shapes[position]))), dz)


def _cast_like(x, like):
    return x if x.dtype == like.dtype else _cast(x, to=like.dtype)


_einsum = Elementary("Einsum", lambda *xs, inputs, output, shapes: np.einsum(f"{','.join(inputs)}->{output}", *xs, optimize=True),
                  _einsum_rule)


def einsum(equation, *operands):
    """A sum over shared indices: einsum("ik,kj->ij", x, y) is the matrix product. No letter twice in one operand."""
    operands = operands[0] if len(operands) == 1 and isinstance(operands[0], (list, tuple)) else operands
    inputs, output = _parse(equation.replace(" ", ""), operands)
    shapes = tuple(x.array.shape for x in operands)
    try:
        return _einsum(*operands, inputs=tuple(inputs), output=output, shapes=shapes)
    except ValueError as error:
        raise ShapeError(f"einsum {equation!r} with shapes {', '.join(map(str, shapes))}: {error}") from None


_SPARE = "ZYXWVUTSRQPONMLKJIHGFEDCBA"


def _parse(equation, operands):
    """The letters of each operand and of the output; an ellipsis is written out with spare letters."""
    left, arrow, output = equation.partition("->")
    inputs = left.split(",")
    if len(inputs) != len(operands):
        raise BadValue(f"einsum {equation!r} names {len(inputs)} operands, got {len(operands)}")
    spare = "".join(c for c in _SPARE if c not in equation)
    width = max((x.array.ndim - len(i.replace("...", "")) for i, x in zip(inputs, operands) if "..." in i), default=0)
    fill = lambda letters, n: letters.replace("...", spare[width - n : width] if n else "")  # noqa: E731
    inputs = [fill(i, x.array.ndim - len(i.replace("...", ""))) for i, x in zip(inputs, operands)]
    if not arrow:
        letters = "".join(inputs)
        output = spare[:width] + "".join(sorted(c for c in set(letters) if letters.count(c) == 1 and c not in spare[:width]))
    if any(len(set(i)) != len(i) for i in inputs):
        raise BadValue(f"einsum {equation!r}: a letter occurs twice in one operand; take the diagonal first")
    return inputs, fill(output, width)
