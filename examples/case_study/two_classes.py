"""Your own folder of two classes, few images, far fewer of one class: from FOLDER/class/image to a threshold that you can defend.

    python examples/case_study/two_classes.py FOLDER            finds the rarer class, such as "no mask" among "mask"
"""

import sys

import numpy as np

from minicnn import metrics, plot
from minicnn.train import BestEpoch, config
from minicnn.train.job import prepare
from minicnn.train.results import evaluate_classifier


def main(folder, epochs=30, picture="roc.png"):
    """Train with the rarer class weighed up, choose the threshold on the validation images, test once. Returns the share found."""
    settings = dict(image_size=32, augment="flip,color", class_weight="balanced", epochs=epochs)
    job = prepare(config.complete("folder", data_dir=str(folder), **settings))
    best, rare = BestEpoch(), int(np.bincount(job.parts.train.labels).argmin())
    job.trainer.callbacks.append(best)
    job.fit()
    best.restore(job.classifier.model)
    valid, test = (evaluate_classifier(job.classifier, part) for part in (job.parts.validation, job.parts.test))
    valid, test = ((outcome.labels == rare, outcome.probabilities[:, rare]) for outcome in (valid, test))
    chosen = metrics.choose_threshold(*valid, by="sensitivity", sensitivity=0.95)
    show(valid, test, chosen, picture)
    return metrics.recall_score(test[0], test[1] >= chosen.threshold)


def show(valid, test, chosen, picture):
    """Print what the threshold brings on the test images, (labels, scores); draw it on the curve that it was chosen on."""
    print(f"found: from a probability of {chosen.threshold:.3f} on, by {len(valid[0])} validation images with {valid[0].sum()} to be found")
    print(f"area under the ROC curve of the test {metrics.bootstrap_interval(metrics.roc_auc_score, *test, stratified=True)}")
    print(metrics.classification_report(test[0], test[1] >= chosen.threshold, target_names=["left alone", "to be found"], zero_division=0))
    curves = {name: (*metrics.roc_curve(*part)[:2], metrics.roc_auc_score(*part)) for name, part in (("validation", valid), ("test", test))}
    plot.save(plot.roc_curves(curves, chosen), picture)


if __name__ == "__main__":
    main(sys.argv[1])
