"""The vector unit that Numba compiles for, and LLVM's words for what it does.

A CPU core computes fastest on *vectors*: one instruction multiplies and adds 16 floats (AVX-512), 8 (AVX2) or 4 (NEON, SSE). Numba
leaves it to LLVM to find vectors in plain loops. Where it would not find the best ones, the instructions are written here, in LLVM's
own language with vectors as a type, and linked into the loops that call them (Numba's `@intrinsic`): `tile.py` for matrix
products, `simd.py` for everything else.
"""

from typing import NamedTuple

from llvmlite import ir
from numba.core.registry import cpu_target

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
        return {1: 11, 2: 8, 3: 8}[vectors] if self.registers == 32 else {1: 10, 2: 6, 3: 4}[vectors]


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


def constant(n):
    return ir.Constant(I64, n)


def loop(builder, count, carried, body):
    """`for _ in range(count): carried = body(carried)`, the carried values staying in registers from pass to pass."""
    before = builder.block
    head, inside, after = (builder.append_basic_block(name) for name in ("head", "inside", "after"))
    builder.branch(head)
    builder.position_at_end(head)
    i, *values = phis = [builder.phi(value.type) for value in (constant(0), *carried)]
    builder.cbranch(builder.icmp_signed("<", i, count), inside, after)
    builder.position_at_end(inside)
    following = [builder.add(i, constant(1)), *body(values)]
    end = builder.block
    builder.branch(head)
    for phi, first, later in zip(phis, (constant(0), *carried), following):
        phi.add_incoming(first, before)
        phi.add_incoming(later, end)
    builder.position_at_end(after)
    return values


class Writer:
    """Writes vector operations for one type of numbers."""

    def __init__(self, builder, scalar, lanes):
        self.builder, self.scalar, self.lanes = builder, scalar, lanes
        self.vector = ir.VectorType(scalar, lanes)
        self.itemsize = 8 if scalar == ir.DoubleType() else 4
        self.suffix = f"v{lanes}{'i32' if scalar == I32 else f'f{8 * self.itemsize}'}"     # in the names of LLVM's own functions

    def _declared(self, name, result, arguments):
        """A function that LLVM itself provides."""
        found = self.builder.module.globals.get(name)
        return found or ir.Function(self.builder.module, ir.FunctionType(result, arguments), name)

    def at(self, pointer, offset):
        """The address `offset` numbers behind a pointer."""
        return self.builder.gep(pointer, [offset if isinstance(offset, ir.Value) else constant(offset)])

    def load(self, pointer):
        """One vector of consecutive numbers."""
        return self.builder.load(self.builder.bitcast(pointer, self.vector.as_pointer()), align=self.itemsize)

    def store(self, vector, pointer):
        self.builder.store(vector, self.builder.bitcast(pointer, self.vector.as_pointer()), align=self.itemsize)

    def store_past(self, vector, pointer):
        """To an address that is a multiple of the vector's size, past the caches: a line that is overwritten whole is not read before."""
        target = self.builder.bitcast(pointer, self.vector.as_pointer())
        done = self.builder.store(vector, target, align=self.lanes * self.itemsize)
        done.set_metadata("nontemporal", self.builder.module.add_metadata([ir.Constant(I32, 1)]))

    def first(self, count):
        """The mask of the first `count` lanes."""
        numbers = ir.Constant(ir.VectorType(I64, self.lanes), list(range(self.lanes)))
        return self.builder.icmp_signed("<", numbers, self.splat(count))

    def load_some(self, pointer, mask):
        """Only the lanes of the mask, 0 in the others."""
        source, zeros = self.builder.bitcast(pointer, self.vector.as_pointer()), ir.Constant(self.vector, None)
        load = self._masked("load", self.vector, [source.type, I32, mask.type, self.vector])
        return self.builder.call(load, [source, ir.Constant(I32, self.itemsize), mask, zeros])

    def store_some(self, vector, pointer, mask):
        """Only the lanes of the mask: the rest of memory belongs to the next pixel, maybe another thread's."""
        target = self.builder.bitcast(pointer, self.vector.as_pointer())
        store = self._masked("store", ir.VoidType(), [self.vector, target.type, I32, mask.type])
        self.builder.call(store, [vector, target, ir.Constant(I32, self.itemsize), mask])

    def _masked(self, what, result, arguments):
        return self._declared(f"llvm.masked.{what}.{self.suffix}.p0{'' if _opaque() else self.suffix}", result, arguments)

    def splat(self, number):
        """One number in every lane."""
        wide = ir.VectorType(number.type, self.lanes)
        one = self.builder.insert_element(ir.Constant(wide, ir.Undefined), number, ir.Constant(I32, 0))
        return self.builder.shuffle_vector(one, ir.Constant(wide, ir.Undefined),
                                           ir.Constant(ir.VectorType(I32, self.lanes), [0] * self.lanes))

    def splat_pair(self, pointer):
        """Two neighbouring numbers, by turns, in all lanes."""
        pair = ir.VectorType(self.scalar, 2)
        two = self.builder.load(self.builder.bitcast(pointer, pair.as_pointer()), align=self.itemsize)
        return self._shuffled(two, [0, 1] * (self.lanes // 2))

    def splat_single(self, pointer):
        """One number and 0, by turns."""
        pair = ir.Constant(ir.VectorType(self.scalar, 2), [0.0, 0.0])
        two = self.builder.insert_element(pair, self.builder.load(pointer), ir.Constant(I32, 0))
        return self._shuffled(two, [0, 1] * (self.lanes // 2))

    def add_pairs(self, vectors):
        """The sums of neighbouring lanes: one vector out of two, or half of one out of one."""
        one, other = vectors[0], vectors[-1]
        end = self.lanes * len(vectors)
        even, odd = (self._shuffled(one, list(range(first, end, 2)), other) for first in (0, 1))
        return self.builder.fadd(even, odd)

    def transposed(self, vectors):
        """As many vectors as lanes, the rows of a matrix -> its columns. Each pass interleaves those that lie half of them apart."""
        half = self.lanes // 2
        low, high = ([first + n // 2 + n % 2 * self.lanes for n in range(self.lanes)] for first in (0, half))
        for _ in range(self.lanes.bit_length() - 1):
            pairs = list(zip(vectors[:half], vectors[half:]))
            vectors = [self._shuffled(one, order, other) for one, other in pairs for order in (low, high)]
        return vectors

    def _shuffled(self, vector, numbers, other=None):
        other = ir.Constant(vector.type, ir.Undefined) if other is None else other
        return self.builder.shuffle_vector(vector, other, ir.Constant(ir.VectorType(I32, len(numbers)), numbers))

    def multiply_add(self, x, y, total):
        """x · y + total: one instruction where the CPU has it, else two."""
        if not MACHINE.fma:
            return self.builder.fadd(self.builder.fmul(x, y), total)
        return self.builder.call(self._declared(f"llvm.fma.{self.suffix}", self.vector, [self.vector] * 3), [x, y, total])


def _opaque():
    """Whether llvmlite writes pointers without the type of what they point to."""
    return str(ir.FloatType().as_pointer()) == "ptr"
