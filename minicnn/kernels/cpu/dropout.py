"""Dropout's mask on the CPU: Philox's ten rounds in vector instructions, four elements at a time. What bounds it: the multipliers."""

from math import prod

import numpy as np

from ..philox import LOW, MULTIPLIERS, ROUNDS, WEYL, threshold
from ..threads import threads_for
from .launch import helper, launch
from .plan import record

ALONE = 1 << 15         # elements: for fewer, one thread is enough
HEAD = 3                # words before the mask: the key and the threshold
NO_FLOATS = np.empty(0, np.float32)
LOW_WORD, HALF = np.uint64(LOW), np.uint64(32)
LEFT, RIGHT = (np.uint64(m) for m in MULTIPLIERS)
FIRST, SECOND = (np.uint64(w) for w in WEYL)


def dropout_mask(key, shape, p, like):
    """A bool array of a shape, True with probability 1 - p: the same bits as in `philox.py`."""
    count, least = prod(shape), threshold(p)
    if least > LOW:
        return np.zeros(shape, bool)
    whole = np.empty(HEAD + -(-count // 4), np.int32)
    whole[:HEAD].view(np.uint32)[:] = key & LOW, key >> 32, least
    launch(mask_loop, record(), NO_FLOATS, whole=whole, threads=threads_for(count, ALONE))
    return whole[HEAD:].view(bool)[:count].reshape(shape)


@helper(inline=True)
def _round(a, b, c, d, first, second):
    left, right = a * LEFT, c * RIGHT
    return (right >> HALF) ^ b ^ first, right & LOW_WORD, (left >> HALF) ^ d ^ second, left & LOW_WORD


def mask_loop(_a, _b, _c, _d, _e, whole, _plans, thread, threads):
    """Four bytes of the mask, 1 where a word of Philox is at least the threshold, are one int32."""
    blocks, zero = len(whole) - HEAD, np.uint64(0)
    key, other_key, least = np.uint64(whole[0]) & LOW_WORD, np.uint64(whole[1]) & LOW_WORD, np.uint64(whole[2]) & LOW_WORD
    begin, end = thread * blocks // threads, (thread + 1) * blocks // threads
    mask = whole[HEAD + begin : HEAD + end]
    for j in range(len(mask)):
        block = np.uint64(begin + j)
        a, b, c, d = block & LOW_WORD, block >> HALF, zero, zero
        first, second = key, other_key
        for _ in range(ROUNDS):
            a, b, c, d = _round(a, b, c, d, first, second)
            first, second = (first + FIRST) & LOW_WORD, (second + SECOND) & LOW_WORD
        mask[j] = np.uint32(a >= least) | np.uint32(b >= least) << 8 | np.uint32(c >= least) << 16 | np.uint32(d >= least) << 24
