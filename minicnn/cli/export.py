"""`minicnn export`: a trained model for other programs."""

import click

from ..train.exporting import LAYOUTS, export_classifier
from ..train.results import load_classifier
from .options import OutputFile


@click.command(short_help="Write a model as ONNX.")
@click.argument("run", type=click.Path())
@click.argument("output", metavar="FILE.onnx", type=OutputFile())
@click.option("--layout", type=click.Choice(LAYOUTS), default=LAYOUTS[0], show_default=True, help="Order of the images' axes.")
def export(run, output, layout):
    """Write the model of RUN, a run folder or a model file, as ONNX, for onnxruntime and others.

    It takes images of the size that it was trained on, uint8 in 0..255, any number at once, and gives logits. The normalisation is inside,
    the class names are the file's property "classes". Needs the extra onnx: pip install 'minicnn[onnx]'.

    \b
    Example:
      minicnn export runs/digits-small_cnn-001 digits.onnx
    """
    graph = export_classifier(load_classifier(run), output, layout).graph
    ends = [f"{value.name} ({', '.join(str(d.dim_param or d.dim_value) for d in value.type.tensor_type.shape.dim)})"
            for value in (graph.input[0], graph.output[0])]
    click.echo(f"written: {output}: images uint8 {ends[0].partition(' ')[2]} -> {ends[1]}")
