"""The pictures: they show the numbers that they were given, and are written whole or not at all."""

import numpy as np
import pytest
from PIL import Image

from minicnn import errors, metrics, plot
from minicnn.plot.style import literal

HISTORY = [{"epoch": e, "learning_rate": 0.1, "train_loss": 2 / e, "train_accuracy": 1 - 0.5 / e, "val_loss": 3 / e, "val_accuracy": 1 - 0.7 / e}
           for e in range(1, 31)]


def size_of(path):
    with Image.open(path) as image:
        return image.size


def test_learning_curve_draws_the_history_and_the_best_epoch():
    figure = plot.learning_curve(HISTORY, best_epoch=7)
    loss, accuracy = figure.get_axes()
    for axes, key in ((loss, "loss"), (accuracy, "accuracy")):
        train, val, best = axes.get_lines()
        np.testing.assert_array_equal(train.get_ydata(), [record[f"train_{key}"] for record in HISTORY])
        np.testing.assert_array_equal(val.get_ydata(), [record[f"val_{key}"] for record in HISTORY])
        assert list(train.get_xdata()) == list(range(1, 31)) and set(best.get_xdata()) == {7}
        assert train.get_linestyle() != val.get_linestyle() and train.get_marker() != val.get_marker()     # not by colour alone
    assert [text.get_text() for text in loss.get_legend().get_texts()] == ["training", "validation", "best epoch: 7"]


def test_confusion_matrix_has_true_classes_in_rows():
    matrix = np.array([[3, 1, 0], [0, 0, 0], [2, 0, 8]])
    figure = plot.confusion_matrix(matrix, ["cat", "dog", "emu"])
    axes = figure.get_axes()[0]
    np.testing.assert_allclose(axes.images[0].get_array(), [[0.75, 0.25, 0], [0, 0, 0], [0.2, 0, 0.8]])
    assert [(t.get_position(), t.get_text()) for t in axes.texts] == [((0, 0), "3"), ((1, 0), "1"), ((0, 2), "2"), ((2, 2), "8")]
    assert axes.get_ylabel() == "true class" and [t.get_text() for t in axes.get_yticklabels()] == ["cat", "dog", "emu"]


def test_many_classes_have_no_numbers_but_still_a_picture(tmp_path):
    figure = plot.confusion_matrix(np.eye(100, dtype=int), [f"class {i}" for i in range(100)])
    assert not figure.get_axes()[0].texts
    plot.save(figure, tmp_path / "matrix.png")
    assert max(size_of(tmp_path / "matrix.png")) < 4000


def probabilities(rows):
    return np.array(rows, np.float32)


def test_mistakes_come_by_falling_confidence():
    labels = np.array([0, 1, 0, 1])
    scores = probabilities([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.95, 0.05]])
    images = np.arange(4, dtype=np.uint8).reshape(4, 1, 1, 1)
    figure = plot.mistakes(images, labels, scores, ["a", "b"])
    shown = [axes for axes in figure.get_axes() if axes.images]
    assert [axes.images[0].get_array().item() for axes in shown] == [3, 1, 2]
    assert [axes.get_title() for axes in shown] == ["b,\ntaken for a (95%)", "b,\ntaken for a (80%)", "a,\ntaken for b (70%)"]
    assert figure.get_suptitle() == "3 mistakes on 4 images"
    assert plot.mistakes(images, labels, scores, ["a", "b"], most=2).get_suptitle() == "3 mistakes on 4 images: the 2 most confident"


def test_without_mistakes_the_least_certain_answers_are_shown():
    images = np.zeros((2, 3, 4, 4), np.uint8)
    figure = plot.mistakes(images, np.array([0, 1]), probabilities([[0.9, 0.1], [0.4, 0.6]]), ["a", "b"])
    assert figure.get_suptitle() == "No mistakes on 2 images: the least certain answers"
    assert [axes.get_title() for axes in figure.get_axes() if axes.images] == ["b (60%)", "a (90%)"]


@pytest.mark.parametrize("history", [HISTORY, HISTORY[:1]])
def test_saved_as_a_picture_without_touching_matplotlibs_settings(tmp_path, history):
    import matplotlib

    before = dict(matplotlib.rcParams)
    plot.save(plot.learning_curve(history, 1), tmp_path / "curve.png")
    assert size_of(tmp_path / "curve.png") == (1350, 570)
    assert dict(matplotlib.rcParams) == before
    assert [path.name for path in tmp_path.iterdir()] == ["curve.png"]


# Data, metrics and the course of a training


