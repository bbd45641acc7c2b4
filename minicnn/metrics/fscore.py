"""Precision, recall and their harmonic mean, per class and averaged.

    precision = tp / (tp + fp)        recall = tp / (tp + fn)
    F_beta = (1 + β²) · precision · recall / (β² · precision + recall) = (1 + β²) · tp / (β² · (tp + fn) + (tp + fp))
"""

import warnings
from numbers import Real

import numpy as np

from ..errors import BadValue
from .confusion import positions, tally
from .targets import UndefinedMetricWarning, as_array, check_choice, check_targets

AVERAGES = ("micro", "macro", "weighted", "samples", "binary", None)


def precision_score(y_true, y_pred, *, labels=None, pos_label=1, average="binary", sample_weight=None,
                    zero_division="warn"):
    """tp / (tp + fp): how many of the predicted positives are right. Arguments as precision_recall_fscore_support."""
    return precision_recall_fscore_support(
        y_true, y_pred, labels=labels, pos_label=pos_label, average=average, warn_for=("precision",),
        sample_weight=sample_weight, zero_division=zero_division)[0]


def recall_score(y_true, y_pred, *, labels=None, pos_label=1, average="binary", sample_weight=None, zero_division="warn"):
    """tp / (tp + fn): how many of the positives are found. Arguments as precision_recall_fscore_support."""
    return precision_recall_fscore_support(
        y_true, y_pred, labels=labels, pos_label=pos_label, average=average, warn_for=("recall",),
        sample_weight=sample_weight, zero_division=zero_division)[1]


def f1_score(y_true, y_pred, *, labels=None, pos_label=1, average="binary", sample_weight=None, zero_division="warn"):
    """The harmonic mean of precision and recall. Arguments as precision_recall_fscore_support."""
    return fbeta_score(y_true, y_pred, beta=1.0, labels=labels, pos_label=pos_label, average=average,
                       sample_weight=sample_weight, zero_division=zero_division)


def fbeta_score(y_true, y_pred, *, beta, labels=None, pos_label=1, average="binary", sample_weight=None,
                zero_division="warn"):
    """The harmonic mean with recall weighted β times as much as precision; arguments as precision_recall_fscore_support."""
    return precision_recall_fscore_support(
        y_true, y_pred, beta=beta, labels=labels, pos_label=pos_label, average=average, warn_for=("f-score",),
        sample_weight=sample_weight, zero_division=zero_division)[2]


def jaccard_score(y_true, y_pred, *, labels=None, pos_label=1, average="binary", sample_weight=None, zero_division="warn"):
    """tp / (tp + fp + fn), intersection over union; zero_division must be 0, 1 or "warn", the rest as precision_recall_fscore_support."""
    stand_in = _check_options(1.0, average, zero_division)
    if np.isnan(stand_in):
        raise BadValue("zero_division must be 0, 1 or 'warn' for jaccard_score, got nan")
    targets = check_targets(y_true, y_pred, sample_weight)
    tp, predicted, actual = _count(targets, _labels_to_count(targets, labels, average, pos_label), average)
    union = predicted + actual - tp
    if zero_division == "warn" and not union.all():
        _warn_undefined("jaccard", "true or predicted", average)
    score = np.divide(tp, union, out=np.full(len(union), stand_in), where=union != 0)
    return score if average is None else _mean_of_defined(score, {"weighted": actual, "samples": targets.weight}.get(average))


def precision_recall_fscore_support(y_true, y_pred, *, beta=1.0, labels=None, pos_label=1, average=None,
                                    warn_for=("precision", "recall", "f-score"), sample_weight=None,
                                    zero_division="warn"):
    """(precision, recall, F_beta, support): arrays (C,) for average=None, else three numbers and None.

    y_true, y_pred  (N,) labels, or (N, C) indicators
    labels          the classes to report, in this order; None: all that occur
    average         "binary": only the class pos_label; "micro": count over all classes, then divide; "macro": mean over
                    classes; "weighted": mean by support; "samples": mean over the rows of indicators; None
    zero_division   what 0/0 gives: 0, 1, nan (left out of averages), or "warn": 0 with an UndefinedMetricWarning

    Raises BadValue for targets of different kinds, or an average that they do not allow.
    """
    stand_in = _check_options(beta, average, zero_division)
    targets = check_targets(y_true, y_pred, sample_weight)
    labels = _labels_to_count(targets, labels, average, pos_label)
    tp, predicted, actual = _count(targets, labels, average)

    def ratio(part, whole, name, nothing):
        if zero_division == "warn" and name in warn_for and not whole.all():
            _warn_undefined(name, nothing, average)
        return np.divide(part, whole, out=np.full(len(whole), stand_in), where=whole != 0)

    precision = ratio(tp, predicted, "precision", "predicted")
    recall = ratio(tp, actual, "recall", "true")
    fscore = recall if np.isposinf(beta) else precision if beta == 0 else ratio(
        (1 + beta**2) * tp, beta**2 * actual + predicted, "f-score", "true or predicted")
    if average is None:
        return precision, recall, fscore, actual
    weight = {"weighted": actual, "samples": targets.weight}.get(average)
    return (*(_mean_of_defined(score, weight) for score in (precision, recall, fscore)), None)


