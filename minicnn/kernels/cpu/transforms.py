"""Winograd's transforms of one tile: target = T · source · Tᵀ, for a vector of channels at a time, written in LLVM's language.

Winograd's convolution (`winograd.py`) multiplies small tiles of pixels by constant matrices from both sides. Each matrix has one side
that counts the points at which polynomials are evaluated: for tiles of 4x4 pixels the six points 0, 1, -1, 2, -2, ∞. The rows of a point
and of its negative differ only in the signs of the odd powers, so both cost hardly more than one:

    even = Σ_{k even} T[1,k]·d[k],   odd = Σ_{k odd} T[1,k]·d[k],   out[1] = even + odd,   out[2] = even - odd

Six rows and six columns of 6x6 pixels take about 12 vector operations each, 144 in all, with 36 loads and 36 stores of vectors. What
bounds it: the adders, and the second-level cache where the tile is written to, about equally.
"""

from math import prod
from typing import NamedTuple

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .vector import I64, MACHINE, Writer, constant, loop

TILES = 4, 3, 2     # pixels of an output tile, each way
POINTS = {4: (0, 1, -1, 2, -2), 3: (0, 1, -1, 2), 2: (0, 1, -1)}        # for each, besides ∞: as many as an input tile has pixels
TAPS = 9            # weights of a 3x3 kernel


def matrices(points):
    """(Aᵀ, Bᵀ, G) for the points p[0], p[1], ... and ∞, to which their columns (A, B and G have rows) belong in this order.

    Aᵀ's column of p holds the powers of p, as many as a tile has pixels; G's row the first three, divided by Π_k (p - p[k]) over the other
    points; Bᵀ's row the coefficients of the polynomial Π_k (x - p[k]). At ∞ it is the highest power alone that counts.
    """
    size = len(points) - 1
    at = [[p**power for p in points] + [int(power == size - 1)] for power in range(size)]
    bt, g = [], []
    for p in points:
        others = [other for other in points if other != p]
        bt.append([*_product(others), 0])
        g.append([p**power / prod(p - other for other in others) for power in range(3)])
    return at, [*bt, _product(points)], [*g, [0, 0, 1]]


def _product(roots):
    """The coefficients of Π (x - root), the constant one first."""
    coefficients = [1]
    for root in roots:
        coefficients = [up - root * same for up, same in zip([0, *coefficients], [*coefficients, 0])]
    return coefficients


def _turned(matrix):
    return list(zip(*matrix))


class Transform(NamedTuple):
    matrix: tuple
    image: str          # which side is an image, whose tiles may reach over its edge: "source", "target" or ""
    apart: str          # on which side the channels are no neighbours, but a step apart


def transforms(tile):
    """{name: Transform} for tiles of so many pixels."""
    at, bt, g = matrices(POINTS[tile])
    return {
        "input": Transform(bt, "source", ""),                           # for 4x4 tiles: 6x6 pixels -> 36 points
        "output": Transform(at, "target", ""),                          # 36 points -> 4x4 pixels, plus the bias
        "output's gradient": Transform(_turned(at), "source", ""),      # 4x4 pixels -> 36 points
        "weights": Transform(g, "", "source"),                          # 3x3 weights -> 36 points
        "weights' gradient": Transform(_turned(g), "", "target"),       # 36 points -> 3x3 weights
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


def _opposite(count):
    """Of `count` points, ∞ among them, the places of those whose opposite comes next."""
    points = POINTS[count - 2]
    return [k for k in range(1, len(points) - 1) if points[k] == -points[k + 1]]


def multiply(write, matrix, values):
    """matrix @ values, with vectors for values."""
    rows, columns = len(matrix), len(matrix[0])
    opposite, k = _opposite(max(rows, columns)), 0
    if rows >= columns:
        results = []
        while k < rows:
            if k in opposite:
                results += _opposite_outputs(write, *matrix[k : k + 2], values)
            else:
                results.append(_sum(write, matrix[k], values))
            k += 1 + (k in opposite)
        return results
    by_point, folded, sums = _turned(matrix), [], []
    while k < columns:
        if k in opposite:
            folded += _halves(*by_point[k : k + 2])
            sums += [_add(write, values[k], sign, values[k + 1]) for sign in (1, -1)]
        else:
            folded.append(by_point[k])
            sums.append(values[k])
        k += 1 + (k in opposite)
    return [_sum(write, row, sums) for row in zip(*folded)]


# Two dimensions -----------------------------------------------------------------------------------------------------------

# The function's arguments after its four pointers.
NUMBERS = ("source_row", "source_column", "source_channel", "target_row", "target_column", "target_channel", "channels",
           "top", "bottom", "left", "right", "turn_step", "turns")


def _transform_function(module, scalar, name, tile):
    """The function that transforms one tile."""
    known = f"minicnn_{name.replace(' ', '_')}_{tile}_{scalar}"
    if known in module.globals:
        return module.globals[known]
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [scalar.as_pointer()] * 4 + [I64] * len(NUMBERS)), known)
    function.linkage = "linkonce_odr"
    function.attributes.add("noinline")
    builder = ir.IRBuilder(function.append_basic_block())
    write = Writer(builder, scalar, MACHINE.lanes(4 if scalar == ir.FloatType() else 8))
    _write_transform(write, transforms(tile)[name], *function.args[:4], dict(zip(NUMBERS, function.args[4:])))
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
def transform_tile(typingctx, name, tile, source, source_first, source_steps, target, target_first, target_steps, channels, bias,
                   bias_first, spare, spare_first, box):
    """target[i,j,:] = Σ_{k,l} T[i,k] · T[j,l] · source[k,l,:], plus bias[:] for "output"; T is that of a name in `transforms(tile)`.

    The arrays are one-dimensional, of one dtype, and begin at their `_first` element; steps are (row, column, channel), in elements;
    ":" is `channels` numbers, at least a vector, neighbours but for the side that is called apart there. Five steps of "weights",
    (..., turn, 1), say that channels of two kinds go by turns, the other kind's first a `turn` away. Of an image, only the pixels
    inside the box (top, bottom, left, right) exist, counted from the tile's first; for the others, `channels` numbers at `spare` are
    read (zeros) or overwritten. Channels apart have their TAPS numbers side by side, in this order or from the last to the first.
    Nothing is checked.
    """
    signature = types.void(name, tile, source, source_first, source_steps, target, target_first, target_steps, channels, bias, bias_first,
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

        which = number(values[1], kinds[1])
        function, *others = (_transform_function(builder.module, context.get_data_type(source.dtype), name.literal_value, size)
                             for size in TILES)
        for size, other in zip(TILES[1:], others):
            function = builder.select(builder.icmp_signed("==", which, constant(size)), other, function)
        source_steps = [*numbers(4), constant(0), constant(0)][:5]
        builder.call(function, [*(pointer(place) for place in (2, 5, 9, 11)), *source_steps[:3], *numbers(7), number(values[8], kinds[8]),
                                *numbers(13), *source_steps[3:]])
        return context.get_dummy_value()

    return signature, write
