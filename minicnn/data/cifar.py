"""CIFAR-10 and CIFAR-100 from their binary archives, with torchvision's interface. Nothing is unpickled, nothing unpacked to disk.

A record is its label bytes (CIFAR-100: coarse, fine) and 3,072 bytes of pixels: 32 x 32 of red, then of green, then of blue.
"""

import os
import tarfile
import zlib
from pathlib import Path

import numpy as np

from ..errors import DataError
from ..tensor import wrap
from . import catalogue
from .idx import check_labels
from .images import Published, to_float
from .locate import locate

PIXELS = 3 * 32 * 32
MOST_RECORDS = 100_000          # in one file: twice what the largest has, 300 MB


class CIFAR10(Published):
    """50,000 photographs of 32 x 32 in ten classes to train on, 10,000 to test with (Krizhevsky, 2009). Samples are (image, label).

    root              folder with the archive, or with its files (torchvision's root too); None: the cache
    train             the training part, or the test part
    transform         applied to each image, a Pillow image of mode RGB
    target_transform  applied to each label
    download          get the archive if it is not there

    `data` is an array (N, 32, 32, 3) uint8, `targets` a list. Raises DataError for files that are absent or damaged.
    """

    source = catalogue.CIFAR10

    def __init__(self, root=None, train=True, transform=None, target_transform=None, download=False):
        images, labels = read_part(self.source, train, root, download)
        super().__init__(images, labels, self.source.classes, transform, target_transform)
        self.data, self.targets = np.ascontiguousarray(images.transpose(0, 2, 3, 1)), labels.tolist()
        self.root, self.train = root, train

    def tensors(self):
        """(images (N, 3, 32, 32) float32 in 0..1, labels (N,) int64) of the whole data set; transforms are not applied."""
        return wrap(to_float(self.data.transpose(0, 3, 1, 2))), wrap(np.array(self.targets))


class CIFAR100(CIFAR10):
    """The same kind of photographs in a hundred classes; arguments as CIFAR10."""

    source = catalogue.CIFAR100


def read_part(source, train, root=None, download=False, progress=None):
    """(images (N, 3, 32, 32) uint8, labels (N,) int64) of the training or the test part. Raises DataError."""
    names = source.members[0] if train else source.members[1]
    unpacked = unpacked_folder(source, root, names)
    if unpacked is not None:
        parts = [read_file(unpacked / name, source) for name in names]
    else:
        (archive,) = locate(source, source.names, root, download, progress).values()
        parts = read_archive(archive, names, source)
    images, labels = (np.concatenate(arrays) for arrays in zip(*parts))
    return images, labels


def unpacked_folder(source, root, names):
    """The folder in which all the files lie, if there is one: the given one, or the archive's own below it."""
    places = [] if root is None else [Path(root), Path(root) / source.folder]
    return next((place for place in places if all((place / name).is_file() for name in names)), None)


def read_file(path, source):
    with open(path, "rb") as file:
        return records(file, os.path.getsize(path), path, source)


def read_archive(path, names, source):
    """The records of several members, read in the archive's order. Raises DataError that names archive and member."""
    found = {}
    try:
        with tarfile.open(path, "r:*") as archive:
            for member in archive:
                name = wanted(member, names, source.folder, path)
                if name is not None and name in found:
                    raise DataError(f"{path}: {member.name} is in it twice")
                if name is not None:
                    found[name] = records(archive.extractfile(member), member.size, f"{path}: {member.name}", source)
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        raise DataError(f"{path}: damaged archive: {error}") from None
    missing = [name for name in names if name not in found]
    if missing:
        raise DataError(f"{path}: {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not in it")
    return [found[name] for name in names]


def wanted(member, names, folder, path):
    """The name of a member that is to be read, else None. An archive that tries to write elsewhere is not what was published."""
    parts = Path(member.name).parts
    if member.name.startswith(("/", "\\")) or ".." in parts or ":" in member.name:
        raise DataError(f"{path}: member {member.name!r} leads out of the archive; this is not the published file")
    if len(parts) != 2 or parts[0] != folder or parts[1] not in names:
        return None
    if not member.isreg():
        raise DataError(f"{path}: member {member.name!r} is no plain file; this is not the published file")
    return parts[1]


def records(file, size, origin, source):
    """(images (N, 3, 32, 32) uint8, labels (N,) int64) of a file of `size` bytes; labels are those of the finest kind."""
    length = source.label_bytes + PIXELS
    if size == 0 or size % length or size // length > MOST_RECORDS:
        raise DataError(f"{origin}: {size:,} bytes are not a number of records of {length:,} bytes")
    content = file.read(size)
    if len(content) != size:
        raise DataError(f"{origin}: truncated: {len(content):,} of {size:,} bytes")
    rows = np.frombuffer(content, np.uint8).reshape(-1, length)
    for column, classes in enumerate(source.label_classes):
        check_labels(rows[:, column].astype(np.int64), classes, origin)
    return rows[:, source.label_bytes :].reshape(-1, 3, 32, 32), rows[:, source.label_bytes - 1].astype(np.int64)
