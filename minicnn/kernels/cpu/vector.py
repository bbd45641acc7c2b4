"""The micro-kernel: a small matrix product held in vector registers, which all convolutions spend their time in.

A CPU core computes fastest on *vectors*: one instruction multiplies and adds 16 floats (AVX-512), 8 (AVX2) or 4 (NEON, SSE).
Two things keep it from doing so. It must not wait for memory, so what is used again stays in registers. And one multiply-add
takes four cycles until its result can be used, while two can start in every cycle, so at least eight independent sums must be
under way. Both are had by computing a whole *register tile* at a time:

    c[m, :] = start[m, :] + Σ_{i,j,k} a[i, j, k, m] · b[i, j, k, :]       m = 0 .. rows-1,  ":" is `vectors` vectors wide

For each (i, j, k) the tile loads `vectors` vectors of b and broadcasts `rows` numbers of a, and does rows · vectors
multiply-adds with these rows + vectors loads. With 8 rows of 2 vectors that is 16 sums under way, and 16 multiply-adds for 10
loads: the multipliers are the limit, not the loads. The tile takes rows · vectors + vectors + 1 registers: 8x2 takes 19 of
AVX-512's 32. AVX2 has 16 registers only, and there 6x2 takes 15 of them.

In a forward convolution m counts neighbouring output pixels, ":" output channels, and (i, j, k) kernel row, kernel column and
input channel. In the gradient of the weights, m counts input channels and (i, j, k) runs over images, rows and columns.

Numba's own loops would reach half of this speed: LLVM does not find such a tile by itself. So the tile is written here in
LLVM's language, with vectors as a type, and the loops call it (an `@intrinsic`); `tiles.py` has it compiled.
"""

from typing import NamedTuple

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.registry import cpu_target
from numba.extending import intrinsic

UNROLL = 4              # steps of k without a jump between them
MAX_VECTORS = 2
TABLE_ROWS = 16         # more than any tile has

I32, I64 = ir.IntType(32), ir.IntType(64)


# What the CPU has ---------------------------------------------------------------------------------------------------------


class Machine(NamedTuple):
    """The vector unit that Numba compiles for."""

    bytes: int          # width of a vector register
    registers: int
    fma: bool           # multiplies and adds in one instruction

    def lanes(self, itemsize):
        """How many numbers of `itemsize` bytes a vector holds."""
        return self.bytes // itemsize

    def rows(self, vectors):
        """The most rows of a tile: as many as the registers allow; one vector wide, as many as addresses can be kept for."""
        return {1: 11, 2: 8}[vectors] if self.registers == 32 else {1: 10, 2: 6}[vectors]


def _machine():
    """By the features that Numba compiles for: NUMBA_CPU_FEATURES counts, not only what the computer has."""
    triple, _, features = cpu_target.target_context.codegen().magic_tuple()
    has = set(features.split(","))
    if "+avx512f" in has:
        return Machine(64, 32, True)
    if "+avx" in has:
        return Machine(32, 16, "+fma" in has)
    arm = triple.startswith(("aarch64", "arm64"))
    return Machine(16, 32 if arm else 16, arm)


MACHINE = _machine()


# Writing LLVM's language --------------------------------------------------------------------------------------------------


def _constant(n):
    return ir.Constant(I64, n)


def _loop(builder, count, carried, body):
    """`for _ in range(count): carried = body(carried)`, the carried values staying in registers from pass to pass."""
    before = builder.block
    head, inside, after = (builder.append_basic_block(name) for name in ("head", "inside", "after"))
    builder.branch(head)
    builder.position_at_end(head)
    i, *values = phis = [builder.phi(value.type) for value in (_constant(0), *carried)]
    builder.cbranch(builder.icmp_signed("<", i, count), inside, after)
    builder.position_at_end(inside)
    following = [builder.add(i, _constant(1)), *body(values)]
    end = builder.block
    builder.branch(head)
    for phi, first, later in zip(phis, (_constant(0), *carried), following):
        phi.add_incoming(first, before)
        phi.add_incoming(later, end)
    builder.position_at_end(after)
    return values


