"""Pictures of a training's outcome: learning curve, confusion matrix, mistakes."""

from itertools import zip_longest

import numpy as np

from .style import BLUE, GREY, LINES, VERMILION, literal, make_figure, percent, show_image, style

SERIES = {"train": dict(color=BLUE, linestyle="-", marker="o"), "val": dict(color=VERMILION, linestyle="--", marker="s")}
MOST_NAMES = 50                 # classes that are named along a confusion matrix; of more, every second, third, ...
MOST_CHARACTERS = 24            # of a name
NAMES = {"train": "training", "val": "validation"}


def learning_curve(history, best_epoch=None):
    """Loss and accuracy over the epochs, of training and validation.

    history     dicts with the keys epoch, train_loss, val_loss, train_accuracy, val_accuracy
    best_epoch  marked by a line
    """
    with style():
        figure = make_figure(9, 3.8)
        for axes, quantity in zip(figure.subplots(1, 2), ("loss", "accuracy")):
            _draw_curves(axes, history, quantity)
            _mark_best(axes, best_epoch)
            axes.set(title=quantity.capitalize(), xlabel="epoch")
        percent(axes.yaxis)
        figure.get_axes()[0].legend()
    return figure


def _draw_curves(axes, history, quantity):
    epochs = [record["epoch"] for record in history]
    for part, look in SERIES.items():
        values = [record[f"{part}_{quantity}"] for record in history]
        axes.plot(epochs, values, label=NAMES[part], markersize=3.5, linewidth=1.6, markevery=max(1, len(epochs) // 15), **look)
    axes.xaxis.get_major_locator().set_params(integer=True)
    if len(epochs) == 1:
        axes.set_xticks(epochs)


def _mark_best(axes, epoch):
    if epoch is not None:
        axes.axvline(epoch, color=GREY, linestyle=":", linewidth=1.2, zorder=1, label=f"best epoch: {epoch}")


def confusion_matrix(matrix, classes):
    """Counts (K, K) by true class (rows) and predicted class (columns), shaded by the share of the row."""
    matrix = np.asarray(matrix)
    share = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    side = 2.6 + 0.42 * min(len(classes), 25)
    with style():
        figure = make_figure(side + 0.9, side)
        axes = figure.subplots()
        image = axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
        if len(classes) <= 25:
            _write_counts(axes, matrix, share)
        _name_classes(axes, classes)
        bar = figure.colorbar(image, shrink=0.8, label="share of the true class")
        percent(bar.ax.yaxis)
    return figure


def _write_counts(axes, matrix, share):
    for (row, column), count in np.ndenumerate(matrix):
        if count:
            axes.text(column, row, f"{count}", ha="center", va="center", fontsize=9 if len(matrix) <= 12 else 7,
                      color="white" if share[row, column] > 0.5 else "black")


def _name_classes(axes, classes):
    ticks = range(0, len(classes), -(-len(classes) // MOST_NAMES))
    names, long = [literal(classes[i], MOST_CHARACTERS) for i in ticks], max(map(len, map(str, classes))) > 2
    axes.grid(False)
    if len(classes) <= MOST_NAMES:
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_ticks(np.arange(len(classes) - 1) + 0.5, minor=True)
        axes.grid(which="minor")
    axes.set_xticks(ticks, names, rotation=45 if long else 0, ha="right" if long else "center", rotation_mode="anchor")
    axes.set_yticks(ticks, names)
    axes.tick_params(which="both", length=0, labelsize=9 if len(classes) <= 25 else 6)
    axes.set(xlabel="predicted class", ylabel="true class", title="Confusion matrix")


def mistakes(images, labels, probabilities, classes, most=20):
    """The images that were classified wrongly with the greatest confidence; without any, those that were nearly so.

    images         (N, C, H, W) uint8 or floats in 0..1
    labels         (N,) integers
    probabilities  (N, K)
    """
    chosen, title = worst(labels, probabilities, most)
    columns = 5
    rows = -(-len(chosen) // columns)
    with style():
        figure = make_figure(1.75 * columns, 2.05 * rows + 0.6)
        figure.suptitle(title, fontweight="bold", fontsize=11)
        for axes, index in zip_longest(figure.subplots(rows, columns, squeeze=False).flat, chosen):
            axes.set_axis_off()
            if index is not None:
                _draw_mistake(axes, images[index], classes[labels[index]], probabilities[index], classes)
    return figure


def worst(labels, probabilities, most):
    """(indices of the most confident mistakes, or of the least certain right answers where there are none; what they are)"""
    confidence, wrong = probabilities.max(1), np.flatnonzero(probabilities.argmax(1) != labels)
    if not len(wrong):
        return np.argsort(confidence, kind="stable")[:most], f"No mistakes on {len(labels):,} images: the least certain answers"
    order = wrong[np.argsort(-confidence[wrong], kind="stable")][:most]
    count = f"{len(wrong):,} mistake{'s' * (len(wrong) > 1)} on {len(labels):,} images"
    return order, count + (f": the {most} most confident" if len(wrong) > most else "")


def _draw_mistake(axes, image, true, probabilities, classes):
    show_image(axes, image)
    predicted = classes[probabilities.argmax()]
    mistaken = "" if predicted == true else f",\ntaken for {literal(predicted, 14)}"
    axes.set_title(f"{literal(true, MOST_CHARACTERS)}{mistaken} ({probabilities.max():.0%})", fontsize=8, fontweight="normal")


def reliability_diagram(bins, error=None):
    """The share that is right against the confidence: on the diagonal for calibrated probabilities; below, the samples in each bin.

    bins   metrics.Reliability
    error  the expected calibration error, for the title
    """
    with style():
        figure = make_figure(4.8, 5.2)
        axes, counts = figure.subplots(2, 1, height_ratios=(3, 1), sharex=True)
        axes.plot([0, 1], [0, 1], color=GREY, linestyle=":", label="calibrated")
        axes.vlines(bins.confidence, bins.accuracy, bins.confidence, color=VERMILION, linewidth=1.2, label="gap")
        axes.plot(bins.confidence, bins.accuracy, color=BLUE, marker="o", label="model")
        title = "Reliability" if error is None else f"Reliability (expected calibration error {error:.1%})"
        axes.set(title=title, ylabel="share that is right", xlim=(0, 1.02), ylim=(0, 1.05))
        axes.legend(loc="lower right")
        counts.vlines(bins.confidence, 0.5, bins.count, color=BLUE, linewidth=6)
        counts.set(xlabel="confidence", ylabel="samples", yscale="log", ylim=(0.5, None))
        for axis in (axes.xaxis, axes.yaxis):
            percent(axis)
    return figure


def roc_curves(curves, chosen=None):
    """ROC curves with the areas below them in the legend.

    curves  {name: (false positive rates, true positive rates, area)}
    chosen  metrics.Threshold, marked
    """
    with style():
        figure = make_figure(5, 4.6)
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color=GREY, linestyle=":")
        for (name, (fpr, tpr, area)), look in zip(curves.items(), LINES * len(curves)):
            axes.plot(fpr, tpr, label=f"{literal(name, MOST_CHARACTERS)} (area {area:.3f})", **without_marker(look))
        if chosen is not None:
            axes.plot(1 - chosen.specificity, chosen.sensitivity, color=VERMILION, marker="*", markersize=14, linestyle="none",
                      label=f"threshold {chosen.threshold:.3g}: sensitivity {chosen.sensitivity:.0%}, specificity {chosen.specificity:.0%}")
        axes.set(title="ROC curve", xlabel="false positive rate", ylabel="true positive rate", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        legend_below(figure)
    return figure


def precision_recall_curves(curves):
    """Precision against recall, with the average precisions in the legend.

    curves  {name: (recalls, precisions, average precision)}
    """
    with style():
        figure = make_figure(5, 4.6)
        axes = figure.subplots()
        for (name, (recall, precision, average)), look in zip(curves.items(), LINES * len(curves)):
            axes.plot(recall, precision, label=f"{literal(name, MOST_CHARACTERS)} (average {average:.3f})", **without_marker(look))
        axes.set(title="Precision and recall", xlabel="recall", ylabel="precision", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        legend_below(figure)
    return figure


def without_marker(look):
    return {"color": look["color"], "linestyle": look["linestyle"]}


def legend_below(figure):
    """Curves may run anywhere in their axes, so their names stand beneath."""
    height = len(figure.axes[0].get_legend_handles_labels()[1]) + 1
    figure.set_figheight(figure.get_figheight() + 0.2 * (height // 2))
    figure.legend(loc="outside lower center", ncols=2, fontsize=8)
