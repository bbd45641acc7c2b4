"""Decisions: is one model better than another (McNemar), and from which score on is the answer yes (a threshold on the ROC curve)?"""

import math
from typing import NamedTuple

import numpy as np

from ..errors import BadValue
from .curves import counts_at_thresholds
from .targets import as_column, as_labels, check_choice, check_lengths

FEW = 25                        # discordant samples, below which the chi-square distribution is too coarse


class McNemar(NamedTuple):
    """The outcome of McNemar's test: how likely so uneven a split of the discordant samples is between equally good models."""

    statistic: float
    p_value: float
    only_first: int             # samples that only the first model labels right
    only_second: int
    exact: bool


def mcnemar_test(y_true, first, second, exact=None):
    """McNemar's test of two models on the same samples: only those that exactly one of them labels right tell them apart.

    y_true, first, second  (N,) labels: the truth, and what each model predicts
    exact                  True: the binomial distribution; False: chi-square with continuity correction,
                           (|b − c| − 1)² / (b + c); None: exact with fewer than 25 discordant samples

    The statistic of the exact test is the smaller of the two counts. Raises BadValue. McNemar, Psychometrika 12, 1947.
    """
    y_true, first, second = (as_column(as_labels(y, name), name) for y, name in
                             ((y_true, "y_true"), (first, "first"), (second, "second")))
    check_lengths(y_true=y_true, first=first, second=second)
    right, other = first == y_true, second == y_true
    b, c = int((right & ~other).sum()), int((other & ~right).sum())
    exact = b + c < FEW if exact is None else bool(exact)
    statistic, p = _binomial(b, c) if exact else _chi_square(b, c)
    return McNemar(statistic, p, b, c, exact)


def _binomial(b, c):
    """Twice the probability of at most min(b, c) heads in b + c tosses of a fair coin, at most 1."""
    n, few = b + c, min(b, c)
    at_most = sum(math.comb(n, k) for k in range(few + 1))
    return float(few), min(1.0, 2 * at_most / 2**n)


def _chi_square(b, c):
    """The corrected statistic and its upper tail; with one degree of freedom that is erfc(√(x/2))."""
    statistic = max(abs(b - c) - 1, 0) ** 2 / max(b + c, 1)
    return statistic, math.erfc(math.sqrt(statistic / 2))


class Threshold(NamedTuple):
    """A threshold, from which on (score >= threshold) a sample is called positive, and what it brings on the samples it was chosen on."""

    threshold: float
    sensitivity: float          # share of the positives that are found
    specificity: float          # share of the negatives that are left alone
    cost: float                 # per sample


def choose_threshold(y_true, y_score, *, by="youden", sensitivity=0.95, cost_fp=1.0, cost_fn=1.0, pos_label=None, sample_weight=None):
    """The Threshold on the ROC curve that is best by a rule; of equals the highest.

    by  "youden": the greatest sensitivity + specificity − 1
        "sensitivity": the greatest specificity at which at least this `sensitivity` is reached
        "cost": the least cost_fp · false positives + cost_fn · false negatives

    y_true (N,) binary labels, y_score (N,). To be chosen on validation samples, never on those of the test.
    Raises BadValue, also where one class is absent. Youden, "Index for rating diagnostic tests", Cancer 3, 1950.
    """
    check_choice("by", by, ("youden", "sensitivity", "cost"))
    if not (0 <= sensitivity <= 1 and cost_fp >= 0 and cost_fn >= 0):
        raise BadValue(f"sensitivity must be from 0 to 1 and costs at least 0, got {sensitivity}, {cost_fp}, {cost_fn}")
    fps, tps, thresholds = counts_at_thresholds(y_true, y_score, pos_label, sample_weight)
    if not (fps[-1] and tps[-1]):
        raise BadValue("a threshold needs samples of both classes, y_true has one only")
    fps, tps, thresholds = np.append(0.0, fps), np.append(0.0, tps), np.append(np.inf, thresholds)
    fpr, tpr = fps / fps[-1], tps / tps[-1]
    cost = (cost_fp * fps + cost_fn * (tps[-1] - tps)) / (fps[-1] + tps[-1])
    best = {"youden": np.argmax(tpr - fpr), "sensitivity": np.argmax(tpr >= sensitivity), "cost": np.argmin(cost)}[by]
    return Threshold(float(thresholds[best]), float(tpr[best]), float(1 - fpr[best]), float(cost[best]))
