"""What a test found, as figures that can be written and shown; and the test of a model that was saved."""

import json
from pathlib import Path

from .. import data, metrics
from ..errors import DataError
from ..models import Classifier
from ..nn import CrossEntropyLoss
from ..serialize.atomic import replacing
from .evaluation import evaluate
from .images import as_they_are, divide


def evaluate_classifier(classifier, part):
    """The Evaluation of a Classifier on a Part; the loss is the plain cross-entropy."""
    return evaluate(classifier.model, as_they_are(part, classifier), CrossEntropyLoss())


def report(outcome, classes):
    """An Evaluation as JSON-ready figures: loss, accuracy, figures per class, confusion matrix."""
    labels = list(range(len(classes)))
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        outcome.labels, outcome.predictions, labels=labels, zero_division=0.0)
    per_class = {name: {"precision": float(p), "recall": float(r), "f1-score": float(f), "support": int(n)}
                 for name, p, r, f, n in zip(classes, precision, recall, f1, support)}
    matrix = metrics.confusion_matrix(outcome.labels, outcome.predictions, labels=labels)
    return {"images": len(outcome.labels), "loss": outcome.loss, "accuracy": outcome.accuracy,
            "classes": per_class, "confusion_matrix": matrix.tolist()}


def write_json(values, path):
    with replacing(path) as file:
        file.write((json.dumps(values, indent=2) + "\n").encode())


def load_classifier(run):
    """The Classifier in a run folder or a model file. Raises DataError where there is none."""
    path = Path(run)
    if not path.exists():
        raise DataError(f"there is no run folder or model file {run}")
    if path.is_dir() and not (path / "model.mcnn").is_file():
        raise DataError(f"{path} has no model.mcnn: it is not the folder of a run")
    return Classifier.load(path / "model.mcnn" if path.is_dir() else path)


def evaluate_saved(run, dataset=None, data_dir=None, part="test", progress=None):
    """(name of the data set, Evaluation, figures) of a saved model on a part of a data set: its own, where None is given.

    Raises DataError where the data set has other images or classes than the model was trained on.
    """
    classifier = load_classifier(run)
    about = classifier.about
    if dataset is None and "dataset" not in about:
        raise DataError(f"{run} does not say what it was trained on; name the data set")
    same = dataset in (None, about.get("dataset"))
    source = data.load(dataset or about["dataset"], data_dir or (about.get("data_dir") if same else None), progress=progress)
    chosen = getattr(divide(source), part)
    if chosen.images.shape[1:] != classifier.input_shape or list(source.classes) != classifier.classes:
        raise DataError(f"{run} was trained on other images or classes than those of {source.name}")
    outcome = evaluate_classifier(classifier, chosen)
    return source.name, outcome, report(outcome, classifier.classes)
