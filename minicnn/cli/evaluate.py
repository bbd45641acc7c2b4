"""`minicnn evaluate`: how good is a model?"""

import json
import shlex

import click

from ..data import NAMES
from ..train import report as page
from ..train.opening import open_classifier
from ..train.results import evaluate_saved
from .options import DEVICE_OPTION, FILE_OPTIONS, NORMALISATION_OPTIONS, OutputFile, with_options
from .progress import Download
from .show import heading, make_console, show_outcome


@click.command(short_help="Test a model on its data set.")
@click.argument("run", type=click.Path())
@with_options(click.option("--dataset", type=click.Choice(NAMES), help="Data set.  [default: the one it was trained on]"),
              click.option("--data", type=click.Path(), metavar="FOLDER", help="The images in a folder, as of train."),
              click.option("--data-dir", type=click.Path(), help="Folder with the data set's files."))
@click.option("--part", type=click.Choice(["test", "validation", "train", "all"]), default="test", show_default=True, help="Which images.")
@DEVICE_OPTION
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--report", type=OutputFile(), metavar="FILE", help="Write an HTML page of it, with the images behind each number.")
@with_options(*FILE_OPTIONS, *NORMALISATION_OPTIONS)
def evaluate(run, dataset, data_dir, part, as_json, report, **options):
    """Evaluate the model of RUN, a run folder or any file that `minicnn predict` takes: accuracy, confusion matrix, figures per class.

    What a foreign file does not say of its input is assumed, and said.

    \b
    Examples:
      minicnn evaluate runs/digits-small_cnn-001
      minicnn evaluate model.mcnn --part validation --json
      minicnn evaluate runs/digits-small_cnn-001 --report test.html
      minicnn evaluate network.onnx --data photographs --classes names.txt
    """
    console = make_console(quiet=as_json)
    if report is not None:
        page.check_possible()
    classifier = open_classifier(run, **options)
    for remark in classifier.remarks:
        click.echo(remark, err=True)
    name, outcome, figures, images = evaluate_saved(classifier, run, dataset, data_dir, part, Download(console))
    heading(console, f"{run} on the {part} images of {name}")
    for remark in figures.get("remarks", ()):
        console.print(remark, style="yellow", markup=False)
    show_outcome(console, outcome, figures)
    if report is not None:
        page.write(report, title=f"{run} on the {part} images of {name}", classifier=classifier, outcome=outcome, images=images,
                   command=command_line(click.get_current_context().params))
        console.print(f"\nwritten: {report}", markup=False)
    if as_json:
        click.echo(json.dumps(figures, indent=2))


def command_line(given):
    """The command that gives the same figures again."""
    words = ["minicnn", "evaluate", given["run"]]
    for name, value in given.items():
        if value is not None and name not in ("run", "as_json", "report"):
            words += ["--" + name.replace("_", "-"), ",".join(map(str, value)) if isinstance(value, list) else str(value)]
    return shlex.join(words)
