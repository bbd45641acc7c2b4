"""`minicnn bench`: the CPU against the GPU, training step by training step."""

import click

from .. import kernels, plot
from ..errors import BadValue
from ..models import devices, registry
from ..train.results import write_json
from .doctor import about_cpu, about_gpu, versions
from .models import build
from .options import ModelName, OutputFile
from .show import heading, make_console, make_table, show_table
from .warmup import Notice


class Batches(click.ParamType):
    """Sizes of a batch, with commas between."""

    name = "sizes"

    def convert(self, value, param, ctx):
        try:
            sizes = sorted({int(word) for word in str(value).split(",")})
        except ValueError:
            sizes = [0]
        if sizes[0] < 1:
            self.fail(f"expected whole numbers of at least 1 with commas between, such as 1,16,64, got {value!r}", param, ctx)
        return sizes


@click.command(short_help="Compare the CPU with the GPU.")
@click.argument("models", nargs=-1, metavar="[MODELS]...", type=ModelName(registry.names()))
@click.option("--batches", type=Batches(), default="1,16,64,256", show_default=True, help="Images in a step.")
@click.option("--device", "wanted", type=click.Choice(["all", "cpu", "cuda"]), default="all", show_default=True, help="Where to run.")
@click.option("--seconds", type=click.FloatRange(min=0), default=1.0, show_default=True, help="Of timing, for each line.")
@click.option("--json", "file", type=OutputFile(), metavar="FILE", help="Write the figures and the machine to a file, too.")
@click.option("--picture", type=OutputFile(picture=True), metavar="FILE", help="Draw them: .png, .pdf or .svg.")
def bench(models, batches, wanted, seconds, file, picture):
    """Time training steps of MODELS (lenet5, vgg_small and resnet20 unless named) on every device that there is: the first step, in
    which kernels are compiled, apart from those after it. The images are noise.

    \b
    Examples:
      minicnn bench
      minicnn bench lenet5 --batches 1,64,1024 --seconds 3
      minicnn bench resnet20 --json bench.json --picture bench.png
    """
    console, (found, reason) = make_console(), devices.available()
    places = chosen(wanted, found, reason)
    for fact in describe(places, reason):
        console.print(fact, markup=False, soft_wrap=True)
    timings = []
    with kernels.compiling.heard(Notice(console)):
        for name in models or ("lenet5", "vgg_small", "resnet20"):
            for batch in batches:
                timings += measure(console, name, batch, places, seconds)
    heading(console, "Training steps")
    show_table(console, table_of(timings))
    for line in conclusions(timings, places):
        console.print(line, markup=False, soft_wrap=True)
    write(timings, file, picture)


def chosen(wanted, found, reason):
    """The devices to run on. Raises BadValue where the one asked for is not there."""
    if wanted != "all" and wanted not in found:
        raise BadValue(f"no usable GPU: {reason}")
    return found if wanted == "all" else [wanted]


def describe(places, reason):
    """What is compared, or why there is nothing to compare with."""
    gpu = f"GPU: {about_gpu()['name']}" if "cuda" in places else f"No GPU is measured: {reason}" if reason else None
    return [f"CPU: {about_cpu()['name']}; threads: {about_cpu()['threads']}", *filter(None, [gpu])]


def measure(console, name, batch, places, seconds):
    """The Timings on the devices; one whose memory does not suffice is named."""
    timings = {place: devices.measure_if_it_fits(name, *build(name, None), batch, place, seconds) for place in places}
    for place in [place for place in places if timings[place] is None]:
        console.print(f"{name}, batch {batch}, {place}: not enough memory", markup=False, soft_wrap=True)
    return [timing for timing in timings.values() if timing]


def table_of(timings):
    """A row for each Timing; the ratio is the CPU's time over the GPU's."""
    table = make_table("model", "batch>", "device", "first step\ns>", "a step then\nms>", "\nimages/s>", "CPU's time\nover GPU's>",
                       "memory\nMB>")
    on_cpu = {(t.model, t.batch): t.step for t in timings if t.device == "cpu"}
    for t in timings:
        before = on_cpu.get((t.model, t.batch)) if t.device == "cuda" else None
        table.add_row(t.model, str(t.batch), t.device, f"{t.first:.2f}", f"{1e3 * t.step:.2f}", f"{t.images_per_second:,.0f}",
                      f"{before / t.step:.2f}" if before else "", f"{t.memory:,.0f}")
    return table


def conclusions(timings, places):
    """From which batch on the GPU is faster; and what the memory is."""
    lines = ["", "memory: on the CPU of the whole process so far, on a GPU of its arrays at the most"]
    if len(places) == 2:
        lines += [f"{name}: the GPU is faster {f'from batch {batch} on' if batch else 'at none of these batch sizes'}"
                  for name, batch in devices.overtaken(timings).items()]
    return lines


def write(timings, file, picture):
    """The JSON file and the picture that were asked for."""
    if file:
        machine = {"versions": versions(), "cpu": about_cpu(), "gpu": about_gpu()}
        write_json({"machine": machine, "timings": [{**t._asdict(), "images_per_second": t.images_per_second} for t in timings]}, file)
    if picture and timings:
        plot.save(plot.devices([t._asdict() for t in timings]), picture)
