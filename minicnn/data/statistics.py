"""What is in a data set, before anything is trained on it: counts, balance, brightness, duplicates, leakage, blanks and outliers.

Images come as named parts, {"train": (images, labels), "test": ...}; one numbering runs through all of them, in this order.
An *outlier* is an image whose distance to the mean image of its class, d = |x − mean|, is unusual for the class:

    score = (d − median(d)) / (1.4826 · median |d − median(d)|)          (a standard deviation, were d normally distributed)
"""

from typing import NamedTuple

import numpy as np

from ..errors import DataError, ShapeError
from .balance import imbalance_ratio
from .duplicates import SIDE, find_duplicates, fitting, thumbnails

BLANK = 2                       # grey levels: less between the darkest and the brightest pixel is a single colour to the eye
OUTLIER = 5.0                   # score from which an image is listed
MOST = 50                       # entries of a list in the JSON form; the numbers are of all


class Statistics(NamedTuple):
    """What was found. Images are numbered through all parts; `where` says which part a number belongs to."""

    name: str
    classes: list
    parts: dict                 # name: number of images
    counts: dict                # name: (K,) images of each class
    sizes: dict                 # "28x28": number of images or files
    modes: dict                 # "L": the same
    mean: np.ndarray            # (C,) of the first part, in 0..1
    std: np.ndarray
    class_means: np.ndarray     # (K, C, H, W) float32 of the first part, 0..255; nan for a class without images
    labels: np.ndarray          # (N,)
    duplicates: tuple           # data.duplicates.Duplicates
    blank: np.ndarray           # images of a single colour
    outliers: np.ndarray        # images far from the mean of their class, the farthest first
    scores: np.ndarray          # their scores
    damaged: list               # (file, what is wrong with it)

    @property
    def imbalance(self):
        """The imbalance ratio of each part."""
        return {name: imbalance_ratio(count) for name, count in self.counts.items()}

    @property
    def related(self):
        """(P, 2) pairs of equal or nearly equal images: of a group of equal ones, the first with each other."""
        equal = [(group[0], other) for group in self.duplicates.groups for other in group[1:]]
        return np.concatenate([np.array(equal, np.int64).reshape(-1, 2), self.duplicates.pairs])

    @property
    def leaks(self):
        """(P, 2) related pairs whose images lie in different parts: what is tested on was trained on."""
        return self.related[self._part(self.related[:, 0]) != self._part(self.related[:, 1])]

    @property
    def contradictions(self):
        """(P, 2) related pairs whose labels differ: one of them must be wrong."""
        return self.related[self.labels[self.related[:, 0]] != self.labels[self.related[:, 1]]]

    def _part(self, index):
        return np.searchsorted(np.cumsum(list(self.parts.values())), index, side="right")

    def where(self, index):
        """("test", 17): the part and the place in it of an image."""
        part = int(self._part(index))
        return list(self.parts)[part], int(index) - sum(list(self.parts.values())[:part])

    def as_json(self):
        """Everything but the mean images as plain values; lists are cut to MOST entries, their true lengths are beside them."""
        return {
            "name": self.name, "classes": self.classes, "images": sum(self.parts.values()), "parts": self.parts,
            "counts": {part: dict(zip(self.classes, count.tolist())) for part, count in self.counts.items()},
            "imbalance_ratio": {part: ratio if np.isfinite(ratio) else None for part, ratio in self.imbalance.items()},
            "sizes": self.sizes, "modes": self.modes, "mean": self.mean.tolist(), "std": self.std.tolist(),
            "equal": _listed([list(map(self.where, group)) for group in self.duplicates.groups]),
            "nearly_equal": _listed(self._places(self.duplicates.pairs)),
            "leaks": _listed(self._places(self.leaks)), "contradictions": _listed(self._places(self.contradictions)),
            "blank": _listed(list(map(self.where, self.blank))),
            "outliers": _listed([[*self.where(i), round(float(score), 2)] for i, score in zip(self.outliers, self.scores)]),
            "damaged": _listed([list(map(str, entry)) for entry in self.damaged]),
        }

    def _places(self, pairs):
        return [[self.where(i), self.where(j)] for i, j in pairs]


