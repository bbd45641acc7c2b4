"""The micro-kernel: a small matrix product held in vector registers, which all convolutions spend their time in.

Two things keep a core from multiplying and adding a whole vector in every instruction. It must not wait for memory, so what is used
again stays in registers. And one multiply-add takes four cycles until its result can be used, while two can start in every cycle,
so at least eight independent sums must be under way. Both are had by computing a whole *register tile* at a time:

    c[m, :] = start[m, :] + Σ_{i,j,k} a[i, j, k, m] · b[i, j, k, :]       m = 0 .. rows-1,  ":" is `vectors` vectors wide

For each (i, j, k) the tile loads `vectors` vectors of b and broadcasts `rows` numbers of a, and does rows · vectors
multiply-adds with these rows + vectors loads. With 8 rows of 2 vectors that is 16 sums under way, and 16 multiply-adds for 10
loads: the multipliers are the limit, not the loads. The tile takes rows · vectors + vectors + 1 registers: 8x2 takes 19 of
AVX-512's 32. AVX2 has 16 registers only, and there 6x2 takes 15 of them.

In a convolution m counts neighbouring output pixels, ":" output channels, and (i, j, k) kernel row, kernel column and input channel.
With 16 channels or fewer the tile would be one vector wide, with a load for every multiply-add. There the k's go *in pairs*: a lane
for each (channel, one of two k's). One load broadcasts a[k] and a[k+1], and when all is summed up, neighbouring lanes are added. So
16 channels are two vectors, and 6 channels three quarters of one.

In the gradient of the weights, m and ":" count output channels and places in the window, and (i, j, k) images, rows and columns.

Numba's own loops would reach half of this speed: LLVM does not find such a tile by itself. So it is written here in LLVM's
language; `tiles.py` has it compiled.
"""

import itertools

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .vector import I64, MACHINE, Writer, constant, loop

UNROLL = 4              # steps of k without a jump between them
MAX_VECTORS = 3
MAX_ROWS = 15

# The tile's arguments after its four pointers: how often each loop runs, by how many numbers each step moves, and how many of the
# columns of c exist (the last tile of a row of channels may reach beyond them).
NUMBERS = ("i", "j", "k", "a_i", "a_j", "a_k", "a_m", "b_i", "b_j", "b_k", "c_m", "start_m", "columns")


