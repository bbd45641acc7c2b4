"""What a test found, as figures that can be written and shown; and the test of a model that was saved."""

import csv
import io
import json
from pathlib import Path

from .. import data, metrics
from ..data.registry import FOLDER
from ..errors import DataError
from ..models.summary import dims
from ..nn import CrossEntropyLoss
from ..serialize.atomic import check_writable, replacing
from .evaluation import evaluate
from .images import Parts, as_they_are, divide


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


def make_output(folder):
    """The folder, made if need be, before time is spent on what is to be written there. Raises OSError where nothing can be."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    check_writable(folder)
    return folder


def write_json(values, path):
    with replacing(path) as file:
        file.write((json.dumps(values, indent=2) + "\n").encode())


def load_for(classifier, name, data_dir, progress):
    """The data set, brought to the size that a Classifier takes."""
    channels, *size = classifier.input_shape
    if name != FOLDER:
        return data.load(name, data_dir, progress=progress, image_size=classifier.about.get("image_size"))
    on_error = classifier.about.get("broken", "raise")
    return data.load(name, data_dir, progress=progress, image_size=size, channels=channels, on_error=on_error)


def write_csv(rows, path):
    """Dicts with the same keys as CSV: the same numbers give the same bytes."""
    text = io.StringIO()
    table = csv.DictWriter(text, rows[0], lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    with replacing(path) as file:
        file.write(text.getvalue().encode())


def read_json(path, what):
    """The values in a JSON file. Raises DataError, which says that it is not `what` it should be."""
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is not {what}: {error}") from None


SPLIT = "split.json"            # in the run folder of a training on a folder of images


def read_split(run):
    """{"train": files, ...} that a run on a folder of images stored; None where there is none. Raises DataError for other contents."""
    path = Path(run) / SPLIT
    if not path.is_file():
        return None
    split = read_json(path, "a split")
    if not isinstance(split, dict) or set(split) != set(Parts._fields) or not all(isinstance(files, list) for files in split.values()):
        raise DataError(f"{path} is not a split: it must list the files of {', '.join(Parts._fields)}")
    return split


def check_fits(classifier, run, source):
    """Raise DataError for a data set with other images or classes than a Classifier's."""
    size, wanted = source.train_images.shape[1:], classifier.input_shape
    if size != wanted:
        raise DataError(f"{run} takes images of {dims(wanted)}, those of {source.name} are {dims(size)}")
    if list(source.classes) != classifier.classes:
        hint = "; if only the names differ, give them: --classes FILE" * (len(source.classes) == len(classifier.classes))
        raise DataError(f"{run} has other classes ({first_of(classifier.classes)}) than {source.name} ({first_of(source.classes)}){hint}")


def first_of(classes):
    """The number of classes, and the names of the first ones."""
    return f"{len(classes)}: {', '.join(classes[:3])}{', ...' * (len(classes) > 3)}"


def evaluate_saved(classifier, run, dataset=None, data_dir=None, part="test", progress=None):
    """(name of the data set, Evaluation, figures, images) of a saved model on a part of a data set: its own, where None is given.

    run   the run folder or file that the Classifier was opened from
    part  "train", "validation", "test", or "all"

    Raises DataError where the data set has other images or classes than the model was trained on.
    """
    about = classifier.about
    if dataset is None and "dataset" not in about:
        raise DataError(f"{run} does not say what it was trained on; name the data set (--dataset, or --data FOLDER)")
    same = dataset in (None, about.get("dataset"))
    source = load_for(classifier, dataset or about["dataset"], data_dir or (about.get("data_dir") if same else None), progress)
    parts = divide(source, read_split(run) if same and data_dir in (None, about.get("data_dir")) else None)
    chosen = parts.together() if part == "all" else getattr(parts, part)
    check_fits(classifier, run, source)
    outcome = evaluate_classifier(classifier, chosen)
    remarks = {"remarks": list(source.remarks)} if source.remarks else {}
    return source.name, outcome, {**report(outcome, classifier.classes), **remarks}, chosen.images
