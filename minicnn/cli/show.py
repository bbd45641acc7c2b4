"""What the commands print: tables, bars and sentences."""

import numpy as np

from ..models.summary import cells, summary

WIDEST_MATRIX = 20              # classes
WIDTH_OF_FILES = 200            # characters: files and pipes have no width, so tables are not squeezed


def make_console(quiet=False):
    """Where a command prints: plain text of any width where stdout is no terminal, nothing at all when quiet."""
    from rich.console import Console

    console = Console(highlight=False, quiet=quiet)
    if not console.is_terminal:
        console.width, console.soft_wrap = WIDTH_OF_FILES, True
    return console


def describe(error):
    """What went wrong with a file, without the error's number."""
    reason = getattr(error, "strerror", None) or str(error)
    return f"{error.filename}: {reason}" if getattr(error, "filename", None) else reason


def percent(share):
    return f"{100 * share:.2f} %"


def heading(console, text):
    console.print(f"\n{text}", style="bold", markup=False)


def plain(text):
    """Text for a table's cell, in which square brackets are nothing but square brackets."""
    from rich.markup import escape

    return escape(str(text))


def shows_unicode(console):
    return console.encoding.startswith("utf")


def dot(console):
    return "·" if shows_unicode(console) else "."


def make_table(*columns, **options):
    """A Rich table; columns that end with ">" are right-aligned."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True, **options)
    for column in columns:
        table.add_column(column.rstrip(">"), justify="right" if column.endswith(">") else "left", no_wrap=True)
    return table


def show_table(console, table):
    """Print a table; a terminal that is too narrow wraps its lines, which is less bad than cells that are cut off."""
    from rich.segment import Segments

    needed = console.measure(table, options=console.options.update(width=WIDTH_OF_FILES)).maximum
    console.print(Segments(console.render(table, console.options.update(width=needed))), soft_wrap=True)


def show_data(console, source, parts):
    """Which data, and which part of it serves for what."""
    heading(console, "Data")
    count, (_, height, width) = sum(map(len, parts)), parts.train.images.shape[1:]
    console.print(f"{source.name}: {count:,} images of {height}x{width}, {len(source.classes)} classes")
    console.print(f"{source.origin} ({source.licence})", style="dim", markup=False)
    for remark in source.remarks:
        console.print(remark, style="yellow", markup=False)
    console.print(f"split: {len(parts.train):,} to train on, {len(parts.validation):,} to choose the best epoch, {len(parts.test):,} to "
                  f"test with at the end ({how_split(source)})")


def how_split(source):
    """Where the parts come from."""
    if source.test_images is None:
        return f"{'validation as it lies, the rest ' * (source.validation_images is not None)}split by class, the same in every run"
    own = "the data set’s own"
    return own if source.validation_images is not None else f"{own}; the rest split by class, the same in every run"


def show_model(console, name, model, input_shape):
    """The model as a table."""
    heading(console, f"Model: {name}")
    found = summary(model, input_shape)
    table = make_table("layer", "type", "output", "parameters>", "multiply-\nadds>", "receptive\nfield>")
    for row in found.rows:
        table.add_row(*cells(row))
    show_table(console, table)
    console.print(f"\n{found.totals()}")


def show_outcome(console, outcome, figures):
    """Accuracy, confusion matrix and figures per class; `figures` is what `run.report` makes of the outcome."""
    right = int((outcome.predictions == outcome.labels).sum())
    console.print(f"accuracy [bold]{percent(outcome.accuracy)}[/bold] ({right:,} of {len(outcome.labels):,} images), "
                  f"loss {outcome.loss:.4f}\n")
    classes = list(figures["classes"])
    if len(classes) <= WIDEST_MATRIX:
        show_table(console, confusion_table(np.asarray(figures["confusion_matrix"]), classes, dot(console)))
        console.print()
    show_table(console, class_table(figures["classes"]))


def confusion_table(matrix, classes, zero="·"):
    """True classes in rows, predicted ones in columns; `zero` stands for none."""
    short = max(map(len, classes)) <= 3
    heads = classes if short else [str(i) for i in range(len(classes))]
    rows = classes if short else [f"{i} {name}" for i, name in enumerate(classes)]
    table = make_table("true \\ predicted", *[f"{plain(head)}>" for head in heads])
    for i, (name, counts) in enumerate(zip(rows, matrix)):
        table.add_row(plain(name), *[_count(n, i == j, zero) for j, n in enumerate(counts)])
    return table


def _count(n, right, zero):
    return f"[dim]{zero}[/dim]" if not n else f"[green]{n}[/green]" if right else f"[bold red]{n}[/bold red]"


def class_table(figures):
    table = make_table("class", "precision>", "recall>", "f1-score>", "images>")
    for name, row in figures.items():
        table.add_row(plain(name), *[percent(row[key]) for key in ("precision", "recall", "f1-score")], f"{row['support']:,}")
    return table


def show_scores(console, classes, probabilities, top):
    """The most probable classes, each with a bar."""
    best = np.argsort(-probabilities, kind="stable")[:top]
    width = max(len(classes[i]) for i in best)
    room = min(30, max(5, console.width - width - len("      100.0 %")))
    for i in best:
        console.print(f"  {classes[i]:<{width}}  {bar(console, probabilities[i], room)}  {100 * probabilities[i]:5.1f} %", markup=False)


def bar(console, share, width=30):
    """A bar of block characters, to an eighth of a character; of hash signs where the output cannot show them."""
    if not shows_unicode(console):
        return ("#" * round(share * width)).ljust(width)
    eighths = round(share * width * 8)
    return ("█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8]).rstrip().ljust(width)
