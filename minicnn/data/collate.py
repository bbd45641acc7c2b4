"""From a list of samples to a batch: tensors and numbers are stacked, containers are gone through."""

import copy
from collections.abc import Mapping, MutableMapping, MutableSequence, Sequence

import numpy as np

from .. import arrays
from ..elementary.creation import as_tensor
from ..elementary.joining import stack
from ..errors import BadType, BadValue, ShapeError
from ..tensor import Tensor


def default_collate(batch):
    """A batch from samples of one structure.

    Tensors and arrays (...) become a tensor (B, ...); floats float64, integers int64, bools bool (B,); strings stay a list.
    Mappings, named tuples and sequences are collated entry by entry; tuples become lists.

    Raises BadType for other things, ShapeError when shapes or lengths differ.
    """
    if not batch:
        raise BadValue("an empty batch cannot be collated: there is no sample in it")
    first = batch[0]
    if isinstance(first, Tensor):
        return _stack(batch)
    if isinstance(first, np.ndarray):
        return _stack([as_tensor(_numeric(sample)) for sample in batch])
    if isinstance(first, (np.bool_, np.number)):
        return as_tensor(np.asarray(batch))
    if isinstance(first, float):
        return as_tensor(batch, dtype=arrays.float64)
    if isinstance(first, int):
        return as_tensor(batch)
    if isinstance(first, (str, bytes)):
        return batch
    return _collate_container(batch, first)


def _stack(tensors):
    strange = next((t for t in tensors if not isinstance(t, Tensor)), None)
    if strange is not None:
        raise BadType(f"samples of a batch must be of one kind, got a Tensor and {type(strange).__name__}")
    shapes = {tuple(tensor.shape) for tensor in tensors}
    if len(shapes) > 1:
        raise ShapeError(f"samples of a batch must be of one shape, got {sorted(shapes)}; resize them or give a collate_fn")
    return stack(list(tensors))


def _numeric(array):
    if array.dtype.kind not in "biuf":
        raise BadType(f"default_collate cannot make a tensor of an array of {array.dtype}")
    return array


def _collate_container(batch, first):
    if isinstance(first, Mapping):
        _check_keys(batch, first)
        return _rebuild_mapping(first, {key: default_collate([sample[key] for sample in batch]) for key in first})
    if isinstance(first, Sequence):
        return _rebuild_sequence(first, _collate_entries(batch, first))
    raise BadType(f"default_collate takes tensors, arrays, numbers, strings, and mappings and sequences of them; got "
                  f"{type(first).__name__}{_IMAGE_HINT if hasattr(first, 'getbands') else ''}")


def _check_keys(batch, first):
    for sample in batch:
        missing = [key for key in first if key not in sample]
        if missing:
            raise BadValue(f"the mappings in a batch must have the same keys, {missing[0]!r} is not in all of them")


_IMAGE_HINT = ": turn images into tensors with transform=transforms.ToTensor()"


def _collate_entries(batch, first):
    lengths = {len(sample) for sample in batch}
    if len(lengths) > 1:
        raise ShapeError(f"the sequences in a batch must be of equal length, got {sorted(lengths)}")
    return [default_collate(entries) for entries in zip(*batch)]


def _rebuild_mapping(first, entries):
    """A mapping of the first sample's type, with its other attributes; a dict where that type does not allow it."""
    try:
        if not isinstance(first, MutableMapping):
            return type(first)(entries)
        clone = copy.copy(first)
        clone.update(entries)
        return clone
    except TypeError:
        return entries


def _rebuild_sequence(first, entries):
    """A sequence of the first sample's type; a list for tuples, and where that type does not allow it."""
    if isinstance(first, tuple):
        return type(first)(*entries) if hasattr(first, "_fields") else entries
    try:
        if not isinstance(first, MutableSequence):
            return type(first)(entries)
        clone = copy.copy(first)
        clone[:] = entries
        return clone
    except TypeError:
        return entries


def default_convert(data):
    """A single sample with its arrays turned into tensors, for loading without batches; everything else as it is."""
    if isinstance(data, (np.ndarray, np.bool_, np.number)):
        return as_tensor(data) if data.dtype.kind in "biuf" else data
    if isinstance(data, Mapping):
        return _rebuild_mapping(data, {key: default_convert(value) for key, value in data.items()})
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return _rebuild_sequence(data, [default_convert(value) for value in data])
    return data
