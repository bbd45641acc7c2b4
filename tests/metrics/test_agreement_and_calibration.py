"""Agreement, calibration, bootstrap intervals, McNemar's test and thresholds: against scikit-learn, SciPy and the formulas."""

import math
import os
import warnings
from functools import partial

import numpy as np
import pytest

theirs = pytest.importorskip("sklearn.metrics")
sklearn_calibration = pytest.importorskip("sklearn.calibration")
from helpers.metriccases import agree, indicator_pair, label_pair, probabilities, scored, some_labels, weights  # noqa: E402
from scipy import stats  # noqa: E402

from minicnn import errors, metrics  # noqa: E402

SEEDS = int(os.environ.get("METRIC_SEEDS", 15))


@pytest.mark.parametrize("seed", range(SEEDS))
def test_agreement(seed):
    rng = np.random.default_rng(seed)
    for pair in [label_pair(rng) for _ in range(4)] + [indicator_pair(rng)]:
        weight = weights(rng, len(pair[0]))
        agree("matthews_corrcoef", *pair, sample_weight=weight)
        agree("hamming_loss", *pair, sample_weight=weight)
        agree("zero_one_loss", *pair, sample_weight=weight, normalize=bool(rng.integers(2)))
        agree("cohen_kappa_score", *pair, sample_weight=weight, labels=some_labels(rng, *pair),
              weights=[None, "linear", "quadratic"][rng.integers(3)], replace_undefined_by=[np.nan, 0.0][rng.integers(2)])
        agree("jaccard_score", *pair, sample_weight=weight, zero_division=["warn", 0, 1][rng.integers(3)],
              average=["binary", "micro", "macro", "weighted", "samples", None][rng.integers(6)],
              labels=some_labels(rng, *pair) if np.asarray(pair[0]).ndim == 1 else None)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_brier_score(seed):
    rng = np.random.default_rng(seed)
    for _ in range(3):
        y_true, _, pos_label = scored(rng)
        agree("brier_score_loss", y_true, rng.random(len(y_true)), pos_label=pos_label, sample_weight=weights(rng, len(y_true)))
        count, classes = int(rng.integers(1, 20)), int(rng.integers(2, 5))
        agree("brier_score_loss", rng.integers(0, classes, count), probabilities(rng, count, classes),
              labels=[None, np.arange(classes)][rng.integers(2)], scale_by_half=["auto", True, False][rng.integers(3)],
              sample_weight=weights(rng, count))


@pytest.mark.parametrize("seed", range(SEEDS))
def test_calibration_curve(seed):
    rng = np.random.default_rng(seed)
    for strategy in ("uniform", "quantile"):
        y_true, _, pos_label = scored(rng)
        prob = [rng.random(len(y_true)), rng.integers(0, 5, len(y_true)) / 4][rng.integers(2)]
        agree("calibration_curve", y_true, prob, theirs=sklearn_calibration, pos_label=pos_label, strategy=strategy,
              n_bins=int(rng.integers(1, 12)))


@pytest.mark.parametrize("name, args, options", [
    ("brier_score_loss", ([0, 1], [1.2, 0.1]), {}),
    ("brier_score_loss", ([0, 1, 2], [0.2, 0.1, 0.3]), {}),
    ("brier_score_loss", ([0, 1], [0.2, 0.1, 0.3]), {}),
    ("brier_score_loss", (["a", "b"], [0.2, 0.1]), {}),
    ("brier_score_loss", ([0, 1], [[0.2, 0.8, 0.0], [0.1, 0.9, 0.0]]), {}),
    ("cohen_kappa_score", ([0, 1], [0, 1]), {"weights": "cubic"}),
    ("cohen_kappa_score", ([0, 1], [0, 1]), {"labels": [5]}),
    ("jaccard_score", ([0, 1, 2], [0, 1, 2]), {}),
    ("jaccard_score", ([0, 1], [0, 1]), {"zero_division": np.nan}),
    ("matthews_corrcoef", ([[0, 1], [1, 0]], [[0, 1], [1, 0]]), {}),
])
def test_what_is_refused(name, args, options):
    with pytest.raises((ValueError, TypeError)):
        getattr(theirs, name)(*args, **options)
    with pytest.raises((errors.BadValue, errors.ShapeError)):
        getattr(metrics, name)(*args, **options)


# Calibration


