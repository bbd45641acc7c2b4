"""Data sets by name, whole: what a training command needs, and nothing that it has to ask for a second time."""

from typing import NamedTuple

import numpy as np

from ..errors import BadValue
from . import catalogue
from .images import Digits, read_pair
from .locate import locate

SOURCES = {source.name: source for source in (catalogue.FASHION_MNIST, catalogue.MNIST)}
NAMES = ("digits", *SOURCES)


class ImageData(NamedTuple):
    """A data set of images in memory.

    train_images  (N, 1, H, W) uint8, 0..255; `to_float` makes them float32 in 0..1
    train_labels  (N,) int64
    test_images, test_labels  the same, or None: then the "training" part is one pool, to be split
    """

    name: str
    classes: tuple
    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray | None
    test_labels: np.ndarray | None
    licence: str
    origin: str


def load(name, data_dir=None, download=None, progress=None):
    """ImageData by name: "digits", "fashion-mnist" or "mnist".

    data_dir  folder with the files; None: the system's folder, then the user's cache
    download  get files that are not there; None: only if no folder was given
    progress  called as progress(path, bytes so far, bytes in all) during a download

    Raises BadValue for an unknown name, DataError for files that are absent or damaged.
    """
    if name not in NAMES:
        raise BadValue(f"unknown data set {name!r}; there are {', '.join(NAMES)}")
    if name == "digits":
        return _load_digits()
    download = data_dir is None if download is None else download
    return _load_idx(SOURCES[name], locate(SOURCES[name], SOURCES[name].names, data_dir, download, progress))


def _load_digits():
    pool = Digits()
    return ImageData("digits", tuple(pool.classes), pool.data.array[:, None], pool.targets.array, None, None,
                     pool.licence, pool.origin)


def _load_idx(source, paths):
    parts = []
    for train in (True, False):
        images, labels = read_pair(paths, source.pair(train), source.classes)
        parts += [images[:, None], labels]
    return ImageData(source.name, source.classes, *parts, source.licence, source.origin)