def _listed(entries):
    return {"number": len(entries), "first": entries[:MOST]}


def describe(parts, classes, name="", sizes=None, modes=None, damaged=()):
    """The Statistics of labelled images.

    parts         {name: (images (N, C, H, W) uint8, labels (N,))}; the first is the one to train on
    classes       K names
    sizes, modes  of the files that the images were read from, {"640x480": 12}; None: those of the arrays
    damaged       (file, reason) pairs of what could not be read

    Raises DataError without images, ShapeError for parts of different shapes.
    """
    check_parts(parts, len(classes))
    images = np.concatenate([part[0] for part in parts.values()])
    labels = np.concatenate([part[1] for part in parts.values()])
    first, first_labels = next(iter(parts.values()))
    size, mode = "{1}x{0}".format(*images.shape[2:]), {1: "L", 3: "RGB", 4: "RGBA"}.get(images.shape[1], f"{images.shape[1]} channels")
    outliers, scores = find_outliers(images, labels)
    mean, std = channels(first)
    return Statistics(
        name, list(map(str, classes)), {part: len(values[1]) for part, values in parts.items()},
        {part: np.bincount(values[1], minlength=len(classes)) for part, values in parts.items()},
        sizes or {size: len(images)}, modes or {mode: len(images)}, mean, std, class_means(first, first_labels, len(classes)), labels,
        find_duplicates(images), find_blank(images), outliers, scores, list(damaged))


def check_parts(parts, classes):
    """Refuse parts that are empty, do not fit together, or have labels that are not among the classes."""
    if not parts or not all(len(labels) for _, labels in parts.values()):
        raise DataError(f"there is a part without images: {', '.join(f'{k} has {len(v[1])}' for k, v in parts.items()) or 'none at all'}")
    for name, (images, labels) in parts.items():
        if images.ndim != 4 or images.dtype != np.uint8 or len(images) != len(labels):
            raise ShapeError(f"{name} must be images (N, C, H, W) uint8 with labels (N,), got {images.dtype} {images.shape}, {len(labels)}")
        if labels.min() < 0 or labels.max() >= classes:
            raise DataError(f"the labels of {name} must be 0 to {classes - 1}, got {labels.min()} to {labels.max()}")
    if len({images.shape[1:] for images, _ in parts.values()}) > 1:
        raise ShapeError(f"the parts' images have different shapes: { {k: v[0].shape[1:] for k, v in parts.items()} }")


def channels(images):
    """(mean (C,), deviation (C,)) of images (N, C, H, W) uint8 in 0..1, from the histogram of each channel: exact, and in little memory."""
    grey = np.arange(256) / 255
    share = np.stack([np.bincount(images[:, c].ravel(), minlength=256) for c in range(images.shape[1])]) / images[:, 0].size
    mean = share @ grey
    return mean, np.sqrt(np.maximum((share * (grey - mean[:, None]) ** 2).sum(1), 0))


def class_means(images, labels, classes):
    """The mean image of each class, (K, C, H, W) float32 in 0..255; nan for a class without images."""
    return np.stack([images[labels == k].mean(0, dtype=np.float32) if (labels == k).any() else np.full(images.shape[1:], np.nan, np.float32)
                     for k in range(classes)])


def find_blank(images):
    """(B,) the images whose pixels are all of one colour, but for less than BLANK grey levels."""
    flat = images.reshape(*images.shape[:2], -1)
    return np.flatnonzero((flat.max(2) - flat.min(2)).max(1) < BLANK)


def find_outliers(images, labels):
    """(indices, scores) of the images far from their class's mean, the farthest first; compared at no more than 32 pixels a side."""
    small = thumbnails(images, fitting(images.shape[2:], SIDE))
    scores = np.zeros(len(images))
    for label in np.unique(labels):
        chosen = np.flatnonzero(labels == label)
        distance = np.sqrt(((small[chosen] - small[chosen].mean(0)) ** 2).mean((1, 2)))
        spread = 1.4826 * np.median(np.abs(distance - np.median(distance)))
        scores[chosen] = (distance - np.median(distance)) / spread if spread > 0 else 0
    order = np.argsort(-scores, kind="stable")[: np.count_nonzero(scores >= OUTLIER)]
    return order, scores[order]
