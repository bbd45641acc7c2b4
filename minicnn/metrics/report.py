"""The table that sums a classifier up: precision, recall, F1 and support of every class, and their averages."""

import warnings

import numpy as np

from ..errors import BadValue
from .fscore import precision_recall_fscore_support
from .targets import as_array, check_targets

HEADERS = ("precision", "recall", "f1-score", "support")


def classification_report(y_true, y_pred, *, labels=None, target_names=None, sample_weight=None, digits=2,
                          output_dict=False, zero_division="warn"):
    """A text table with a row per class and rows of averages, or the same as nested dicts.

    labels        the classes to report, in this order; None: all that occur
    target_names  the names to show for them
    digits        decimals of the scores in the text
    zero_division as in precision_recall_fscore_support

    Raises BadValue when the names do not fit the classes.
    """
    if isinstance(digits, bool) or not isinstance(digits, (int, np.integer)) or digits < 0:
        raise BadValue(f"digits must be an integer of at least 0, got {digits!r}")
    targets = check_targets(y_true, y_pred, sample_weight)
    shown = targets.labels if labels is None else as_array(labels, "labels")
    names = _names(shown, target_names, labels is not None)

    def scores(average):
        return precision_recall_fscore_support(targets.y_true, targets.y_pred, labels=shown, average=average,
                                               sample_weight=sample_weight, zero_division=zero_division)

    per_class = scores(None)
    rows = dict(zip(names, zip(*per_class)))
    averages = {_heading(average, targets, shown): (*scores(average)[:3], np.sum(per_class[3]))
                for average in _averages(targets.kind)}
    return _as_dict(rows, averages) if output_dict else _as_text(zip(names, zip(*per_class)), averages, names, digits)


def _names(labels, target_names, labels_given):
    if target_names is None:
        return [str(label) for label in labels.tolist()]
    if len(labels) != len(target_names):
        message = f"{len(labels)} classes are reported, but {len(target_names)} target_names given"
        if not labels_given:
            raise BadValue(message + "; name the classes to report with `labels`")
        warnings.warn(message, UserWarning, stacklevel=3)
    return [str(name) for name in target_names]


def _averages(kind):
    return ("micro", "macro", "weighted") + (("samples",) if kind == "multilabel-indicator" else ())


def _heading(average, targets, shown):
    """The micro average over all classes, one label per sample, is the accuracy."""
    complete = targets.kind != "multilabel-indicator" and set(shown.tolist()) >= set(targets.labels.tolist())
    return "accuracy" if average == "micro" and complete else f"{average} avg"


def _as_dict(rows, averages):
    table = {name: dict(zip(HEADERS, map(float, row))) for name, row in (rows | averages).items()}
    if "accuracy" in averages:
        table["accuracy"] = table["accuracy"]["precision"]
    return table


def _as_text(rows, averages, names, digits):
    width = max(*map(len, names), len("weighted avg"), digits) if names else max(len("weighted avg"), digits)
    lines = [f"{'':>{width}s} " + "".join(f" {header:>9}" for header in HEADERS), ""]
    lines += [_line(name, row, width, digits) for name, row in rows]
    lines += [""] + [_line(name, row, width, digits, score_only=name == "accuracy") for name, row in averages.items()]
    return "\n".join(lines) + "\n"


def _line(name, row, width, digits, score_only=False):
    *scores, support = row
    cells = [f"{score:>9.{digits}f}" for score in scores]
    if score_only:
        cells[:2] = [" " * 9] * 2
    return f"{name:>{width}s} " + "".join(f" {cell}" for cell in cells) + f" {support:>9}"
