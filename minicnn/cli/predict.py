"""`minicnn predict`: which class is on a picture?"""

import json
import sys

import click

from ..errors import Error
from ..models import picture
from ..train.results import load_classifier
from .show import describe, make_console, show_scores


@click.command(short_help="Classify image files.")
@click.argument("run", type=click.Path())
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True, type=click.Path())
@click.option("--top", type=click.IntRange(min=1), default=10, show_default=True, help="How many classes to show.")
@click.option("--invert/--no-invert", default=None, help="Exchange light and dark.  [default: where the margin is not as in training]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def predict(run, images, top, invert, as_json):
    """Classify image files with the model of RUN: a run folder or a model file.

    Any format, size and mode that Pillow reads. A picture is made to look like the training images: upright, without
    transparency, light on dark if they are, its content centred; what was done is said. A picture that already has the
    model's input size is taken as it is.

    \b
    Examples:
      minicnn predict runs/digits-small_cnn-001 photo.jpg
      minicnn predict runs/digits-small_cnn-001 --top 3 scans/*.png
    """
    classifier, console, failed, found = load_classifier(run), make_console(), False, []
    for path in images:
        try:
            read = picture.read(path, classifier.input_shape, classifier.style, invert)
        except (Error, OSError) as error:
            failed = True
            click.echo(f"Error: {describe(error)}", err=True)
            continue
        scores = classifier.probabilities(read.pixels[None])[0]
        if as_json:
            found.append({"image": path, "input": read.notes, "scores": dict(zip(classifier.classes, map(float, scores)))})
        else:
            console.print(f"{path}: {', '.join(read.notes)}", markup=False)
            show_scores(console, classifier.classes, scores, top)
    if as_json:
        click.echo(json.dumps(found, indent=2))
    sys.exit(2 if failed else 0)

