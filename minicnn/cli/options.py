"""Options that several commands have: which data, how it is augmented, how it is trained on."""

import functools

import click

from ..data import NAMES
from ..data.registry import FOLDER
from ..models import registry
from ..plot.style import format_of
from ..serialize.atomic import check_place
from ..train.choices import OPTIMIZERS, SCHEDULERS


class ModelName(click.Choice):
    """A model's name; small-cnn is small_cnn."""

    def convert(self, value, param, ctx):
        return super().convert(value.replace("-", "_"), param, ctx)


class OutputFile(click.Path):
    """A file that will be written: where it cannot be, that is said before the work. A picture's name must end as pictures' do."""

    def __init__(self, picture=False):
        super().__init__()
        self.picture = picture

    def convert(self, value, param, ctx):
        if self.picture:
            format_of(value)
        check_place(value)
        return super().convert(value, param, ctx)


DATA_OPTIONS = (
    click.option("--dataset", type=click.Choice(NAMES), help="Data set.  [default: digits]"),
    click.option("--data", "data", type=click.Path(), metavar="FOLDER", help="Images in a folder: one folder for each class, below "
                 "train, val and test or without them."),
    click.option("--data-dir", type=click.Path(), help="Folder with the data set's files.  [default: the system's, the cache, else "
                 "download]"),
    click.option("--image-size", type=int, help="Side in pixels to which images are brought.  [default: as they are; of a folder with "
                 "images of several sizes, 64]"),
    click.option("--broken", type=click.Choice(["raise", "skip"]), help="Files of a folder that cannot be read: refuse, or leave out and "
                 "say which.  [default: raise]"),
)
AUGMENTATION_OPTIONS = (
    click.option("--shift", type=int, help="Move training images by up to so many pixels at random.  [default: 1, cifar 2]"),
    click.option("--augment", metavar="NAME,...", help="What else is done to training images at random: flip, vflip, crop, rotate, affine, "
                 "color, erase; mixup or cutmix.  [default: none, cifar flip]"),
    click.option("--seed", type=int, help="The same seed gives the same history, bit for bit.  [default: 0]"),
)

MODEL_OPTION = click.option("--model", type=ModelName(registry.names()), metavar="NAME",
                            help="Architecture, one of `minicnn models`.  [default: small_cnn, of the MNIST family lenet5]")
PRACTICE_OPTIONS = (
    click.option("--decay-biases/--no-decay-biases", default=None, help="Whether weight decay shrinks biases and norm layers too.  "
                 "[default: yes]"),
    click.option("--class-weight", type=click.Choice(["balanced"]), help="Weigh classes in the loss by the inverse of their frequency."),
    click.option("--clip-norm", type=float, help="Scale gradients down to this norm."),
    click.option("--ema", type=float, metavar="DECAY", help="Keep and validate a moving average of the weights, such as 0.99."),
    click.option("--early-stopping", type=int, metavar="EPOCHS", help="End after so many epochs without a new best one."),
)

DEVICE_OPTION = click.option("--device", type=click.Choice(["cpu", "cuda"]), help="Where to compute; minicnn doctor says why not cuda.  "
                             "[default: cpu]")
PLACE_OPTIONS = (
    click.option("--workers", type=int, help="Threads that augment images ahead of time.  [default: 2 with --augment, else 0]"),
    click.option("--checkpoint-every", type=int, metavar="STEPS", help="Checkpoints within an epoch, too: what a power cut can cost.  "
                 "[default: one after each epoch]"),
    DEVICE_OPTION,
)
OUTPUT_OPTIONS = (
    click.option("--output", type=click.Path(), help="Run folder, new or empty.  [default: runs/<dataset>-<model>-NNN]"),
    click.option("--report", is_flag=True, help="Write report.html, too: data, model, curves, mistakes on one page."),
    click.option("--tensorboard", is_flag=True, help="Write event files into the run folder, too: tensorboard --logdir runs shows them."),
    click.option("--quiet", is_flag=True, help="Print the outcome only."),
)


class Numbers(click.ParamType):
    """One number, or several with commas between them."""

    name = "numbers"

    def convert(self, value, param, ctx):
        try:
            return [float(word) for word in value.split(",")]
        except (ValueError, AttributeError):
            return self.fail(f"{value!r} is not a number, nor several such as 0.485,0.456,0.406", param, ctx)


FILE_OPTIONS = (
    click.option("--model", type=ModelName(registry.names()), metavar="NAME", help="Which architecture a file of weights is for, one of "
                 "`minicnn models`.  [default: the file's name]"),
    click.option("--classes", type=click.Path(), metavar="FILE", help="Names of the classes: one a line, or a JSON list.  [default: as the "
                 "file says, else numbers]"),
    click.option("--input-size", type=click.IntRange(min=1), help="Side of the images in pixels.  [default: as the file says, else 224]"),
)
NORMALISATION_OPTIONS = (
    click.option("--mean", type=Numbers(), metavar="M,...", help="What the model takes for 0, of pixels in 0..1: one number, or one for "
                 "each channel.  [default: as the file says, else ImageNet's]"),
    click.option("--std", type=Numbers(), metavar="S,...", help="The deviation that it takes for 1.  [default: the same]"),
)


def training_options(epochs, batch_size, optimizer, lr, weight_decay):
    """How long and by what is trained; the arguments are the defaults as they are shown."""
    return (
        click.option("--epochs", type=int, help=f"Passes over the training images.  [default: {epochs}]"),
        click.option("--batch-size", type=int, help=f"Images per step.  [default: {batch_size}]"),
        click.option("--optimizer", type=click.Choice(list(OPTIMIZERS)), help=f"[default: {optimizer}]"),
        click.option("--lr", type=float, help=f"Highest learning rate.  [default: {lr}]"),
        click.option("--scheduler", type=click.Choice(list(SCHEDULERS)), help="How the learning rate changes.  [default: one-cycle]"),
        click.option("--weight-decay", type=float, help=f"[default: {weight_decay}]"),
        click.option("--label-smoothing", type=float, help="Share of the target that goes to all classes alike.  [default: 0.1]"),
    )


def with_options(*options):
    """A decorator that adds click options in this order, and gives --data FOLDER on as the data set `folder` in data_dir."""
    def decorate(command):
        @functools.wraps(command)
        def call(*args, data=None, **given):
            return command(*args, **{**given, **folder_options(data, given)})
        return functools.reduce(lambda function, option: option(function), reversed(options), call)
    return decorate


def folder_options(folder, given):
    """{} or the dataset and data_dir that a --data FOLDER stands for; UsageError beside others."""
    if folder is None:
        return {}
    for name in ("dataset", "data_dir"):
        if given.get(name) is not None:
            raise click.UsageError(f"--data and --{name.replace('_', '-')} exclude each other", click.get_current_context())
    return {"dataset": FOLDER, "data_dir": folder}