class _Tile:
    """Writes the function that computes a tile of one size."""
    def __init__(self, module, scalar, rows, vectors, name):
        function = ir.Function(module, _type_of_tile(scalar), name)
        self.builder = ir.IRBuilder(function.append_basic_block())
        self.write = Writer(self.builder, scalar, MACHINE.lanes(4 if scalar == ir.FloatType() else 8))
        self.out = self.write                   # what writes a vector of results
        self.rows, self.vectors = rows, vectors
        a, b, c, start = function.args[:4]
        self.n = dict(zip(NUMBERS, function.args[4:]))
        self.three_rows = self.builder.mul(self.n["a_m"], constant(3))
        self.put_down(c, start, self.results(self.add_up(a, b)))
        self.builder.ret_void()

    def add_up(self, a, b):
        """The sums over (i, j, k), row by row, which stay in registers until the end."""
        def over(count, body, a_step, b_step):
            """A loop around another: where a and b begin moves by a step, the sums go on."""
            def one(values):
                inner = body(values)
                return [self.write.at(values[0], self.n[a_step]), self.write.at(values[1], self.n[b_step]), *inner[2:]]
            return lambda values: loop(self.builder, self.n[count], values, one)

        zeros = [ir.Constant(self.write.vector, [0.0] * self.write.lanes)] * (self.rows * self.vectors)
        return over("i", over("j", self.over_k, "a_j", "b_j"), "a_i", "b_i")([a, b, *zeros])[2:]

    def over_k(self, values):
        values = self.steps(self.n["k"], values)
        return loop(self.builder, self.builder.srem(self.n["k"], constant(UNROLL)), values, self.step)

    def steps(self, count, values):
        """All but the last few steps, UNROLL at a time."""
        def some(values):
            for _ in range(UNROLL):
                values = self.step(values)
            return values
        return loop(self.builder, self.builder.sdiv(count, constant(UNROLL)), values, some)

    def step(self, values):
        """One k: the outer product of a column of a and a row of b, added to the sums."""
        a = values[0]
        return self.multiplied(values, self.numbers, self.write.at(a, self.n["a_k"]))

    def numbers(self, pointer):
        """A number of a in all lanes, for each vector of b."""
        return [self.write.splat(self.builder.load(pointer))] * self.vectors

    def multiplied(self, values, numbers, a_next):
        """`numbers(pointer)` is what a row multiplies the vectors of b with."""
        write, (a, b, *sums) = self.write, values
        row_of_b = [write.load(write.at(b, v * write.lanes)) for v in range(self.vectors)]
        here = third = a                        # every third row, from where two more are one address away
        for m in range(self.rows):
            here = third if m % 3 == 0 else write.at(here, self.n["a_m"])
            factors = numbers(here)
            for v in range(self.vectors):
                place = m * self.vectors + v
                sums[place] = write.multiply_add(factors[v], row_of_b[v], sums[place])
            third = write.at(third, self.three_rows) if m % 3 == 2 else third
        return [a_next, write.at(b, self.n["b_k"]), *sums]

    def results(self, sums):
        """The rows of c as lists of vectors."""
        return [sums[m * self.vectors : (m + 1) * self.vectors] for m in range(self.rows)]

    def put_down(self, c, start, results):
        """c = start + results, in the columns that exist."""
        lanes = self.out.lanes
        places = [(m, v) for m, row in enumerate(results) for v in range(len(row))]

        def address(pointer, step, m, v):
            return self.out.at(self.out.at(pointer, self.builder.mul(self.n[step], constant(m))), v * lanes)

        def add_and_store(load, store):
            totals = [self.builder.fadd(results[m][v], load(address(start, "start_m", m, v), v)) for m, v in places]
            for total, (m, v) in zip(totals, places):
                store(total, address(c, "c_m", m, v), v)

        whole = self.builder.icmp_signed(">=", self.n["columns"], constant(len(results[0]) * lanes))
        with self.builder.if_else(whole) as (then, otherwise):
            with then:
                add_and_store(lambda place, v: self.out.load(place), lambda total, place, v: self.out.store(total, place))
            with otherwise:
                masks = [self.out.first(self.builder.sub(self.n["columns"], constant(v * lanes))) for v in range(len(results[0]))]
                add_and_store(lambda place, v: self.out.load_some(place, masks[v]),
                              lambda total, place, v: self.out.store_some(total, place, masks[v]))


