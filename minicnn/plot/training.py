"""Pictures of how a training goes: the learning-rate range test, gradients by layer, optimizers side by side."""

import math

import numpy as np

from .style import BLUE, GREEN, GREY, LINES, VERMILION, literal, make_figure, percent, style


def learning_rate_range(rates, losses, smooth, suggestion=None, chosen=None):
    """The loss against the learning rate, which rises from step to step.

    rates, losses, smooth  (S,); smooth is the running mean of the losses
    suggestion, chosen     rates that are marked by lines
    """
    with style():
        figure = make_figure(6.5, 3.8)
        axes = figure.subplots()
        axes.plot(rates, losses, color=GREY, linewidth=0.8, alpha=0.6, label="loss of each step")
        axes.plot(rates, smooth, color=BLUE, linewidth=2, label="running mean")
        for name, rate, color, dash in (("suggestion", suggestion, VERMILION, "--"), ("chosen", chosen, GREEN, ":")):
            if rate is not None:
                axes.axvline(rate, color=color, linestyle=dash, label=f"{name}: {rate:.2g}")
        axes.set(xscale="log", title="Learning-rate range test", xlabel="learning rate", ylabel="training loss")
        if len(smooth):
            low, high = np.nanmin(smooth), np.nanmax(smooth[: max(1, len(smooth) // 2)])
            axes.set_ylim(max(0, low - 0.1 * (high - low)), high + 0.4 * (high - low) + 1e-6)
        axes.legend()
    return figure


def gradient_norms(names, norms, ratios):
    """For each layer the norm of its gradient and the size of its update relative to its weights.

    names          L names
    norms, ratios  (L,)
    """
    with style():
        figure = make_figure(9, 1.5 + 0.28 * len(names))
        left, right = figure.subplots(1, 2, sharey=True)
        rows = np.arange(len(names))
        left.plot(norms, rows, color=BLUE, marker="o", linestyle="none")
        right.plot(ratios, rows, color=VERMILION, marker="s", linestyle="none")
        right.axvspan(1e-4, 1e-1, color=GREY, alpha=0.15, linewidth=0)
        left.set(xscale="log", xlim=_wide(norms), title="Norm of the gradient", yticks=rows, yticklabels=names)
        right.set(xscale="log", xlim=_wide(ratios, 1e-5, 1.0), title="Update, relative to the weights (grey: usual)")
        left.invert_yaxis()
    return figure


def _wide(values, low=math.inf, high=0.0):
    """Limits of a logarithmic axis that has room on both sides of the values, and reaches from low to high at least."""
    values = [value for value in values if value > 0 and np.isfinite(value)] or [1.0]
    return min(low, min(values) / 3), max(high, max(values) * 3)


def comparison(curves, title):
    """Validation accuracy over the epochs: the mean over seeds as a line, the range over seeds as a band.

    curves  {name: (seeds, epochs) accuracies}, the best first
    """
    with style():
        figure = make_figure(8, 4.4)
        axes = figure.subplots()
        for (name, values), look in zip(curves.items(), _looks(len(curves))):
            epochs = np.arange(1, values.shape[1] + 1)
            axes.plot(epochs, values.mean(0), label=name, linewidth=1.6, markersize=3.5, markevery=max(1, len(epochs) // 10), **look)
            axes.fill_between(epochs, values.min(0), values.max(0), color=look["color"], alpha=0.12, linewidth=0)
        axes.set(title=literal(title), xlabel="epoch", ylabel="validation accuracy")
        axes.xaxis.get_major_locator().set_params(integer=True)
        if len(epochs) == 1:
            axes.set_xticks(epochs)
        percent(axes.yaxis)
        figure.legend(loc="outside right upper", fontsize=8)
    return figure


def _looks(count):
    """Looks for so many lines: after the seven colours, the same again with other markers and dashes."""
    shifted = [{**LINES[i % len(LINES)], "linestyle": LINES[(i + i // len(LINES)) % 4]["linestyle"],
                "marker": LINES[(i + 3 * (i // len(LINES))) % len(LINES)]["marker"]} for i in range(count)]
    return shifted
