"""Every metric against scikit-learn on seeded random targets: value, warning and refusal must agree."""

import os
from itertools import product

import numpy as np
import pytest

theirs = pytest.importorskip("sklearn.metrics")

from helpers.metriccases import (  # noqa: E402
    agree,
    indicator_pair,
    label_pair,
    outcome,
    probabilities,
    scored,
    some_labels,
    weights,
)

SEEDS = int(os.environ.get("METRIC_SEEDS", 15))          # METRIC_SEEDS=200: a long search


def draw(seed):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_accuracy_and_confusion_matrix(seed):
    rng = draw(seed)
    for pair in [label_pair(rng) for _ in range(4)] + [indicator_pair(rng)]:
        weight = weights(rng, len(pair[0]))
        agree("accuracy_score", *pair, normalize=bool(rng.integers(2)), sample_weight=weight)
        agree("confusion_matrix", *pair, sample_weight=weight, labels=some_labels(rng, *pair),
              normalize=[None, "true", "pred", "all"][rng.integers(4)])
        if len(np.unique(np.asarray(pair[0]))) > 1:      # one class: 0/0 in both, as a RuntimeWarning of NumPy's
            agree("balanced_accuracy_score", *pair, sample_weight=weight, adjusted=bool(rng.integers(2)))


AVERAGES = ["binary", "micro", "macro", "weighted", "samples", None]


@pytest.mark.parametrize("seed", range(SEEDS))
def test_precision_recall_fscore(seed):
    rng = draw(seed)
    for pair in [label_pair(rng) for _ in range(4)] + [indicator_pair(rng), indicator_pair(rng)]:
        options = dict(labels=some_labels(rng, *pair) if np.asarray(pair[0]).ndim == 1 else None,
                       average=AVERAGES[rng.integers(6)], sample_weight=weights(rng, len(pair[0])),
                       zero_division=["warn", 0, 1, np.nan][rng.integers(4)],
                       pos_label=[1, 1, 0, np.asarray(pair[0]).flat[0]][rng.integers(4)])
        for name in ("precision_score", "recall_score", "f1_score"):
            agree(name, *pair, **options)
        beta = [0, 0.5, 1, 2, np.inf][rng.integers(5)]
        agree("fbeta_score", *pair, beta=beta, **options)
        agree("precision_recall_fscore_support", *pair, beta=beta, **options)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_indicator_columns_can_be_chosen(seed):
    rng = draw(seed)
    pair = indicator_pair(rng)
    labels = rng.integers(-1, pair[0].shape[1] + 1, 2)
    for average in AVERAGES:
        agree("f1_score", *pair, labels=labels, average=average, zero_division=0)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_classification_report_to_the_letter(seed):
    rng = draw(seed)
    for pair in [label_pair(rng) for _ in range(3)] + [indicator_pair(rng)]:
        weight = weights(rng, len(pair[0]))
        labels = some_labels(rng, *pair) if np.asarray(pair[0]).ndim == 1 else None
        for output_dict in (False, True):
            agree("classification_report", *pair, labels=labels, sample_weight=weight, output_dict=output_dict,
                  digits=int(rng.integers(0, 5)), zero_division=["warn", 0, 1, np.nan][rng.integers(4)])


def test_classification_report_with_names():
    y_true, y_pred = [0, 1, 2, 2, 2], [0, 0, 2, 2, 1]
    for names in (["cat", "dog", "a very long name indeed"], ["cat", "dog"], ["accuracy", "b", "c"]):
        for labels in (None, [2, 1, 0], [0, 1]):
            agree("classification_report", y_true, y_pred, labels=labels, target_names=names)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_curves(seed):
    rng = draw(seed)
    for _ in range(3):
        y_true, y_score, pos_label = scored(rng)
        options = dict(pos_label=pos_label, sample_weight=weights(rng, len(y_true)), drop_intermediate=bool(rng.integers(2)))
        agree("roc_curve", y_true, y_score, **options)
        agree("precision_recall_curve", y_true, y_score, **options)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_binary_ranking_scores(seed):
    rng = draw(seed)
    for _ in range(3):
        y_true, y_score, pos_label = scored(rng)
        weight = weights(rng, len(y_true))
        agree("roc_auc_score", y_true, y_score, sample_weight=weight, max_fpr=[None, 0.1, 0.5, 1.0][rng.integers(4)])
        agree("average_precision_score", y_true, y_score, sample_weight=weight, pos_label=pos_label or 1)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_multiclass_ranking_scores(seed):
    rng = draw(seed)
    count, classes = int(rng.integers(3, 30)), int(rng.integers(2, 5))
    y_true, proba = rng.integers(0, classes, count), probabilities(rng, count, classes)
    weight, labels = weights(rng, count), [None, np.arange(classes), np.arange(classes)[::-1]][rng.integers(3)]
    for average, multi_class in product(["macro", "weighted", "micro", "samples", None], ["raise", "ovr", "ovo"]):
        agree("roc_auc_score", y_true, proba, average=average, multi_class=multi_class, labels=labels,
              sample_weight=None if multi_class == "ovo" else weight)
    for average in ("macro", "weighted", "micro", "samples", None):
        agree("average_precision_score", y_true, proba, average=average, sample_weight=weight)
    score = rng.integers(0, 4, (count, classes)) if rng.random() < 0.5 else proba
    if classes == 2 and labels is None:
        score = score[:, 1]
    for k in range(1, 5):
        agree("top_k_accuracy_score", y_true, score, k=k, sample_weight=weight, labels=labels,
              normalize=bool(rng.integers(2)))


