"""Whether probabilities mean what they say: of the samples given 80 %, eight in ten should be right.

    Brier score = (1/N) Σ_n Σ_k (p[n,k] − [y_n = k])²          expected calibration error = Σ_bins (n_bin / N) · |accuracy − confidence|
"""

from typing import NamedTuple

import numpy as np

from ..errors import BadValue, ShapeError
from .confusion import positions
from .curves import positions_of
from .likelihood import check_columns, check_probabilities, one_hot
from .targets import as_array, as_column, as_labels, check_choice, check_lengths, check_weight, kind_of


def brier_score_loss(y_true, y_proba, *, sample_weight=None, pos_label=None, labels=None, scale_by_half="auto"):
    """The mean squared distance between the probabilities and the truth as 0 and 1: 0 at best.

    y_true         (N,) labels
    y_proba        (N,) probabilities of the positive label, or (N, C), columns by sorted label
    pos_label      None: 1, or else the greater of two numbers
    labels         the classes; None: those in y_true
    scale_by_half  halve the sum over the classes, so that it is at most 1; "auto": for two classes

    Raises BadValue. Brier, "Verification of forecasts expressed in terms of probability", 1950.
    """
    check_choice("scale_by_half", scale_by_half, ("auto", True, False))
    proba, y_true = check_probabilities(y_proba), as_labels(y_true, "y_true")
    check_lengths(y_true=y_true, y_proba=proba)
    weight = check_weight(sample_weight, len(y_true))
    if proba.ndim == 1 or proba.shape[1] == 1:
        positive = _is_positive(as_column(y_true, "y_true"), pos_label)
        truth, proba = np.stack([~positive, positive], 1), check_columns(proba, 2)
    else:
        truth = one_hot(y_true, labels)
        proba = check_columns(proba, truth.shape[1])
    score = float(np.average(((truth - proba) ** 2).sum(1), weights=weight))
    halved = proba.shape[1] < 3 if scale_by_half == "auto" else scale_by_half
    return score / 2 if halved else score


def _is_positive(y_true, pos_label, greater=True):
    """(N,) bool. `greater`: of numbers other than 0, 1 and -1, the greater one is positive unless pos_label says otherwise."""
    if kind_of(y_true) != "binary":
        raise BadValue(f"y_true must hold two classes, as y_proba is one probability a sample; got {kind_of(y_true)} values")
    known = np.unique(y_true).tolist()
    if pos_label is None and known not in ([0, 1], [-1, 1], [0], [-1], [1]):
        if isinstance(known[0], str) or not greater:
            raise BadValue(f"the labels are {known}: say which is the positive one with pos_label")
        pos_label = known[-1]
    return positions_of(y_true, 1 if pos_label is None else pos_label)


def calibration_curve(y_true, y_prob, *, pos_label=None, n_bins=5, strategy="uniform"):
    """(prob_true, prob_pred): the share of positives and the mean probability in each bin of probabilities that is not empty.

    y_true    (N,) labels of two classes
    y_prob    (N,) probabilities of the positive one
    strategy  "uniform": bins of equal width; "quantile": bins with as many samples each

    Raises BadValue.
    """
    _check_bins(n_bins)
    check_choice("strategy", strategy, ("uniform", "quantile"))
    y_true, y_prob = as_column(as_labels(y_true, "y_true"), "y_true"), as_column(check_probabilities(y_prob), "y_prob")
    check_lengths(y_true=y_true, y_prob=y_prob)
    positive = _is_positive(y_true, pos_label, greater=False)
    shares = np.linspace(0, 1, n_bins + 1)
    edges = shares if strategy == "uniform" else np.percentile(y_prob, shares * 100)
    bins = _bins(y_prob, positive, edges)
    return bins.accuracy, bins.confidence


class Reliability(NamedTuple):
    """Bins of confidence that are not empty, from the least to the most confident, each (B,)."""

    confidence: np.ndarray      # mean probability that was given
    accuracy: np.ndarray        # share that was right
    count: np.ndarray           # samples


def reliability(y_true, y_prob, n_bins=15, labels=None):
    """The Reliability of probabilities in n_bins bins of equal width, each closed above.

    y_true  (N,) labels
    y_prob  (N, C): each sample counts with its highest probability, right or wrong; or (N,) probabilities of the positive label
    labels  the classes of the columns; None: 0 to C − 1

    Raises BadValue.
    """
    _check_bins(n_bins)
    prob, y_true = check_probabilities(y_prob), as_column(as_labels(y_true, "y_true"), "y_true")
    check_lengths(y_true=y_true, y_prob=prob)
    edges = np.linspace(0, 1, n_bins + 1)
    if prob.ndim == 1:
        return _bins(prob, _is_positive(y_true, None), edges)
    classes = np.arange(prob.shape[1]) if labels is None else as_array(labels, "labels")
    if len(classes) != prob.shape[1]:
        raise ShapeError(f"{len(classes)} labels are given, but y_prob has {prob.shape[1]} columns")
    true = positions(y_true, classes)
    if (true == len(classes)).any():
        raise BadValue(f"y_true contains labels that are not among {classes.tolist()}; name the columns' classes with `labels`")
    return _bins(prob.max(1), prob.argmax(1) == true, edges)


def _check_bins(n_bins):
    if isinstance(n_bins, bool) or not isinstance(n_bins, (int, np.integer)) or n_bins < 1:
        raise BadValue(f"n_bins must be an integer of at least 1, got {n_bins!r}")


def _bins(prob, right, edges):
    where = np.searchsorted(edges[1:-1], prob)
    total, count_right, count = (np.bincount(where, weight, len(edges) - 1) for weight in (prob, right, None))
    filled = count > 0
    return Reliability(total[filled] / count[filled], count_right[filled] / count[filled], count[filled])


def expected_calibration_error(y_true, y_prob, n_bins=15, *, labels=None):
    """The mean distance between confidence and accuracy over bins of confidence, weighted by their samples: 0 to 1.

    Arguments as `reliability`. Raises BadValue. Guo, Pleiss, Sun & Weinberger, "On calibration of modern neural networks", ICML 2017.
    """
    bins = reliability(y_true, y_prob, n_bins, labels)
    return float(np.average(np.abs(bins.accuracy - bins.confidence), weights=bins.count))
