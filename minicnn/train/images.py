"""A data set on its way into training: divided into three parts, then read in batches, augmented and normalised."""

from typing import NamedTuple

import numpy as np

from .. import arrays
from ..data import DataLoader, Dataset, stratified_split
from ..errors import DataError
from ..tensor import wrap

SPLIT_SEED = 0                  # fixed: every run of a data set trains, validates and tests on the same images
TEST_SHARE, VALIDATION_SHARE = 0.2, 0.1


class Part(NamedTuple):
    """Images (N, C, H, W) uint8, their labels (N,) int64, and of a folder the N files they come from."""

    images: np.ndarray
    labels: np.ndarray
    files: tuple | None = None

    def __len__(self):
        return len(self.labels)

    def at(self, indices):
        """The Part with the images at these indices."""
        return Part(self.images[indices], self.labels[indices], self.files and tuple(self.files[i] for i in indices))


class Parts(NamedTuple):
    """What is trained on, what the best epoch is chosen by, and what is looked at once, at the end."""

    train: Part
    validation: Part
    test: Part

    def files(self):
        """{"train": files, "validation": ..., "test": ...}, to be stored with a run; None where images come from no files."""
        return None if self.train.files is None else {name: list(part.files) for name, part in zip(self._fields, self)}

    def together(self):
        """All of it as one Part."""
        images, labels = (np.concatenate([part[i] for part in self]) for i in range(2))
        return Part(images, labels, self.train.files and sum((part.files for part in self), ()))


def divide(data, split=None):
    """The Parts of a data.ImageData, stratified and the same every time; parts of its own, where it has them, are kept.

    split  what `Parts.files` gave for an earlier run: then the same files make the same parts again, whatever else is there now

    Raises DataError where files of that split are gone.
    """
    if split is not None:
        return divide_as(data, split)
    files = data.files or {}
    pool = Part(data.train_images, data.train_labels, files.get("train"))
    if data.test_images is not None:
        test = Part(data.test_images, data.test_labels, files.get("test"))
    else:
        pool, test = _split(pool, TEST_SHARE, "test with at the end")
    if data.validation_images is not None:
        return Parts(pool, Part(data.validation_images, data.validation_labels, files.get("validation")), test)
    return Parts(*_split(pool, VALIDATION_SHARE, "choose the best epoch by"), test)


def divide_as(data, split):
    """The Parts that consist of named files."""
    whole = divide(data).together()
    place = {file: i for i, file in enumerate(whole.files or ())}
    gone = [file for part in split.values() for file in part if file not in place]
    if gone:
        raise DataError(f"{len(gone)} of the files that the run was divided by are not in {data.origin} any more, such as {gone[0]}")
    return Parts(*(whole.at([place[file] for file in split[name]]) for name in Parts._fields))


def _split(part, share, purpose):
    """Two Parts, the second with this share of the images."""
    try:
        parts = stratified_split(part.labels, (1 - share, share), arrays.Generator().manual_seed(SPLIT_SEED))
    except DataError:
        raise DataError(f"{len(part)} images are too few: {share:.0%} of them are to be held out, to {purpose}") from None
    return [part.at(indices) for indices in parts]


class Batches(Dataset):
    """A Part that is read in whole batches; `prepare(images, seeds)` makes of uint8 images what the model is given."""

    def __init__(self, part, prepare):
        self.part, self.prepare = part, prepare

    def __len__(self):
        return len(self.part)

    def get_seeded(self, indices, seeds):
        return wrap(self.prepare(self.part.images[indices], seeds)), wrap(self.part.labels[indices])


def loader(part, prepare, batch_size, shuffle=False, seed=None, workers=0, mix=None):
    """A DataLoader of (images float32 (B, C, H, W), labels (B,)).

    prepare  callable (images uint8, seeds) -> images float32; the seeds are the images' own in this epoch
    mix      callable (images, labels) -> (images, labels (B, K)), such as MixUp, for each batch
    """
    return DataLoader(Batches(part, prepare), batch_size, shuffle=shuffle, num_workers=workers, seed=seed,
                      collate_fn=(lambda batch: batch) if mix is None else lambda batch: mix(*batch))


def as_they_are(part, classifier):
    """A DataLoader of a Part in its order, normalised and in batches as the Classifier wants it: to evaluate on."""
    return loader(part, lambda images, _: classifier.normalise(images), classifier.batch, seed=0)
