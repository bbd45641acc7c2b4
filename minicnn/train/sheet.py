"""A contact sheet: what the network is really shown, image by image and epoch by epoch, after augmentation and normalisation."""

import numpy as np

from .. import arrays, plot
from ..data.seeding import sample_seeds, seeds
from ..errors import BadValue
from .augmentation import mixing, names_of


def contact_sheet(job, count=8, epochs=6):
    """A matplotlib Figure: a row for each of `count` training images, as it lies in the data set and as it is in epochs 1, 2, ...

    The images are those of the Job's own training: same seed, same epochs, same augmentation. Mixing with other images depends on the
    batch, here that of the images shown. Raises BadValue for numbers below 1.
    """
    if count < 1 or epochs < 1:
        raise BadValue(f"a contact sheet needs at least one image and one epoch, got {count} and {epochs}")
    indices = spread(job.parts.train.labels, count)
    columns = [as_it_is(job, indices), *(in_epoch(job, indices, epoch) for epoch in range(epochs))]
    images = np.stack([x for x, _ in columns], 1)                       # (R, V, C, H, W)
    captions = [list(row) for row in zip(*(texts for _, texts in columns))]
    done = ", ".join([f"shift {job.config.shift}"] * bool(job.config.shift) + names_of(job.config.augment)) or "not augmented"
    return plot.contact_sheet(images, captions, ["data set", *(f"epoch {i + 1}" for i in range(epochs))],
                              f"{job.config.name}: training images as the network sees them ({done})")


def spread(labels, count):
    """Indices of `count` images, the classes in turn: of each the first one, then of each the second one, ..."""
    rank = np.empty(len(labels), np.int64)                              # how many of its class stand before an image
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        rank[members] = np.arange(len(members))
    return np.lexsort((labels, rank))[:count]


def as_it_is(job, indices):
    """(images (R, C, H, W), their labels as texts)"""
    part = job.parts.train
    return part.images[indices] / 255, [job.source.classes[label] for label in part.labels[indices]]


def in_epoch(job, indices, epoch):
    """(images (R, C, H, W) in 0..1 as the model is given them, texts: "" but for mixed labels)"""
    seed, mix = job.config.seed, mixing(job.config.augment, len(job.source.classes))
    x, labels = job.train_loader().dataset.get_seeded(indices, sample_seeds(seed, epoch, indices))
    texts = [""] * len(indices)
    if mix is not None:
        with arrays.seeded(int(seeds(seed, epoch, 0)[0])):
            x, labels = mix(x, labels)
        texts = [in_words(shares, job.source.classes) for shares in labels.array]
    mean, std = (np.reshape(values, (-1, 1, 1)) for values in (job.classifier.mean, job.classifier.std))
    return np.clip(x.array * std + mean, 0, 1), texts


def in_words(shares, classes):
    """The classes with a share, the largest first: "70% cat, 30% dog"."""
    order = np.argsort(-shares, kind="stable")
    return ",\n".join(f"{shares[i]:.0%} {classes[i]}" for i in order[:2] if shares[i] > 0.005)
