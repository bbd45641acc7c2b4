"""`minicnn profile`: where does a training step's time go?"""

from pathlib import Path

import click

from .. import cuda, get_num_threads, kernels, set_num_threads
from ..errors import BadValue
from ..models import registry
from ..models.profile import profile as measure
from ..models.summary import dims
from ..train.opening import open_classifier
from ..train.results import write_json
from .models import build
from .options import OutputFile
from .show import dot, heading, make_console, make_table, plain, show_table
from .warmup import Notice


@click.command(short_help="Time a model's layers, forward and backward.")
@click.argument("model")
@click.option("--batch", type=click.IntRange(min=1), default=64, show_default=True, help="Images in a step.")
@click.option("--input", "shape", default=None, metavar="CxHxW", help="Size of an image.  [default: the model's usual]")
@click.option("--threads", type=click.IntRange(min=1), help="Threads of the kernels.  [default: the usable cores]")
@click.option("--kernels", "form", type=click.Choice(list(kernels.FORMS)), default=kernels.FASTEST, show_default=True, help="Which ones.")
@click.option("--device", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True, help="Where to run.")
@click.option("--repeat", type=click.IntRange(min=1), default=10, show_default=True, help="Steps that are timed; medians are shown.")
@click.option("--json", "file", type=OutputFile(), metavar="FILE", help="Write the figures to a file, too.")
def profile(model, batch, shape, threads, form, device, repeat, file):
    """Show where the time of a training step goes: for each layer of MODEL and both passes the milliseconds, the speed, and
    its share of what this CPU's multipliers can do.

    MODEL is an architecture, a run folder or a model file. The images are noise; the model stays as it is.

    \b
    Examples:
      minicnn profile resnet20
      minicnn profile lenet5 --batch 1 --threads 1
      minicnn profile vgg_small --kernels im2col --json vgg.json
    """
    console, before = make_console(), get_num_threads()
    network, input_shape = find(model, shape)
    set_num_threads(threads or before)
    try:
        with kernels.using(form), kernels.compiling.heard(Notice(console)):
            found = measure(network.to(device), input_shape, batch, repeat)
    finally:
        set_num_threads(before)
    where = f"{form} kernels, {found.threads} threads" if device == "cpu" else about_gpu()
    heading(console, f"{model}: a training step of {batch} images of {dims(input_shape)}, {where}")
    show_table(console, table_of(found, dot(console)))
    show_totals(console, found)
    if file:
        write_json(figures(found, model, form), file)


def about_gpu():
    """The GPU's name; of one that is simulated, that its times mean nothing."""
    return "simulated on the CPU: these times say nothing about a GPU" if cuda.is_simulated() else cuda.get_device_name()


def find(model, shape):
    """The network called so, or saved there, and its input shape."""
    name = model.replace("-", "_")
    if name in registry.names():
        return build(name, shape)
    if not Path(model).exists():
        raise BadValue(f"there is no model, run folder or model file {model}; the models are {', '.join(registry.names())}")
    if shape is not None:
        raise BadValue("--input is for architectures: a saved model has its own")
    classifier = open_classifier(model)
    return classifier.model, classifier.input_shape


def table_of(found, nothing):
    """The rows as a table; `nothing` stands where a layer makes no multiplications."""
    table = make_table("layer", "type", "algorithm", "output", "output\nMB>", *["forward\nms>", "\nGF/s>", "of\npeak>"],
                       *["backward\nms>", "\nGF/s>", "of\npeak>"], "of the\nstep>")
    for row in found.rows:
        table.add_row(
            plain(row.path), plain(row.kind), row.algorithm, "" if row.output is None else dims(row.output),
            f"{row.bytes / 1e6:.2f}" if row.bytes else "",
            *speed(row.forward, row.forward_operations, found.peak, nothing),
            *speed(row.backward, row.backward_operations, found.peak, nothing), f"{100 * row.seconds / found.step:.1f} %")
    return table


def speed(seconds, operations, peak, nothing):
    """Cells: milliseconds, GF/s and the share of the peak."""
    rate = operations / seconds if operations and seconds else None
    return (f"{1e3 * seconds:.2f}" if seconds else "", f"{rate / 1e9:.1f}" if rate else nothing,
            f"{100 * rate / peak:.0f} %" if rate and peak else nothing)


def show_totals(console, found):
    forward, backward = sum(row.forward for row in found.rows[:-1]), sum(row.backward for row in found.rows)
    console.print(f"\nstep {1e3 * found.step:.1f} ms (forward {1e3 * forward:.1f}, backward {1e3 * backward:.1f}, update "
                  f"{1e3 * found.rows[-1].forward:.2f}): {found.batch / found.step:,.0f} images/s")
    operations = sum(row.forward_operations + row.backward_operations for row in found.rows)
    peak = f"; the multipliers' peak, measured: {found.peak / 1e9:.0f} GF/s" if found.peak else ""
    console.print(f"{operations / found.step / 1e9:.1f} GF/s in convolutions and matrix products, a multiply-add counted as two{peak}")


def figures(found, model, form):
    """The Profile as JSON-ready figures."""
    rows = [{**row._asdict(), "share": row.seconds / found.step} for row in found.rows]
    return {"model": model, "kernels": form, **found._asdict(), "rows": rows}
