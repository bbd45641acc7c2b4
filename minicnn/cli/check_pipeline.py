"""`minicnn check-pipeline`: is everything between the data and an optimizer's step as it should be?"""

import json
import sys

import click

from .. import kernels
from ..train import config as configuration
from ..train.checking import check_all, check_quickly, write_pictures
from ..train.choices import OPTIMIZERS
from ..train.job import prepare
from ..train.results import make_output
from .options import AUGMENTATION_OPTIONS, DATA_OPTIONS, MODEL_OPTION, with_options
from .progress import Download
from .show import heading, make_console
from .warmup import Notice

MARKS = {"passed": "[green]passed[/green]", "warned": "[yellow]warned[/yellow]", "failed": "[bold red]failed[/bold red]"}


@click.command("check-pipeline", short_help="Check data, model, loss and optimizer before training.")
@with_options(*DATA_OPTIONS, *AUGMENTATION_OPTIONS)
@MODEL_OPTION
@click.option("--batch-size", type=int, help="Images per step.  [default: as of train]")
@click.option("--optimizer", type=click.Choice(list(OPTIMIZERS)), help="[default: sgd]")
@click.option("--lr", type=float, help="Highest learning rate.  [default: by optimizer; sgd 0.1]")
@click.option("--weight-decay", type=float, help="[default: 0.0005]")
@click.option("--output", type=click.Path(), help="Folder for pictures: learning-rate range test, gradients by layer.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check_pipeline(output, as_json, **options):
    """Try out a training before it is made: what train would do, checked part by part in some seconds.

    Each check says what it saw, what it expected, and what usually causes the difference. Exit status 1 when one failed.

    \b
    Examples:
      minicnn check-pipeline
      minicnn check-pipeline --dataset fashion-mnist --optimizer adam --lr 0.3 --output checked
    """
    console = make_console(quiet=as_json)
    config = configuration.complete(**{name: value for name, value in options.items() if value is not None})
    if output is not None:
        make_output(output)
    job = prepare(config, Download(console))
    heading(console, f"Checks of {config.model} on {config.name}, {config.optimizer} at a learning rate of {config.lr:g}")
    with kernels.compiling.heard(Notice(console, kernels.compile_ahead)):
        checks = [show_check(console, check) for check in check_all(job)]
    if output is not None:
        heading(console, f"Written to {output}")
        for path in write_pictures(checks, output):
            console.print(f"  {path.name}", markup=False)
    if as_json:
        click.echo(json.dumps([plain_values(check) for check in checks], indent=2))
    sys.exit(any(check.verdict == "failed" for check in checks))


def plain_values(check):
    return {name: getattr(check, name) for name in ("name", "verdict", "saw", "expected", "cause")}


def show_check(console, check):
    """What a check saw; of one that did not pass also what it expected, and why that may be. Returns the check."""
    console.print(f"{MARKS[check.verdict]}  {check.name:<32} ", end="")
    console.print(check.saw, markup=False, soft_wrap=True)
    if check.cause:
        console.print(f"        expected: {check.expected}\n        usual causes: {check.cause}", markup=False, soft_wrap=True)
    return check


def show_quick_checks(console, job):
    """In a line, what can be checked without training; what did not pass, in full."""
    checks = check_quickly(job)
    failed = [check for check in checks if check.cause]
    console.print(f"\nchecks: {', '.join(check.name for check in checks if not check.cause)}: passed", markup=False)
    for check in failed:
        show_check(console, check)
