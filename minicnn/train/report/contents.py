"""What a report says, computed: verdict with its uncertainty, data, model, curves, confusion with the images behind it, mistakes."""

from datetime import datetime
from functools import partial

import numpy as np

from ... import metrics, plot
from ...data.balance import imbalance_ratio
from ...data.statistics import channels
from ...models import summary
from ...models.summary import cells
from ..environment import environment
from ..results import report
from .images import Thumbnails, picture

CURVES = 12                     # classes whose ROC and precision-recall curves are drawn: the worst, if there are more
SHEET, ALL_SHEETS = 8, 200      # training images of a class on the contact sheet; of all classes, if one each are not more
WIDEST = 100                    # characters of all classes' names side by side; longer ones stand upright
MISTAKES = 40


def contents(title, classifier, outcome, images, parts=None, augmented=None, history=None, best_epoch=None, facts=(), command=None):
    """The values that `page.html` names.

    classifier  models.Classifier
    outcome     Evaluation of the images
    images      (N, C, H, W) uint8, those that were tested on
    parts       train.images.Parts that training and choice were made on; None where they are not known
    augmented   (M, C, H, W) training images as the network saw them
    history     records of the epochs, with the best one's number
    facts       (name, value) pairs about the run: settings, seconds
    command     the command line that repeats it
    """
    thumbnails, areas = Thumbnails(), roc_areas(outcome)
    error = metrics.expected_calibration_error(outcome.labels, outcome.probabilities)
    return {
        "title": title, "facts": [*facts, *machine()], "command": command,
        "classes": classifier.classes, "upright": sum(map(len, classifier.classes)) > WIDEST,
        "verdict": verdict(outcome, error), "per_class": per_class(outcome, classifier.classes, areas),
        "data": None if parts is None else data_tables(parts, classifier.classes),
        "sheet": [] if parts is None else sheet(parts.train, classifier.classes, thumbnails),
        "augmented": [] if augmented is None else [thumbnails.show(image) for image in augmented],
        "model": model_table(classifier), "pictures": pictures(outcome, classifier.classes, areas, error, history, best_epoch),
        "mistakes": mistakes(outcome, images, classifier.classes, thumbnails),
        "matrix": confusion(outcome, images, classifier.classes, thumbnails),
        "left_out": thumbnails.left_out,                        # last: now all have asked
    }


def machine():
    """With what it was computed."""
    return [*environment().items(), ("written", datetime.now().isoformat(" ", "minutes"))]


# Figures ----------------------------------------------------------------------------------------------------------------------


def verdict(outcome, error):
    """(name, value, lower, upper) of the figures that say how good the model is, with 95 % bootstrap intervals."""
    rows = []
    for name, metric in (("accuracy", metrics.accuracy_score), ("balanced accuracy", metrics.balanced_accuracy_score),
                         ("macro F1", partial(metrics.f1_score, average="macro", zero_division=0.0))):
        interval = metrics.bootstrap_interval(metric, outcome.labels, outcome.predictions)
        rows.append((name, *(f"{value:.2%}" for value in (interval.score, interval.low, interval.high))))
    return [*rows, ("cross-entropy", f"{outcome.loss:.4f}", "", ""), ("expected calibration error", f"{error:.2%}", "", "")]


def per_class(outcome, classes, areas):
    """(name, images, precision, recall, F1, area under the ROC curve) of each class; a dash where there is no such curve."""
    rows = report(outcome, classes)["classes"]
    return [(name, row["support"], *(f"{row[key]:.1%}" for key in ("precision", "recall", "f1-score")),
             f"{areas[k]:.4f}" if k in areas else "–") for k, (name, row) in enumerate(rows.items())]


def roc_areas(outcome):
    """{k: the area under class k's ROC curve against all others}, without those of which the test has only one of the two."""
    return {k: metrics.roc_auc_score(outcome.labels == k, scores) for k, scores in enumerate(outcome.probabilities.T)
            if 0 < (outcome.labels == k).sum() < len(outcome.labels)}


