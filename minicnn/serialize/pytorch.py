"""PyTorch's files of tensors, `torch.save(model.state_dict(), "model.pth")`, read without PyTorch and without trust.

Two forms are about. Since PyTorch 1.6, a zip archive: a pickle that describes the tensors, `data.pkl`, and for each storage (a flat
array that tensors are views of) a member with its numbers. Before, one file: five pickles, then the storages one after the other.
The pickles are read by `pickled.py`, which can make tensors and nothing else.
"""

import math
import zipfile
from collections import OrderedDict
from typing import NamedTuple

import numpy as np

from ..errors import DataError
from . import pickled

LEGACY_MAGIC, LEGACY_VERSION = 0x1950A86A20F9469CFC6C, 1001
BFLOAT16 = "bfloat16"           # the upper half of a float32; NumPy has no such dtype
STORAGES = {"FloatStorage": "<f4", "DoubleStorage": "<f8", "HalfStorage": "<f2", "BFloat16Storage": BFLOAT16, "LongStorage": "<i8",
            "IntStorage": "<i4", "ShortStorage": "<i2", "CharStorage": "i1", "ByteStorage": "u1", "BoolStorage": "?"}


class Storage(NamedTuple):
    """What a pickle says of a storage: under which key its numbers are, of what dtype, how many."""

    key: str
    dtype: str
    count: int

    @property
    def bytes(self):
        return self.count * (2 if self.dtype == BFLOAT16 else np.dtype(self.dtype).itemsize)


class View(NamedTuple):
    """A tensor before the numbers are read: a view of a storage, offset and strides in elements."""

    storage: Storage
    offset: int
    shape: tuple
    strides: tuple


# The two forms ---------------------------------------------------------------------------------------------------------------


