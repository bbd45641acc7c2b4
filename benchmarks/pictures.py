"""How the benchmarks' pictures look: one colour and one hatch or marker for each contender, the style of `minicnn.plot`."""

from matplotlib.figure import Figure

from minicnn.plot.style import BLACK, BLUE, GREEN, GREY, ORANGE, VERMILION

LOOKS = {                       # colour, hatch of a bar, marker of a dot
    "minicnn": (BLUE, "", "o"), "numba": (BLUE, "", "o"), "direct": (BLUE, "", "o"),
    "winograd": (VERMILION, "\\\\", "^"), "im2col": (GREEN, "xx", "D"), "array": (ORANGE, "..", "v"), "loops": (GREY, "", "P"),
    "PyTorch": (BLACK, "//", "s"), "PyTorch NCHW": ("#b0b0b0", "//", "s"), "PyTorch channels_last": (GREY, "\\\\", "d"),
}


def look(contender):
    """The look of a contender; "minicnn direct" looks as "direct" does, and what is no contender as minicnn."""
    return LOOKS.get(contender) or LOOKS.get(contender.removeprefix("minicnn "), LOOKS["minicnn"])


def panels(rows, columns, width, height, **options):
    """(figure, axes as a flat list)."""
    figure = Figure((width, height), layout="constrained")
    return figure, list(figure.subplots(rows, columns, squeeze=False, **options).flat)


def grouped_bars(rows, value, written, unit, title, quantity):
    """For each batch size a panel, for each network a group of bars, for each contender a bar.

    value    the key of what the bars' length is; where it is None, `written` takes its place
    written  the key of what stands at the bars' ends, with this unit
    """
    batches, networks, contenders = (list(dict.fromkeys(row[key] for row in rows)) for key in ("batch", "network", "contender"))
    figure, axes = panels(1, len(batches), 1.5 + 4.2 * len(batches), 1.5 + 0.24 * (len(contenders) + 1) * len(networks), sharey=True)
    for panel, batch in zip(axes, batches):
        lengths = {(row["network"], row["contender"]): row for row in rows if row["batch"] == batch}
        for place, contender in enumerate(contenders):
            _bars(panel, lengths, networks, contender, (place - (len(contenders) - 1) / 2) * 0.8 / len(contenders),
                  0.8 / len(contenders), value, written, unit)
        _finish(panel, networks, f"{title}, batch {batch}", quantity, mark=1 if value == "ratio" and rows[0].get("ratio") else None)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(contenders), frameon=False)
    return figure


def _bars(panel, lengths, networks, contender, offset, height, value, written, unit):
    colour, hatch, _ = look(contender)
    shown = [lengths[network, contender] for network in networks]
    bars = panel.barh([place + offset for place in range(len(networks))],
                      [row[written] if row.get(value) is None else row[value] for row in shown], height,
                      color=colour, hatch=hatch, edgecolor="white", linewidth=0.5, label=contender)
    write_at_end(panel, bars, [f"{short(row[written])} {unit}" for row in shown])


def _finish(panel, networks, title, quantity, mark):
    name_bars(panel, networks)
    panel.margins(x=0.18)
    panel.set(title=title, xlabel=quantity)
    if mark is not None:
        panel.axvline(mark, color="black", linewidth=1, zorder=0.9)


def labelled_bars(panel, names, values, texts, log=False):
    """One bar for each name, with a text at its end."""
    for place, (name, length, text) in enumerate(zip(names, values, texts)):
        colour, hatch, _ = look(name)
        write_at_end(panel, panel.barh([place], [length], 0.7, color=colour, hatch=hatch, edgecolor="white", linewidth=0.5), [text])
    if log:
        panel.set_xscale("log")
        panel.set_xlim(0.5 * min(values), 12 * max(values))
    else:
        panel.margins(x=0.25)
    name_bars(panel, names)


def short(number):
    """Three digits, or all that stand before the point."""
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"


def write_at_end(panel, bars, texts):
    """Texts at the ends of bars, readable where a line passes behind them."""
    panel.bar_label(bars, texts, fontsize=7.5, padding=2, bbox=dict(facecolor="white", edgecolor="none", pad=0.4))


def name_bars(panel, names):
    """The first name on top."""
    panel.set_yticks(range(len(names)), names)
    if not panel.yaxis_inverted():
        panel.invert_yaxis()
    panel.grid(axis="y", visible=False)
    panel.margins(y=0.02)