def data_tables(parts, classes):
    """How many images of each class are in each part, and what the channels of the training images are like."""
    counts = [np.bincount(part.labels, minlength=len(classes)) for part in parts]
    mean, deviation = channels(parts.train.images)
    ratio = imbalance_ratio(counts[0])
    return {
        "parts": [(name, len(part)) for name, part in zip(parts._fields, parts)],
        "classes": [(name, *(int(count[k]) for count in counts)) for k, name in enumerate(classes)],
        "shape": "x".join(map(str, parts.train.images.shape[1:])),
        "channels": [(f"{m:.4f}", f"{d:.4f}") for m, d in zip(mean, deviation)],
        "imbalance": f"{ratio:.1f}" if np.isfinite(ratio) else "without bound: a class has no training images",
    }


def model_table(classifier):
    found = summary(classifier.model, classifier.input_shape)
    return {"name": classifier.name, "rows": [cells(row) for row in found.rows], "totals": found.totals()}


# Pictures ---------------------------------------------------------------------------------------------------------------------


def pictures(outcome, classes, areas, error, history, best_epoch):
    """(heading, data URI, what is to be seen) of each picture."""
    found = [] if not history else [("Learning curves", plot.learning_curve(history, best_epoch), "Loss and accuracy over the epochs.")]
    chosen = sorted(sorted(areas, key=areas.get)[:CURVES])              # of many, the worst
    if chosen:
        others = f" The {len(chosen)} classes with the smallest areas." if len(chosen) < len(areas) else ""
        found += [("ROC curves", plot.roc_curves(roc(outcome, classes, chosen, areas)), "Each class against all others." + others),
                  ("Precision and recall", plot.precision_recall_curves(precision_recall(outcome, classes, chosen)),
                   "Each class against all others." + others)]
    bins = metrics.reliability(outcome.labels, outcome.probabilities)
    found.append(("Calibration", plot.reliability_diagram(bins, error), "Of the answers of one confidence, how many are right."))
    return [(heading, picture(figure), text) for heading, figure, text in found]


def roc(outcome, classes, chosen, areas):
    curves = {}
    for k in chosen:
        fpr, tpr, _ = metrics.roc_curve(outcome.labels == k, outcome.probabilities[:, k])
        curves[classes[k]] = fpr, tpr, areas[k]
    return curves


def precision_recall(outcome, classes, chosen):
    curves = {}
    for k in chosen:
        precision, recall, _ = metrics.precision_recall_curve(outcome.labels == k, outcome.probabilities[:, k])
        curves[classes[k]] = recall, precision, metrics.average_precision_score(outcome.labels == k, outcome.probabilities[:, k])
    return curves


# Images -----------------------------------------------------------------------------------------------------------------------


def sheet(part, classes, thumbnails):
    """(class, data URIs) of the first training images of each class."""
    most = min(SHEET, max(1, ALL_SHEETS // len(classes)))
    return [(name, [thumbnails.show(part.images[i]) for i in np.flatnonzero(part.labels == k)[:most]]) for k, name in enumerate(classes)]


def confusion(outcome, images, classes, thumbnails):
    """Rows of cells. Those with the most mistakes get their images first, the right answers last."""
    counts = metrics.confusion_matrix(outcome.labels, outcome.predictions, labels=list(range(len(classes))))
    share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    rows = [[{"actual": classes[k], "predicted": classes[j], "key": f"{k}-{j}", "count": int(counts[k, j]), "share": float(share[k, j]),
              "images": []} for j in range(len(classes))] for k in range(len(classes))]
    mistakes_first = counts - np.diag(np.diag(counts) + counts.max() + 1)
    for k, j in zip(*np.unravel_index(np.argsort(-mistakes_first, axis=None, kind="stable"), counts.shape)):
        if counts[k, j]:
            rows[k][j]["images"] = behind(k, j, outcome, images, thumbnails)
    return rows


def behind(k, j, outcome, images, thumbnails):
    """The images of class k that were taken for j: the most confident mistakes, or the least certain right answers."""
    confidence, there = outcome.probabilities.max(1), np.flatnonzero((outcome.labels == k) & (outcome.predictions == j))
    return thumbnails.some(images, there[np.argsort(confidence[there] * (1 if k == j else -1), kind="stable")], confidence)


def mistakes(outcome, images, classes, thumbnails):
    """{title, images: (data URI, true class, predicted class, confidence)} of the worst."""
    chosen, title = plot.worst(outcome.labels, outcome.probabilities, MISTAKES)
    return {"title": title, "images": [(thumbnails.show(images[i]), classes[outcome.labels[i]], classes[outcome.predictions[i]],
                                        f"{outcome.probabilities[i].max():.0%}") for i in chosen]}
