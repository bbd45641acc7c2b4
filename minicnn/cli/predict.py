"""`minicnn predict`: which class is on a picture?"""

import json
import sys

import click

from ..train.opening import open_classifier
from ..train.predicting import best, image_files, predictions
from .options import DEVICE_OPTION, FILE_OPTIONS, NORMALISATION_OPTIONS, with_options
from .show import describe, make_console, show_scores

TOP = 10                        # classes that are shown


@click.command(short_help="Classify image files.")
@click.argument("run", metavar="MODEL", type=click.Path())
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True, type=click.Path())
@click.option("--top", type=click.IntRange(min=1), help=f"How many classes to show.  [default: {TOP}; in JSON all]")
@click.option("--invert/--no-invert", default=None, help="Exchange light and dark.  [default: where the margin is not as in training]")
@DEVICE_OPTION
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_options(*FILE_OPTIONS, *NORMALISATION_OPTIONS)
def predict(run, images, top, invert, as_json, **options):
    """Classify image files, or all images in folders, with the model in MODEL: a run folder, a .mcnn, an .onnx, or weights (.pth,
    .safetensors, .npz) for the architecture --model NAME.

    Any format, size and mode that Pillow reads. A picture is made to look like the training images: upright, without
    transparency, light on dark if they are, its content centred; what was done is said. A picture that already has the
    model's input size is taken as it is. What a foreign file does not say of its input is assumed, and said.

    \b
    Examples:
      minicnn predict runs/digits-small_cnn-001 photo.jpg
      minicnn predict runs/digits-small_cnn-001 --top 3 scans/*.png
      minicnn predict network.onnx photographs --classes names.txt --json
      minicnn predict resnet50.pth photo.jpg --top 5
    """
    files, console, failed, found = image_files(images), make_console(), False, []
    classifier = open_classifier(run, **options)
    for remark in classifier.remarks:
        click.echo(remark, err=True)
    for path, notes, scores, error in predictions(classifier, files, invert):
        if error is not None:
            failed = True
            click.echo(f"Error: {describe(error)}", err=True)
        elif as_json:
            scores = in_order(classifier, scores) if top is None else best(scores, classifier.classes, top)
            found.append({"image": path, "input": notes, "scores": scores})
        else:
            console.print(f"{path}: {', '.join(notes)}", markup=False)
            show_scores(console, classifier.classes, scores, top or TOP)
    if as_json:
        click.echo(json.dumps(found, indent=2))
    sys.exit(2 if failed else 0)


def in_order(classifier, scores):
    """All classes, in their own order."""
    return dict(zip(classifier.classes, map(float, scores)))