def read_zip(file, size):
    """{name: ndarray} of the state_dict in a file of PyTorch's, by itself or in a checkpoint; of the present form.

    file  open for reading in binary mode, seekable
    size  of the file in bytes; not much more than this is ever made of it

    float16 and bfloat16 become float32. Raises DataError for what is not such a file, or asks for anything but tensors.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            members = {info.filename.partition("/")[2]: info for info in archive.infolist()}
            if "data.pkl" not in members:
                raise DataError("it is a zip archive without data.pkl, so PyTorch did not write it")
            _check_members(members, size)
            if "byteorder" in members and archive.read(members["byteorder"]) != b"little":
                raise DataError("its numbers are in big-endian order")
            views = state_dict_in(pickled.load(archive.read(members["data.pkl"]), CONSTRUCTORS, _storage), View)
            numbers = {key: _member(archive, members, storage) for key, storage in _storages(views, size).items()}
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, UnicodeDecodeError) as error:
        raise DataError(f"it is not a whole zip archive ({error})") from None
    return _filled(views, numbers)


def _check_members(members, size):
    """Refuse an archive that unpacks to more than the file holds."""
    if any(info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1 for info in members.values()):
        raise DataError("its members are compressed or encrypted; PyTorch stores them as they are")
    if sum(info.file_size for info in members.values()) > size:
        raise DataError("its members overlap, or claim to be larger than the file")


def _member(archive, members, storage):
    info = members.get(f"data/{storage.key}")
    if info is None or info.file_size != storage.bytes:
        raise DataError(f"its storage {storage.key!r:.40} should take {storage.bytes:,} bytes, but "
                        + ("is not there" if info is None else f"takes {info.file_size:,}"))
    return numbers_of(archive.read(info), storage.dtype)


def read_legacy(file, size):
    """The same of the form before PyTorch 1.6."""
    file.seek(0)
    if file.read(2)[:1] != b"\x80":
        raise DataError("neither minicnn, PyTorch, safetensors nor NumPy wrote it (the name of an ONNX network must end in .onnx)")
    file.seek(0)
    plain = pickled.Machine({}, _no_storages)
    if plain.run(file) != LEGACY_MAGIC or plain.run(file) != LEGACY_VERSION:
        raise DataError("it is a pickle, but not one that PyTorch wrote")
    facts = plain.run(file)
    if not isinstance(facts, dict) or facts.get("little_endian") is not True:
        raise DataError("its numbers are in big-endian order")
    views = state_dict_in(pickled.Machine(CONSTRUCTORS, _storage).run(file), View)
    keys = plain.run(file)
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise DataError("it has no list of its storages")
    return _filled(views, _storages_in_a_row(file, keys, _storages(views, size)))


def _storages_in_a_row(file, keys, wanted):
    """{key: flat array}: behind the pickles stand the storages, each with its length before it."""
    numbers = {}
    for key in keys:
        count = int.from_bytes(file.read(8), "little")
        if key not in wanted or count != wanted[key].count:
            raise DataError(f"its storage {key!r:.40} is not one that its tensors need: a whole checkpoint of this old form is not read")
        data = file.read(wanted[key].bytes)
        if len(data) < wanted[key].bytes:
            raise DataError("it is cut off")
        numbers[key] = numbers_of(data, wanted[key].dtype)
    if set(numbers) != set(wanted):
        raise DataError("some of its storages are not there")
    return numbers


def _no_storages(_):
    raise DataError("its first pickles refer to tensors")


# What a pickle may ask for ---------------------------------------------------------------------------------------------------


def _storage(reference):
    """("storage", type, key, device, number of elements) -> Storage"""
    kind, cls, key, _, count = reference[:5] if isinstance(reference, tuple) and len(reference) >= 5 else 5 * [None]
    known = callable(cls) and cls in _STORAGE_TYPES             # not callable: perhaps a tuple, whose hash may go too deep
    if kind != "storage" or not known or not isinstance(key, str) or type(count) is not int or count < 0:
        raise DataError("its pickle refers to something else than a storage")
    return Storage(key, _STORAGE_TYPES[cls], count)


def _view(storage, offset, shape, strides, *_):
    """A View, which must lie within its storage and be no larger."""
    numbers = (offset, *shape, *strides)
    if not isinstance(storage, Storage) or len(shape) != len(strides) or any(type(n) is not int or n < 0 for n in numbers):
        raise DataError("its pickle describes a tensor that cannot be")
    count = math.prod(shape)
    last = offset + sum((n - 1) * step for n, step in zip(shape, strides)) if count else offset
    if count > storage.count or last > max(storage.count - 1, 0):
        raise DataError(f"its tensor of shape {tuple(shape)} reaches beyond its storage of {storage.count:,} numbers")
    return View(storage, offset, tuple(shape), tuple(strides))


def _parameter(view, *_):
    return view


def _ordered_dict(items=()):
    items = list(items)
    pickled.checked_keys([key for key, _ in items])
    return OrderedDict(items)


def _size(lengths=()):
    return tuple(lengths)


def _storage_type(name):
    """A distinct callable for each type of storage, which is only ever compared."""
    def refuse(*_):
        raise DataError(f"its pickle makes a {name} of its own")
    return refuse


_STORAGE_TYPES = {_storage_type(name): dtype for name, dtype in STORAGES.items()}
CONSTRUCTORS = {
    "collections OrderedDict": _ordered_dict,
    "torch Size": _size,
    "torch._utils _rebuild_tensor_v2": _view,
    "torch._utils _rebuild_parameter": _parameter,
    **{f"torch {name}": cls for name, cls in zip(STORAGES, _STORAGE_TYPES)},
}


# From views to arrays ---------------------------------------------------------------------------------------------------------


def state_dict_in(found, kind):
    """The entries of a kind in what a file holds: in the dict itself, or in one that a checkpoint keeps under one of the usual names."""
    for place in (found, *map(found.get, WHERE)) if isinstance(found, dict) else ():
        if isinstance(place, dict) and any(isinstance(value, kind) for value in place.values()):
            return {name: value for name, value in place.items() if isinstance(name, str) and isinstance(value, kind)}
    raise DataError(f"it holds no state_dict, neither by itself nor under {', '.join(WHERE)}")


WHERE = ("state_dict", "model_state_dict", "model", "net", "model_state", "module", "weights")


def _storages(views, size):
    """{key: Storage} of the views. What they hold together is bounded by the file's size: storages may be shared, but not for ever."""
    found = {}
    for view in views.values():
        if found.setdefault(view.storage.key, view.storage) != view.storage:
            raise DataError(f"its storage {view.storage.key!r:.40} is described in two ways")
    distinct = set(views.values())
    if sum(math.prod(view.shape) for view in distinct) > SHARED * size or sum(storage.bytes for storage in found.values()) > size:
        raise DataError("its tensors claim to be larger than the file")
    return found


SHARED = 4          # of one storage, so many different views may be whole tensors


def numbers_of(data, dtype):
    """The bytes of a storage as a flat array."""
    if dtype == BFLOAT16:
        return (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32)
    numbers = np.frombuffer(data, np.uint8 if dtype == "?" else dtype)
    if dtype == "?":
        return numbers != 0
    return numbers.astype(np.float32) if dtype == "<f2" else numbers


def _filled(views, numbers):
    """{name: ndarray}; names of one tensor share an array."""
    arrays = {view: _cut(view, numbers[view.storage.key]) for view in set(views.values())}
    return {name: arrays[view] for name, view in views.items()}


def _cut(view, flat):
    strides = tuple(step * flat.itemsize for step in view.strides)
    return np.lib.stride_tricks.as_strided(flat[view.offset:], view.shape, strides).copy()
