"""`minicnn train`: from a data set to a run folder."""

import shlex
import sys
import time
from dataclasses import replace

import click

from .. import kernels
from ..train import config as configuration
from ..train import events
from ..train import report as page
from ..train import stop_on_interrupt
from ..train import run as runs
from .check_pipeline import show_quick_checks
from .options import (AUGMENTATION_OPTIONS, DATA_OPTIONS, MODEL_OPTION, OUTPUT_OPTIONS, PLACE_OPTIONS, PRACTICE_OPTIONS, training_options,
                      with_options)
from .progress import Download, Progress
from .show import heading, make_console, percent, show_data, show_model, show_outcome
from .warmup import Notice

INTERRUPTED = 130               # exit status after Ctrl-C, as in every shell


@click.command(short_help="Train a model on a data set.")
@with_options(*DATA_OPTIONS, *AUGMENTATION_OPTIONS)
@MODEL_OPTION
@with_options(*training_options("digits 30, fashion-mnist 10, mnist 5, others 20", "digits and folders 64, others 128", "sgd",
                                "by optimizer; sgd 0.1", "0.0005"), *PRACTICE_OPTIONS, *PLACE_OPTIONS)
@click.option("--config", "config_file", type=click.Path(), help="Repeat the run that wrote this config.json; options given with it win.")
@click.option("--resume", metavar="RUN", type=click.Path(), help="Go on with an interrupted run, with its own settings.")
@with_options(*OUTPUT_OPTIONS)
def train(output, resume, config_file, report, tensorboard, quiet, **options):
    """Train a model and test it; without options, a small network on handwritten digits.

    Prints the data, the model, every epoch and the test. Leaves a run folder with the best epoch's model, the history,
    pictures, and the configuration to repeat it. Ctrl-C stops after the current step and keeps what was reached.

    \b
    Examples:
      minicnn train
      minicnn train --dataset fashion-mnist --epochs 3
      minicnn train --model lenet5 --dataset mnist --optimizer adamw --seed 1
      minicnn train --data photographs --image-size 64 --augment flip,color
      minicnn train --resume runs/digits-small_cnn-001
    """
    check_extras(report, tensorboard)
    given = {name: value for name, value in options.items() if value is not None}
    console = make_console(quiet)
    if resume is not None:
        refuse_with_resume(given, output, config_file)
        run = runs.resume(resume, Download(console))
        for remark in run.remarks:
            console.print(remark, style="yellow", markup=False)
    else:
        config = configuration.complete(**given) if config_file is None else replace(configuration.read(config_file), **given)
        run = runs.start(config, output, Download(console))
    carry_out(run, console, quiet, report, tensorboard)


def check_extras(report, tensorboard):
    """What is asked for must be installed: that is said now, not after the training."""
    if report:
        page.check_possible()
    if tensorboard:
        events.check_possible()


def carry_out(run, console, quiet, report, tensorboard):
    """Train and test, and tell what is kept where that ends early."""
    if tensorboard:
        run.write_events()
    try:
        with kernels.compiling.heard(Notice(console, kernels.compile_ahead)):
            execute(run, console, quiet, report)
    except KeyboardInterrupt:               # the second Ctrl-C, or one after the training
        tell_what_is_kept(run, make_console())
        sys.exit(INTERRUPTED)
    except OSError:                         # a full disk, a folder that was taken away: the error itself is told last
        tell_what_is_kept(run, make_console(), "Stopped by an error.")
        raise


def refuse_with_resume(given, output, config_file):
    others = [*given, *["output"] * (output is not None), *["config"] * (config_file is not None)]
    if others:
        raise click.UsageError(f"--resume goes on with the run's own settings: leave out --{others[0].replace('_', '-')}",
                               click.get_current_context())


def execute(run, console, quiet, report=False):
    """Train and test, with everything that is shown meanwhile."""
    job = run.job
    show_data(console, job.source, job.parts)
    show_model(console, job.config.model, job.classifier.model, job.classifier.input_shape)
    for remark in job.classifier.remarks:
        console.print(remark, style="dim", markup=False)
    if not quiet and job.config.pretrained is None and not job.trainer.epoch and not job.trainer.step:
        show_quick_checks(console, job)
    since = " since it was gone on with" * bool(job.trainer.epoch or job.trainer.step)
    seconds = fit(run, console)
    if not run.is_complete:
        tell_how_to_go_on(run, make_console())
        sys.exit(INTERRUPTED)
    heading(console, "Test")
    best = run.best.record
    console.print(f"best epoch: {best['epoch']}, validation accuracy {percent(best['val_accuracy'])}; trained in {seconds:.1f} s{since}")
    console.print(f"training {job.trainer.waiting}")
    outcome, figures = run.test(report, seconds)
    show_outcome(console, outcome, figures)
    show_files(run, console)
    if quiet:
        make_console().print(f"{run.folder}: test accuracy {percent(outcome.accuracy)}", markup=False)


def fit(run, console):
    """Train under the eyes of the user. Returns the seconds it took."""
    trainer, progress, began = run.job.trainer, Progress(console, len(run.job.parts.train), run.best), time.perf_counter()
    trainer.callbacks.append(progress)
    heading(console, "Training" if not trainer.epoch and not trainer.step else f"Training, from epoch {trainer.epoch + 1} on")
    try:
        with stop_on_interrupt(trainer):
            run.fit()
    finally:
        progress.close()
    return time.perf_counter() - began


def tell_how_to_go_on(run, console):
    trainer, best = run.job.trainer, run.best.record
    reached = f"of epoch {best['epoch']}, validation accuracy {percent(best['val_accuracy'])}" if best else "as it is now"
    console.print(f"\nStopped after {trainer.epoch} of {trainer.epochs} epochs and {trainer.step} steps of the next. "
                  f"Kept in {run.folder}: the model ({reached}), and all that is needed to go on:\n", markup=False)
    tell_command(console, "train --resume", run.folder)


def tell_what_is_kept(run, console, why="Interrupted."):
    """After an interruption in the middle of a step: what was written last is whole."""
    if run.has_checkpoint:
        console.print(f"\n{why} What was reached since the last checkpoint is lost; to go on from there:\n")
        tell_command(console, "train --resume", run.folder)
    else:
        console.print(f"\n{why}")


def tell_command(console, words, folder):
    """A command line as it can be pasted."""
    console.print(f"  minicnn {words} {shlex.quote(str(folder))}", markup=False, soft_wrap=True)


def show_files(run, console):
    heading(console, f"Run folder: {run.folder}")
    for name, meaning in runs.FILES.items():
        console.print(f"  {name:<22} {meaning}", markup=False)
    if run.job.parts.files() is not None:
        console.print(f"  {runs.SPLIT:<22} {runs.SPLIT_MEANING}", markup=False)
    if (run.folder / runs.REPORT).exists():
        console.print(f"  {runs.REPORT:<22} {runs.REPORT_MEANING}", markup=False)
    for path in events.event_files(run.folder):
        console.print(f"  {path.name}: for TensorBoard", markup=False, soft_wrap=True)
    console.print(f"\nNow try:  minicnn predict {shlex.quote(str(run.folder))} IMAGE", markup=False, soft_wrap=True)
