"""A run on a folder of images is gone on with on the same files, whatever has happened to the folder since."""

import shutil

import numpy as np
import pytest
from PIL import Image

from minicnn import errors
from minicnn.train import Callback, run
from minicnn.train import config as configuration


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("dark", "light"):
        (tmp_path / "data" / name).mkdir(parents=True)
        for i in range(20):
            pixels = rng.integers(0, 120, (6, 6, 3), dtype=np.uint8) + np.uint8(120 * (name == "light"))
            Image.fromarray(pixels).save(tmp_path / "data" / name / f"{i:02}.png")
    return tmp_path / "data"


class StopAt(Callback):
    def on_step_end(self, trainer):
        if trainer.epoch == 1 and trainer.step == 1:
            trainer.stop()


def test_resumed_equals_undisturbed_with_augmentation_and_new_files(folder, tmp_path):
    config = configuration.complete("folder", data_dir=str(folder), epochs=3, batch_size=8, augment="flip,affine,cutmix", workers=2)
    whole = run.start(config, tmp_path / "whole")
    whole.fit()
    stopped = run.start(config, tmp_path / "parts")
    stopped.job.trainer.callbacks.append(StopAt())
    stopped.fit()
    assert not stopped.is_complete
    for i in range(7):
        shutil.copy(folder / "dark" / "00.png", folder / "dark" / f"0{i}x.png")
    resumed = run.resume(tmp_path / "parts")
    assert resumed.job.parts.files() == whole.job.parts.files()
    resumed.fit()
    for name in ("history.csv", "model.mcnn"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "parts" / name).read_bytes(), name
    (folder / whole.job.parts.train.files[0]).unlink()
    with pytest.raises(errors.DataError, match="are not in .* any more"):
        run.resume(tmp_path / "parts")
