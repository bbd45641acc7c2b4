"""A seed for every sample: what it draws depends on its place in the data set and on the epoch, and on nothing else.

Neither the batch in which a sample comes, nor the thread that loads it, nor the number of threads changes its augmentation.
"""

import operator
import zlib
from collections import Counter

import numpy as np

ODD = np.uint64(0x9E3779B97F4A7C15)         # the golden ratio, as splitmix64 adds it


def mixed(x):
    """splitmix64's finalizer of uint64 numbers: each bit of the result depends on each bit of x (Steele, Lea and Flood, 2014)."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def seeds(*parts):
    """(N,) uint64 from integers and arrays (N,) of integers: each in turn is mixed in, so that their order counts."""
    result = np.zeros(1, np.uint64)
    for part in parts:
        part = np.asarray(part) if isinstance(part, np.ndarray) else np.asarray(part % 2**64, np.uint64)
        result = mixed(result * ODD + part.astype(np.uint64) + ODD)
    return result


def sample_seeds(seed, epoch, indices, occurrences=0):
    """(N,) uint64: the seeds of the samples at `indices` in an epoch.

    occurrences  how often each index came before in that epoch, which a sampler with replacement may let happen
    """
    return seeds(seed, epoch, np.array([number(index) for index in indices], np.int64), occurrences)


def number(index):
    """An integer for an index: itself, or of a key that is no integer, what its text comes to."""
    try:
        return operator.index(index)
    except TypeError:
        return zlib.crc32(repr(index).encode())


def counted(batches):
    """(number, indices, how often each index came before) of batches of indices."""
    seen = Counter()
    for n, indices in enumerate(batches):
        indices = list(indices)
        before = np.zeros(len(indices), np.int64)
        for i, index in enumerate(map(number, indices)):
            before[i] = seen[index]
            seen[index] += 1
        yield n, indices, before


def uniform(seeds_, draw):
    """(N,) numbers in [0, 1): number `draw` of each seed, for what is augmented a whole batch at a time."""
    return (seeds(draw, seeds_) >> np.uint64(11)) * 2.0**-53