class _Writer:
    """Writes one tile function: the vector operations for one type of numbers."""

    def __init__(self, builder, scalar, lanes):
        self.builder, self.scalar, self.lanes = builder, scalar, lanes
        self.vector = ir.VectorType(scalar, lanes)
        self.itemsize = 4 if scalar == ir.FloatType() else 8

    def _declared(self, name, result, arguments):
        """A function that LLVM itself provides."""
        found = self.builder.module.globals.get(name)
        return found or ir.Function(self.builder.module, ir.FunctionType(result, arguments), name)

    def at(self, pointer, offset):
        """The address `offset` numbers behind a pointer."""
        return self.builder.gep(pointer, [offset if isinstance(offset, ir.Value) else _constant(offset)])

    def load(self, pointer):
        """One vector of consecutive numbers."""
        return self.builder.load(self.builder.bitcast(pointer, self.vector.as_pointer()), align=self.itemsize)

    def store(self, vector, pointer):
        self.builder.store(vector, self.builder.bitcast(pointer, self.vector.as_pointer()), align=self.itemsize)

    def store_first(self, vector, pointer, count):
        """Only the first `count` numbers of a vector: the rest of memory belongs to the next pixel, maybe another thread's."""
        suffix = f"v{self.lanes}f{8 * self.itemsize}"
        numbers = ir.Constant(ir.VectorType(I64, self.lanes), list(range(self.lanes)))
        mask = self.builder.icmp_signed("<", numbers, self.splat(count))
        target = self.builder.bitcast(pointer, self.vector.as_pointer())
        masked = self._declared(f"llvm.masked.store.{suffix}.p0{'' if _opaque() else suffix}", ir.VoidType(),
                                [self.vector, target.type, I32, mask.type])
        self.builder.call(masked, [vector, target, ir.Constant(I32, self.itemsize), mask])

    def splat(self, number):
        """One number in every lane."""
        wide = ir.VectorType(number.type, self.lanes)
        one = self.builder.insert_element(ir.Constant(wide, ir.Undefined), number, ir.Constant(I32, 0))
        return self.builder.shuffle_vector(one, ir.Constant(wide, ir.Undefined),
                                           ir.Constant(ir.VectorType(I32, self.lanes), [0] * self.lanes))

    def multiply_add(self, x, y, total):
        """x · y + total: one instruction where the CPU has it, else two."""
        if not MACHINE.fma:
            return self.builder.fadd(self.builder.fmul(x, y), total)
        name = f"llvm.fma.v{self.lanes}f{8 * self.itemsize}"
        return self.builder.call(self._declared(name, self.vector, [self.vector] * 3), [x, y, total])


def _opaque():
    """Whether llvmlite writes pointers without the type of what they point to."""
    return str(ir.FloatType().as_pointer()) == "ptr"


# The tile -----------------------------------------------------------------------------------------------------------------

# The tile's arguments after its four pointers: how often each loop runs, by how many numbers each step moves, and how many of the
# columns of c exist (the last tile of a row of channels may reach beyond them).
NUMBERS = ("i", "j", "k", "a_i", "a_j", "a_k", "a_m", "b_i", "b_j", "b_k", "c_m", "start_m", "columns")


def tile_name(scalar, rows, vectors):
    return f"minicnn_tile_{scalar}_{rows}x{vectors}"


def write_tile(module, scalar, rows, vectors):
    """Writes the function that computes a tile of one size."""
    pointer = scalar.as_pointer()
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [pointer] * 4 + [I64] * len(NUMBERS)),
                           tile_name(scalar, rows, vectors))
    builder = ir.IRBuilder(function.append_basic_block())
    lanes = MACHINE.lanes(4 if scalar == ir.FloatType() else 8)
    a, b, c, start = function.args[:4]
    _write_tile(_Writer(builder, scalar, lanes), rows, vectors, a, b, c, start, dict(zip(NUMBERS, function.args[4:])))
    builder.ret_void()


