"""Answers to classes of unequal size: weights for the loss, and a sampler that draws every class equally often."""

import numpy as np

from ..errors import BadValue
from .sampler import WeightedRandomSampler


def compute_class_weight(class_weight, *, classes, y, sample_weight=None):
    """A weight for each class, (K,): scikit-learn's `sklearn.utils.class_weight.compute_class_weight`.

    class_weight   "balanced": N / (K · count of the class); a dict {class: weight}, 1 for what is not in it; None: all 1
    classes        (K,) the classes, as in y
    y              (N,) labels
    sample_weight  (N,) None: every sample counts once

    `nn.CrossEntropyLoss(weight=tensor(...))` takes them. Raises BadValue for labels that are not among the classes.
    """
    classes, y = np.asarray(classes), np.asarray(y)
    if set(np.unique(y).tolist()) - set(classes.tolist()):
        raise BadValue(f"classes must hold all labels that are in y, got {classes.tolist()}")
    if class_weight is None:
        return np.ones(len(classes))
    if isinstance(class_weight, dict):
        return _from_dict(class_weight, classes.tolist())
    if not (isinstance(class_weight, str) and class_weight == "balanced"):
        raise BadValue(f"class_weight must be 'balanced', a dict or None, got {class_weight!r}")
    weight = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight, np.float64)
    count = np.array([weight[y == label].sum() for label in classes.tolist()])
    if not (count > 0).all():
        raise BadValue(f"y has no sample of the classes {classes[count == 0].tolist()}: there is nothing to balance them by")
    return weight.sum() / (len(classes) * count)


def _from_dict(weights, classes):
    unknown = set(weights) - set(classes)
    if unknown and set(classes) - set(weights):
        raise BadValue(f"class_weight names {sorted(unknown)}, which are not among the classes {classes}")
    return np.array([float(weights.get(label, 1)) for label in classes])


def balanced_sampler(labels, num_samples=None, generator=None):
    """A WeightedRandomSampler that draws every class that occurs equally often, samples of rare ones again and again.

    labels       (N,) integers
    num_samples  how many to draw in an epoch; None: N
    """
    labels = np.asarray(labels)
    _, where, count = np.unique(labels, return_inverse=True, return_counts=True)
    return WeightedRandomSampler(1 / count[where], len(labels) if num_samples is None else num_samples, generator=generator)


def imbalance_ratio(counts):
    """The size of the largest class over that of the smallest one: 1 for balanced classes, inf where a class is empty."""
    counts = np.asarray(counts)
    return float(counts.max() / counts.min()) if counts.min() else float("inf")
