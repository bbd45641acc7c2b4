"""`minicnn` as a program that says at every moment what it is doing, in a file that outlives it: for tests that kill it.

    python tests/helpers/marked.py MARKS SLOW train --output run

MARKS is a file of `SIZE` bytes; SLOW are milliseconds that each part of a save takes longer than it needs to, so that kills find it there.
"""

import mmap
import os
import struct
import sys
import time
from pathlib import Path

STAGES = ("starting", "between steps", "in a step", "validating", "writing a file", "forcing it to the disk", "giving it its name",
          "testing and drawing")
REACHED = struct.Struct("<qq")          # epochs and steps of the newest checkpoint whose saving has ended, behind the stage
SIZE = 8 + REACHED.size


def read(path):
    """(stage, (epochs, steps) of the newest checkpoint that was saved)"""
    data = Path(path).read_bytes()
    return STAGES[data[0]], REACHED.unpack_from(data, 8)


class Marks:
    """The file of a process that may be killed at any moment: what is written to a mapping is the system's at once."""

    def __init__(self, path, slow):
        Path(path).touch()
        os.truncate(path, SIZE)
        with open(path, "r+b") as file:
            self.bytes, self.slow = mmap.mmap(file.fileno(), SIZE), slow

    def wrap(self, owner, name, stage, slow=0):
        """While the function runs, the mark says so; it is slowed down by so many times `self.slow`."""
        function = getattr(owner, name)

        def call(*args, **options):
            before, self.bytes[0] = self.bytes[0], STAGES.index(stage)
            try:
                time.sleep(slow * self.slow)
                found = function(*args, **options)
                time.sleep(slow * self.slow)
                return found
            finally:
                self.bytes[0] = before

        setattr(owner, name, call)

    def wrap_save(self, owner):
        save = owner.save

        def call(state, path):
            save(state, path)
            REACHED.pack_into(self.bytes, 8, state["epoch"], state["step"])

        owner.save = call


def with_dropout(in_channels=1, image_size=8, num_classes=10):
    """A network whose outcome depends on random numbers in every step"""
    from minicnn import nn

    return nn.Sequential(nn.Conv2d(in_channels, 8, 3, padding=1), nn.ReLU(), nn.Dropout2d(0.2), nn.Flatten(),
                         nn.Dropout(0.5), nn.Linear(8 * image_size[0] * image_size[1], num_classes))


def main(marks, slow, *words):
    from minicnn.models import registry

    registry.BUILDERS["with_dropout"] = with_dropout
    from minicnn.cli import main as command
    from minicnn.serialize import archive
    from minicnn.train import Trainer, callbacks
    from minicnn.train.run import Run

    marks = Marks(marks, float(slow) / 1000)
    marks.wrap_save(callbacks)
    marks.wrap(archive, "write_member", "writing a file", slow=1)
    marks.wrap(os, "fsync", "forcing it to the disk", slow=20)
    marks.wrap(os, "replace", "giving it its name", slow=20)
    marks.wrap(Trainer, "train_step", "in a step")
    marks.wrap(Trainer, "validate", "validating")
    marks.wrap(Trainer, "fit", "between steps")
    marks.wrap(Run, "fit", "testing and drawing")
    marks.wrap(Run, "test", "testing and drawing")
    command(words)


if __name__ == "__main__":
    main(*sys.argv[1:])
