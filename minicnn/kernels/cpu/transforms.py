"""Winograd's transforms of one tile: target = T · source · Tᵀ, for a vector of channels at a time, written in LLVM's language.

Winograd's convolution (`winograd.py`) multiplies small tiles of pixels by constant matrices from both sides. Each matrix has one side
that counts the six points 0, 1, -1, 2, -2, ∞ at which polynomials are evaluated. The rows of a point and of its negative differ only
in the signs of the odd powers, so both cost hardly more than one:

    even = Σ_{k even} T[1,k]·d[k],   odd = Σ_{k odd} T[1,k]·d[k],   out[1] = even + odd,   out[2] = even - odd

Six rows and six columns of 6x6 pixels take about 12 vector operations each, 144 in all, with 36 loads and 36 stores of vectors. What
bounds it: the adders, and the second-level cache where the tile is written to, about equally.
"""

from typing import NamedTuple

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .vector import I64, MACHINE, Writer, constant, loop

TILE = 4            # pixels of an output tile, each way
POINTS = 6          # pixels of an input tile, and points of evaluation
TAPS = 9            # weights of a 3x3 kernel

# The columns of A, B and G belong to the points 0, 1, -1, 2, -2, ∞; a superscript T is part of a name here.
AT = ((1, 1, 1, 1, 1, 0),
      (0, 1, -1, 2, -2, 0),
      (0, 1, 1, 4, 4, 0),
      (0, 1, -1, 8, -8, 1))
BT = ((4, 0, -5, 0, 1, 0),
      (0, -4, -4, 1, 1, 0),
      (0, 4, -4, -1, 1, 0),
      (0, -2, -1, 2, 1, 0),
      (0, 2, -1, -2, 1, 0),
      (0, 4, 0, -5, 0, 1))
G = ((1 / 4, 0, 0),
     (-1 / 6, -1 / 6, -1 / 6),
     (-1 / 6, 1 / 6, -1 / 6),
     (1 / 24, 1 / 12, 1 / 6),
     (1 / 24, -1 / 12, 1 / 6),
     (0, 0, 1))


class Transform(NamedTuple):
    matrix: tuple
    image: str          # which side is an image, whose tiles may reach over its edge: "source", "target" or ""
    apart: str          # on which side the channels are no neighbours, but a step apart


TRANSFORMS = {
    "input": Transform(BT, "source", ""),                               # 6x6 pixels -> 36 points
    "output": Transform(AT, "target", ""),                              # 36 points -> 4x4 pixels, plus the bias
    "output's gradient": Transform(tuple(zip(*AT)), "source", ""),      # 4x4 pixels -> 36 points
    "weights": Transform(G, "", "source"),                              # 3x3 weights -> 36 points
    "weights' gradient": Transform(tuple(zip(*G)), "", "target"),       # 36 points -> 3x3 weights
}


# One dimension ------------------------------------------------------------------------------------------------------------


def _splat(write, number):
    return ir.Constant(write.vector, [float(number)] * write.lanes)


def _sum(write, coefficients, values):
    """Σ coefficients[k] · values[k], without the terms that are 0."""
    total = None
    for number, value in sorted(((c, v) for c, v in zip(coefficients, values) if c), key=lambda term: term[0] != 1):
        if total is None:
            total = value if number == 1 else write.builder.fmul(_splat(write, number), value)
        else:
            total = _add(write, total, number, value)
    return total


def _add(write, total, number, value):
    """total + number · value"""
    if number in (1, -1):
        return (write.builder.fadd if number == 1 else write.builder.fsub)(total, value)
    return write.multiply_add(_splat(write, number), value, total)


def _halves(first, second):
    """What two rows (or columns) of opposite points have in common, and what differs in sign."""
    return [(a + b) / 2 for a, b in zip(first, second)], [(a - b) / 2 for a, b in zip(first, second)]


def _opposite_outputs(write, first, second, values):
    """The two rows of opposite points times the values."""
    even, odd = _halves(first, second)
    factor = next(abs(number) for number in odd if number)
    common, differing = _sum(write, even, values), _sum(write, [number / factor for number in odd], values)
    return [_add(write, common, factor, differing), _add(write, common, -factor, differing)]


