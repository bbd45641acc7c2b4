"""How far a score would move with another test set of the same size: intervals by the bootstrap.

Drawing N samples with replacement means giving each sample a random multiplicity. So a metric that knows sample weights is asked with
multiplicities as weights; and samples with equal truth and prediction are one, so that accuracies cost C² instead of N.
"""

import inspect
import warnings
from typing import NamedTuple

import numpy as np

from ..errors import BadValue
from .targets import as_array, check_lengths


class Interval(NamedTuple):
    """A score and the bounds between which it lies with the given confidence."""

    score: float
    low: float
    high: float
    undefined: int              # resamples without a score (nan), left out

    def __str__(self):
        return f"{self.score:.4f} ({self.low:.4f} to {self.high:.4f})"


def bootstrap_interval(metric, y_true, y_pred, confidence=0.95, n_resamples=1000, seed=0, stratified=False):
    """The percentile interval of metric(y_true, y_pred) over resampled test sets, with the score on the whole one.

    metric      callable (y_true, y_pred) -> number; options by functools.partial. With a `sample_weight` it is much quicker
    y_true      (N,) labels
    y_pred      (N,) predictions, or (N, C) scores
    stratified  draw within each class, so that every resample has the classes in the same numbers

    Raises BadValue. Efron & Tibshirani, "An introduction to the bootstrap", 1993, section 13.3.
    """
    _check(confidence, n_resamples)
    y_true, y_pred = as_array(y_true, "y_true"), as_array(y_pred, "y_pred")
    check_lengths(y_true=y_true, y_pred=y_pred)
    if not len(y_true):
        raise BadValue("y_true is empty: at least one sample is needed")
    scores = np.array(_resampled(metric, y_true, y_pred, n_resamples, np.random.default_rng(seed), stratified))
    defined = scores[~np.isnan(scores)]
    tail = (1 - confidence) / 2
    low, high = np.quantile(defined, [tail, 1 - tail]) if len(defined) else (np.nan, np.nan)
    return Interval(float(metric(y_true, y_pred)), float(low), float(high), n_resamples - len(defined))


def _check(confidence, n_resamples):
    if not 0 < confidence < 1:
        raise BadValue(f"confidence must be between 0 and 1, got {confidence!r}")
    if isinstance(n_resamples, bool) or not isinstance(n_resamples, (int, np.integer)) or n_resamples < 1:
        raise BadValue(f"n_resamples must be an integer of at least 1, got {n_resamples!r}")


def _resampled(metric, y_true, y_pred, n_resamples, rng, stratified):
    """The metric on every resample."""
    weighted = "sample_weight" in inspect.signature(metric).parameters
    cells = _cells(y_true, y_pred) if weighted else (y_true, y_pred, np.ones(len(y_true), np.int64))
    draw = _drawing(*(cells[0], cells[2]), rng, stratified)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)            # of classes that a resample happens to lack
        return [_score(metric, *cells[:2], draw(), weighted) for _ in range(n_resamples)]


def _cells(y_true, y_pred):
    """The distinct pairs (truth, prediction) and how often each occurs; scores are left as they are."""
    if y_pred.ndim > 1 or y_true.ndim > 1 or y_pred.dtype.kind == "f":
        return y_true, y_pred, np.ones(len(y_true), np.int64)
    (trues, true), (preds, pred) = (np.unique(y, return_inverse=True) for y in (y_true, y_pred))
    cell, count = np.unique(true * len(preds) + pred, return_counts=True)
    return trues[cell // len(preds)], preds[cell % len(preds)], count


def _drawing(y_true, count, rng, stratified):
    """A function that draws as many samples as there are and says how often each cell came."""
    groups = [np.flatnonzero(y_true == label) for label in np.unique(y_true)] if stratified else [np.arange(len(y_true))]

    def draw():
        times = np.empty(len(y_true), np.int64)
        for group in groups:
            total = count[group].sum()
            times[group] = (np.bincount(rng.integers(total, size=total), minlength=total) if total == len(group)
                            else rng.multinomial(total, count[group] / total))
        return times

    return draw


def _score(metric, y_true, y_pred, times, weighted):
    drawn = times > 0
    if weighted:
        return metric(y_true[drawn], y_pred[drawn], sample_weight=times[drawn])
    return metric(np.repeat(y_true, times, axis=0), np.repeat(y_pred, times, axis=0))
