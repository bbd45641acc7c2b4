"""Scores of rankings: area under the ROC curve, average precision, top-k accuracy; binary, multiclass and multilabel."""

import warnings
from itertools import combinations
from numbers import Real

import numpy as np

from ..errors import BadValue, ShapeError
from .confusion import positions
from .curves import auc, precision_recall_curve, roc_curve
from .targets import (
    UndefinedMetricWarning,
    as_array,
    as_column,
    as_labels,
    as_scores,
    check_choice,
    check_lengths,
    check_weight,
    kind_of,
    mean_or_sum,
)


def roc_auc_score(y_true, y_score, *, average="macro", sample_weight=None, max_fpr=None, multi_class="raise", labels=None):
    """The probability that a positive sample scores higher than a negative one (ties count half).

    y_true       (N,) labels, or (N, C) indicators
    y_score      (N,) scores of the greater label, or (N, C); for multiclass targets probabilities
    average      "macro", "weighted", "micro", "samples", or None for one score per class
    max_fpr      binary only: the area up to this rate of false positives, scaled so that guessing gives 0.5
    multi_class  "ovr": each class against the rest; "ovo": mean over pairs of classes (Hand and Till, 2001)
    labels       the classes of the columns, sorted; None: those in y_true

    nan, with a warning, where one class only occurs. Raises BadValue.
    """
    check_choice("average", average, ("micro", "macro", "samples", "weighted", None))
    check_choice("multi_class", multi_class, ("raise", "ovr", "ovo"))
    if max_fpr is not None and (not isinstance(max_fpr, Real) or not 0 < max_fpr <= 1):
        raise BadValue(f"max_fpr must be in (0, 1] or None, got {max_fpr!r}")
    y_true, y_score = as_labels(y_true, "y_true"), as_scores(y_score, "y_score")
    kind = kind_of(y_true)
    if kind == "multiclass" or (kind == "binary" and y_score.ndim == 2 and y_score.shape[1] > 2):
        _check_multiclass_options(multi_class, max_fpr, average, sample_weight)
        return _multiclass_roc_auc(as_column(y_true, "y_true"), y_score, labels, multi_class, average, sample_weight)
    if kind == "binary":
        y_true = _greater_label(as_column(y_true, "y_true"))
    return _average_over_columns(lambda t, s, w: _binary_roc_auc(t, s, w, max_fpr), y_true, y_score, average, sample_weight)


def _greater_label(y_true):
    labels = np.unique(y_true)
    return (y_true == labels[-1]).astype(np.int64) if len(labels) == 2 else np.zeros(len(y_true), np.int64)


def _binary_roc_auc(y_true, y_score, sample_weight=None, max_fpr=None):
    if len(np.unique(y_true)) != 2:
        warnings.warn("ROC AUC is undefined: y_true has one class only", UndefinedMetricWarning, stacklevel=4)
        return float("nan")
    fpr, tpr, _ = roc_curve(y_true, y_score, sample_weight=sample_weight)
    if max_fpr is None or max_fpr == 1:
        return auc(fpr, tpr)
    inside = fpr <= max_fpr
    area = auc(np.append(fpr[inside], max_fpr), np.append(tpr[inside], np.interp(max_fpr, fpr, tpr)))
    # McClish's correction: guessing has the area max_fpr² / 2, perfection max_fpr.
    guessing = max_fpr**2 / 2
    return 0.5 * (1 + (area - guessing) / (max_fpr - guessing))


def _check_multiclass_options(multi_class, max_fpr, average, sample_weight):
    if max_fpr not in (None, 1):
        raise BadValue(f"max_fpr is for binary targets only, got {max_fpr!r}")
    if multi_class == "raise":
        raise BadValue("y_true has more than two classes: choose multi_class='ovr' or 'ovo'")
    check_choice("average", average, ("macro", "weighted", None, "micro") if multi_class == "ovr" else ("macro", "weighted"))
    if multi_class == "ovo" and sample_weight is not None:
        raise BadValue("sample_weight cannot be combined with multi_class='ovo'")


def _multiclass_roc_auc(y_true, y_score, labels, multi_class, average, sample_weight):
    if y_score.ndim != 2:
        raise ShapeError(f"y_score must be of shape (N, classes) for multiclass targets, got {y_score.shape}")
    if not np.allclose(1, y_score.sum(axis=1)):
        raise BadValue("y_score must be probabilities for multiclass targets: each row must sum to 1")
    classes = _check_classes(y_true, labels, y_score.shape[1])
    if multi_class == "ovo":
        return _one_against_one(positions(y_true, classes), y_score, average)
    return _average_over_columns(_binary_roc_auc, _one_hot(y_true, classes), y_score, average, sample_weight)


def _one_against_one(y_true, y_score, average):
    """The mean over pairs of classes of the two areas within the pair; "weighted" by the pair's share of the samples."""
    areas, shares = [], []
    for a, b in combinations(np.unique(y_true), 2):
        pair = (y_true == a) | (y_true == b)
        truth, score = y_true[pair], y_score[pair]
        areas.append((_binary_roc_auc(truth == a, score[:, a]) + _binary_roc_auc(truth == b, score[:, b])) / 2)
        shares.append(pair.mean())
    return float(np.average(areas, weights=shares if average == "weighted" else None))


