"""Dropout's mask on a GPU: Philox4x32-10, the same bits as in `kernels/philox.py`. A thread computes the four words of one counter."""

from math import prod

import cupy
import numpy as np

from ..philox import LOW, MULTIPLIERS, ROUNDS, WEYL, threshold

_mask = cupy.ElementwiseKernel(
    "uint32 key, uint32 other_key, uint32 least, int64 count", "raw bool mask",
    """
    // Thread i is counter i: elements 4i .. 4i + 3 of the mask, true where their word is at least the threshold.
    unsigned a = (unsigned)i, b = (unsigned)((unsigned long long)i >> 32), c = 0, d = 0, first = key, second = other_key;
    for (int turn = 0; turn < ROUNDS; turn++) {
        const unsigned long long left = (unsigned long long)a * LEFT, right = (unsigned long long)c * RIGHT;
        a = (unsigned)(right >> 32) ^ b ^ first;
        b = (unsigned)right;
        c = (unsigned)(left >> 32) ^ d ^ second;
        d = (unsigned)left;
        first += FIRST;
        second += SECOND;
    }
    const unsigned words[] = {a, b, c, d};
    for (long long k = 0, at = 4 * (long long)i; k < 4 && at < count; k++, at++) mask[at] = words[k] >= least;
    """, "minicnn_dropout_mask",
    preamble="".join(f"#define {name} {value}u\n" for name, value in zip(
        ("ROUNDS", "LEFT", "RIGHT", "FIRST", "SECOND"), (ROUNDS, *MULTIPLIERS, *WEYL))))


def dropout_mask(key, shape, p, like):
    """A bool array of a shape, True with probability 1 - p; it lies as C order has it, whatever `like`'s layout."""
    count, least = prod(shape), threshold(p)
    if least > LOW:
        return cupy.zeros(shape, bool)
    mask = cupy.empty(count, bool)
    if count:
        _mask(*(np.uint32(word) for word in (key & LOW, key >> 32, least)), count, mask, size=-(-count // 4))
    return mask.reshape(shape)
