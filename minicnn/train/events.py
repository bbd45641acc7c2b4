"""The history as event files, which TensorBoard shows while a training goes on. The format is written by tensorboardX."""

from pathlib import Path

from ..errors import DataError
from .callbacks import Callback

TAGS = {                        # of the history's entries; TensorBoard puts what has the same first word side by side
    "train_loss": "loss/training", "val_loss": "loss/validation",
    "train_accuracy": "accuracy/training", "val_accuracy": "accuracy/validation", "learning_rate": "learning_rate",
}
LATEST = 1                      # seconds until an epoch can be seen; the library's two minutes are longer than many trainings
FIRST_WORDS = "events.out.tfevents."


def check_possible():
    """Raise DataError, with the mend, where the package is missing that writes event files."""
    try:
        import tensorboardX  # noqa: F401
    except ImportError:
        raise DataError("event files need tensorboardX: pip install 'minicnn[tensorboard]'") from None


def event_files(folder):
    """The event files in a folder, the oldest first."""
    return sorted(Path(folder).glob(FIRST_WORDS + "*"))


class EventFiles(Callback):
    """Writes losses, accuracies and the learning rate of each epoch to an event file in a folder; its step is the epoch.

    A training that is gone on with writes another file, with its history from the beginning; the earlier one is thereby taken back.
    """

    def __init__(self, folder):
        check_possible()
        self.folder, self.writer = folder, None

    def on_train_start(self, trainer):
        from tensorboardX import SummaryWriter

        self.writer = SummaryWriter(str(self.folder), purge_step=1 if event_files(self.folder) else None, flush_secs=LATEST)
        for record in trainer.history:
            self.write(record)

    def on_epoch_end(self, trainer):
        self.write(trainer.history[-1])

    def write(self, record):
        for name, tag in TAGS.items():
            self.writer.add_scalar(tag, record[name], record["epoch"])

    def on_train_end(self, trainer):
        self.writer.close()
