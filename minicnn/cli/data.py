"""`minicnn data`: look at a data set before, and as, it is trained on."""

import click

from .. import plot
from ..train import config as configuration
from ..train.job import prepare
from ..train.sheet import contact_sheet
from .data_statistics import statistics
from .options import AUGMENTATION_OPTIONS, DATA_OPTIONS, OutputFile, with_options
from .progress import Download
from .show import make_console


@click.group("data", short_help="Look at a data set.")
def data():
    """Look at a data set: what is in it, and what the network sees of it.

    \b
    Examples:
      minicnn data statistics --dataset fashion-mnist
      minicnn data sheet --data photographs --augment flip,crop
    """


@data.command(short_help="Draw training images as the network sees them.")
@with_options(*DATA_OPTIONS, *AUGMENTATION_OPTIONS)
@click.option("--count", type=click.IntRange(min=1), default=8, show_default=True, help="How many images, a row for each.")
@click.option("--epochs", type=click.IntRange(min=1), default=6, show_default=True, help="Of how many epochs.")
@click.option("--output", type=OutputFile(picture=True), default="contact-sheet.png", show_default=True, help="PNG, PDF or SVG file.")
def sheet(count, epochs, output, **options):
    """Draw a contact sheet: training images after augmentation, the same image in one epoch after the other.

    They are what `minicnn train` with the same options trains on: same seed, same pixels.

    \b
    Examples:
      minicnn data sheet --dataset cifar10 --augment flip,crop,color
      minicnn data sheet --data photographs --augment cutmix --output sheet.pdf
    """
    given = {name: value for name, value in options.items() if value is not None}
    console = make_console()
    job = prepare(configuration.complete(**given), Download(console))
    plot.save(contact_sheet(job, count, epochs), output)
    console.print(f"{output}: {min(count, len(job.parts.train))} training images of {job.config.name} in {epochs} epochs", markup=False)


data.add_command(statistics)
