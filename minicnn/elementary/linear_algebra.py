"""Elementary products of matrices and, more generally, sums over shared indices (einsum)."""


from ..autograd.operation import Elementary
from ..errors import BadType, BadValue, ShapeError
from ..kernels import of
from ..tensor import Tensor
from .arguments import like_torch, tensor_argument
from .joining import diagonal
from .shape import _expand, _permute

# z = x y: each factor's gradient is dz times the other factor, transposed to its side.
_matmul = Elementary("MatMul", lambda x, y: of(x).matmul(x, y),
                     lambda dz, y: _matmul(dz, _swapped(y)), lambda dz, x: _matmul(_swapped(x), dz))


def _swapped(x):
    """The last two dimensions exchanged."""
    order = tuple(range(len(x.shape)))
    return _permute(x, perm=order[:-2] + (order[-1], order[-2]))


@like_torch
def matmul(input, other):
    """The matrix product; vectors count as one row on the left and one column on the right; further dimensions broadcast."""
    _check_operands(input, other)
    x = input.unsqueeze(0) if input.array.ndim == 1 else input
    y = other.unsqueeze(1) if other.array.ndim == 1 else other
    z = _matmul(x, y)
    if other.array.ndim == 1:
        z = z.squeeze(-1)
    return z.squeeze(-1 if other.array.ndim == 1 else -2) if input.array.ndim == 1 else z


def _check_operands(x, y):
    tensor_argument(x, "matmul"), tensor_argument(y, "matmul", "other")
    if x.array.ndim == 0 or y.array.ndim == 0:
        raise ShapeError(f"matmul needs at least one dimension on both sides, got {tuple(x.shape)} and {tuple(y.shape)}")
    inner = y.array.shape[-2 if y.array.ndim > 1 else 0]
    if x.array.shape[-1] != inner:
        raise ShapeError(f"matmul: {tuple(x.shape)} @ {tuple(y.shape)}: the left operand's last length {x.array.shape[-1]} "
                         f"must equal the right operand's {inner}")
    batch = x.array.shape[:-2], y.array.shape[:-2]
    if any(n != m and 1 not in (n, m) for n, m in zip(batch[0][::-1], batch[1][::-1])):
        raise ShapeError(f"matmul: {tuple(x.shape)} @ {tuple(y.shape)}: the dimensions before the last two do not broadcast")
    if x.array.dtype != y.array.dtype:
        raise BadType(f"matmul: both operands must have one dtype, got {x.dtype} and {y.dtype}; convert one with .to()")


def _of_rank(name, x, y, ranks):
    tensor_argument(x, name), tensor_argument(y, name, "the second operand")
    if (x.array.ndim, y.array.ndim) != ranks:
        raise ShapeError(f"{name} expects tensors of {ranks[0]} and {ranks[1]} dimensions, got {tuple(x.shape)} and {tuple(y.shape)}")


@like_torch
def mm(input, mat2):
    """The product of two matrices: (n, k) @ (k, m) = (n, m)."""
    _of_rank("mm", input, mat2, (2, 2))
    return matmul(input, mat2)


@like_torch
def bmm(input, mat2):
    """The products of two stacks of matrices: (b, n, k) @ (b, k, m) = (b, n, m)."""
    _of_rank("bmm", input, mat2, (3, 3))
    if input.array.shape[0] != mat2.array.shape[0]:
        raise ShapeError(f"bmm: both stacks must be of one length, got {tuple(input.shape)} and {tuple(mat2.shape)}")
    return matmul(input, mat2)


@like_torch
def mv(input, vec):
    """A matrix times a vector: (n, k) @ (k,) = (n,)."""
    _of_rank("mv", input, vec, (2, 1))
    return matmul(input, vec)


@like_torch
def dot(input, tensor):
    """The product of two vectors: (k,) @ (k,) = ()."""
    _of_rank("dot", input, tensor, (1, 1))
    return matmul(input, tensor)


@like_torch
def outer(input, vec2):
    """z[i, j] = x[i] · y[j] of two vectors."""
    _of_rank("outer", input, vec2, (1, 1))
    return input.unsqueeze(1) * vec2.unsqueeze(0)


# einsum ------------------------------------------------------------------------------------------------------------------


def _einsum_forward(*xs, inputs, output, shapes):
    return of(xs[0]).einsum(f"{','.join(inputs)}->{output}", *xs)