class _TileOfPairs(_Tile):
    """The tile whose lanes are (channel, one of two k's). The k's of a lie one beside the other; b has zeros where k is odd."""

    def over_k(self, values):
        pairs = self.builder.sdiv(self.n["k"], constant(2))
        values = self.steps(pairs, values)
        values = loop(self.builder, self.builder.srem(pairs, constant(UNROLL)), values, self.step)
        return loop(self.builder, self.builder.srem(self.n["k"], constant(2)), values, self.single)

    def step(self, values):
        """Two k's."""
        return self.multiplied(values, lambda pointer: [self.write.splat_pair(pointer)] * self.vectors, self.write.at(values[0], 2))

    def single(self, values):
        """The last k of an odd number; what lies behind it in memory may be anything, and is left alone."""
        return self.multiplied(values, lambda pointer: [self.write.splat_single(pointer)] * self.vectors, self.write.at(values[0], 1))

    def results(self, sums):
        if self.vectors == 1:
            self.out = Writer(self.builder, self.write.scalar, self.write.lanes // 2)
        return [[self.write.add_pairs(row)] for row in super().results(sums)]


class _TileOfChannels(_Tile):
    """The tile of a depthwise convolution: a has a vector of its own for each vector of b, and nothing is summed over channels.

        c[m, :] = start[m, :] + Σ_{i,j,k} a[i, j, k, m, :] · b[i, j, k, :]

    There is a load for every multiply-add: the loads are the limit.
    """

    def numbers(self, pointer):
        return [self.write.load(self.write.at(pointer, v * self.write.lanes)) for v in range(self.vectors)]


PLAIN, PAIRS, CHANNELS = 0, 1, 2        # the kinds of tiles
KINDS = _Tile, _TileOfPairs, _TileOfChannels


# The table of tiles ---------------------------------------------------------------------------------------------------------------


def tallest(vectors):
    """The most rows of a plain tile: with AVX-512 two more than usual, which pays if it has few steps of k (`spread.py`)."""
    return 10 if (vectors, MACHINE.bytes) == (2, 64) else MACHINE.rows(vectors)


def sizes():
    """All (kind, rows, vectors) that a tile can have."""
    plain = [(PLAIN, rows, vectors) for vectors in range(1, MAX_VECTORS + 1) for rows in range(1, tallest(vectors) + 1)]
    others = itertools.product((PAIRS, CHANNELS), (1, 2))
    return plain + [(kind, rows, vectors) for kind, vectors in others for rows in range(1, MACHINE.rows(vectors) + 1)]


def name_of(scalar, kind, rows, vectors):
    """The name of a tile's function in machine code."""
    return f"minicnn_tile_{scalar}_{kind}_{rows}x{vectors}"


def write_tile(module, scalar, kind, rows, vectors):
    """Write the function that computes a tile of one kind and size."""
    KINDS[kind](module, scalar, rows, vectors, name_of(scalar, kind, rows, vectors))


TABLE = len(KINDS) * (MAX_VECTORS + 1) * (MAX_ROWS + 1)


def place_of(kind, rows, vectors):
    """Where a tile stands in the table of their addresses."""
    return (kind * (MAX_VECTORS + 1) + vectors) * (MAX_ROWS + 1) + rows


def name_of_table(scalar):
    return f"minicnn_tiles_{scalar}"


def _type_of_tile(scalar):
    return ir.FunctionType(ir.VoidType(), [scalar.as_pointer()] * 4 + [I64] * len(NUMBERS))


def _look_up(builder, scalar, kind, rows, vectors):
    """The tile of a kind and size, which may be known only when the kernel runs, by the table that `tiles.py` provides."""
    name, entry = name_of_table(scalar), _type_of_tile(scalar).as_pointer()
    table = builder.module.globals.get(name) or ir.GlobalVariable(builder.module, ir.ArrayType(entry, TABLE), name)
    row = builder.add(builder.mul(kind, constant(MAX_VECTORS + 1)), vectors)
    return builder.load(builder.gep(table, [constant(0), builder.add(builder.mul(row, constant(MAX_ROWS + 1)), rows)]))


@intrinsic
def multiply_tile(typingctx, kind, rows, vectors, a, a_first, b, b_first, c, c_first, start, start_first, counts, a_steps, b_steps,
                  c_step, start_step, columns):
    """c[m, :] = start[m, :] + Σ_{i,j,k} a[i,j,k,m] · b[i,j,k,:], with `rows` rows m and `vectors` vectors in ":".

    a, b, c, start are one-dimensional arrays of one dtype, and each begins at its `_first` element. counts are (I, J, K);
    a_steps (i, j, k, m), b_steps (i, j, k), c_step and start_step (m) say by how many elements a step moves. Only `columns`
    columns of start are read, and of c written. Nothing is checked.
    """
    signature = types.void(kind, rows, vectors, a, a_first, b, b_first, c, c_first, start, start_first, counts, a_steps, b_steps,
                           c_step, start_step, columns)

    def write(context, builder, signature, values):
        def number(value, kind):
            return context.cast(builder, value, kind, types.int64)

        def numbers(value, kind):
            return [number(one, part) for one, part in zip(cgutils.unpack_tuple(builder, value), kind.types)]

        def pointer(place):
            array = context.make_array(signature.args[place])(context, builder, values[place])
            return builder.gep(array.data, [number(values[place + 1], signature.args[place + 1])])

        given = list(zip(values, signature.args))
        arguments = [pointer(place) for place in (3, 5, 7, 9)]
        for one in given[11:14]:
            arguments += numbers(*one)
        arguments += [number(*one) for one in given[14:]]
        tile = _look_up(builder, context.get_data_type(a.dtype), *(number(*one) for one in given[:3]))
        builder.call(tile, arguments)
        return context.get_dummy_value()

    return signature, write
