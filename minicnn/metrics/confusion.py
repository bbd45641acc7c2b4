"""Which class was taken for which: the confusion matrix and the accuracies that follow from it."""

import warnings

import numpy as np

from ..errors import BadValue
from .targets import as_array, check_choice, check_targets, mean_or_sum


def accuracy_score(y_true, y_pred, *, normalize=True, sample_weight=None):
    """The share of samples that are labelled right; with indicators, rows that are right in every column.

    y_true, y_pred  (N,) labels, or (N, C) indicators
    normalize       False: the (weighted) number of right samples instead of their share

    Raises BadValue for targets of different kinds or sizes.
    """
    targets = check_targets(y_true, y_pred, sample_weight)
    right = targets.y_true == targets.y_pred
    return mean_or_sum(right.all(axis=1) if right.ndim == 2 else right, targets.weight, normalize)


def confusion_matrix(y_true, y_pred, *, labels=None, sample_weight=None, normalize=None):
    """Counts of samples by true class (rows) and predicted class (columns), (C, C).

    labels     the classes and their order; samples of other classes are left out. None: all that occur, sorted
    normalize  "true", "pred" or "all": divide by the sums of the rows, of the columns, or of everything

    Integers, or float64 when weights are floats or `normalize` is given. Raises BadValue.
    """
    check_choice("normalize", normalize, ("true", "pred", "all", None))
    targets = check_targets(y_true, y_pred, sample_weight)
    if targets.kind == "multilabel-indicator":
        raise BadValue("confusion_matrix takes one label per sample, got multilabel indicators")
    labels = targets.labels if labels is None else _check_labels(labels, targets.y_true)
    matrix = _normalized(_count_pairs(targets, labels), normalize)
    if len(labels) == 1:
        warnings.warn("the confusion matrix has a single label; name all of them with `labels`", UserWarning, stacklevel=2)
    return matrix


def _check_labels(labels, y_true):
    labels = as_array(labels, "labels")
    if labels.size == 0:
        raise BadValue("labels is empty: at least one label is needed")
    if (positions(y_true, labels) == len(labels)).all():
        raise BadValue(f"none of the labels {labels.tolist()} occurs in y_true")
    return labels


def _count_pairs(targets, labels):
    size = len(labels)
    row, column = positions(targets.y_true, labels), positions(targets.y_pred, labels)
    inside = (row < size) & (column < size)
    weight = None if targets.weight is None else targets.weight[inside]
    counts = tally(row[inside] * size + column[inside], weight, size * size).reshape(size, size)
    return counts.astype(np.int64) if weight is None or weight.dtype.kind != "f" else counts


def tally(where, weight, size):
    """How often each of 0..size-1 occurs, or the sum of the weights there: integers without weights, else float64."""
    counts = np.bincount(where, weight, minlength=size)
    return counts if weight is None else counts.astype(np.float64)       # bincount of nothing forgets the weights' dtype


def _normalized(matrix, normalize):
    if normalize is None:
        return matrix
    axis = {"true": 1, "pred": 0, "all": None}[normalize]
    with np.errstate(all="ignore"):
        return np.nan_to_num(matrix / matrix.sum(axis=axis, keepdims=True))


def positions(y, labels):
    """Where each value of y stands in labels; len(labels) for a value that is not among them."""
    index = {label: i for i, label in enumerate(labels.tolist())}
    values, inverse = np.unique(y, return_inverse=True)
    return np.array([index.get(value, len(labels)) for value in values.tolist()], np.int64)[inverse.reshape(-1)]


def balanced_accuracy_score(y_true, y_pred, *, sample_weight=None, adjusted=False):
    """The mean over the classes of the share of their samples that are labelled right.

    adjusted  rescale so that guessing scores 0 and perfection 1

    Classes that never occur in y_true are left out, with a warning. Raises BadValue.
    """
    matrix = confusion_matrix(y_true, y_pred, sample_weight=sample_weight)
    with np.errstate(divide="ignore", invalid="ignore"):
        recall = np.diagonal(matrix) / matrix.sum(axis=1)
    occurs = ~np.isnan(recall)
    if not occurs.all():
        warnings.warn("y_pred contains classes that are not in y_true", UserWarning, stacklevel=2)
    score = recall[occurs].mean()
    chance = 1 / occurs.sum()
    return float((score - chance) / (1 - chance) if adjusted else score)