def multiply(write, matrix, values):
    """matrix @ values, with vectors for values."""
    if len(matrix) == POINTS:
        ends = [_sum(write, matrix[end], values) for end in (0, -1)]
        pairs = [_opposite_outputs(write, *matrix[k : k + 2], values) for k in (1, 3)]
        return [ends[0], *pairs[0], *pairs[1], ends[1]]
    columns = list(zip(*matrix))
    folded, sums = [columns[0]], [values[0]]
    for k in (1, 3):
        folded += _halves(*columns[k : k + 2])
        sums += [_add(write, values[k], sign, values[k + 1]) for sign in (1, -1)]
    return [_sum(write, row, [*sums, values[-1]]) for row in zip(*folded, columns[-1])]


# Two dimensions -----------------------------------------------------------------------------------------------------------

# The function's arguments after its four pointers.
NUMBERS = ("source_row", "source_column", "source_channel", "target_row", "target_column", "target_channel", "channels",
           "top", "bottom", "left", "right", "turn_step", "turns")


def _transform_function(module, scalar, name):
    """The function that transforms one tile."""
    known = f"minicnn_{name.replace(' ', '_')}_{scalar}"
    if known in module.globals:
        return module.globals[known]
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [scalar.as_pointer()] * 4 + [I64] * len(NUMBERS)), known)
    function.linkage = "linkonce_odr"
    function.attributes.add("noinline")
    builder = ir.IRBuilder(function.append_basic_block())
    write = Writer(builder, scalar, MACHINE.lanes(4 if scalar == ir.FloatType() else 8))
    _write_transform(write, TRANSFORMS[name], *function.args[:4], dict(zip(NUMBERS, function.args[4:])))
    builder.ret_void()
    return function


def _pixels(write, pointer, rows, columns, row_step, column_step):
    """The addresses of a tile's pixels."""
    return [[write.at(pointer, write.builder.add(write.builder.mul(row_step, constant(i)),
                                                 write.builder.mul(column_step, constant(j)))) for j in range(columns)]
            for i in range(rows)]


def _inside(write, pixels, spare, n):
    """The addresses, with `spare` for the pixels outside of the image."""
    builder = write.builder

    def between(place, first, end):
        return builder.and_(builder.icmp_signed("<=", first, constant(place)), builder.icmp_signed("<", constant(place), end))

    rows = [between(i, n["top"], n["bottom"]) for i in range(len(pixels))]
    columns = [between(j, n["left"], n["right"]) for j in range(len(pixels[0]))]
    return [[builder.select(builder.and_(rows[i], columns[j]), pixel, spare) for j, pixel in enumerate(row)]
            for i, row in enumerate(pixels)]


def _load_taps(write, first, channel, offset):
    """The TAPS numbers of each channel from `first` on, one vector of channels for each tap: loaded as they lie, and transposed."""
    places, vectors = _apart(write, first, channel, offset), []
    for tap in range(0, TAPS, write.lanes):
        inside = write.first(constant(TAPS - tap))
        rows = [write.load_some(write.at(place, tap), inside) for place in places]
        vectors += write.transposed(rows)
    return vectors[:TAPS]


def _store_taps(write, vectors, first, channel, offset):
    """The opposite of `_load_taps`."""
    places, nothing = _apart(write, first, channel, offset), [ir.Constant(write.vector, None)] * write.lanes
    for tap in range(0, TAPS, write.lanes):
        inside = write.first(constant(TAPS - tap))
        for place, row in zip(places, write.transposed((vectors[tap:] + nothing)[: write.lanes])):
            write.store_some(row, write.at(place, tap), inside)


def _apart(write, pixel, channel, offset):
    """The addresses of a vector's channels."""
    return [write.at(pixel, offset(write.builder.add(channel, constant(lane)))) for lane in range(write.lanes)]


def _offsets(builder, n, side):
    """Where a channel lies: so many steps away. In the source two kinds may go by turns, where n["turns"] is 1 and not 0."""
    def one(channel):
        return builder.mul(n[f"{side}_channel"], channel)

    def by_turns(channel):
        return builder.add(one(builder.lshr(channel, n["turns"])), builder.mul(n["turn_step"], builder.and_(channel, n["turns"])))
    return by_turns if side == "source" else one