@pytest.mark.parametrize("seed", range(SEEDS))
def test_multilabel_ranking_scores(seed):
    rng = draw(seed)
    y_true, _ = indicator_pair(rng)
    y_score = rng.random(y_true.shape) if rng.random() < 0.5 else rng.integers(0, 3, y_true.shape)
    weight = weights(rng, len(y_true))
    for average in ("macro", "weighted", "micro", "samples", None):
        agree("roc_auc_score", y_true, y_score, average=average, sample_weight=weight)
        agree("average_precision_score", y_true, y_score, average=average, sample_weight=weight)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_log_loss(seed):
    rng = draw(seed)
    count, classes = int(rng.integers(1, 12)), int(rng.integers(2, 5))
    y_true, proba = rng.integers(0, classes, count), probabilities(rng, count, classes)
    if rng.random() < 0.3:
        proba = np.round(proba)                         # exact 0 and 1, rows that do not sum to 1
    if rng.random() < 0.3:
        proba = proba.astype(np.float32)
    if classes == 2 and rng.random() < 0.5:
        proba = proba[:, 1]
    labels = [None, np.arange(classes), np.arange(classes)[::-1], np.arange(classes - 1)][rng.integers(4)]
    if rng.random() < 0.2:
        y_true, labels = np.array(list("abcd"))[y_true], None if labels is None else np.array(list("abcd"))[labels]
    agree("log_loss", y_true, proba, labels=labels, sample_weight=weights(rng, count), normalize=bool(rng.integers(2)))


@pytest.mark.parametrize("seed", range(SEEDS))
def test_auc(seed):
    rng = draw(seed)
    x, y = rng.integers(0, 5, int(rng.integers(1, 7))), rng.random(6)
    for points in (x, np.sort(x), np.sort(x)[::-1]):
        agree("auc", points, y[: len(points)])


BAD = {
    "empty": ([], []),
    "lengths differ": ([0, 1], [0, 1, 1]),
    "string against number": (["a", "b"], [0, 1]),
    "continuous": ([0, 1], [0.2, 0.8]),
    "multioutput": ([[1, 2, 3]], [[1, 2, 3]]),
    "indicator against labels": ([[0, 1], [1, 0]], [0, 1]),
    "columns differ": ([[0, 1], [1, 0]], [[0, 1, 0], [1, 0, 0]]),
    "ragged": ([[0], [1, 0]], [[0], [1, 0]]),
    "nan": ([0, np.nan], [0, 1]),
    "three dimensions": (np.zeros((2, 2, 2)), np.zeros((2, 2, 2))),
    "numbers, not arrays": (1, 1),
    "objects": (np.array([0, None], dtype=object), [0, 1]),
    "bytes": ([b"a", b"b"], [b"a", b"b"]),
}


@pytest.mark.parametrize("reason", BAD)
def test_bad_targets_are_refused(reason):
    for name in ("accuracy_score", "f1_score", "confusion_matrix", "classification_report", "balanced_accuracy_score"):
        assert outcome(theirs, name, BAD[reason], {})[1] is not None, "the case is not bad"
        agree(name, *BAD[reason])


BAD_OPTIONS = [
    ("accuracy_score", dict(sample_weight=[1, 1])),
    ("f1_score", dict(sample_weight=[0, 0, 0, 0])),
    ("accuracy_score", dict(sample_weight=[1, 1, 1, np.nan])),
    ("accuracy_score", dict(sample_weight=[[1], [1], [1], [1]])),
    ("accuracy_score", dict(sample_weight=2.0)),
    ("confusion_matrix", dict(labels=[])),
    ("confusion_matrix", dict(labels=[7, 8])),
    ("confusion_matrix", dict(normalize="rows")),
    ("f1_score", dict(average="mean")),
    ("f1_score", dict(average="samples")),
    ("f1_score", dict(zero_division=2)),
    ("f1_score", dict(zero_division="zero")),
    ("f1_score", dict(pos_label=9)),
    ("fbeta_score", dict(beta=-1)),
    ("classification_report", dict(target_names=["a"])),
    ("classification_report", dict(digits=-1)),
    ("roc_curve", dict(sample_weight=[1, 1])),
    ("roc_auc_score", dict(max_fpr=0)),
    ("roc_auc_score", dict(max_fpr=2)),
    ("roc_auc_score", dict(average="mean")),
    ("roc_auc_score", dict(multi_class="both")),
    ("average_precision_score", dict(pos_label=5)),
    ("top_k_accuracy_score", dict(k=0)),
    ("top_k_accuracy_score", dict(k=1.5)),
    ("log_loss", dict(labels=[0])),
    ("log_loss", dict(labels=[0, 2])),
]


@pytest.mark.parametrize("name, options", BAD_OPTIONS)
def test_bad_options_are_refused(name, options):
    assert outcome(theirs, name, ([0, 1, 1, 0], [0, 1, 1, 1]), options)[1] is not None, "the case is not bad"
    agree(name, [0, 1, 1, 0], [0, 1, 1, 1], **options)


@pytest.mark.parametrize("scores", [[0.1, np.nan], [0.1, np.inf], [0.1], ["a", "b"], [[0.1, 0.2], [0.1, 0.2]]])
def test_bad_scores_are_refused(scores):
    for name in ("roc_curve", "precision_recall_curve", "roc_auc_score", "average_precision_score", "top_k_accuracy_score"):
        agree(name, [0, 1], scores)


@pytest.mark.parametrize("proba", [[1.2, 0.1], [-0.1, 0.5], [[0.2, 0.2, 0.6], [0.1, 0.2, 0.7]], [[0.5, 0.5]], [np.nan, 0.5]])
def test_bad_probabilities_are_refused(proba):
    agree("log_loss", [0, 1], proba)
