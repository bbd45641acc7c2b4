"""`minicnn models` and `minicnn info`: the architectures, and what a model file holds."""

import click

from ..errors import BadValue
from ..models import registry, summary
from ..models.summary import dims
from ..nn.init import skipped
from ..train.opening import open_classifier
from .show import make_console, make_table, plain, show_model, show_table


@click.command(short_help="List the architectures, or show one.")
@click.argument("name", required=False)
@click.option("--input", "shape", default=None, metavar="CxHxW", help="Input for which to build it.  [default: the model's usual]")
def models(name, shape):
    """List the architectures, or show the layers of the one called NAME.

    \b
    Examples:
      minicnn models
      minicnn models lenet5 --input 3x32x32
    """
    console = make_console()
    if name is not None:
        model, input_shape = build(name.replace("-", "_"), shape)
        show_model(console, name, model, input_shape)
        return
    table = make_table("name", "input", "parameters>", "multiply-adds>", "weights\nMB>", "outputs\nMB>", "receptive\nfield>", "")
    for name in registry.names():
        with skipped():
            found = summary(*build(name, shape))
        table.add_row(name, dims(found.input_size), f"{found.parameters:,}", f"{found.multiply_adds:,}", f"{4e-6 * found.parameters:.1f}",
                      f"{4e-6 * found.outputs:.1f}", str(found.receptive_field or ""), registry.about(name))
    show_table(console, table)
    console.print("\nFor one image, in float32. The outputs are those of all layers; the receptive field, in pixels, is the largest "
                  "before a layer sees the whole image.")


def build(name, shape):
    """The named model and its input shape, from a text such as "1x28x28"."""
    if shape is None:
        return registry.create(name), registry.usual_input(name)
    try:
        channels, height, width = map(int, shape.lower().split("x"))
    except ValueError:
        raise BadValue(f"--input must be channels x height x width, such as 1x28x28, got {shape!r}") from None
    return registry.create(name, **registry.arguments_for(name, channels, (height, width), 10)), (channels, height, width)


@click.command(short_help="Say what a run or a model file holds.")
@click.argument("run", type=click.Path())
def info(run):
    """Say what the model of RUN, a run folder or a model file, is: its classes, its input, its training, its layers.

    \b
    Examples:
      minicnn info runs/digits-small_cnn-001
    """
    classifier, console = open_classifier(run), make_console()
    table = make_table("", "", show_header=False)
    table.add_row("classes", plain(", ".join(classifier.classes)))
    table.add_row("input", "x".join(map(str, classifier.input_shape)) + f", {classifier.style['background']} background")
    table.add_row("mean, deviation", ", ".join(f"{m:.4f}, {s:.4f}" for m, s in zip(classifier.mean, classifier.std)))
    for name, value in classifier.about.items():
        table.add_row(plain(name), plain(f"{value:.6g}" if isinstance(value, float) else value))
    show_table(console, table)
    show_model(console, classifier.name, classifier.model, classifier.input_shape)
