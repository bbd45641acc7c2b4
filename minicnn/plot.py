"""Pictures of a training and its outcome, in one style that reads in print and for colour-blind people.

Each function returns a matplotlib Figure, which `save` writes as a file; no window and no global state of matplotlib is involved.
Series differ in dash and marker as well as in colour. matplotlib is imported when the first picture is drawn.
"""

from itertools import zip_longest

import numpy as np

from .serialize.atomic import replacing

BLUE, VERMILION, GREY = "#0072b2", "#d55e00", "#767676"      # Okabe & Ito's palette: apart for all kinds of vision
SERIES = {"train": dict(color=BLUE, linestyle="-", marker="o"), "val": dict(color=VERMILION, linestyle="--", marker="s")}
MOST_NAMES = 50                 # classes that are named along a confusion matrix; of more, every second, third, ...
NAMES = {"train": "training", "val": "validation"}
STYLE = {
    "font.size": 10, "axes.titlesize": 11, "axes.titleweight": "bold", "axes.spines.top": False, "axes.spines.right": False,
    "axes.grid": True, "grid.color": "#e0e0e0", "grid.linewidth": 0.6, "axes.axisbelow": True, "legend.frameon": False,
    "image.cmap": "gray", "savefig.dpi": 150,
}


def save(figure, path):
    """Write a figure as PNG, PDF or SVG, by the path's ending, atomically."""
    with _style(), replacing(path) as file:
        figure.savefig(file, format=str(path).rsplit(".", 1)[-1])


def _style():
    import matplotlib

    return matplotlib.rc_context(STYLE)


def _figure(width, height):
    from matplotlib.figure import Figure

    return Figure((width, height), layout="constrained")


def learning_curve(history, best_epoch=None):
    """Loss and accuracy over the epochs, of training and validation.

    history     dicts with the keys epoch, train_loss, val_loss, train_accuracy, val_accuracy
    best_epoch  marked by a line
    """
    with _style():
        figure = _figure(9, 3.8)
        for axes, quantity in zip(figure.subplots(1, 2), ("loss", "accuracy")):
            _draw_curves(axes, history, quantity)
            _mark_best(axes, best_epoch)
            axes.set(title=quantity.capitalize(), xlabel="epoch")
        _percent(axes.yaxis)
        figure.get_axes()[0].legend()
    return figure


