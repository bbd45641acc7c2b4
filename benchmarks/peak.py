"""The most multiply-adds that this CPU does in a second: independent sums in vector registers, and no memory at all.

    python benchmarks/peak.py

What a convolution reaches is judged as a share of it: it is what the multipliers do when nothing else is in their way. CPUs change
their clock with load and heat, so other scripts measure it in turns with what they compare to it.
"""

from concurrent.futures import ThreadPoolExecutor

import numba
from common import cores, take_turns
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from minicnn.kernels.cpu.vector import MACHINE

SUMS = 12                       # under way at once: a result takes four cycles, two instructions start in each, and AVX2 has 16 registers
STEPS = 1_000_000


@intrinsic
def multiply_add(typingctx, steps):
    """`steps` times, for each of SUMS vectors: sum = sum · 0.5 + 1. Returns a number that depends on all of them."""
    def write(context, builder, signature, values):
        vector = ir.VectorType(ir.FloatType(), MACHINE.lanes(4))
        half, one = (ir.Constant(vector, [number] * vector.count) for number in (0.5, 1.0))
        places = [cgutils.alloca_once_value(builder, one) for _ in range(SUMS)]         # LLVM turns them into registers
        with cgutils.for_range(builder, values[0]):
            for place in places:
                builder.store(_fused(builder, builder.load(place), half, one), place)
        total = one
        for place in places:
            total = builder.fadd(total, builder.load(place))
        return builder.extract_element(total, ir.Constant(ir.IntType(32), 0))

    return types.float32(types.int64), write


def _fused(builder, x, y, z):
    """x · y + z: one instruction where the CPU has it, else two."""
    if not MACHINE.fma:
        return builder.fadd(builder.fmul(x, y), z)
    name = f"llvm.fma.v{x.type.count}f32"
    function = builder.module.globals.get(name) or ir.Function(builder.module, ir.FunctionType(x.type, [x.type] * 3), name)
    return builder.call(function, [x, y, z])


@numba.njit(nogil=True)
def work(steps):
    return multiply_add(steps)


class Peak:
    """Called, it does `gflop` thousand millions of float32 additions and multiplications in so many threads."""

    def __init__(self, threads):
        work(1)
        self.threads, self.pool, self.gflops = threads, ThreadPoolExecutor(threads), 0
        self.gflop = 2e-9 * threads * STEPS * SUMS * MACHINE.lanes(4)

    def __call__(self):
        list(self.pool.map(work, [STEPS] * self.threads))

    def saw(self, times):
        """Keep the best speed: whatever else goes on can only lower it."""
        self.gflops = max(self.gflops, self.gflop / min(times))


def main():
    for threads in sorted({1, cores()}):
        peak = Peak(threads)
        peak.saw(take_turns({"peak": peak}, 1)["peak"])
        print(f"{threads} threads: {peak.gflops:.0f} GF/s, vectors of {MACHINE.bytes} bytes")


if __name__ == "__main__":
    main()