def test_class_balance_has_a_bar_for_each_class_and_part_the_largest_on_top():
    figure = plot.class_balance({"train": np.array([5, 20, 9]), "test": np.array([1, 2, 30])}, ["a", "b", "c"])
    axes = figure.get_axes()[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b", "c"] and [t.get_text() for t in axes.texts] == [" 6", " 22", " 39"]
    train, test = (axes.containers[i] for i in range(2))
    assert [bar.get_width() for bar in train] == [5, 20, 9] and train[0].get_hatch() != test[0].get_hatch()
    assert len(plot.class_balance({"train": np.arange(200)}, list(range(200))).get_axes()[0].get_yticks()) == 60


def test_grids_have_full_rows_and_gaps_where_there_is_no_image():
    images = np.zeros((10, 3, 4, 4), np.float32)
    images[4] = np.nan
    axes = plot.class_means(images, list("abcdefghij")).get_axes()
    assert len(axes) == 10 and [bool(a.images) for a in axes] == [True] * 4 + [False] + [True] * 5
    pairs = plot.image_pairs([[np.zeros((1, 2, 2), np.uint8)] * 2] * 2, [["p", "q"]] * 2, "pairs").get_axes()
    assert [a.get_title() for a in pairs] == ["p", "q", "p", "q", "", ""]


def test_reliability_shows_the_bins():
    bins = metrics.reliability([0, 1, 1, 0], [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.95, 0.05]], n_bins=10)
    axes, counts = plot.reliability_diagram(bins, 0.123).get_axes()
    np.testing.assert_array_equal(axes.get_lines()[-1].get_ydata(), bins.accuracy)
    assert axes.get_title() == "Reliability (expected calibration error 12.3%)"


def test_roc_curves_mark_the_threshold():
    truth, score = [0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]
    fpr, tpr, _ = metrics.roc_curve(truth, score)
    figure = plot.roc_curves({"model": (fpr, tpr, 0.75)}, metrics.choose_threshold(truth, score))
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == ["model (area 0.750)", "threshold 0.8: sensitivity 50%, specificity 100%"]


def test_comparison_draws_mean_and_range():
    curves = {f"setting {i}": np.array([[0.1, 0.5], [0.3, 0.9]]) + i / 100 for i in range(9)}
    axes = plot.comparison(curves, "nine").get_axes()[0]
    np.testing.assert_allclose(axes.get_lines()[0].get_ydata(), [0.2, 0.7])
    looks = {(line.get_color(), line.get_linestyle(), line.get_marker()) for line in axes.get_lines()}
    assert len(looks) == 9 and len(axes.collections) == 9


def test_range_test_and_gradients_can_be_drawn(tmp_path):
    rates = np.geomspace(1e-5, 10, 50)
    figure = plot.learning_rate_range(rates, 2 - rates / 20, 2 - rates / 20, 0.1, 0.3)
    assert [t.get_text() for t in figure.get_axes()[0].get_legend().get_texts()][2:] == ["suggestion: 0.1", "chosen: 0.3"]
    left, right = plot.gradient_norms(["a", "b"], [1e-3, 1.0], [1e-3, 0.5]).get_axes()
    assert left.get_xlim()[0] < 1e-3 and right.get_xlim()[1] > 0.5
    plot.save(figure, tmp_path / "range.svg")


NAMES = ["$1\\foo$ x", "_other", "a class whose name is much longer than there is room for, number 7"]


def test_names_are_no_formulas_and_are_in_the_legend(tmp_path):
    line = (np.array([0.0, 1.0]), np.array([0.0, 1.0]), 0.5)
    images, labels, scores = np.zeros((3, 1, 4, 4), np.uint8), np.array([0, 1, 2]), np.roll(np.eye(3), 1, 0)
    figures = [plot.confusion_matrix(np.eye(3, dtype=int), NAMES), plot.mistakes(images, labels, scores, NAMES),
               plot.roc_curves(dict.fromkeys(NAMES, line)), plot.precision_recall_curves(dict.fromkeys(NAMES, line)),
               plot.class_balance({"train": np.array([1, 2, 3])}, NAMES), plot.class_means(np.zeros((3, 1, 4, 4)), NAMES),
               plot.contact_sheet(np.zeros((3, 1, 1, 4, 4)), [[name] for name in NAMES], title=NAMES[0]),
               plot.comparison({"a": np.ones((1, 2))}, NAMES[0])]
    for figure in figures:
        plot.save(figure, tmp_path / "picture.png")
    assert [len(figure.legends[0].get_texts()) for figure in figures[2:4]] == [3, 3]


def test_a_long_name_keeps_its_beginning_and_its_end():
    assert len(literal(NAMES[2], 20)) == 20
    assert literal(NAMES[2], 20).endswith("number 7") and literal("short", 20) == "short"


def test_the_legend_of_curves_lies_below_them(tmp_path):
    curve = (np.linspace(0, 1, 5), np.zeros(5), 0.1)
    figure = plot.precision_recall_curves({f"class {k}": curve for k in range(12)})
    plot.save(figure, tmp_path / "curves.png")
    legend, axes = figure.legends[0].get_window_extent(), figure.get_axes()[0].get_window_extent()
    assert legend.y1 < axes.y0 and axes.height > 250


@pytest.mark.parametrize("name", ["picture", "picture.foo", "a.png/picture", ".png"])
def test_endings_that_are_no_pictures_are_refused(name, tmp_path):
    with pytest.raises(errors.BadValue, match=r"must end in .png, .pdf or .svg"):
        plot.save(plot.learning_curve(HISTORY), tmp_path / name)
    assert not list(tmp_path.iterdir())
