"""`minicnn finetune`: somebody's network, trained further on a person's own images."""

import click

from ..train import run as runs
from ..train.config import EVERYTHING, FINE_TUNING, HEAD_ALONE, complete_further
from .options import (AUGMENTATION_OPTIONS, DATA_OPTIONS, FILE_OPTIONS, NORMALISATION_OPTIONS, OUTPUT_OPTIONS, PLACE_OPTIONS,
                      PRACTICE_OPTIONS, training_options, with_options)
from .progress import Download
from .show import make_console
from .train import carry_out, check_extras


@click.command(short_help="Train a network further on other images.")
@click.argument("network", type=click.Path())
@with_options(*DATA_OPTIONS, *AUGMENTATION_OPTIONS)
@with_options(FILE_OPTIONS[0])
@click.option("--freeze", metavar="WHAT", help="What stays as it is: features (all but the last layer), none, or all before the module "
              "with this path.  [default: features]")
@click.option("--layer-decay", type=float, metavar="D", help="Train everything, each block of layers at D times the rate of the next one.")
@click.option("--unfreeze-every", type=int, metavar="EPOCHS", help="Train the last block first, and one more after so many epochs.")
@with_options(*NORMALISATION_OPTIONS)
@with_options(*training_options(FINE_TUNING["epochs"], FINE_TUNING["batch_size"], FINE_TUNING["optimizer"],
                                f"{HEAD_ALONE['lr']}, without frozen features {EVERYTHING['lr']}", FINE_TUNING["weight_decay"]),
              *PRACTICE_OPTIONS, *PLACE_OPTIONS, *OUTPUT_OPTIONS)
def finetune(network, output, report, tensorboard, quiet, **options):
    """Train the NETWORK in a file further, with a new last layer for the classes of --data FOLDER.

    NETWORK is a run folder, a .mcnn, an .onnx, or weights (.pth, .safetensors, .npz) for the architecture --model NAME. Images are
    brought to the size and the normalisation that it was made for. Frozen batch norms keep their running statistics. Leaves a run
    folder like that of minicnn train, which goes on with it when it was interrupted: minicnn train --resume RUN.

    \b
    Examples:
      minicnn finetune resnet18.pth --data photographs
      minicnn finetune mobilenet.onnx --data photographs --freeze none --lr 0.0003
      minicnn finetune weights.safetensors --model resnet50 --data photographs --layer-decay 0.8 --augment flip,crop
    """
    check_extras(report, tensorboard)
    given = {name: value for name, value in options.items() if value is not None}
    if "dataset" not in given:
        raise click.UsageError("which images? --data FOLDER", click.get_current_context())
    console = make_console(quiet)
    run = runs.start(complete_further(network, **given), output, Download(console))
    carry_out(run, console, quiet, report, tensorboard)