def _draw_curves(axes, history, quantity):
    epochs = [record["epoch"] for record in history]
    for part, look in SERIES.items():
        values = [record[f"{part}_{quantity}"] for record in history]
        axes.plot(epochs, values, label=NAMES[part], markersize=3.5, linewidth=1.6, markevery=max(1, len(epochs) // 15), **look)
    axes.xaxis.get_major_locator().set_params(integer=True)


def _mark_best(axes, epoch):
    if epoch is not None:
        axes.axvline(epoch, color=GREY, linestyle=":", linewidth=1.2, zorder=1, label=f"best epoch: {epoch}")


def _percent(axis):
    from matplotlib.ticker import PercentFormatter

    axis.set_major_formatter(PercentFormatter(1.0))


def confusion_matrix(matrix, classes):
    """Counts (K, K) by true class (rows) and predicted class (columns), shaded by the share of the row."""
    matrix = np.asarray(matrix)
    share = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    side = 2.6 + 0.42 * min(len(classes), 25)
    with _style():
        figure = _figure(side + 0.9, side)
        axes = figure.subplots()
        image = axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
        if len(classes) <= 25:
            _write_counts(axes, matrix, share)
        _name_classes(axes, classes)
        bar = figure.colorbar(image, shrink=0.8, label="share of the true class")
        _percent(bar.ax.yaxis)
    return figure


def _write_counts(axes, matrix, share):
    for (row, column), count in np.ndenumerate(matrix):
        if count:
            axes.text(column, row, f"{count}", ha="center", va="center", fontsize=9 if len(matrix) <= 12 else 7,
                      color="white" if share[row, column] > 0.5 else "black")


def _name_classes(axes, classes):
    ticks = range(0, len(classes), -(-len(classes) // MOST_NAMES))
    names, long = [classes[i] for i in ticks], max(map(len, map(str, classes))) > 2
    axes.grid(False)
    if len(classes) <= MOST_NAMES:
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_ticks(np.arange(len(classes) - 1) + 0.5, minor=True)
        axes.grid(which="minor")
    axes.set_xticks(ticks, names, rotation=45 if long else 0, ha="right" if long else "center", rotation_mode="anchor")
    axes.set_yticks(ticks, names)
    axes.tick_params(which="both", length=0, labelsize=9 if len(classes) <= 25 else 6)
    axes.set(xlabel="predicted class", ylabel="true class", title="Confusion matrix of the test images")


def mistakes(images, labels, probabilities, classes, most=20):
    """The images that were classified wrongly with the greatest confidence; without any, those that were nearly so.

    images         (N, C, H, W) uint8 or floats in 0..1
    labels         (N,) integers
    probabilities  (N, K)
    """
    chosen, title = worst(labels, probabilities, most)
    columns = 5
    rows = -(-len(chosen) // columns)
    with _style():
        figure = _figure(1.75 * columns, 2.05 * rows + 0.6)
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
        return np.argsort(confidence, kind="stable")[:most], f"No mistakes on {len(labels):,} test images: the least certain answers"
    order = wrong[np.argsort(-confidence[wrong], kind="stable")][:most]
    count = f"{len(wrong):,} mistake{'s' * (len(wrong) > 1)} on {len(labels):,} test images"
    return order, count + (f": the {most} most confident" if len(wrong) > most else "")


def _draw_mistake(axes, image, true, probabilities, classes):
    image = np.asarray(image).transpose(1, 2, 0)
    axes.imshow(image[..., 0] if image.shape[2] == 1 else image, vmin=0, vmax=255 if image.dtype == np.uint8 else 1)
    predicted = classes[probabilities.argmax()]
    mistaken = "" if predicted == true else f",\ntaken for {predicted}"
    axes.set_title(f"{true}{mistaken} ({probabilities.max():.0%})", fontsize=8, fontweight="normal")


# The CPU against the GPU ---------------------------------------------------------------------------------------------------

DEVICES = {"cpu": dict(color=BLUE, linestyle="-", marker="o", label="CPU"),
           "cuda": dict(color=VERMILION, linestyle="--", marker="s", label="GPU")}
KINDS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#767676", "#000000", "#b0b0b0")
HATCHES = ("", "//", "\\\\", "xx", "..", "--", "oo", "", "", "++")


def devices(timings):
    """For each model the time of a training step by the size of the batch, and that of the largest batch layer by layer, on each device.

    timings  dicts with model, batch, device ("cpu" or "cuda"), step (seconds) and layers (dicts of path, kind, forward, backward)
    """
    models = list(dict.fromkeys(t["model"] for t in timings))
    kinds = list(dict.fromkeys(layer["kind"] for t in timings for layer in t["layers"]))
    with _style():
        figure = _figure(12, 1.3 + 2.9 * len(models))
        grid = figure.subplots(len(models), 2, squeeze=False, width_ratios=(1, 1.6))
        for (left, right), model in zip(grid, models):
            of_model = [t for t in timings if t["model"] == model]
            _draw_steps(left, of_model, model)
            _draw_layers(right, of_model, kinds)
        handles = [_swatch(kind, kinds) for kind in kinds]
        figure.legend(handles=handles, loc="outside lower center", ncols=min(len(kinds), 6), fontsize=8)
    return figure


def _draw_steps(axes, timings, model):
    for device, look in DEVICES.items():
        points = sorted((t["batch"], 1e3 * t["step"]) for t in timings if t["device"] == device)
        if points:
            axes.plot(*zip(*points), **look)
    axes.set(xscale="log", yscale="log", title=model, xlabel="images in a step", ylabel="milliseconds a step")
    batches = sorted({t["batch"] for t in timings})
    axes.set_xticks(batches, batches)
    axes.yaxis.get_major_locator().set_params(subs=(1, 2, 5))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.minorticks_off()
    _mark_crossing(axes, timings)
    axes.legend(fontsize=8)


def _mark_crossing(axes, timings):
    """A line where the GPU begins to take less time, between two sizes of the batch (straight lines in the picture)."""
    step = {(t["batch"], t["device"]): t["step"] for t in timings}
    batches = sorted(batch for batch, device in step if device == "cuda" and (batch, "cpu") in step)
    lead = [np.log(step[batch, "cuda"] / step[batch, "cpu"]) for batch in batches]
    for before, after, a, b in zip(batches, batches[1:], lead, lead[1:]):
        if a > 0 >= b:
            crossing = before * (after / before) ** (a / (a - b))
            axes.axvline(crossing, color=GREY, linestyle=":", linewidth=1.2, zorder=1, label=f"GPU faster from {crossing:,.0f} on")


def _draw_layers(axes, timings, kinds):
    """One bar for each device, a piece for each layer, forward and backward together, coloured by the layer's kind."""
    largest = max(t["batch"] for t in timings)
    shown = [t for t in timings if t["batch"] == largest]
    for place, t in enumerate(shown):
        start = 0.0
        for layer in t["layers"]:
            width = 1e3 * (layer["forward"] + layer["backward"])
            axes.barh(place, width, 0.6, left=start, edgecolor="white", linewidth=0.6, **_look_of(layer["kind"], kinds))
            start += width
        axes.text(start, place, f" {start:,.1f} ms", va="center", fontsize=8)
    axes.set_yticks(range(len(shown)), [DEVICES[t["device"]]["label"] for t in shown])
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)
    axes.margins(x=0.14)
    axes.set(title=f"layer by layer, batch {largest}", xlabel="milliseconds, forward and backward")


def _look_of(kind, kinds):
    number = kinds.index(kind) % len(KINDS)
    return dict(facecolor=KINDS[number], hatch=HATCHES[number])


def _swatch(kind, kinds):
    from matplotlib.patches import Patch

    return Patch(edgecolor="white", label=kind, **_look_of(kind, kinds))
