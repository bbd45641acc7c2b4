"""Training as it is watched: a line for each epoch and, in a terminal, a live bar."""

import time

from ..train import Callback
from .show import percent

PATIENCE = 3                    # seconds for which reading files needs no word
HEADER = """\
           training           validation
epoch      loss  accuracy        loss  accuracy  seconds"""


class Progress(Callback):
    """Prints what a Trainer does.

    images  how many there are to train on, for the bar
    best    the BestEpoch that stands before this callback
    """

    def __init__(self, console, images, best):
        self.console, self.images, self.best, self.bar = console, images, best, None

    def on_train_start(self, trainer):
        self.console.print(HEADER)
        if self.console.is_terminal and not self.console.quiet:
            self.bar = make_bar(self.console)
            self.task = self.bar.add_task("", total=trainer.epochs * self.images, completed=self._seen(trainer), loss="", rate="")
            self.bar.start()

    def on_epoch_start(self, trainer):
        self.began = time.perf_counter()

    def on_step_end(self, trainer):
        if self.bar is not None:
            speed = self.bar.tasks[0].speed
            self.bar.update(self.task, completed=self._seen(trainer), description=f"epoch {trainer.epoch + 1}/{trainer.epochs}",
                            loss=f"loss {trainer.tally.loss:.3f}  accuracy {100 * trainer.tally.accuracy:5.1f} %",
                            rate=f"{speed:,.0f} images/s" if speed else "")

    def on_epoch_end(self, trainer):
        record, seconds = trainer.history[-1], time.perf_counter() - self.began
        mark = "  [green]best so far[/green]" if record is self.best.record else ""
        self.console.print(
            f"{record['epoch']:5}  {record['train_loss']:8.4f}  {percent(record['train_accuracy']):>8}  "
            f"{record['val_loss']:10.4f}  {percent(record['val_accuracy']):>8}  {seconds:7.1f}{mark}")

    def close(self):
        """Take the bar away, also after an error."""
        if self.bar is not None:
            self.bar.stop()
            self.bar = None

    def _seen(self, trainer):
        return trainer.epoch * self.images + trainer.tally.count


def make_bar(console):
    from rich import progress

    return progress.Progress(
        progress.TextColumn("{task.description}"), progress.BarColumn(bar_width=20), progress.TextColumn("{task.fields[loss]}"),
        progress.TextColumn("{task.fields[rate]}"), progress.TimeRemainingColumn(compact=True), progress.TextColumn("left"),
        console=console, transient=True,
    )


class Download:
    """Prints the progress of a download, or of the reading of many files; called as `data.load` calls its `progress`."""

    def __init__(self, console):
        self.console, self.shown, self.began = console, {}, time.perf_counter()

    def __call__(self, path, done, size, unit="bytes"):
        if unit != "bytes" and time.perf_counter() - self.began < PATIENCE:
            return
        tenth = 10 * done // max(size, 1)
        if self.shown.get(path) != tenth:
            self.shown[path] = tenth
            verb = "downloading" if unit == "bytes" else "reading"
            self.console.print(f"{verb} {path}: {done:,} of {size:,} {unit}", markup=False)
