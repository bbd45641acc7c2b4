"""`minicnn compare`: optimizers and learning-rate schedules side by side."""

import click

from .. import kernels
from ..train import config as configuration
from ..train.choices import OPTIMIZERS, SCHEDULERS, known
from ..train.compare import compare as train_all
from ..train.compare import ranked, settings, write_comparison
from ..train.results import make_output
from .options import AUGMENTATION_OPTIONS, DATA_OPTIONS, MODEL_OPTION, with_options
from .progress import Download
from .show import heading, make_console, make_table, percent, show_table
from .warmup import Notice


class Names(click.ParamType):
    """Names out of a table with commas between them."""

    name = "NAME,..."

    def __init__(self, what, table):
        self.what, self.table = what, table

    def convert(self, value, param, ctx):
        names = [name.strip() for name in value.split(",") if name.strip()] if isinstance(value, str) else value
        for name in names:
            known(self.what, name, self.table)
        return list(dict.fromkeys(names)) or self.fail("no name is given", param, ctx)


class Rates(click.ParamType):
    """{"sgd": 0.05, ...} from sgd=0.05,..."""

    name = "NAME=RATE,..."

    def convert(self, value, param, ctx):
        try:
            return {name.strip(): float(rate) for name, rate in (entry.split("=") for entry in value.split(","))}
        except ValueError:
            self.fail(f"{value!r} is not of the form sgd=0.05,adam=0.001", param, ctx)


@click.command(short_help="Compare optimizers and schedules.")
@with_options(*DATA_OPTIONS, *AUGMENTATION_OPTIONS[:-1])       # but for the seed, of which there are several
@click.option("--optimizers", type=Names("optimizer", OPTIMIZERS), default="sgd,adam,adamw", show_default=True,
              help=f"Out of {', '.join(OPTIMIZERS)}.")
@click.option("--schedulers", type=Names("scheduler", SCHEDULERS), default="one-cycle,constant", show_default=True,
              help=f"Out of {', '.join(SCHEDULERS)}.")
@click.option("--lrs", type=Rates(), help="Learning rates other than the usual ones.")
@click.option("--seeds", type=click.IntRange(1), default=3, show_default=True, help="Trainings of each pair.")
@MODEL_OPTION
@click.option("--epochs", type=int, help="[default: as of train]")
@click.option("--batch-size", type=int, help="[default: as of train]")
@click.option("--weight-decay", type=float, help="[default: 0.0005]")
@click.option("--output", type=click.Path(), default="comparison", show_default=True, help="Folder for the picture and the table.")
def compare(optimizers, schedulers, lrs, seeds, output, **options):
    """Train with every optimizer and every schedule, with several seeds each, and rank them by validation accuracy.

    The test images are not touched. Ends in a table, and in comparison.png, .csv and .json, which are written anew after each pair.

    \b
    Example:
      minicnn compare --optimizers sgd,adamw --schedulers one-cycle,cosine,constant --epochs 10 --seeds 3
    """
    console = make_console()
    config = configuration.complete(**{name: value for name, value in options.items() if value is not None})
    configs = settings(config, optimizers, schedulers, lrs)
    make_output(output)
    heading(console, f"{config.model} on {config.name}: {len(configs)} settings, {seeds} seeds each, {config.epochs} epochs")
    outcomes = []
    with kernels.compiling.heard(Notice(console, kernels.compile_ahead)):
        for outcome in train_all(configs, seeds, progress=Download(console)):
            console.print(f"  {outcome.name}: {percent(outcome.final[0])}", markup=False)
            outcomes.append(outcome)
            files = write_comparison(outcomes, f"{config.model} on {config.name}: mean and range of {seeds} seeds", output)
    heading(console, "Validation accuracy after the last epoch")
    show_table(console, outcome_table(ranked(outcomes)))
    heading(console, f"Written to {output}")
    for path in files:
        console.print(f"  {path.name}", markup=False)


def outcome_table(outcomes):
    table = make_table("optimizer", "scheduler", "rate>", "mean>", "±>", "lowest>", "highest>", "loss>", "s/epoch>", "diverged>")
    for outcome in outcomes:
        row = outcome.as_row()
        loss = "" if row["loss"] is None else f"{row['loss']:.4f}"
        table.add_row(row["optimizer"], row["scheduler"], f"{row['lr']:g}", percent(row["accuracy"]), f"{100 * row['deviation']:.2f}",
                      percent(row["lowest"]), percent(row["highest"]), loss, f"{row['seconds_per_epoch']:.1f}",
                      str(row["diverged"]) if row["diverged"] else "")
    return table
