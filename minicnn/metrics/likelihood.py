"""How probable the true classes were to the classifier: the logarithmic loss.

    log_loss = −(1/N) Σ_n log p[n, y_n]
"""

import warnings

import numpy as np

from ..errors import BadValue
from .confusion import positions
from .targets import as_array, as_column, as_labels, as_scores, check_lengths, check_weight, kind_of, mean_or_sum, union


def log_loss(y_true, y_proba=None, *, normalize=True, sample_weight=None, labels=None, y_pred=None):
    """The mean negative logarithm of the probability that was given to the true class (cross-entropy).

    y_true     (N,) labels, or (N, C) indicators
    y_proba    (N, C) probabilities, columns by sorted label; or (N,) probabilities of the greater of two labels
    normalize  False: the (weighted) sum
    labels     the classes; None: those in y_true
    y_pred     the older name of y_proba

    Probabilities are kept off 0 and 1 by their dtype's eps. Raises BadValue.
    """
    if (y_proba is None) == (y_pred is None):
        raise BadValue("give the probabilities as y_proba (or by its older name y_pred, not both)")
    proba = check_probabilities(y_pred if y_proba is None else y_proba)
    y_true = as_labels(y_true, "y_true")
    check_lengths(y_true=y_true, y_proba=proba)
    weight = check_weight(sample_weight, len(y_true))
    truth = one_hot(y_true, labels)
    proba = check_columns(proba, truth.shape[1])
    eps = np.finfo(proba.dtype).eps
    losses = -(truth.astype(proba.dtype) * np.log(np.clip(proba, eps, 1 - eps))).sum(axis=1)
    return mean_or_sum(losses, weight, normalize)


def check_probabilities(proba):
    proba = as_scores(proba, "y_proba")
    proba = proba if proba.dtype.kind == "f" else proba.astype(np.float64)
    if proba.ndim > 2:
        raise BadValue(f"y_proba must be of shape (N,) or (N, classes), got {proba.shape}")
    if proba.size and not (proba.min() >= 0 and proba.max() <= 1):
        raise BadValue(f"y_proba must lie between 0 and 1, got {proba.min()} to {proba.max()}")
    return proba


def one_hot(y_true, labels):
    """(N, C) 0/1 by sorted class."""
    kind = kind_of(y_true)
    if kind == "multilabel-indicator" and labels is None:
        return y_true
    if kind not in ("binary", "multiclass"):
        raise BadValue(f"y_true must be class labels, got {kind} values")
    y_true = as_column(y_true, "y_true")
    classes = np.unique(y_true) if labels is None else _check_labels(labels, y_true)
    if len(classes) < 2:
        raise BadValue(f"only the label {classes.tolist()} is known: name all classes with `labels`")
    return (y_true[:, None] == classes)


def _check_labels(labels, y_true):
    labels = as_column(as_array(labels, "labels"), "labels")
    classes = union(labels)
    if not np.array_equal(classes, labels):
        warnings.warn(f"labels are taken in sorted order, {classes.tolist()}, not as given, {labels.tolist()}: "
                      "the columns of y_proba must follow the sorted order", UserWarning, stacklevel=4)
    if (positions(y_true, classes) == len(classes)).any():
        raise BadValue(f"y_true contains labels that are not among {classes.tolist()}")
    return classes


def check_columns(proba, classes):
    """(N, C) probabilities, with the complement added where only the greater of two classes is given."""
    if proba.ndim == 1 or proba.shape[1] == 1:
        positive = proba.reshape(-1, 1)
        proba = np.concatenate([1 - positive, positive], axis=1)
    if not np.isclose(proba.sum(axis=1), 1, rtol=np.sqrt(np.finfo(proba.dtype).eps), atol=0).all():
        warnings.warn("the rows of y_proba do not sum to 1", UserWarning, stacklevel=3)
    if proba.shape[1] != classes:
        raise BadValue(f"y_proba has {proba.shape[1]} columns for {classes} classes; name all classes with `labels`")
    return proba
