"""What kind of labels came in, and whether they fit together: the checks that every metric starts with."""

from collections import namedtuple

import numpy as np

from ..errors import BadType, BadValue, ShapeError


class UndefinedMetricWarning(UserWarning):
    """A score is not defined for these labels (nothing predicted, one class only, ...) and a stand-in was returned."""


Targets = namedtuple("Targets", "kind labels y_true y_pred weight")
Targets.__doc__ = """Labels that were checked.

kind            "binary", "multiclass" or "multilabel-indicator"
labels          the sorted labels that occur, (C,); for indicators the column numbers
y_true, y_pred  (N,) labels, or (N, C) indicators
weight          (N,) or None
"""


def check_targets(y_true, y_pred, sample_weight=None):
    """Targets from true and predicted labels; raises BadValue unless both are label vectors or indicators of one size."""
    y_true, y_pred = as_labels(y_true, "y_true"), as_labels(y_pred, "y_pred")
    check_lengths(y_true=y_true, y_pred=y_pred)
    weight = check_weight(sample_weight, len(y_true))
    kind = _common_kind(y_true, y_pred)
    if kind == "multilabel-indicator":
        if y_true.shape != y_pred.shape:
            raise ShapeError(f"y_true has {y_true.shape[1]} label columns, y_pred has {y_pred.shape[1]}")
        return Targets(kind, np.arange(y_true.shape[1]), y_true, y_pred, weight)
    y_true, y_pred = y_true.reshape(-1), y_pred.reshape(-1)
    labels = union(y_true, y_pred)
    return Targets("multiclass" if len(labels) > 2 else kind, labels, y_true, y_pred, weight)


def _common_kind(y_true, y_pred):
    kinds = {kind_of(y_true), kind_of(y_pred)}
    if kinds == {"binary", "multiclass"}:
        return "multiclass"
    if len(kinds) > 1:
        raise BadValue(f"y_true holds {kind_of(y_true)} and y_pred {kind_of(y_pred)} labels; both must be of one kind")
    kind = kinds.pop()
    if kind not in ("binary", "multiclass", "multilabel-indicator"):
        raise BadValue(f"expected class labels or 0/1 indicators, got {kind} values")
    return kind


def as_labels(y, name):
    """An array of labels; raises BadValue for what is no sequence, is empty, ragged, or holds NaN."""
    y = as_array(y, name)
    if y.dtype.kind == "O" and all(isinstance(label, str) for label in y.flat):
        y = y.astype(str)
    if y.dtype.kind == "S":
        raise BadType(f"{name} holds bytes; decode them to strings first")
    if len(y) == 0:
        raise BadValue(f"{name} is empty: at least one sample is needed")
    return check_finite(y, name)


def as_array(y, name):
    y = y.toarray() if hasattr(y, "toarray") else y
    try:
        y = np.asarray(y)
    except ValueError as error:
        raise BadValue(f"{name} cannot be made an array: {error}") from None
    if y.ndim == 0:
        raise BadValue(f"{name} must be a sequence or an array, got {y.item()!r}")
    return y


def check_finite(y, name):
    if y.dtype.kind == "f" and not np.isfinite(y).all():
        raise BadValue(f"{name} contains NaN or infinity")
    return y


def as_scores(y, name):
    """A finite array of numbers, at least one row; raises BadValue."""
    y = as_array(y, name)
    if y.dtype.kind not in "biuf":
        try:
            y = y.astype(np.float64)
        except (ValueError, TypeError):
            raise BadValue(f"{name} must hold numbers, got {y.dtype}") from None
    if len(y) == 0:
        raise BadValue(f"{name} is empty: at least one sample is needed")
    return check_finite(y, name)


def as_column(y, name):
    """(N,) from (N,) or (N, 1)."""
    if y.ndim == 1 or (y.ndim == 2 and y.shape[1] == 1):
        return y.reshape(-1)
    raise ShapeError(f"{name} must be of shape (N,), got {y.shape}")


def check_lengths(**named):
    lengths = {name: len(y) for name, y in named.items() if y is not None}
    if len(set(lengths.values())) > 1:
        raise ShapeError("different numbers of samples: " + ", ".join(f"{k} has {n}" for k, n in lengths.items()))


def check_weight(sample_weight, count):
    """None, or a (count,) array of finite numbers that are not all zero."""
    if sample_weight is None:
        return None
    if np.ndim(sample_weight) == 0:
        raise BadType(f"sample_weight must be a sequence with one weight per sample, got {sample_weight!r}")
    weight = as_scores(sample_weight, "sample_weight")
    if weight.shape != (count,):
        raise ShapeError(f"sample_weight must be of shape ({count},), got {weight.shape}")
    if not weight.any():
        raise BadValue("sample_weight must contain at least one weight other than zero")
    return weight


def check_choice(name, value, choices):
    if not any(value is choice or (isinstance(value, str) and value == choice) for choice in choices):
        raise BadValue(f"{name} must be one of {', '.join(map(repr, choices))}; got {value!r}")


def kind_of(y):
    """ "binary", "multiclass", "multilabel-indicator", or the name of something that no metric takes."""
    if y.ndim > 2 or y.size == 0 or y.dtype.kind not in "biufU":
        return "unknown"
    whole = y.dtype.kind != "f" or bool((y == np.trunc(y)).all())
    if y.ndim == 2 and y.shape[1] > 1:
        is_indicator = whole and y.dtype.kind != "U" and len(np.unique(y)) <= 2
        return "multilabel-indicator" if is_indicator else "multioutput"
    if not whole:
        return "continuous"
    return "multiclass" if len(np.unique(y)) > 2 else "binary"


def union(*label_arrays):
    """The sorted distinct labels of several arrays; refuses to mix strings with numbers."""
    if len({y.dtype.kind == "U" for y in label_arrays}) > 1:
        raise BadValue("labels are strings in one place and numbers in another")
    return np.unique(np.concatenate(label_arrays))


def mean_or_sum(score, weight, normalize=True):
    """The (weighted) mean of per-sample scores, or their (weighted) sum."""
    if normalize:
        return float(np.average(score, weights=weight))
    return float(np.sum(score) if weight is None else np.dot(score, weight))
