"""How far two labellings agree beyond chance, and how often they differ: single figures from the confusion matrix.

    kappa = (p_observed − p_chance) / (1 − p_chance)          mcc = cov(true, predicted) / √(cov(true, true) · cov(predicted, predicted))
"""

import warnings
from numbers import Real

import numpy as np

from ..errors import BadValue
from .confusion import accuracy_score, confusion_matrix
from .targets import UndefinedMetricWarning, check_choice, check_targets, check_weight


def matthews_corrcoef(y_true, y_pred, *, sample_weight=None):
    """The correlation between true and predicted classes, from −1 to 1: 0 for guessing, whatever the balance of the classes.

    y_true, y_pred  (N,) labels of two or more classes

    0 where one side has a single class. Raises BadValue. Gorodkin, "Comparing two K-category assignments by a K-category correlation
    coefficient", 2004.
    """
    matrix = confusion_matrix(y_true, y_pred, sample_weight=sample_weight).astype(np.float64)
    true, predicted, count = matrix.sum(1), matrix.sum(0), matrix.sum()
    spread = (count**2 - predicted @ predicted) * (count**2 - true @ true)
    return float((np.trace(matrix) * count - true @ predicted) / np.sqrt(spread)) if spread else 0.0


def cohen_kappa_score(y1, y2, *, labels=None, weights=None, sample_weight=None, replace_undefined_by=np.nan):
    """The agreement of two labellings (N,) beyond what chance would give: 1 for perfect agreement, 0 for chance.

    labels                the classes that count; None: all that occur
    weights               None: every disagreement counts alike; "linear", "quadratic": by the distance of the classes in `labels`
    replace_undefined_by  the result where both know a single class, which is 0/0

    Raises BadValue. Cohen, "A coefficient of agreement for nominal scales", 1960.
    """
    check_choice("weights", weights, ("linear", "quadratic", None))
    if not isinstance(replace_undefined_by, Real) or abs(replace_undefined_by) > 1:
        raise BadValue(f"replace_undefined_by must be nan or a number from -1 to 1, got {replace_undefined_by!r}")
    matrix = confusion_matrix(y1, y2, labels=labels, sample_weight=sample_weight).astype(np.float64)
    distance = np.abs(np.subtract.outer(*2 * [np.arange(len(matrix))])).astype(np.float64)
    distance = {None: (distance > 0) * 1.0, "linear": distance, "quadratic": distance**2}[weights]
    expected = np.outer(matrix.sum(0), matrix.sum(1)) / (matrix.sum() or 1)
    by_chance = (distance * expected).sum()
    if by_chance == 0:
        warnings.warn(f"kappa is undefined where a single label is in use; it is set to {replace_undefined_by}",
                      UndefinedMetricWarning, stacklevel=2)
        return replace_undefined_by
    return float(1 - (distance * matrix).sum() / by_chance)


def hamming_loss(y_true, y_pred, *, sample_weight=None):
    """The share of labels that are wrong; of indicators (N, C) the share of wrong entries. Raises BadValue."""
    targets = check_targets(y_true, y_pred, sample_weight)
    wrong = (targets.y_true != targets.y_pred).reshape(len(targets.y_true), -1).mean(1)
    return float(np.average(wrong, weights=targets.weight))


def zero_one_loss(y_true, y_pred, *, normalize=True, sample_weight=None):
    """1 − accuracy_score; with normalize=False the (weighted) number of samples that are labelled wrong."""
    right = accuracy_score(y_true, y_pred, normalize=normalize, sample_weight=sample_weight)
    weight = check_weight(sample_weight, len(y_true))
    total = 1 if normalize else len(y_true) if weight is None else weight.sum()
    return float(total - right)
