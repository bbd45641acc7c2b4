"""Classifying image files: paths and folders in, probabilities out, so many images at once."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..data.folder import files_below
from ..data.reading import extensions
from ..errors import DataError, Error
from ..models import picture
from .opening import SIDE

BATCH = 64                      # images that are computed at once
NUMBERS = 64 * 3 * SIDE**2      # and of large ones fewer: so many numbers


class Prediction(NamedTuple):
    """What became of one file: notes on how it was read and (K,) probabilities, or the error."""

    path: str
    notes: list
    scores: np.ndarray | None
    error: Exception | None = None


def image_files(paths):
    """The paths, with the image files in and below it in place of each folder. Raises DataError for a folder without any."""
    found = []
    for path in map(str, paths):
        files = [path]
        if Path(path).is_dir():
            files = [file for file in files_below(path) if file.lower().endswith(extensions())]
            if not files:
                raise DataError(f"there is no image in the folder {path}")
        found += files
    return found


def predictions(classifier, paths, invert=None):
    """Yield a Prediction for each path, in their order; what cannot be read has an error and no scores.

    invert  as in `picture.read`
    """
    size = min(BATCH, max(1, NUMBERS // int(np.prod(classifier.input_shape))))
    for start in range(0, len(paths), size):
        yield from _batch(classifier, paths[start : start + size], invert)


def _batch(classifier, paths, invert):
    read = [_read(path, classifier, invert) for path in paths]
    pixels = [one.pixels for one in read if isinstance(one, picture.Picture)]
    scores = iter(classifier.probabilities(np.stack(pixels)) if pixels else ())
    for path, one in zip(paths, read):
        yield Prediction(path, one.notes, next(scores)) if isinstance(one, picture.Picture) else Prediction(path, [], None, one)


def _read(path, classifier, invert):
    """The Picture in a file, or the error."""
    try:
        return picture.read(path, classifier.input_shape, classifier.style, invert)
    except (Error, OSError) as error:
        return error


def best(scores, classes, top=None):
    """{class: probability}, the most probable first; `top`: only so many."""
    return {classes[i]: float(scores[i]) for i in np.argsort(-scores, kind="stable")[:top]}
