"""`minicnn export`: a trained model for other programs."""

import click

from ..train.exporting import LAYOUTS, export_classifier
from ..train.opening import open_classifier
from .options import FILE_OPTIONS, NORMALISATION_OPTIONS, OutputFile, with_options


@click.command(short_help="Write a model as ONNX.")
@click.argument("run", metavar="MODEL", type=click.Path())
@click.argument("output", metavar="FILE.onnx", type=OutputFile())
@click.option("--layout", type=click.Choice(LAYOUTS), default=LAYOUTS[0], show_default=True, help="Order of the images' axes.")
@with_options(*FILE_OPTIONS, *NORMALISATION_OPTIONS)
def export(run, output, layout, **options):
    """Write the classifier in MODEL, a run folder or any file that `minicnn predict` takes, as ONNX, for onnxruntime and others.

    It takes images of the size that it was made for, uint8 in 0..255, any number at once, and gives logits. The normalisation is inside,
    the class names are the file's property "classes". Needs the extra onnx: pip install 'minicnn[onnx]'.

    \b
    Example:
      minicnn export runs/digits-small_cnn-001 digits.onnx
    """
    graph = export_classifier(open_classifier(run, **options), output, layout).graph
    ends = [f"{value.name} ({', '.join(str(d.dim_param or d.dim_value) for d in value.type.tensor_type.shape.dim)})"
            for value in (graph.input[0], graph.output[0])]
    click.echo(f"written: {output}: images uint8 {ends[0].partition(' ')[2]} -> {ends[1]}")
