"""Curves over all decision thresholds, ROC and precision against recall, and the area under a curve."""

import warnings

import numpy as np

from ..errors import BadValue
from .targets import (
    UndefinedMetricWarning,
    as_array,
    as_column,
    as_labels,
    as_scores,
    check_lengths,
    check_weight,
    kind_of,
)


def roc_curve(y_true, y_score, *, pos_label=None, sample_weight=None, drop_intermediate=True):
    """(fpr, tpr, thresholds), each (T,): the rates of false and true positives as the threshold falls from infinity.

    y_true             (N,) binary labels
    y_score            (N,) scores, higher for the positive class
    pos_label          the positive label; None: 1, if the labels are {0, 1} or {-1, 1}
    drop_intermediate  leave out points that lie on the line between their neighbours

    A rate without any sample to count is nan, with a warning. Raises BadValue.
    """
    fps, tps, thresholds = counts_at_thresholds(y_true, y_score, pos_label, sample_weight)
    if drop_intermediate and len(fps) > 2:
        corner = np.concatenate([[True], (np.diff(fps, 2) != 0) | (np.diff(tps, 2) != 0), [True]])
        fps, tps, thresholds = fps[corner], tps[corner], thresholds[corner]
    fpr, tpr = _rate(np.concatenate([[0.0], fps]), "negative"), _rate(np.concatenate([[0.0], tps]), "positive")
    return fpr, tpr, np.concatenate([[np.inf], thresholds])


def _rate(counts, what):
    if counts[-1] > 0:
        return counts / counts[-1]
    warnings.warn(f"y_true has no {what} samples, so the rate of false and true positives among them is undefined",
                  UndefinedMetricWarning, stacklevel=3)
    return np.full(len(counts), np.nan)


def precision_recall_curve(y_true, y_score, *, pos_label=None, sample_weight=None, drop_intermediate=False):
    """(precision, recall, thresholds), (T + 1,), (T + 1,) and (T,): by rising threshold, ending at precision 1, recall 0.

    Arguments as roc_curve; drop_intermediate leaves out thresholds between which no true positive is lost.
    """
    fps, tps, thresholds = counts_at_thresholds(y_true, y_score, pos_label, sample_weight)
    if drop_intermediate and len(fps) > 2:
        end = np.concatenate([[True], (np.diff(tps[:-1]) != 0) | (np.diff(tps[1:]) != 0), [True]])
        fps, tps, thresholds = fps[end], tps[end], thresholds[end]
    positive = tps + fps
    precision = np.divide(tps, positive, out=np.zeros_like(tps), where=positive != 0)
    return np.append(precision[::-1], 1.0), np.append(_recall(tps)[::-1], 0.0), thresholds[::-1]


def _recall(tps):
    if tps[-1] != 0:
        return tps / tps[-1]
    warnings.warn("y_true has no positive samples, so recall is undefined and set to 1", UserWarning, stacklevel=3)
    return np.ones(len(tps))


def counts_at_thresholds(y_true, y_score, pos_label, sample_weight):
    """False positives, true positives and thresholds (T,): what is counted when every sample that scores at or above a
    threshold is called positive, for each distinct score from the highest down."""
    y_true, y_score, weight = _check_binary(y_true, y_score, pos_label, sample_weight)
    order = len(y_score) - 1 - np.argsort(y_score[::-1], kind="stable")[::-1]     # descending, ties in given order
    y_true, y_score, weight = y_true[order], y_score[order], weight[order]
    # Equal scores share one threshold, so that their order among each other does not count.
    last_of_ties = np.append(np.flatnonzero(y_score[1:] != y_score[:-1]), len(y_score) - 1)
    tps = np.cumsum(y_true * weight)[last_of_ties]
    fps = np.cumsum((1 - y_true) * weight)[last_of_ties]
    return fps, tps, y_score[last_of_ties]


def _check_binary(y_true, y_score, pos_label, sample_weight):
    """Truth as 0.0 and 1.0, scores, and weights, all (N,), without the samples of weight zero."""
    y_true = as_labels(y_true, "y_true")
    kind = kind_of(y_true)
    if kind != "binary" and not (kind == "multiclass" and pos_label is not None):
        raise BadValue(f"y_true must be binary (or pos_label given), got {kind} values")
    y_true, y_score = as_column(y_true, "y_true"), as_column(as_scores(y_score, "y_score"), "y_score")
    check_lengths(y_true=y_true, y_score=y_score)
    weight = check_weight(sample_weight, len(y_true))
    weight = np.ones(len(y_true)) if weight is None else weight.astype(np.float64)
    positive = positions_of(y_true, _positive_label(y_true, pos_label)).astype(np.float64)
    counted = weight != 0
    return positive[counted], y_score[counted], weight[counted]


def positions_of(y, label):
    """Where y equals a label, (N,) bool; nowhere when one is a string and the other a number."""
    same_sort = (y.dtype.kind == "U") == isinstance(label, str)
    return y == label if same_sort else np.zeros(len(y), bool)


def _positive_label(y_true, pos_label):
    if pos_label is not None:
        return pos_label
    labels = np.unique(y_true).tolist()
    if labels not in ([0, 1], [-1, 1], [0], [-1], [1]):
        raise BadValue(f"the labels are {labels}: say which is the positive one with pos_label")
    return 1


def auc(x, y):
    """The area under a curve given by its points, by the trapezoidal rule; x (T,) must not change direction."""
    x, y = as_column(as_array(x, "x"), "x"), as_column(as_array(y, "y"), "y")
    check_lengths(x=x, y=y)
    if len(x) < 2:
        raise BadValue(f"an area needs at least 2 points, got {len(x)}")
    dx = np.diff(x)
    if (dx < 0).any() and not (dx <= 0).all():
        raise BadValue("x must either rise or fall throughout")
    area = float((dx * (y[1:] + y[:-1]) / 2).sum())
    return -area if (dx < 0).any() else area