def _check_options(beta, average, zero_division):
    """The number that stands for 0/0."""
    check_choice("average", average, AVERAGES)
    if not isinstance(beta, Real) or not beta >= 0:
        raise BadValue(f"beta must be a number of at least 0, got {beta!r}")
    if isinstance(zero_division, str) and zero_division == "warn":
        return 0.0
    if not isinstance(zero_division, Real) or not (zero_division in (0, 1) or np.isnan(zero_division)):
        raise BadValue(f"zero_division must be 0, 1, nan or 'warn', got {zero_division!r}")
    return float(zero_division)


def _labels_to_count(targets, labels, average, pos_label):
    if average == "binary":
        return np.asarray([_check_positive(targets, pos_label)])
    if average == "samples" and targets.kind != "multilabel-indicator":
        raise BadValue(f"average='samples' is for multilabel indicators, the targets are {targets.kind}")
    if pos_label not in (None, 1):
        warnings.warn(f"pos_label={pos_label!r} is ignored with average={average!r}; use labels=[{pos_label!r}]",
                      UserWarning, stacklevel=4)
    return targets.labels if labels is None else as_array(labels, "labels")


def _check_positive(targets, pos_label):
    if targets.kind != "binary":
        raise BadValue(f"the targets are {targets.kind}, not binary: choose average='macro', 'micro', 'weighted' or None")
    if len(targets.labels) == 2 and pos_label not in targets.labels.tolist():
        raise BadValue(f"pos_label={pos_label!r} must be one of the labels {targets.labels.tolist()}")
    return pos_label


def _count(targets, labels, average):
    """True positives, predicted and actual positives: (C,), or (N,) for average "samples", or (1,) for "micro"."""
    if targets.kind == "multilabel-indicator":
        tp, predicted, actual = _count_indicators(targets, labels, per_sample=average == "samples")
    else:
        tp, predicted, actual = _count_labels(targets, labels)
    # tp + fp and tp + fn are rounded as in scikit-learn, because reports print weighted supports in full.
    counts = tp, tp + (predicted - tp), tp + (actual - tp)
    return [c.sum(keepdims=True) for c in counts] if average == "micro" else counts


def _count_labels(targets, labels):
    true, predicted = positions(targets.y_true, labels), positions(targets.y_pred, labels)
    right = targets.y_true == targets.y_pred
    # A label that was asked for twice is counted once, at its last place, and reported at both.
    places = positions(labels, labels)

    def count(where, chosen=slice(None)):
        weight = None if targets.weight is None else targets.weight[chosen]
        return tally(where[chosen], weight, len(labels) + 1)[places]

    # With nothing right at all the counts are floats, as in scikit-learn, whose reports then read "1.0".
    return count(true, right) if right.any() else np.zeros(len(labels)), count(predicted), count(true)


def _count_indicators(targets, labels, per_sample):
    if len(labels) and (labels.max() >= len(targets.labels) or labels.min() < 0):
        raise BadValue(f"labels must be column numbers from 0 to {len(targets.labels) - 1}, got {labels.tolist()}")
    true, predicted = targets.y_true[:, labels] != 0, targets.y_pred[:, labels] != 0
    count = _row_counts if per_sample else _column_counts
    return [count(mask, targets.weight) for mask in (true & predicted, predicted, true)]


def _row_counts(mask, weight):
    return mask.sum(axis=1) if weight is None else mask.sum(axis=1) * weight


def _column_counts(mask, weight):
    rows, columns = np.nonzero(mask)
    return tally(columns, None if weight is None else weight[rows], mask.shape[1])


def _mean_of_defined(score, weight):
    defined = ~np.isnan(score)
    if not defined.any():
        return float("nan")
    weight = None if weight is None else weight[defined]
    if weight is not None and weight.sum() == 0:
        weight = None
    return float(np.average(score[defined], weights=weight))


def _warn_undefined(name, nothing, average):
    where = "samples" if average == "samples" else "labels"
    what = "labels" if average == "samples" else "samples"
    warnings.warn(f"{name} is undefined (0/0) and set to 0 for {where} with no {nothing} {what}; "
                  "choose the value with `zero_division`", UndefinedMetricWarning, stacklevel=4)
