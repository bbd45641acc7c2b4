"""One training run from a Config to the test: what `minicnn train` does, without anything that is shown on a screen."""

from typing import NamedTuple

import numpy as np

from .. import arrays, data
from ..data import seeding
from ..errors import BadValue, DataError, ShapeError
from ..models import Classifier, freeze, style_of
from ..models.summary import dims
from ..nn import CrossEntropyLoss
from ..optim.lr_scheduler import ReduceLROnPlateau
from ..tensor import wrap
from .augmentation import Augmentation, mixing
from .averaging import AveragedModel, get_ema_multi_avg_fn
from .callbacks import GradualUnfreezing
from .choices import groups_for, make_optimizer, make_scheduler
from .images import Parts, as_they_are, divide, loader
from .opening import open_classifier
from .trainer import Trainer


class Job(NamedTuple):
    """A data set in its parts, a model with its input, and the Trainer that brings them together."""

    config: object
    source: data.ImageData
    parts: Parts
    classifier: Classifier
    trainer: Trainer
    augmentation: Augmentation

    def fit(self):
        """Train until the Config's epochs are finished or the Trainer is stopped. Returns the history."""
        return self.trainer.fit(self.train_loader(), as_they_are(self.parts.validation, self.classifier), self.config.epochs)

    def train_loader(self):
        """The DataLoader of the training images as the model sees them. What happens to one depends on seed, epoch and index."""
        config = self.config
        return loader(self.parts.train, self._augmented, config.batch_size, True, config.seed, config.workers,
                      mixing(config.augment, len(self.source.classes)))

    def augmented(self, count):
        """(count, C, H, W) uint8: some training images, one of each seed, as they are after augmentation."""
        chosen = np.random.default_rng(self.config.seed).permutation(len(self.parts.train))[:count]
        return self.augmentation(self.parts.train.images[chosen], seeding.sample_seeds(self.config.seed, 0, chosen))

    def _augmented(self, images, seeds):
        return self.classifier.normalise(self.augmentation(images, seeds))


def prepare(config, progress=None, split=None, source=None):
    """A Job that is ready to begin, all random numbers drawn from the Config's seed.

    progress  as in `data.load`, for a data set that must be downloaded
    split     as in `divide`, for a run that is gone on with
    source    a data.ImageData that is in memory already, the Config's or a part of it; None: it is loaded

    Raises DataError when the data set is absent or damaged, BadValue for a shift that leaves nothing of the images,
    ShapeError when the model cannot work on such images, DeviceError without a usable GPU where the Config asks for one.
    """
    known = None if config.pretrained is None else opened(config)
    if source is None:
        channels, size = (None, config.image_size) if known is None else (known.input_shape[0], known.input_shape[1:])
        source = data.load(config.dataset, config.data_dir, progress=progress, image_size=size, channels=channels, on_error=config.broken)
    parts, size = divide(source, split), source.train_images.shape[2:]
    check_shift(config.shift, size)
    arrays.module_for(config.device)            # or an error, before anything has been made
    arrays.manual_seed(config.seed)
    style = style_of(parts.train.images)
    if known is None:
        classifier = fresh(config, source, parts.train.images, style)
    else:
        classifier = adapted(known, config, source, style)
    classifier.model.to(config.device)
    trainer = make_trainer(config, classifier.model, parts.train.labels, len(source.classes))
    return Job(config, source, parts, classifier, trainer, Augmentation(config.augment, config.shift, size))


def fresh(config, source, images, style):
    """A Classifier of the Config's architecture for a data set's images."""
    try:
        return Classifier.for_images(config.model, images, source.classes, style)
    except ShapeError as error:
        raise ShapeError(f"{config.model} cannot be trained on images of {dims(images.shape[1:])} ({source.name}); image_size, or "
                         f"--image-size, makes them larger: {error}") from None


def opened(config):
    """The network that a Config wants trained further, as a Classifier."""
    return open_classifier(config.pretrained, config.model, None, config.image_size, config.mean, config.std)


def adapted(classifier, config, source, style):
    """The Classifier with a head for the data set's classes, and frozen as the Config says."""
    if source.train_images.shape[1:] != classifier.input_shape:
        raise DataError(f"{config.pretrained} takes images of {dims(classifier.input_shape)}, those of {source.name} are "
                        f"{dims(source.train_images.shape[1:])}")
    if classifier.batch == 1:
        raise DataError(f"{config.pretrained} is made for one image at a time, and cannot be trained on batches")
    classifier.adapt(source.classes)
    classifier.style = style
    if config.freeze != "none":
        freeze(classifier.model, classifier.head() if config.freeze == "features" else config.freeze)
    return classifier


def check_shift(pixels, size):
    if pixels >= min(size):
        raise BadValue(f"shift must be less than the images' size of {size[0]}x{size[1]} pixels, got {pixels}")


def make_trainer(config, model, labels, classes):
    """A Trainer with the Config's optimizer, schedule and loss for training images with these labels (N,), of so many classes."""
    steps = config.epochs * -(-len(labels) // config.batch_size)
    optimizer = optimizer_for(config, model)
    scheduler = make_scheduler(config.scheduler, optimizer, config.lr, steps)
    average = config.ema and AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(config.ema), use_buffers=True)
    per = "epoch" if isinstance(scheduler, ReduceLROnPlateau) else "step"
    gradual = [GradualUnfreezing(config.unfreeze_every)] if config.unfreeze_every else []
    loss = loss_for(config, labels, classes)
    return Trainer(model, optimizer, loss, scheduler, per, gradual, clip_norm=config.clip_norm, average=average)


def optimizer_for(config, model):
    """The Config's optimizer for a model's parameters."""
    parameters = groups_for(model, config.lr, config.weight_decay, config.decay_biases, config.layer_decay)
    return make_optimizer(config.optimizer, parameters, config.lr, config.weight_decay)


def loss_for(config, labels, classes):
    """Cross-entropy with the Config's label smoothing and class weights."""
    weight = None
    if config.class_weight is not None:
        balanced = data.compute_class_weight(config.class_weight, classes=np.unique(labels), y=labels)
        weight = wrap(np.ones(classes, np.float32))
        weight.array[np.unique(labels)] = balanced
    return CrossEntropyLoss(weight=weight, label_smoothing=config.label_smoothing)
