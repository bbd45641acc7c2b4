"""Data sets by name, whole: what a training command needs, and nothing that it has to ask for a second time."""

from typing import NamedTuple

import numpy as np

from ..errors import BadValue, DataError
from . import catalogue
from .cifar import read_part
from .folder_images import covering, load_folder, target_size
from .images import Digits, read_pair
from .locate import locate
from .transforms import functional as F

SOURCES = {source.name: source for source in (catalogue.FASHION_MNIST, catalogue.MNIST, catalogue.CIFAR10, catalogue.CIFAR100)}
FOLDER = "folder"               # a person's own images, in the folder given
NAMES = ("digits", *SOURCES, FOLDER)


class ImageData(NamedTuple):
    """A data set of images in memory.

    train_images  (N, C, H, W) uint8, 0..255, C 1 or 3; `to_float` makes them float32 in 0..1
    train_labels  (N,) int64
    test_images, test_labels  the same, or None: then the "training" part is one pool, to be split
    validation_images, validation_labels  the same, or None: then a share of the training part is held out
    files         of a folder, {"train": paths of train_images, "validation": ..., "test": ...}
    remarks       sentences on what was left out
    """

    name: str
    classes: tuple
    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray | None
    test_labels: np.ndarray | None
    licence: str
    origin: str
    validation_images: np.ndarray | None = None
    validation_labels: np.ndarray | None = None
    files: dict | None = None
    remarks: tuple = ()


def load(name, data_dir=None, download=None, progress=None, *, image_size=None, channels=None, on_error="raise"):
    """ImageData by name: "digits", "fashion-mnist", "mnist", "cifar10", "cifar100", or "folder": the images in data_dir.

    data_dir    folder with the files; None: the system's folder, then the user's cache
    download    get files that are not there; None: only if no folder was given
    progress    called as progress(path, bytes so far, bytes in all) during a download; of a folder, with files read and "images"
    image_size  side, or (height, width), to which images are brought; None: as they are (see `folder_images.load_folder`)
    channels, on_error  as in `folder_images.load_folder`

    Raises BadValue for an unknown name, DataError for files that are absent or damaged.
    """
    if name not in NAMES:
        raise BadValue(f"unknown data set {name!r}; there are {', '.join(NAMES)}")
    if on_error not in ("raise", "skip"):
        raise BadValue(f"on_error must be 'raise' or 'skip', got {on_error!r}")
    if name == FOLDER:
        return _load_folder(data_dir, image_size, channels, on_error, progress)
    if name == "digits":
        return sized(_load_digits(), image_size)
    download = data_dir is None if download is None else download
    source = SOURCES[name]
    return sized((_load_cifar if source.members else _load_idx)(source, data_dir, download, progress), image_size)


def _load_digits():
    pool = Digits()
    return ImageData("digits", tuple(pool.classes), pool.data.array[:, None], pool.targets.array, None, None,
                     pool.licence, pool.origin)


def _load_idx(source, data_dir, download, progress):
    paths, parts = locate(source, source.names, data_dir, download, progress), []
    for train in (True, False):
        images, labels = read_pair(paths, source.pair(train), source.classes)
        parts += [images[:, None], labels]
    return ImageData(source.name, source.classes, *parts, source.licence, source.origin)


def _load_cifar(source, data_dir, download, progress):
    parts = [array for train in (True, False) for array in read_part(source, train, data_dir, download, progress)]
    return ImageData(source.name, source.classes, *parts, source.licence, source.origin)


def _load_folder(root, image_size, channels, on_error, progress):
    if root is None:
        raise DataError("the data set 'folder' needs the folder: --data FOLDER, or data_dir")
    classes, parts, remarks = load_folder(root, image_size, channels, on_error, progress)
    pairs = {name: parts[name][:2] if name in parts else (None, None) for name in ("train", "validation", "test")}
    return ImageData(FOLDER, classes, *pairs["train"], *pairs["test"], "yours", str(root), *pairs["validation"],
                     {name: part.files for name, part in parts.items()}, remarks)


def sized(source, image_size):
    """The data set with its images resized and, where another shape is asked for, cut to its middle."""
    if image_size is None:
        return source
    size = target_size(image_size, None)
    return source._replace(**{field: resized(getattr(source, field), size) for field in ("train_images", "test_images")
                              if getattr(source, field) is not None})


def resized(images, size):
    """(N, C, *size) uint8, as folder_images.fitted does it: covering the new size, then cut to the middle."""
    target = covering(images.shape[2:], size)
    return np.concatenate([F.center_crop(F.resize(images[i : i + 1024], target), size) for i in range(0, len(images), 1024)])
