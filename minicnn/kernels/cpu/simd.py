"""Vectors as values, for loops that LLVM does not turn into vector instructions well by itself.

    total = broadcast(x, 0.0)
    for r in range(rows):
        total += load(x, r * channels)              # as many numbers as a vector register holds, all at once

`load`, `store` and the arithmetic become one instruction each, for floats of either size; `lanes(x)` numbers of x's kind make a
vector. Where fewer are left, the operations with a *mask* touch only the lanes that it lets through. Nothing is checked: not the
bounds, and no index counts from the end.
"""

import operator

from llvmlite import ir
from numba import types
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model

from .vector import MACHINE, Writer, constant


class Vector(types.Type):
    """The numbers of one register."""

    def __init__(self, scalar):
        self.scalar = scalar
        super().__init__(f"Vector({scalar})")


class Mask(types.Type):
    """One truth value for each lane."""

    def __init__(self, scalar):
        self.scalar = scalar
        super().__init__(f"Mask({scalar})")


def _lanes(scalar):
    return MACHINE.lanes(scalar.bitwidth // 8)


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager, kind):
        scalar = ir.FloatType() if kind.scalar.bitwidth == 32 else ir.DoubleType()
        super().__init__(manager, kind, ir.VectorType(scalar, _lanes(kind.scalar)))


@register_model(Mask)
class _MaskModel(models.PrimitiveModel):
    def __init__(self, manager, kind):
        super().__init__(manager, kind, ir.VectorType(ir.IntType(1), _lanes(kind.scalar)))


def _writer(context, builder, scalar):
    return Writer(builder, context.get_data_type(scalar), _lanes(scalar))


def _place(context, builder, kind, array, index):
    """The address of a[i]."""
    return builder.gep(context.make_array(kind)(context, builder, array).data, [index])


def _storing(method, a):
    """What writes the code for (a, i, v): `method` of the writer puts v there; a mask may follow."""
    def write(context, builder, signature, values):
        method(_writer(context, builder, a.dtype), values[2], _place(context, builder, a, *values[:2]), *values[3:])
        return context.get_dummy_value()
    return write


# To and from memory ---------------------------------------------------------------------------------------------------------


@intrinsic
def lanes(typingctx, a):
    """How many of a's numbers make a vector."""
    count = _lanes(a.dtype)
    return types.intp(a), lambda context, builder, signature, values: ir.Constant(ir.IntType(64), count)


@intrinsic
def load(typingctx, a, i):
    """The vector a[i : i + lanes]."""
    def write(context, builder, signature, values):
        return _writer(context, builder, a.dtype).load(_place(context, builder, a, *values))
    return Vector(a.dtype)(a, types.intp), write


@intrinsic
def store(typingctx, a, i, v):
    """a[i : i + lanes] = v"""
    return types.void(a, types.intp, v), _storing(Writer.store, a)


@intrinsic
def store_past(typingctx, a, i, v):
    """a[i : i + lanes] = v past the caches, for large arrays: half the way over memory. The address must be a multiple of the vector's."""
    return types.void(a, types.intp, v), _storing(Writer.store_past, a)


@intrinsic
def first(typingctx, a, count):
    """The mask that lets the first `count` lanes through: all of them if there are fewer."""
    def write(context, builder, signature, values):
        return _writer(context, builder, a.dtype).first(values[1])
    return Mask(a.dtype)(a, types.intp), write


@intrinsic
def load_some(typingctx, a, i, mask):
    """a[i : i + lanes] where the mask lets it through, else 0; the rest of memory is not touched."""
    def write(context, builder, signature, values):
        return _writer(context, builder, a.dtype).load_some(_place(context, builder, a, *values[:2]), values[2])
    return Vector(a.dtype)(a, types.intp, mask), write


@intrinsic
def store_some(typingctx, a, i, v, mask):
    """a[i : i + lanes] = v where the mask lets it through."""
    return types.void(a, types.intp, v, mask), _storing(Writer.store_some, a)


@intrinsic
def broadcast(typingctx, a, number):
    """A vector for a's kind of numbers with the same number in each lane."""
    def write(context, builder, signature, values):
        one = context.cast(builder, values[1], number, a.dtype)
        return _writer(context, builder, a.dtype).splat(one)
    return Vector(a.dtype)(a, number), write


@intrinsic
def spread(typingctx, a, i):
    """A vector with a[i] in each lane."""
    def write(context, builder, signature, values):
        return _writer(context, builder, a.dtype).splat(builder.load(_place(context, builder, a, *values)))
    return Vector(a.dtype)(a, types.intp), write


# Arithmetic -----------------------------------------------------------------------------------------------------------------


