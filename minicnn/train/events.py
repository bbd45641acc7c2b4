"""The history as event files, which TensorBoard shows while a training goes on. The format is written by tensorboardX."""

import os
import time
from contextlib import suppress
from pathlib import Path

from ..errors import DataError
from .callbacks import Callback

TAGS = {                        # of the history's entries; TensorBoard puts what has the same first word side by side
    "train_loss": "loss/training", "val_loss": "loss/validation",
    "train_accuracy": "accuracy/training", "val_accuracy": "accuracy/validation", "learning_rate": "learning_rate",
}
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
    Written at once and in this thread: the library's own writes from another one, and a full disk would let it wait for ever.
    """

    def __init__(self, folder):
        check_possible()
        self.folder, self.writer = folder, None

    def on_train_start(self, trainer):
        from tensorboardX.event_file_writer import EventsWriter
        from tensorboardX.proto.event_pb2 import Event, SessionLog

        begun = [Event(step=1, wall_time=time.time(), session_log=SessionLog(status=SessionLog.START))] if event_files(self.folder) else []
        self.writer = EventsWriter(os.path.join(self.folder, "events"))
        self.write([*begun, *map(event_of, trainer.history)])

    def on_epoch_end(self, trainer):
        self.write([event_of(trainer.history[-1])])

    def write(self, events):
        """Append events, to be seen at once."""
        try:
            for event in events:
                self.writer.write_event(event)
            self.writer.flush()
        except OSError as error:        # a full disk does not say for which file
            error.filename = error.filename or f"{self.folder} (event file)"
            with suppress(OSError):
                self.writer.close()
            raise

    def on_train_end(self, trainer):
        self.writer.close()


def event_of(record):
    """An entry of the history as an event."""
    from tensorboardX.proto.event_pb2 import Event
    from tensorboardX.proto.summary_pb2 import Summary

    values = [Summary.Value(tag=tag, simple_value=record[name]) for name, tag in TAGS.items()]
    return Event(step=record["epoch"], wall_time=time.time(), summary=Summary(value=values))
