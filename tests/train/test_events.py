"""Event files: what is read back is the history, also of a training that was stopped and gone on with; nothing is written unasked."""

import csv
import struct
import sys
import time

import pytest
from helpers import commands

from minicnn.errors import DataError
from minicnn.train import config, events, run
from minicnn.train.callbacks import Callback


def read(path):
    """The events of a file: records of a length, its checksum, the message and its checksum, which are all checked."""
    from tensorboardX.crc32c import crc32c
    from tensorboardX.proto.event_pb2 import Event

    def masked(data):
        crc = crc32c(data)
        return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF

    data, found = path.read_bytes(), []
    while data:
        length, crc = struct.unpack("<QI", data[:12])
        message, end = data[12 : 12 + length], data[12 + length : 16 + length]
        assert (crc, struct.unpack("<I", end)[0]) == (masked(data[:8]), masked(message))
        found.append(Event.FromString(message))
        data = data[16 + length :]
    return found


def scalars(path):
    """{tag: {step: value}}"""
    found = {}
    for event in read(path):
        for value in event.summary.value:
            found.setdefault(value.tag, {})[event.step] = value.simple_value
    return found


def history_of(folder):
    rows = list(csv.DictReader((folder / "history.csv").read_text().splitlines()))
    return {tag: {int(row["epoch"]): pytest.approx(float(row[name]), rel=1e-6) for row in rows} for name, tag in events.TAGS.items()}


def test_the_command_writes_the_history(tmp_path):
    result = commands.run("train", "--epochs", 2, "--tensorboard", "--output", tmp_path / "run")
    file, = events.event_files(tmp_path / "run")
    assert result.exit_code == 0 and file.name in result.output
    assert read(file)[0].file_version == "brain.Event:2"
    assert scalars(file) == history_of(tmp_path / "run")
    assert set(scalars(file)["loss/training"]) == {1, 2}


class StopIn(Callback):
    def __init__(self, epoch):
        self.epoch = epoch

    def on_step_end(self, trainer):
        if trainer.epoch + 1 == self.epoch and trainer.step == 3:
            trainer.stop()


def test_a_training_that_is_gone_on_with_has_its_history_in_the_last_file(tmp_path):
    first = run.start(config.complete(epochs=3), tmp_path / "run")
    first.write_events()
    first.job.trainer.callbacks.append(StopIn(3))
    first.fit()
    begun, = events.event_files(tmp_path / "run")
    assert set(scalars(begun)["loss/training"]) == {1, 2}
    again = run.resume(tmp_path / "run")
    again.write_events()
    again.fit()
    whole = events.event_files(tmp_path / "run")[-1]                                         # the same one, if all was within a second
    assert scalars(whole) == history_of(tmp_path / "run")
    assert [event.step for event in read(whole) if event.session_log.status] == [1]         # takes back the first file's


def wait_for(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_it_is_seen_while_the_training_goes_on(tmp_path):
    seen = []

    class Look(Callback):
        def on_epoch_end(self, trainer):
            wait_for(lambda: scalars(*events.event_files(tmp_path / "run")).get("loss/training", {}).get(trainer.epoch))
            seen.append(trainer.epoch)

    job = run.start(config.complete(epochs=2), tmp_path / "run")
    job.write_events()
    job.job.trainer.callbacks.append(Look())
    job.fit()
    assert seen == [1, 2]


def test_a_full_disk_ends_the_training_and_lets_it_be_gone_on_with(tmp_path, monkeypatch):
    from tensorboardX.record_writer import RecordWriter

    written, write = [], RecordWriter.write

    def until_full(self, data):
        written.append(data)
        if len(written) > 2:
            raise OSError(28, "No space left on device")
        write(self, data)

    monkeypatch.setattr(RecordWriter, "write", until_full)
    assert "(event file): No space left on device" in commands.refused("train", "--epochs", 3, "--tensorboard", "--output", tmp_path / "run")
    monkeypatch.undo()
    resumed = run.resume(tmp_path / "run")
    assert resumed.job.trainer.epoch == 2 and len(resumed.fit()) == 3


def test_a_run_that_is_taken_away_takes_its_event_files_along(tmp_path):
    begun = run.start(config.complete(), tmp_path / "run")
    begun.write_events()
    for event in ("train_start", "train_end"):
        begun.job.trainer.tell(event)
    assert events.event_files(tmp_path / "run")
    begun.remove()
    assert not (tmp_path / "run").exists()


def test_without_the_package_the_mend_is_told_before_anything_is_begun(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(DataError, match=r"pip install 'minicnn\[tensorboard\]'"):
        events.EventFiles(tmp_path)
    assert "pip install" in commands.refused("train", "--tensorboard", "--output", tmp_path / "run") and not (tmp_path / "run").exists()