def _einsum_rule(dz, position, xs, inputs, output, shapes):
    """An operand's gradient is an einsum too: of dz and the other operands, onto that operand's own letters.

    A letter that stands in this operand alone was summed away, so every position along it gets the same gradient.
    """
    mine, others = inputs[position], inputs[:position] + inputs[position + 1 :]
    found = "".join(c for c in mine if c in output or c in "".join(others))
    operands = (dz, *xs[:position], *xs[position + 1 :])
    letters = (output, *others)
    dx = _einsum(*operands, inputs=letters, output=found, shapes=tuple(x.shape for x in operands))
    lengths = dict(zip(found, dx.shape))
    dx = dx.reshape(tuple([lengths.get(c, 1) for c in mine]))
    return _expand(dx, shape=tuple([lengths.get(c, n) for c, n in zip(mine, shapes[position])]))


_einsum = Elementary("Einsum", _einsum_forward, _einsum_rule)


def einsum(equation, *operands):
    """A sum over shared indices: einsum("ik,kj->ij", x, y) is the matrix product."""
    if not isinstance(equation, str):
        equation, operands = _written_out(equation, *operands)
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = operands[0]
    inputs, output = _parse(equation.replace(" ", ""), operands)
    operands, inputs = zip(*[_without_repeats(x, letters) for x, letters in zip(operands, inputs)])
    shapes = tuple([x.array.shape for x in operands])
    if len({x.array.dtype for x in operands}) > 1:
        raise BadType(f"einsum: all operands must have one dtype, got {', '.join(str(x.dtype) for x in operands)}")
    try:
        return _einsum(*operands, inputs=tuple(inputs), output=output, shapes=shapes)
    except ValueError as error:
        raise ShapeError(f"einsum {equation!r} with shapes {', '.join(map(str, shapes))}: {error}") from None


def _written_out(*arguments):
    """The form einsum(x, [0, 1], y, [1, 2], [0, 2]) as an equation and operands."""
    word = lambda numbers: "".join("..." if n is Ellipsis else _LETTERS[n] for n in numbers)  # noqa: E731
    pairs = len(arguments) // 2
    equation = ",".join(word(arguments[2 * i + 1]) for i in range(pairs))
    return equation + (f"->{word(arguments[-1])}" if len(arguments) % 2 else ""), arguments[: 2 * pairs : 2]


_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def _parse(equation, operands):
    """The letters of each operand and of the output; an ellipsis is written out with letters that are not used."""
    left, arrow, output = equation.partition("->")
    inputs = left.split(",")
    if len(inputs) != len(operands) or not all(isinstance(x, Tensor) for x in operands):
        raise BadValue(f"einsum {equation!r} names {len(inputs)} operands, got {len(operands)}; all must be tensors")
    spare = "".join(c for c in _LETTERS if c not in equation)
    widths = [x.array.ndim - len(word.replace("...", "")) for word, x in zip(inputs, operands)]
    if any(w < 0 or w and "..." not in word for w, word in zip(widths, inputs)):
        raise ShapeError(f"einsum {equation!r}: the letters do not match shapes {', '.join(str(tuple(x.shape)) for x in operands)}")
    width = max(widths, default=0)
    inputs = [word.replace("...", spare[width - w : width]) for word, w in zip(inputs, widths)]
    output = output.replace("...", spare[:width]) if arrow else _implied(inputs, spare[:width])
    _check_output(equation, inputs, output)
    return inputs, output


def _implied(inputs, spare):
    """Without an arrow: the letters of the ellipsis, then those that occur once, in alphabetical order."""
    letters = "".join(inputs)
    return spare + "".join(sorted(c for c in set(letters) if letters.count(c) == 1 and c not in spare))


def _check_output(equation, inputs, output):
    if not all(c.isalpha() for c in "".join(inputs) + output):
        raise BadValue(f"einsum {equation!r}: only letters, commas, one '->' and '...' are allowed")
    if len(set(output)) != len(output) or not set(output) <= set("".join(inputs)):
        raise BadValue(f"einsum {equation!r}: each letter of the output must occur in an operand, and only once in the output")


def _without_repeats(x, letters):
    """A letter that occurs twice in one operand means its diagonal."""
    for c in letters:
        while letters.count(c) > 1:
            first, second = letters.index(c), letters.rindex(c)
            if x.array.shape[first] != x.array.shape[second]:
                raise ShapeError(f"einsum: {c!r} stands for lengths {x.array.shape[first]} and {x.array.shape[second]} in one operand")
            x = diagonal(x, 0, first, second)
            letters = letters[:first] + letters[first + 1 : second] + letters[second + 1 :] + c
    return x, letters
