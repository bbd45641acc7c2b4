"""The augmentations by name: what they do to a batch depends on seeds alone, and training sees exactly what the contact sheet shows."""

import numpy as np
import pytest

import minicnn
from minicnn import data, errors
from minicnn.data.seeding import sample_seeds
from minicnn.train import config as configuration
from minicnn.train import sheet
from minicnn.train.augmentation import ARRAYS, AUGMENTATIONS, MIXING, PILLOW, Augmentation, mixing, names_of
from minicnn.train.job import prepare
from minicnn.train.waiting import Waiting

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 3, 12, 10), dtype=np.uint8)
SEEDS = sample_seeds(1, 0, range(6))


@pytest.mark.parametrize("name", [*PILLOW, *ARRAYS, ",".join([*PILLOW, *ARRAYS])])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("shift", [0, 2])
def test_each_image_is_augmented_by_its_seed_alone(name, channels, shift):
    augment, images = Augmentation(name, shift, (12, 10)), IMAGES[:, :channels]
    found = augment(images, SEEDS)
    assert found.shape == images.shape and found.dtype == np.uint8
    for i in (4, 0):
        np.testing.assert_array_equal(augment(images[[i]], SEEDS[[i]])[0], found[i])
    many = np.concatenate([augment(images[:1], SEEDS[[i]]) for i in range(6)] * 2)
    assert len(np.unique(many[:6].reshape(6, -1), axis=0)) > 1 and (many[:6] == many[6:]).all()
    np.testing.assert_array_equal(IMAGES, np.random.default_rng(0).integers(0, 256, (6, 3, 12, 10), dtype=np.uint8))


def test_without_augmentation_images_are_as_they_are():
    assert Augmentation("", 0, (12, 10))(IMAGES, SEEDS) is IMAGES


def test_names():
    assert names_of(" erase,flip ,, flip") == ["flip", "erase"] and names_of("") == []
    assert mixing("flip", 3) is None and [type(mixing(name, 3)).__name__ for name in MIXING] == ["MixUp", "CutMix"]
    assert all(text for _, text in AUGMENTATIONS.values())
    with pytest.raises(errors.BadValue, match="unknown augmentation 'spin'"):
        names_of("flip,spin")


@pytest.mark.parametrize("augment", ["flip,crop", "mixup", "cutmix,rotate"])
def test_training_does_not_depend_on_the_number_of_threads(augment, monkeypatch):
    source = data.load("digits")
    small = source._replace(train_images=source.train_images[:120], train_labels=source.train_labels[:120])
    monkeypatch.setattr(data, "load", lambda *args, **kwargs: small)

    def history(workers):
        job = prepare(configuration.complete(epochs=2, batch_size=16, augment=augment, workers=workers))
        job.fit()
        assert job.trainer.waiting.steps == 2 * -(-len(job.parts.train) // 16)
        return job.trainer.history

    assert history(0) == history(1) == history(3)


def test_the_sheet_shows_what_training_sees():
    job = prepare(configuration.complete(augment="flip,affine", batch_size=7, workers=2, seed=8))
    loader, seen = job.train_loader(), {}
    minicnn.manual_seed(0)
    epochs = [np.concatenate([x.numpy() for x, _ in loader]) for _ in range(2)]
    indices = sheet.spread(job.parts.train.labels, 12)
    for epoch in range(2):
        shown, _ = sheet.in_epoch(job, indices, epoch)
        mean, std = (np.reshape(values, (-1, 1, 1)) for values in (job.classifier.mean, job.classifier.std))
        trained_on = np.clip(epochs[epoch] * std + mean, 0, 1)
        assert all((np.abs(trained_on - image).max((1, 2, 3)) == 0).any() for image in shown)
        seen[epoch] = shown
    assert not np.array_equal(seen[0], seen[1])
    assert all((epochs[0] == image).all((1, 2, 3)).any() for image in job.classifier.normalise(job.augmented(9))), "the report's"
    again, _ = loader.sample(1, int(indices[3]))
    np.testing.assert_array_equal(np.clip(again.numpy()[0] * std + mean, 0, 1), seen[1][3])


def test_the_sheet_as_a_picture():
    for augment, words in (("", "shift 1"), ("mixup", "mixup"), ("cutmix,erase", "erase, cutmix")):
        job = prepare(configuration.complete(augment=augment))
        figure = sheet.contact_sheet(job, count=4, epochs=3)
        assert len(figure.get_axes()) == 16 and words in figure.get_suptitle()
        labels = [axes.get_xlabel() for axes in figure.get_axes()]
        assert labels[::4] == ["0", "1", "2", "3"] and any("%" in text for text in labels) == ("mixup" in augment or "cutmix" in augment)
    with pytest.raises(errors.BadValue):
        sheet.contact_sheet(job, count=0)


def test_classes_come_in_turn():
    assert sheet.spread(np.array([1, 1, 0, 0, 0, 2]), 5).tolist() == [2, 0, 5, 3, 1]


def test_waiting_is_counted(monkeypatch):
    now = iter([0, 0, 2, 5, 5, 5, 6, 10, 10, 10, 11])
    monkeypatch.setattr("minicnn.train.waiting.time.perf_counter", lambda: next(now))
    waiting = Waiting()
    assert list(waiting.watch("ab")) == ["a", "b"]
    assert (waiting.waited, waiting.total, waiting.steps) == (3, 10, 2)
    assert str(waiting) == "waited 1500.00 ms for data of 5000.0 ms per step"
    assert "waited 0.00 ms" in str(Waiting())
