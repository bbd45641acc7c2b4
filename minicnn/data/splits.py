"""Dividing a labelled data set so that every part has its share of every class."""

import math

import numpy as np

from .. import arrays
from ..errors import BadValue, DataError


def stratified_split(labels, fractions, generator=None):
    """Index arrays, sorted, one per fraction, that share no sample and together hold all.

    labels     (N,) integers of at least 0
    fractions  the parts' shares, positive, summing to 1
    generator  minicnn.Generator; None: the default stream. The same seed gives the same split.

    Every part is within a sample or so of its share, in whole and per class. Of a class too small for all parts, the first
    part (which is the one to train on) gets the first sample.

    Raises DataError when a part would be empty or a label is negative, BadValue for fractions that are not shares.
    """
    labels = _check_labels(labels)
    fractions = _check_fractions(fractions)
    stream = (generator or arrays.default_generator).numpy
    shuffled = stream.permutation(len(labels))
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    part = _deal(labels[by_class], fractions)
    parts = [np.sort(by_class[part == i]) for i in range(len(fractions))]
    if not all(map(len, parts)):
        raise DataError(f"{len(labels)} samples are too few to be split by {fractions}: parts of {[len(p) for p in parts]}")
    return parts


def _deal(sorted_labels, fractions):
    """The part of each sample, (N,): dealt out class by class, each to the part that is furthest behind its share."""
    part = np.empty(len(sorted_labels), np.int64)
    behind = np.zeros(len(fractions))
    for i, label in enumerate(sorted_labels):
        behind += fractions
        first_of_class = i == 0 or label != sorted_labels[i - 1]
        part[i] = 0 if first_of_class else np.argmax(behind)
        behind[part[i]] -= 1
    return part


def _check_labels(labels):
    labels = np.asarray(labels)
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise DataError(f"labels must be integers of shape (N,), got {labels.dtype} of shape {labels.shape}")
    if len(labels) == 0:
        raise DataError("the data set is empty: there is nothing to split")
    if labels.min() < 0:
        raise DataError(f"labels must be at least 0, got {labels.min()}")
    return labels


def _check_fractions(fractions):
    try:
        fractions = [float(fraction) for fraction in fractions]
    except (TypeError, ValueError):
        raise BadValue(f"fractions must be a list of numbers, got {fractions!r}") from None
    if not fractions or not all(fraction > 0 for fraction in fractions) or not math.isclose(sum(fractions), 1):
        raise BadValue(f"fractions must be positive and sum to 1, got {fractions}")
    return fractions