def calibrated(n=20000, classes=4, seed=0, temperature=1.0):
    """Labels that were drawn from the very probabilities that are stated; with another temperature the statement is too bold."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n, classes)) * 2
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    labels = (p.cumsum(1) > rng.random((n, 1))).argmax(1)
    stated = np.exp(logits / temperature)
    return labels, stated / stated.sum(1, keepdims=True)


def test_calibration_error_by_hand():
    prob = np.array([[0.9, 0.1], [0.95, 0.05], [0.35, 0.65], [0.4, 0.6]])
    # bins of a fifth: (0.6, 0.8] holds 0.65; 0.6 lies in (0.4, 0.6]; (0.8, 1] holds 0.9 and 0.95, one of them right
    error = metrics.expected_calibration_error([0, 1, 1, 1], prob, n_bins=5)
    assert error == pytest.approx(2 / 4 * abs(0.925 - 0.5) + 1 / 4 * 0.35 + 1 / 4 * 0.4)
    assert metrics.expected_calibration_error([1, 0], [1.0, 0.0]) == 0
    assert metrics.expected_calibration_error(["b", "a"], [[0.0, 1.0], [1.0, 0.0]], labels=["a", "b"]) == 0


def test_overconfidence_is_seen():
    assert metrics.expected_calibration_error(*calibrated()) < 0.02
    assert metrics.expected_calibration_error(*calibrated(temperature=0.4)) > 0.1
    bins = metrics.reliability(*calibrated(temperature=0.4))
    assert (bins.accuracy < bins.confidence)[3:].all() and bins.count.sum() == 20000


@pytest.mark.parametrize("options", [dict(n_bins=0), dict(n_bins=2.5), dict(labels=[0]), dict(labels=[0, 5])])
def test_bins_and_labels_are_checked(options):
    with pytest.raises(errors.Error):
        metrics.expected_calibration_error([0, 1], [[0.5, 0.5], [0.1, 0.9]], **options)


# Bootstrap


def test_bootstrap_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(3)
    hits = 0
    for trial in range(200):
        y_true = rng.integers(0, 3, 150)
        y_pred = np.where(rng.random(150) < 0.8, y_true, (y_true + 1) % 3)
        interval = metrics.bootstrap_interval(metrics.accuracy_score, y_true, y_pred, 0.9, 200, seed=trial)
        hits += interval.low <= 0.8 <= interval.high
    assert 165 <= hits <= 194                       # 180 of 200 expected, deviation 4.2


@pytest.mark.parametrize("metric", [metrics.accuracy_score, partial(metrics.f1_score, average="macro"), metrics.roc_auc_score])
@pytest.mark.parametrize("stratified", [False, True])
def test_weights_stand_for_repeats(metric, stratified):
    """By multiplicities and by samples that are really repeated: the same distribution."""
    rng = np.random.default_rng(0)
    y_true = rng.integers(0, 2, 300)
    y_pred = np.where(rng.random(300) < 0.75, y_true, 1 - y_true)
    if metric is metrics.roc_auc_score:
        y_pred = y_pred + rng.normal(size=300)
    fast = metrics.bootstrap_interval(metric, y_true, y_pred, stratified=stratified)
    slow = metrics.bootstrap_interval(lambda t, p: metric(t, p), y_true, y_pred, stratified=stratified)
    assert fast.score == slow.score == metric(y_true, y_pred) and fast.low < fast.score < fast.high
    np.testing.assert_allclose(fast[1:3], slow[1:3], atol=0.012)


def test_bootstrap_agrees_with_the_normal_interval_and_is_repeatable():
    y_true, y_pred = np.ones(4000, int), (np.arange(4000) >= 400).astype(int)
    interval = metrics.bootstrap_interval(metrics.accuracy_score, y_true, y_pred)
    half = 1.96 * math.sqrt(0.9 * 0.1 / 4000)
    np.testing.assert_allclose(interval[:3], [0.9, 0.9 - half, 0.9 + half], atol=0.001)
    assert interval == metrics.bootstrap_interval(metrics.accuracy_score, y_true, y_pred)
    assert interval != metrics.bootstrap_interval(metrics.accuracy_score, y_true, y_pred, seed=1)


def test_stratified_keeps_the_class_counts():
    seen = []

    def positives(y_true, y_pred):
        seen.append(int(np.sum(y_true)))
        return 0.0

    y = np.array([0] * 90 + [1] * 10)
    metrics.bootstrap_interval(positives, y, y, n_resamples=50, stratified=True)
    assert set(seen) == {10}
    metrics.bootstrap_interval(positives, y, y, n_resamples=50)
    assert len(set(seen)) > 5


def test_resamples_without_a_score_are_counted():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        interval = metrics.bootstrap_interval(metrics.roc_auc_score, [0, 0, 0, 1], [0.1, 0.2, 0.3, 0.9], n_resamples=300)
    assert interval.score == interval.low == 1 and 50 < interval.undefined < 150       # (3/4)^4 of 300 lack the positive: 95
    assert str(interval) == "1.0000 (1.0000 to 1.0000)"


@pytest.mark.parametrize("options", [dict(confidence=1), dict(confidence=0), dict(n_resamples=0), dict(n_resamples=1.5)])
def test_bootstrap_options_are_checked(options):
    with pytest.raises(errors.BadValue):
        metrics.bootstrap_interval(metrics.accuracy_score, [0, 1], [0, 1], **options)


# McNemar


def discordant(b, c, both=5):
    """Labels, and predictions of two models of which b are right in the first only, c in the second only."""
    y = np.ones(b + c + both, int)
    first, second = y.copy(), y.copy()
    second[:b], first[b : b + c] = 0, 0
    return y, first, second


@pytest.mark.parametrize("b, c", [(0, 0), (1, 0), (3, 9), (12, 12), (5, 20), (30, 12), (40, 40), (121, 59)])
def test_mcnemar_by_scipys_distributions(b, c):
    exact = metrics.mcnemar_test(*discordant(b, c), exact=True)
    expected = stats.binomtest(b, b + c).pvalue if b + c else 1.0
    assert exact.p_value == pytest.approx(expected) and exact.statistic == min(b, c)
    rough = metrics.mcnemar_test(*discordant(b, c), exact=False)
    statistic = max(abs(b - c) - 1, 0) ** 2 / max(b + c, 1)
    assert rough.statistic == pytest.approx(statistic) and rough.p_value == pytest.approx(stats.chi2.sf(statistic, 1))
    chosen = metrics.mcnemar_test(*discordant(b, c))
    assert chosen == (exact if b + c < 25 else rough) and (chosen.only_first, chosen.only_second) == (b, c)


def test_mcnemar_with_names_of_classes():
    assert metrics.mcnemar_test(["a", "b"], ["a", "a"], ["b", "b"])[2:4] == (1, 1)
    with pytest.raises(errors.ShapeError):
        metrics.mcnemar_test([0, 1], [0, 1], [0])


# Thresholds


@pytest.mark.parametrize("seed", range(10))
def test_thresholds_are_the_best_of_all(seed):
    rng = np.random.default_rng(seed)
    y_true = np.append(rng.integers(0, 2, 30), [0, 1])
    score = np.round(rng.normal(size=32) + y_true, int(rng.integers(0, 3)))
    candidates = [np.inf, *np.unique(score)[::-1]]
    sensitivity = np.array([(score[y_true == 1] >= t).mean() for t in candidates])
    specificity = np.array([(score[y_true == 0] < t).mean() for t in candidates])
    cost = np.array([(2 * ((score >= t) & (y_true == 0)) + 5 * ((score < t) & (y_true == 1))).mean() for t in candidates])
    youden = metrics.choose_threshold(y_true, score)
    assert youden.sensitivity + youden.specificity == pytest.approx((sensitivity + specificity).max())
    given = metrics.choose_threshold(y_true, score, by="sensitivity", sensitivity=0.9)
    assert given.sensitivity >= 0.9 and given.specificity == pytest.approx(specificity[sensitivity >= 0.9].max())
    cheap = metrics.choose_threshold(y_true, score, by="cost", cost_fp=2, cost_fn=5)
    assert cheap.cost == pytest.approx(cost.min())
    for found in (youden, given, cheap):
        i = candidates.index(found.threshold)
        assert (found.sensitivity, found.specificity) == pytest.approx((sensitivity[i], specificity[i]))


def test_thresholds_need_both_classes_and_known_rules():
    with pytest.raises(errors.BadValue, match="both classes"):
        metrics.choose_threshold([1, 1], [0.2, 0.3])
    with pytest.raises(errors.BadValue, match="by must be"):
        metrics.choose_threshold([0, 1], [0.2, 0.3], by="f1")
    assert metrics.choose_threshold(["no", "yes"], [0.2, 0.3], pos_label="yes").threshold == 0.3


# Names of classes in rankings


@pytest.mark.parametrize("seed", range(SEEDS))
def test_rankings_of_named_and_absent_classes(seed):
    """String labels, classes that never occur, ties in nearly all scores."""
    rng = np.random.default_rng(seed)
    for _ in range(3):
        count, classes = int(rng.integers(2, 25)), int(rng.integers(2, 6))
        names = np.array(["ant", "bee", "cat", "dog", "elk"])[:classes]
        y_true = names[rng.integers(0, int(rng.integers(1, classes + 1)), count)]
        score = probabilities(rng, count, classes)
        labels = [None, names, names.tolist()][rng.integers(3)]
        for multi_class in ("ovr", "ovo"):
            for average in ("macro", "weighted", "micro", None):
                agree("roc_auc_score", y_true, score, multi_class=multi_class, average=average, labels=labels)
        agree("top_k_accuracy_score", y_true, score, k=int(rng.integers(1, 4)), labels=labels)
        agree("log_loss", y_true, score, labels=labels)
        agree("brier_score_loss", y_true, score, labels=labels)
        agree("average_precision_score", y_true == "ant", score[:, 0])
