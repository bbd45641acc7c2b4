"""`minicnn` and what its commands have in common: a mistake of the user's is one line on stderr and exit status 2."""

import sys
import warnings
from contextlib import contextmanager

import click

from .. import __version__
from ..errors import Error
from .bench import bench
from .check_pipeline import check_pipeline
from .compare import compare
from .data import data
from .doctor import doctor
from .evaluate import evaluate
from .export import export
from .finetune import finetune
from .models import info, models
from .predict import predict
from .profile import profile
from .serve import serve
from .show import describe
from .train import INTERRUPTED, train
from .warmup import warmup


class Commands(click.Group):
    """A group whose expected errors are told in one line; any other exception is a defect and keeps its traceback."""

    def main(self, *args, standalone_mode=True, **options):
        if not standalone_mode:
            return super().main(*args, standalone_mode=False, **options)
        show_what_can_be_shown(sys.stdout)
        try:
            with warnings_in_one_line():
                sys.exit(super().main(*args, standalone_mode=False, **options))
        except BrokenPipeError:                 # `minicnn models | head`: whoever read has seen enough
            sys.stdout = None
            sys.exit(0)
        except click.exceptions.Abort:
            fail("interrupted", INTERRUPTED)
        except click.UsageError as error:
            fail(f"{error.format_message().rstrip('.')}{_where_to_look(error)}")
        except click.ClickException as error:
            fail(error.format_message())
        except OSError as error:
            fail(describe(error))
        except MemoryError as error:
            fail(f"not enough memory: {error}")
        except Error as error:
            fail(str(error))


def show_what_can_be_shown(stream):
    """A file name must not end a command because the terminal's encoding lacks a letter: it becomes a question mark."""
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="replace")


@contextmanager
def warnings_in_one_line():
    """What the library warns of is told as mistakes are: without the place in its code."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Image size .* could be decompression bomb")      # Pillow's: such an image is refused
        warnings.showwarning = lambda message, *place, **others: click.echo(f"Warning: {' '.join(str(message).split())}", err=True)
        yield


def fail(message, status=2):
    click.echo(f"Error: {' '.join(message.split())}", err=True)
    sys.exit(status)


def _where_to_look(error):
    return f" (see {error.ctx.command_path} --help)" if error.ctx is not None else ""


@click.group("minicnn", cls=Commands, invoke_without_command=True,
             context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="minicnn")
@click.pass_context
def main(ctx):
    """Convolutional networks, written from scratch to be read, checked and used.

    \b
    minicnn train                         learn handwritten digits, in a minute
    minicnn predict RUN photo.png         what is on the picture?
    minicnn evaluate RUN                  how good is the model?
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


for command in (train, finetune, predict, serve, evaluate, export, data, check_pipeline, compare, info, models, profile, bench, warmup,
                doctor):
    main.add_command(command)
