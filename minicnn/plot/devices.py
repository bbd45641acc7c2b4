"""Pictures of the CPU against the GPU."""

from collections import Counter

import numpy as np

from .style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILION, make_figure, style

DEVICES = {"cpu": dict(color=BLUE, linestyle="-", marker="o", label="CPU"),
           "cuda": dict(color=VERMILION, linestyle="--", marker="s", label="GPU")}
KINDS = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION, "#f0e442", GREY, BLACK, "#b0b0b0")
HATCHES = ("", "//", "\\\\", "xx", "..", "--", "oo", "", "", "++")


def devices(timings):
    """For each model the time of a training step by the size of the batch, and that of the largest batch layer by layer, on each device.

    timings  dicts with model, batch, device ("cpu" or "cuda"), step (seconds) and layers (dicts of path, kind, forward, backward)
    """
    models = list(dict.fromkeys(t["model"] for t in timings))
    kinds = list(dict.fromkeys(layer["kind"] for t in timings for layer in t["layers"]))
    with style():
        figure = make_figure(12, 1.3 + 2.9 * len(models))
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
    counts = Counter(t["batch"] for t in timings)
    largest = max(counts, key=lambda batch: (counts[batch], batch))     # of those timed on all devices: a GPU may be too small for more
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
