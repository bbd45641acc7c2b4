"""A data set on its way into training: divided into three parts, then read in batches, augmented and normalised."""

from typing import NamedTuple

import numpy as np

from .. import arrays
from ..data import DataLoader, Dataset, stratified_split
from ..tensor import wrap

SPLIT_SEED = 0                  # fixed: every run of a data set trains, validates and tests on the same images
TEST_SHARE, VALIDATION_SHARE = 0.2, 0.1
EVALUATION_BATCH = 256


class Part(NamedTuple):
    """Images (N, C, H, W) uint8 and their labels (N,) int64."""

    images: np.ndarray
    labels: np.ndarray

    def __len__(self):
        return len(self.labels)


class Parts(NamedTuple):
    """What is trained on, what the best epoch is chosen by, and what is looked at once, at the end."""

    train: Part
    validation: Part
    test: Part


def divide(data):
    """The Parts of a data.ImageData, stratified and the same every time; its own test part, where it has one, is kept."""
    pool = Part(data.train_images, data.train_labels)
    if data.test_images is not None:
        test = Part(data.test_images, data.test_labels)
    else:
        pool, test = _split(pool, TEST_SHARE)
    return Parts(*_split(pool, VALIDATION_SHARE), test)


def _split(part, share):
    """Two Parts, the second with this share of the images."""
    chosen = stratified_split(part.labels, (1 - share, share), arrays.Generator().manual_seed(SPLIT_SEED))
    return [Part(part.images[indices], part.labels[indices]) for indices in chosen]


class Batches(Dataset):
    """A Part that is read in whole batches; `prepare(images, generator)` makes of uint8 images what the model is given."""

    def __init__(self, part, prepare):
        self.part, self.prepare = part, prepare

    def __len__(self):
        return len(self.part)

    def __getitems__(self, indices):
        images = self.prepare(self.part.images[indices], arrays.default_generator)
        return wrap(images), wrap(self.part.labels[indices])


def loader(part, prepare, batch_size, shuffle=False):
    """A DataLoader of (images float32 (B, C, H, W), labels (B,)).

    prepare  callable (images uint8, generator) -> images float32; the generator is the batch's own
    """
    return DataLoader(Batches(part, prepare), batch_size, shuffle=shuffle, collate_fn=lambda batch: batch)


def as_they_are(part, classifier):
    """A DataLoader of a Part in its order, normalised as the Classifier wants it: to evaluate on."""
    return loader(part, lambda images, _: classifier.normalise(images), EVALUATION_BATCH)


def shifted(images, pixels, generator):
    """Each image (N, C, H, W) moved by -pixels...pixels, at random, down and to the right; zeros move in."""
    n, _, height, width = images.shape
    padded = np.pad(images, ((0, 0), (0, 0), (pixels, pixels), (pixels, pixels)))
    top, left = generator.numpy.integers(2 * pixels + 1, size=(2, n, 1, 1))
    rows, columns = top + np.arange(height)[:, None], left + np.arange(width)         # (N, H, 1), (N, 1, W)
    return padded.transpose(0, 2, 3, 1)[np.arange(n)[:, None, None], rows, columns].transpose(0, 3, 1, 2)
