"""Steps of optimizers on a GPU: one launch moves all parameters of a group, wherever they and their gradients lie.

The kernel's argument is a table with the addresses, passed by value: what a launch is given travels with it, so that nothing is copied
to the GPU before, although gradients lie elsewhere in each step. An argument may have 4096 bytes; more parameters than that take
another launch. Rules and the rows' columns are those of `kernels/cpu/steps.py`. Bounded by memory, each element read and written once.
"""

from functools import cache

import cupy
import numpy as np

BLOCK, THREADS = 1024, 256      # elements that a block of threads moves; a thread moves every THREADS-th of them
PARAMETERS = 60                 # of a launch
KEPT = 3                        # arrays at most that are kept of a parameter
NUMBERS = 9                     # options at most

_KERNEL = r"""
// Row r of the table: the parameter has `size` elements, and the blocks first .. first of the next row - 1 move it.
struct Table {
    long long rows, kept, size[PARAMETERS], first[PARAMETERS];
    T *p[PARAMETERS], *kept_at[KEPT][PARAMETERS];
    const T* g[PARAMETERS];
    T n[NUMBERS];
};

extern "C" __global__ void steps(const Table table) {
    int row = 0, end = (int)table.rows;                                 // the last row whose first block is not after this one
    while (end - row > 1) {
        const int middle = (row + end) / 2;
        if (table.first[middle] <= blockIdx.x) row = middle; else end = middle;
    }
    const T* n = table.n;
    const long long start = (blockIdx.x - table.first[row]) * BLOCK;
    const long long stop = start + BLOCK < table.size[row] ? start + BLOCK : table.size[row];
    T *p = table.p[row], *first = table.kept_at[0][row], *second = table.kept_at[1][row], *third = table.kept_at[2][row];
    for (long long i = start + threadIdx.x; i < stop; i += THREADS) {
        T theta = p[i];
        T g = n[0] * table.g[row][i];
        RULE
        p[i] = theta;
    }
}
"""

# Each rule computes theta from theta and g = ±∇f. `first`, `second` and `third` are the arrays that are kept, in the rows' order.
_SGD = """
        g += theta * n[1];                                              // n: sign, λ, μ, 1 - τ, γ, whether Nesterov's
        if (n[2] != 0) {
            const T b = first[i] = first[i] * n[2] + g * n[3];
            g = n[5] != 0 ? g + b * n[2] : b;
        }
        theta -= g * n[4];
"""
_ADAM = """
        theta *= n[2];                                                  // n: sign, λ, shrink, 1 - β₁, β₂, 1 - β₂, √(1 - β₂ᵗ), ε, rate
        g += theta * n[1];
        const T m = first[i] += (g - first[i]) * n[3];
        T v = second[i] = second[i] * n[4] + g * n[5] * g;
        if (table.kept == 3) v = third[i] = v > third[i] || v != v ? v : third[i];      // AMSGrad
        theta -= m / (sqrt(v) / n[6] + n[7]) * n[8];
"""
_RMSPROP = """
        g += theta * n[1];                                              // n: sign, λ, α, 1 - α, ε, μ, γ, whether centered
        T s = first[i] = first[i] * n[2] + g * n[3] * g;
        if (n[7] != 0) {
            T* means = n[5] == 0 ? second : third;
            const T mean = means[i] += (g - means[i]) * n[3];
            s -= mean * mean;
            if (s < 0) s = 0;
        }
        g /= sqrt(s) + n[4];
        if (n[5] != 0) g = second[i] = second[i] * n[5] + g;
        theta -= g * n[6];
"""


def sgd_steps(rows, numbers):
    """Many steps of `optim.sgd.sgd`; a row ends with the address of the buffer where there is momentum."""
    _launch("sgd", rows, numbers)


def adam_steps(rows, numbers):
    """Many steps of `optim.adam.adam`; a row ends with the addresses of m, v and, with AMSGrad, v_max."""
    _launch("adam", rows, numbers)


def rmsprop_steps(rows, numbers):
    """Many steps of `optim.rmsprop.rmsprop`; a row ends with the addresses of s, the momentum's buffer and the mean, if any."""
    _launch("rmsprop", rows, numbers)


_RULES = {"sgd": _SGD, "adam": _ADAM, "rmsprop": _RMSPROP}


@cache
def _compiled(rule, kind):
    names = {"PARAMETERS": PARAMETERS, "KEPT": KEPT, "NUMBERS": NUMBERS, "BLOCK": BLOCK, "THREADS": THREADS}
    head = f"typedef {'float' if kind == 'f' else 'double'} T;\n" + "".join(f"#define {name} {value}\n" for name, value in names.items())
    return cupy.RawKernel(head + _KERNEL.replace("RULE", _RULES[rule]), "steps")


@cache
def _layout(kind):
    """The struct Table as NumPy writes it."""
    return np.dtype([("rows", "i8"), ("kept", "i8"), ("size", "i8", PARAMETERS), ("first", "i8", PARAMETERS), ("p", "i8", PARAMETERS),
                     ("kept_at", "i8", (KEPT, PARAMETERS)), ("g", "i8", PARAMETERS), ("n", kind, NUMBERS)], align=True)


def _launch(rule, rows, numbers):
    """rows (P, columns) of int64 and numbers (kinds, columns), both in the computer's own memory: those of one kind together."""
    for kind in range(len(numbers)):
        of_kind = rows[rows[:, 1] == kind * numbers.shape[1]]
        for start in range(0, len(of_kind), PARAMETERS):
            _launch_some(rule, of_kind[start : start + PARAMETERS], numbers[kind])


def _launch_some(rule, rows, numbers):
    count, table = len(rows), np.zeros((), _layout(numbers.dtype.char))
    blocks = -(-rows[:, 0] // BLOCK)
    table["rows"], table["kept"] = count, rows.shape[1] - 4
    table["size"][:count], table["p"][:count], table["g"][:count] = rows[:, 0], rows[:, 2], rows[:, 3]
    table["first"][:count] = blocks.cumsum() - blocks
    table["kept_at"][: rows.shape[1] - 4, :count] = rows[:, 4:].T
    table["n"][: len(numbers)] = numbers
    _compiled(rule, numbers.dtype.char)((int(blocks.sum()),), (THREADS,), (table,))
