"""Data sets: things with a length whose samples are read by number, and how to join and divide them."""

import bisect
import itertools
import math
import warnings
from collections.abc import Iterable
from numbers import Real

import numpy as np

from .. import arrays
from ..errors import BadIndex, BadType, BadValue, DataError, ShapeError
from ..tensor import Tensor


class Dataset:
    """Base of data sets that read sample i by `dataset[i]`; a subclass defines `__getitem__`, and `__len__`.

    It may also define `__getitems__(indices)`, which returns a list of samples, where that is quicker than one by one. What is
    random in one sample should be drawn by `__getitem__`, which a DataLoader calls with the sample's own stream; what draws for many
    at once defines `get_seeded(indices, seeds)`, with a seed (uint64) for each, which goes before both.
    """

    def __getitem__(self, index):
        raise NotImplementedError(f"{type(self).__name__} must define __getitem__")

    def __add__(self, other):
        return ConcatDataset([self, other])


class IterableDataset(Dataset):
    """Base of data sets that come as a stream: a subclass defines `__iter__`, and `__len__` if the length is known."""

    def __iter__(self):
        raise NotImplementedError(f"{type(self).__name__} must define __iter__")

    def __add__(self, other):
        return ChainDataset([self, other])


class TensorDataset(Dataset):
    """Samples that are rows of tensors: sample i is the tuple of every tensor's row i.

    tensors  of shapes (N, ...), with the same N; raises ShapeError otherwise
    """

    def __init__(self, *tensors):
        for tensor in tensors:
            if not isinstance(tensor, Tensor):
                raise BadType(f"TensorDataset takes tensors, got {type(tensor).__name__}; use minicnn.from_numpy(array)")
        if not tensors or tensors[0].ndim == 0:
            raise ShapeError("TensorDataset needs tensors of at least one dimension, (N, ...)")
        if len({tensor.shape[:1] for tensor in tensors}) > 1:
            raise ShapeError(f"tensors must be of the same length N, got shapes {[tuple(t.shape) for t in tensors]}")
        self.tensors = tensors

    def __getitem__(self, index):
        return tuple(tensor[index] for tensor in self.tensors)

    def __len__(self):
        return self.tensors[0].size(0)


class Subset(Dataset):
    """The samples of a data set at given indices, in that order."""

    def __init__(self, dataset, indices):
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, index):
        if isinstance(index, list):
            return self.dataset[[self.indices[i] for i in index]]
        return self.dataset[self.indices[index]]

    def __getitems__(self, indices):
        return read_samples(self.dataset, [self.indices[i] for i in indices])

    def get_seeded(self, indices, seeds):
        return read_samples(self.dataset, [self.indices[i] for i in indices], seeds)

    def __len__(self):
        return len(self.indices)


class ConcatDataset(Dataset):
    """Several data sets, one behind the other. Raises DataError for none, BadType for streams."""

    def __init__(self, datasets):
        self.datasets = list(datasets)
        if not self.datasets:
            raise DataError("ConcatDataset needs at least one data set")
        if any(isinstance(dataset, IterableDataset) for dataset in self.datasets):
            raise BadType("ConcatDataset cannot number the samples of a stream; use ChainDataset")
        self.cumulative_sizes = list(itertools.accumulate(map(len, self.datasets)))

    def __getitem__(self, idx):
        if not -len(self) <= idx < len(self):
            raise (BadValue if idx < 0 else BadIndex)(f"index {idx} is out of range for {len(self)} samples")
        idx %= len(self)
        which = bisect.bisect_right(self.cumulative_sizes, idx)
        return self.datasets[which][idx - (self.cumulative_sizes[which - 1] if which else 0)]

    def __len__(self):
        return self.cumulative_sizes[-1]


class ChainDataset(IterableDataset):
    """Several streams, one behind the other."""

    def __init__(self, datasets):
        self.datasets = datasets

    def __iter__(self):
        return itertools.chain.from_iterable(self.datasets)

    def __len__(self):
        return sum(map(len, self.datasets))


def random_split(dataset, lengths, generator=None):
    """Subsets of a data set that share no sample, drawn at random.

    lengths    the subsets' lengths, which must sum to len(dataset); or fractions that sum to 1, rounded down, with what
               is left dealt out one by one from the first subset on
    generator  minicnn.Generator; None: the default stream

    Raises BadValue.
    """
    lengths = _numbers("lengths", lengths)
    if math.isclose(sum(lengths), 1) and sum(lengths) <= 1:
        lengths = _lengths_of_fractions(len(dataset), lengths)
    if sum(lengths) != len(dataset):
        raise BadValue(f"lengths must sum to the {len(dataset)} samples of the data set (or to 1, as fractions), got {lengths}")
    if any(length < 0 or length != int(length) for length in lengths):
        raise BadValue(f"lengths must be whole numbers of at least 0, got {lengths}")
    lengths = list(map(int, lengths))
    order = (generator or arrays.default_generator).numpy.permutation(len(dataset)).tolist()
    return [Subset(dataset, order[end - length : end]) for end, length in zip(itertools.accumulate(lengths), lengths)]


def _numbers(name, values):
    """A list of real numbers; BadType for anything else."""
    listed = list(values) if isinstance(values, Iterable) else [values]
    if listed == [values] or not all(isinstance(value, Real) for value in listed):
        raise BadType(f"{name} must be a list of numbers, got {values!r}")
    return listed


def _lengths_of_fractions(count, fractions):
    for i, fraction in enumerate(fractions):
        if not 0 <= fraction <= 1:
            raise BadValue(f"fraction {i} must be between 0 and 1, got {fraction}")
    lengths = [math.floor(count * fraction) for fraction in fractions]
    for i in range(count - sum(lengths)):
        lengths[i % len(lengths)] += 1
    if 0 in lengths:
        warnings.warn(f"split {lengths.index(0)} of {count} samples by {list(fractions)} is empty", UserWarning, stacklevel=3)
    return lengths


def read_samples(dataset, indices, seeds=None):
    """The samples at several indices as a list, each drawn from a stream of its own where seeds are given."""
    if seeds is not None and callable(getattr(dataset, "get_seeded", None)):
        return dataset.get_seeded(indices, seeds)
    if callable(getattr(dataset, "__getitems__", None)):
        return dataset.__getitems__(indices)
    return [dataset[i] for i in indices] if seeds is None else [read_seeded(dataset, i, seed) for i, seed in zip(indices, seeds)]


def read_seeded(dataset, index, seed):
    """One sample; what is random in it is drawn from a stream that starts from the seed."""
    with arrays.seeded(int(seed)):
        return dataset[index]


def read_tensor_rows(dataset, indices):
    """One tensor per column, [(B, ...), ...], read at once, if the samples are plain rows of tensors; else None."""
    while type(dataset) is Subset:
        dataset, indices = dataset.dataset, [dataset.indices[i] for i in indices]
    if type(dataset) is not TensorDataset:           # a subclass may do more than read rows
        return None
    rows = np.asarray(indices, dtype=np.int64)
    return [tensor[np.asarray(rows)] for tensor in dataset.tensors]