def average_precision_score(y_true, y_score, *, average="macro", pos_label=1, sample_weight=None):
    """The mean precision over the recall gained: Σ_t (recall_t − recall_{t−1}) · precision_t, without interpolation.

    y_true   (N,) labels, or (N, C) indicators
    y_score  (N,) scores of pos_label, or (N, C) for multiclass and multilabel targets

    Other arguments as roc_auc_score. Raises BadValue.
    """
    check_choice("average", average, ("micro", "macro", "samples", "weighted", None))
    y_true, y_score = as_labels(y_true, "y_true"), as_scores(y_score, "y_score")
    kind, labels = kind_of(y_true), np.unique(y_true)
    if kind in ("multiclass", "multilabel-indicator") and pos_label != 1:
        raise BadValue(f"pos_label must stay 1 for {kind} targets, got {pos_label!r}")
    if kind == "binary" and len(labels) == 2 and pos_label not in labels.tolist():
        raise BadValue(f"pos_label={pos_label!r} must be one of the labels {labels.tolist()}")
    if kind == "multiclass":
        y_true = _one_hot(as_column(y_true, "y_true"), labels)
    return _average_over_columns(lambda t, s, w: _binary_average_precision(t, s, w, pos_label), y_true, y_score, average,
                                 sample_weight)


def _binary_average_precision(y_true, y_score, sample_weight, pos_label):
    precision, recall, _ = precision_recall_curve(y_true, y_score, pos_label=pos_label, sample_weight=sample_weight)
    return max(0.0, float(-(np.diff(recall) * precision[:-1]).sum()))


def _average_over_columns(binary_metric, y_true, y_score, average, sample_weight):
    """binary_metric(y_true, y_score, weight) for binary targets, or averaged over the columns (or rows) of indicators."""
    kind = kind_of(y_true)
    if kind == "binary":
        return binary_metric(y_true, y_score, sample_weight)
    if kind != "multilabel-indicator":
        raise BadValue(f"y_true must be binary labels or indicators, got {kind} values")
    if y_true.shape != y_score.shape:
        raise ShapeError(f"y_score must be of y_true's shape, one column per class: {y_true.shape}, got {y_score.shape}")
    weight = check_weight(sample_weight, len(y_true))
    if average == "micro":
        weight = None if weight is None else np.repeat(weight, y_true.shape[1])
        return binary_metric(y_true.ravel(), y_score.ravel(), weight)
    if average == "samples":
        return _mean([binary_metric(t, s, None) for t, s in zip(y_true, y_score)], weight)
    support = y_true.sum(axis=0) if weight is None else weight @ y_true
    if average == "weighted" and np.isclose(support.sum(), 0):
        return 0.0
    scores = np.array([binary_metric(t, s, weight) for t, s in zip(y_true.T, y_score.T)])
    return scores if average is None else _mean(scores, support if average == "weighted" else None)


def _mean(scores, weight):
    """The weighted mean, in which an undefined score of weight zero does not count."""
    scores = np.asarray(scores) if weight is None else np.where(weight == 0, 0, scores)
    return float(np.average(scores, weights=weight))


def _one_hot(y, classes):
    return (y[:, None] == classes).astype(np.int64)


def _check_classes(y_true, labels, columns):
    """The sorted classes of the columns of the scores: those in y_true, or the given ones if they fit."""
    if labels is None:
        classes = np.unique(y_true)
        if len(classes) != columns:
            raise BadValue(f"y_true has {len(classes)} classes, y_score {columns} columns; name all classes with `labels`")
        return classes
    labels = as_column(as_array(labels, "labels"), "labels")
    if not np.array_equal(np.unique(labels), labels):
        raise BadValue(f"labels must be sorted and without repeats, got {labels.tolist()}")
    if len(labels) != columns:
        raise BadValue(f"{len(labels)} labels are given, but y_score has {columns} columns")
    if (positions(y_true, labels) == len(labels)).any():
        raise BadValue(f"y_true contains labels that are not among {labels.tolist()}")
    return labels


def top_k_accuracy_score(y_true, y_score, *, k=2, normalize=True, sample_weight=None, labels=None):
    """The share of samples whose true class is among the k highest scores (of equal scores, the later column wins).

    y_true     (N,) labels
    y_score    (N, C) scores; for binary targets (N,) scores of the greater label
    normalize  False: the (weighted) number of such samples
    labels     the classes of the columns, sorted; None: those in y_true

    Raises BadValue.
    """
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or k < 1:
        raise BadValue(f"k must be an integer of at least 1, got {k!r}")
    y_true, y_score = as_column(as_labels(y_true, "y_true"), "y_true"), as_scores(y_score, "y_score")
    y_score = _check_top_k_scores(y_true, y_score, labels)
    check_lengths(y_true=y_true, y_score=y_score)
    classes = _check_classes(y_true, labels, y_score.shape[1] if y_score.ndim == 2 else 2)
    if k >= len(classes):
        warnings.warn(f"k={k} of {len(classes)} classes: every sample is a hit", UndefinedMetricWarning, stacklevel=2)
    hits = _hits(positions(y_true, classes), y_score, k)
    return mean_or_sum(hits, check_weight(sample_weight, len(hits)), normalize)


def _check_top_k_scores(y_true, y_score, labels):
    kind = kind_of(y_true)
    if kind not in ("binary", "multiclass"):
        raise BadValue(f"y_true must be binary or multiclass labels, got {kind} values")
    if kind == "binary" and (labels is None or len(labels) <= 2):
        return as_column(y_score, "y_score (binary targets; give `labels` if there are more classes)")
    if y_score.ndim != 2:
        raise ShapeError(f"y_score must be of shape (N, classes), got {y_score.shape}")
    return y_score


def _hits(y_true, y_score, k):
    if y_score.ndim == 1:
        threshold = 0.5 if y_score.min() >= 0 and y_score.max() <= 1 else 0
        return (y_score > threshold) == y_true if k == 1 else np.ones(len(y_true), bool)
    best = np.argsort(y_score, axis=1, kind="stable")[:, ::-1][:, :k]
    return (best == y_true[:, None]).any(axis=1)