def _write_transform(write, transform, source, target, bias, spare, n):
    builder, (matrix, image, apart) = write.builder, transform
    sources = _pixels(write, source, len(matrix[0]), len(matrix[0]), n["source_row"], n["source_column"])
    targets = _pixels(write, target, len(matrix), len(matrix), n["target_row"], n["target_column"])
    if image == "source":
        sources = _inside(write, sources, spare, n)
    if image == "target":
        targets = _inside(write, targets, spare, n)
    source_offset, target_offset = (_offsets(builder, n, side) if side == apart else None for side in ("source", "target"))
    last = builder.sub(n["channels"], constant(write.lanes))
    backward = builder.icmp_signed("<", n["source_column"], constant(0))

    def columns_of(channel):
        """What is multiplied, column by column; taps may lie in the opposite order."""
        if source_offset is None:
            return ([write.load(write.at(pixel, channel)) for pixel in column] for column in zip(*sources))
        taps = _load_taps(write, builder.select(backward, sources[-1][-1], sources[0][0]), channel, source_offset)
        taps = [builder.select(backward, *pair) for pair in zip(taps[::-1], taps)]
        return [taps[column :: len(sources)] for column in range(len(sources))]

    def some_channels(values):
        """One vector of channels; the last one begins early enough to end with the pixel, and computes some channels again."""
        channel = builder.select(builder.icmp_signed("<", values[0], last), values[0], last)
        columns = [multiply(write, matrix, column) for column in columns_of(channel)]
        start = write.load(write.at(bias, channel)) if image == "target" else None
        results = ((multiply(write, matrix, row), places) for row, places in zip(zip(*columns), targets))
        if target_offset is not None:
            _store_taps(write, sum((row for row, _ in results), []), targets[0][0], channel, target_offset)
        for row, places in results:
            for value, place in zip(row, places):
                write.store(builder.fadd(value, start) if start else value, write.at(place, channel))
        return [builder.add(values[0], constant(write.lanes))]

    count = builder.sdiv(builder.add(n["channels"], constant(write.lanes - 1)), constant(write.lanes))
    loop(builder, count, [constant(0)], some_channels)


@intrinsic(prefer_literal=True)
def transform_tile(typingctx, name, source, source_first, source_steps, target, target_first, target_steps, channels, bias, bias_first,
                   spare, spare_first, box):
    """target[i,j,:] = Σ_{k,l} T[i,k] · T[j,l] · source[k,l,:], plus bias[:] for "output"; name says which of TRANSFORMS is T.

    The arrays are one-dimensional, of one dtype, and begin at their `_first` element; steps are (row, column, channel), in elements;
    ":" is `channels` numbers, at least a vector, neighbours but for the side that TRANSFORMS calls apart. Five steps of "weights",
    (..., turn, 1), say that channels of two kinds go by turns, the other kind's first a `turn` away. Of an image, only the pixels
    inside the box (top, bottom, left, right) exist, counted from the tile's first; for the others, `channels` numbers at `spare` are
    read (zeros) or overwritten. Channels apart have their TAPS numbers side by side, in this order or from the last to the first.
    Nothing is checked.
    """
    signature = types.void(name, source, source_first, source_steps, target, target_first, target_steps, channels, bias, bias_first,
                           spare, spare_first, box)

    def write(context, builder, signature, values):
        kinds = signature.args

        def number(value, kind):
            return context.cast(builder, value, kind, types.int64)

        def numbers(place):
            return [number(one, part) for one, part in zip(cgutils.unpack_tuple(builder, values[place]), kinds[place].types)]

        def pointer(place):
            array = context.make_array(kinds[place])(context, builder, values[place])
            return builder.gep(array.data, [number(values[place + 1], kinds[place + 1])])

        function = _transform_function(builder.module, context.get_data_type(source.dtype), name.literal_value)
        source_steps = [*numbers(3), constant(0), constant(0)][:5]
        builder.call(function, [*(pointer(place) for place in (1, 4, 8, 10)), *source_steps[:3], *numbers(6), number(values[7], kinds[7]),
                                *numbers(12), *source_steps[3:]])
        return context.get_dummy_value()

    return signature, write