def _arithmetic(symbol, instruction):
    """v + w and its like for vectors."""
    @infer_global(symbol)
    class _Vectors(AbstractTemplate):
        key = symbol

        def generic(self, arguments, _):
            if len(arguments) == 2 and isinstance(arguments[0], Vector) and arguments[0] == arguments[1]:
                return signature(arguments[0], *arguments)

    @lower_builtin(symbol, Vector, Vector)
    def write(context, builder, signature, values):
        return getattr(builder, instruction)(*values)


for _symbol, _instruction in {operator.add: "fadd", operator.sub: "fsub", operator.mul: "fmul",
                              operator.iadd: "fadd", operator.isub: "fsub", operator.imul: "fmul"}.items():
    _arithmetic(_symbol, _instruction)


@intrinsic
def multiply_add(typingctx, x, y, total):
    """x · y + total"""
    def write(context, builder, signature, values):
        return _writer(context, builder, x.scalar).multiply_add(*values)
    return x(x, y, total), write


@intrinsic
def transpose(typingctx, a, i, a_step, rows, columns, b, j, b_step, width, plus):
    """b[j + c·b_step + r] = a[i + r·a_step + c] + plus[r] for c < columns and r < width; a's rows from `rows` on count as 0.

    Of each, at most as many as there are lanes.
    """
    def write(context, builder, signature, values):
        i, a_step, rows, columns, j, b_step, width = (values[n] for n in (1, 2, 3, 4, 6, 7, 8))
        writer = _writer(context, builder, a.dtype)
        count, source, target = writer.lanes, _place(context, builder, a, values[0], i), _place(context, builder, b, values[5], j)
        whole = [builder.icmp_signed(">=", limit, constant(count)) for limit in (rows, columns, width)]

        def move(load, store):
            vectors = [load(writer.at(source, builder.mul(a_step, constant(r))), r) for r in range(count)]
            for c, vector in enumerate(writer.transposed(vectors)):
                store(builder.fadd(vector, values[9]), writer.at(target, builder.mul(b_step, constant(c))), c)

        def some(number, limit, mask):
            none = ir.Constant(ir.VectorType(ir.IntType(1), count), None)
            return builder.select(builder.icmp_signed("<", constant(number), limit), mask, none)

        with builder.if_else(builder.and_(whole[0], builder.and_(*whole[1:]))) as (then, otherwise):
            with then:
                move(lambda place, r: writer.load(place), lambda vector, place, c: writer.store(vector, place))
            with otherwise:
                inside, outside = writer.first(columns), writer.first(width)
                move(lambda place, r: writer.load_some(place, some(r, rows, inside)),
                     lambda vector, place, c: writer.store_some(vector, place, some(c, columns, outside)))
        return context.get_dummy_value()
    return types.void(a, *[types.intp] * 4, b, *[types.intp] * 3, plus), write


# Comparisons ----------------------------------------------------------------------------------------------------------------


@intrinsic
def above(typingctx, x, y):
    """The mask of x > y; also where one of the two is NaN."""
    return Mask(x.scalar)(x, y), lambda context, builder, signature, values: builder.fcmp_unordered(">", *values)


@intrinsic
def wins(typingctx, x, best):
    """The mask of x > best; also where x is NaN, and not where best is."""
    def write(context, builder, signature, values):
        x, best = values
        return builder.or_(builder.fcmp_ordered(">", x, best), builder.fcmp_unordered("uno", x, x))
    return Mask(x.scalar)(x, best), write


@intrinsic
def select(typingctx, mask, x, y):
    """x where the mask lets it through, else y."""
    return x(mask, x, y), lambda context, builder, signature, values: builder.select(*values)


@intrinsic
def same(typingctx, x, y):
    """The mask of x = y."""
    return Mask(x.scalar)(x, y), lambda context, builder, signature, values: builder.fcmp_ordered("==", *values)


# Whole numbers, which are int32 in memory and floats in a register --------------------------------------------------------------


@intrinsic
def load_numbers(typingctx, a, i, mask, like):
    """a[i : i + lanes] of int32 as numbers of `like`'s kind, where the mask lets them through."""
    def write(context, builder, signature, values):
        numbers = Writer(builder, ir.IntType(32), _lanes(like.dtype))
        whole = numbers.load_some(_place(context, builder, a, *values[:2]), values[2])
        return builder.sitofp(whole, context.get_value_type(Vector(like.dtype)))
    return Vector(like.dtype)(a, types.intp, mask, like), write


@intrinsic
def store_numbers(typingctx, a, i, v, mask):
    """a[i : i + lanes] = v as int32 where the mask lets it through."""
    def write(context, builder, signature, values):
        numbers = Writer(builder, ir.IntType(32), _lanes(v.scalar))
        numbers.store_some(builder.fptosi(values[2], numbers.vector), _place(context, builder, a, *values[:2]), values[3])
        return context.get_dummy_value()
    return types.void(a, types.intp, v, mask), write
