"""`minicnn data statistics`: counts, balance, brightness, duplicates, leakage, blanks and outliers of a data set."""

import json
from itertools import accumulate

import click
import numpy as np

from ..train.data_report import look_at, write_report
from ..train.results import make_output
from .options import DATA_OPTIONS, with_options
from .progress import Download
from .show import heading, make_console, make_table, percent, plain, show_table

MOST = 5                        # examples that are named, at most,
ROOM = 90                       # in so many characters


@click.command(short_help="Counts, balance, duplicates, leakage, outliers.")
@with_options(*DATA_OPTIONS[:3])         # images as they are: of no other size, and what is broken is told
@click.option("--output", type=click.Path(), help="Folder for statistics.json and the pictures.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def statistics(dataset, data_dir, output, as_json):
    """Statistics of a data set, to be read before training.

    Duplicates are found by content, whatever their names; near-duplicates by the correlation of their pixels (0.99). Outliers are images
    unusually far from the mean image of their class. With --output, pictures show all of them.

    \b
    Examples:
      minicnn data statistics --dataset fashion-mnist --output looked-at
      minicnn data statistics --data photos --json
    """
    if output is not None:
        make_output(output)
    console = make_console(quiet=as_json)
    report = look_at(dataset, data_dir, Download(console))
    show(console, report)
    if output is not None:
        heading(console, f"Written to {output}")
        for path in write_report(report, output):
            console.print(f"  {path.name}", markup=False)
    if as_json:
        click.echo(json.dumps(report.statistics.as_json(), indent=2))


def show(console, report):
    """The statistics as tables and sentences."""
    found = report.statistics
    heading(console, f"{found.name}: {sum(found.parts.values()):,} images, {len(found.classes)} classes")
    show_table(console, class_table(found))
    heading(console, "Images")
    console.print(f"sizes: {listed(found.sizes)}\nmodes: {listed(found.modes)}", markup=False)
    channels = ", ".join(f"{mean:.4f} ± {std:.4f}" for mean, std in zip(found.mean, found.std))
    console.print(f"mean and deviation of each channel, in 0..1: {channels} ({next(iter(found.parts))})", markup=False)
    heading(console, "Worth a look")
    show_table(console, findings_table(report))


def listed(counts):
    shown = [f"{name} ({count:,})" for name, count in list(counts.items())[:MOST]]
    return ", ".join(shown) + (f" and {len(counts) - MOST} more" if len(counts) > MOST else "")


def class_table(found):
    """Classes in rows, parts in columns, and what share of all a class has."""
    table, total = make_table("class", *[f"{plain(part)}>" for part in found.parts], "share>"), sum(found.counts.values())
    for k, name in enumerate(found.classes):
        table.add_row(plain(name), *[f"{count[k]:,}" for count in found.counts.values()], percent(total[k] / total.sum()))
    table.add_section()
    table.add_row("largest / smallest", *[f"{ratio:.2f}" for ratio in found.imbalance.values()], "")
    return table


def findings_table(report):
    """What may be wrong with the data: how often it was found, and the first cases."""
    found, table = report.statistics, make_table("what", "number>", "such as")

    def pairs(cases):
        return [f"{report.name_of(i)} = {report.name_of(j)}" for i, j in cases[:MOST]]

    def add(what, number, cases):
        number = f"[bold]{number:,}[/bold]" if number else "none"
        table.add_row(what, number, plain(shortened(cases)))

    equal = sum(len(group) - 1 for group in found.duplicates.groups)
    add("equal to another image", equal, pairs(np.array([group[:2] for group in found.duplicates.groups])))
    add("pairs of nearly equal images", len(found.duplicates.pairs), pairs(found.duplicates.pairs))
    if len(found.parts) > 1:
        add("pairs across parts (leakage)", len(found.leaks), pairs(found.leaks))
    add("pairs with different labels", len(found.contradictions), pairs(found.contradictions))
    add("blank (a single colour)", len(found.blank), [report.name_of(i) for i in found.blank[:MOST]])
    add("far from the class's mean", len(found.outliers), [report.name_of(i) for i in found.outliers[:MOST]])
    add("files that cannot be read", len(found.damaged), [f"{path}: {reason}" for path, reason in found.damaged[:MOST]])
    return table


def shortened(cases):
    """As many of the cases as there is room for, one at least."""
    fits = max(1, sum(length <= ROOM for length in accumulate(len(case) + 2 for case in cases)))
    return ", ".join(cases[:fits])