def _write_tile(write, rows, vectors, a, b, c, start, n):
    builder = write.builder
    places = [(m, v) for m in range(rows) for v in range(vectors)]
    a_3m = builder.mul(n["a_m"], _constant(3))
    zeros = [ir.Constant(write.vector, [0.0] * write.lanes)] * len(places)

    def step(values):
        """One k: the outer product of a column of a and a row of b, added to the sums."""
        a, b, *sums = values
        row_of_b = [write.load(write.at(b, v * write.lanes)) for v in range(vectors)]
        here = third = a                                    # every third row, from where two more are one address away
        for m in range(rows):
            here = third if m % 3 == 0 else write.at(here, n["a_m"])
            number = write.splat(builder.load(here))
            for v in range(vectors):
                sums[m * vectors + v] = write.multiply_add(number, row_of_b[v], sums[m * vectors + v])
            third = write.at(third, a_3m) if m % 3 == 2 else third
        return [write.at(a, n["a_k"]), write.at(b, n["b_k"]), *sums]

    def steps(values):
        for _ in range(UNROLL):
            values = step(values)
        return values

    def over_k(values):
        values = _loop(builder, builder.sdiv(n["k"], _constant(UNROLL)), values, steps)
        return _loop(builder, builder.srem(n["k"], _constant(UNROLL)), values, step)

    def over(count, body, a_step, b_step):
        """A loop around another: where a and b begin moves by a step, the sums go on."""
        def one(values):
            inner = body(values)
            return [write.at(values[0], n[a_step]), write.at(values[1], n[b_step]), *inner[2:]]
        return lambda values: _loop(builder, n[count], values, one)

    over_all = over("i", over("j", over_k, "a_j", "b_j"), "a_i", "b_i")
    def place(pointer, step, m, v):
        return write.at(write.at(pointer, builder.mul(n[step], _constant(m))), v * write.lanes)

    sums = over_all([a, b, *zeros])[2:]
    sums = [builder.fadd(total, write.load(place(start, "start_m", m, v))) for total, (m, v) in zip(sums, places)]
    targets = [place(c, "c_m", m, v) for m, v in places]
    whole = builder.icmp_signed(">=", n["columns"], _constant(vectors * write.lanes))
    with builder.if_else(whole) as (then, otherwise):
        with then:
            for total, target in zip(sums, targets):
                write.store(total, target)
        with otherwise:
            for total, target, (_, v) in zip(sums, targets, places):
                write.store_first(total, target, builder.sub(n["columns"], _constant(v * write.lanes)))


def sizes():
    """All (rows, vectors) that a tile can have."""
    return [(rows, vectors) for vectors in range(1, MAX_VECTORS + 1) for rows in range(1, MACHINE.rows(vectors) + 1)]


def place(rows, vectors):
    """Where the tile of a size stands in the table of their addresses; also for numbers that are not known before the kernel runs."""
    return vectors * TABLE_ROWS + rows


def _look_up(builder, scalar, rows, vectors):
    """The tile of a size, by the table that `tiles.py` provides under this name."""
    kind = ir.FunctionType(ir.VoidType(), [scalar.as_pointer()] * 4 + [I64] * len(NUMBERS))
    name, module = f"minicnn_tiles_{scalar}", builder.module
    table = module.globals.get(name) or ir.GlobalVariable(module, ir.ArrayType(kind.as_pointer(), TABLE_ROWS * (MAX_VECTORS + 1)), name)
    number = builder.add(builder.mul(vectors, _constant(TABLE_ROWS)), rows)
    return builder.load(builder.gep(table, [_constant(0), number]))


@intrinsic
def multiply_tile(typingctx, rows, vectors, a, a_first, b, b_first, c, c_first, start, start_first, counts, a_steps, b_steps,
                  c_step, start_step, columns):
    """c[m, :] = start[m, :] + Σ_{i,j,k} a[i,j,k,m] · b[i,j,k,:], with `rows` rows m and `vectors` vectors in ":".

    a, b, c, start are one-dimensional arrays of one dtype, and each begins at its `_first` element. counts are (I, J, K);
    a_steps (i, j, k, m), b_steps (i, j, k), c_step and start_step (m) say by how many elements a step moves. Only `columns`
    columns of c are written. Nothing is checked.
    """
    signature = types.void(rows, vectors, a, a_first, b, b_first, c, c_first, start, start_first, counts, a_steps, b_steps,
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
        scalar = context.get_data_type(a.dtype)
        arguments = [pointer(place) for place in (2, 4, 6, 8)]
        for one in given[10:13]:
            arguments += numbers(*one)
        arguments += [number(*one) for one in given[13:]]
        builder.call(_look_up(builder, scalar, number(*given[0]), number(*given[1])), arguments)
        return context.get_dummy_value()

    return signature, write
