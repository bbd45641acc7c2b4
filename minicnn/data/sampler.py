"""Samplers: in which order the samples of a data set are read, and which make a batch."""

import itertools
import sys

import numpy as np

from .. import arrays
from ..errors import BadType, BadValue


class Sampler:
    """Base of samplers: a subclass defines `__iter__` over indices (or lists of indices), and `__len__` if it is known."""

    def __init__(self, data_source=None):
        pass

    def __iter__(self):
        raise NotImplementedError(f"{type(self).__name__} must define __iter__")


class SequentialSampler(Sampler):
    """0, 1, ..., len(data_source) − 1."""

    def __init__(self, data_source):
        self.data_source = data_source

    def __iter__(self):
        return iter(range(len(self.data_source)))

    def __len__(self):
        return len(self.data_source)


class RandomSampler(Sampler):
    """The indices of a data set in random order, drawn anew in every epoch.

    replacement  an index may come more than once
    num_samples  how many to draw; None: as many as there are
    generator    minicnn.Generator; None: the default stream

    Raises BadType, BadValue.
    """

    def __init__(self, data_source, replacement=False, num_samples=None, generator=None):
        self.data_source, self.replacement, self.generator = data_source, replacement, generator
        self._num_samples = num_samples
        if not isinstance(replacement, bool):
            raise BadType(f"replacement must be True or False, got {replacement!r}")
        _check_count("num_samples", self.num_samples)

    @property
    def num_samples(self):
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self):
        count, stream = len(self.data_source), _stream(self.generator)
        if self.replacement:
            yield from stream.integers(count, size=self.num_samples).tolist()
            return
        for start in range(0, self.num_samples, count):
            yield from stream.permutation(count)[: self.num_samples - start].tolist()

    def __len__(self):
        return self.num_samples


class SubsetRandomSampler(Sampler):
    """Given indices in random order, without replacement."""

    def __init__(self, indices, generator=None):
        self.indices, self.generator = indices, generator

    def __iter__(self):
        for i in _stream(self.generator).permutation(len(self.indices)).tolist():
            yield self.indices[i]

    def __len__(self):
        return len(self.indices)


class WeightedRandomSampler(Sampler):
    """Indices 0 .. len(weights) − 1, each drawn with a probability in proportion to its weight.

    weights      (N,) numbers of at least 0, not all 0; they need not sum to 1
    num_samples  how many to draw
    replacement  an index may come more than once; False: at most as many draws as there are weights above 0

    Raises BadValue.
    """

    def __init__(self, weights, num_samples, replacement=True, generator=None):
        _check_count("num_samples", num_samples)
        if not isinstance(replacement, bool):
            raise BadValue(f"replacement must be True or False, got {replacement!r}")
        self.weights = np.asarray(weights, dtype=np.float64)
        if self.weights.ndim != 1:
            raise BadValue(f"weights must be one-dimensional, got shape {self.weights.shape}")
        self.num_samples, self.replacement, self.generator = num_samples, replacement, generator

    def __iter__(self):
        share = self._checked() / self.weights.sum()
        return iter(_stream(self.generator).choice(len(share), self.num_samples, self.replacement, share).tolist())

    def _checked(self):
        weights = self.weights
        if not (np.isfinite(weights).all() and (weights >= 0).all() and weights.any()):
            raise BadValue("weights must be finite numbers of at least 0, and not all 0")
        if not self.replacement and self.num_samples > np.count_nonzero(weights):
            raise BadValue(f"cannot draw {self.num_samples} without replacement from {np.count_nonzero(weights)} weights above 0")
        return weights

    def __len__(self):
        return self.num_samples


class BatchSampler(Sampler):
    """The indices of another sampler in lists of batch_size; with drop_last, without a shorter list at the end."""

    def __init__(self, sampler, batch_size, drop_last):
        _check_count("batch_size", batch_size)
        if not isinstance(drop_last, bool):
            raise BadValue(f"drop_last must be True or False, got {drop_last!r}")
        self.sampler, self.batch_size, self.drop_last = sampler, batch_size, drop_last

    def __iter__(self):
        indices = iter(self.sampler)
        while batch := list(itertools.islice(indices, min(self.batch_size, sys.maxsize))):
            if len(batch) == self.batch_size or not self.drop_last:
                yield batch

    def __len__(self):
        return len(self.sampler) // self.batch_size if self.drop_last else -(-len(self.sampler) // self.batch_size)


def _check_count(name, count):
    if not isinstance(count, int) or isinstance(count, bool) or count <= 0:
        raise BadValue(f"{name} must be an integer of at least 1, got {count!r}")


def _stream(generator):
    """The numpy.random.Generator of a given Generator; else one of our own, seeded from the default stream.

    Our own, so that the order does not depend on what else is drawn from the default stream during the epoch.
    """
    if generator is not None:
        return generator.numpy
    return arrays.Generator().manual_seed(int(arrays.default_generator.numpy.integers(2**63))).numpy
