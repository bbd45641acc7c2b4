"""Random numbers without a state: number i under a key is a function of the key and i, so that it is the same in whatever order, by
however many threads and on whatever device it is computed.

Philox4x32-10: ten rounds that each multiply two of four 32-bit words, keep both halves of the products and mix the key in. It passes
all batteries of statistical tests, and is what GPUs' libraries use. Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as
1, 2, 3", SC 2011.
"""

from math import ceil, prod

import numpy as np

from ..arrays import module_of

MULTIPLIERS, WEYL, ROUNDS = (0xD2511F53, 0xCD9E8D57), (0x9E3779B9, 0xBB67AE85), 10
LOW = 0xFFFFFFFF


def philox(counter, key):
    """Four random words for a counter of four words and a key of two: words are uint64 (or arrays of it) below 2**32."""
    (a, b, c, d), (first, second) = counter, key
    for _ in range(ROUNDS):
        left, right = a * MULTIPLIERS[0], c * MULTIPLIERS[1]
        a, b, c, d = right >> 32 ^ b ^ first, right & LOW, left >> 32 ^ d ^ second, left & LOW
        first, second = first + WEYL[0] & LOW, second + WEYL[1] & LOW
    return a, b, c, d


def dropout_mask(key, shape, p, like):
    """A bool array of a shape, True with probability 1 - p, on the device of `like`.

    Element i in C order, whatever `like`'s layout, is word i mod 4 of Philox for the counter i // 4 and the 64-bit key, and is kept where
    the word is at least p · 2**32.
    """
    module, count = module_of(like), prod(shape)
    block = module.arange(-(-count // 4), dtype=np.uint64)
    zero = module.zeros_like(block)
    words = philox((block & LOW, block >> 32, zero, zero), (key & LOW, key >> 32))
    return (module.stack(words, 1).reshape(-1)[:count] >= threshold(p)).reshape(shape)


def threshold(p):
    """The smallest word that is kept."""
    return ceil(p * 2**32)
