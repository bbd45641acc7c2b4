"""One training run from a Config to the test: what `minicnn train` does, without anything that is shown on a screen."""

from typing import NamedTuple

from .. import arrays, data
from ..errors import BadValue
from ..models import Classifier, style_of
from ..nn import CrossEntropyLoss
from .augmentation import Augmentation, mixing
from .choices import make_optimizer, make_scheduler
from .images import Parts, as_they_are, divide, loader
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

    def _augmented(self, images, seeds):
        return self.classifier.normalise(self.augmentation(images, seeds))


def prepare(config, progress=None, split=None):
    """A Job that is ready to begin, all random numbers drawn from the Config's seed.

    progress  as in `data.load`, for a data set that must be downloaded
    split     as in `divide`, for a run that is gone on with

    Raises DataError when the data set is absent or damaged, BadValue for a shift that leaves nothing of the images,
    ShapeError when the model cannot work on such images.
    """
    source = data.load(config.dataset, config.data_dir, progress=progress, image_size=config.image_size, on_error=config.broken)
    parts, size = divide(source, split), source.train_images.shape[2:]
    check_shift(config.shift, size)
    arrays.manual_seed(config.seed)
    classifier = Classifier.for_images(config.model, parts.train.images, source.classes, style_of(parts.train.images))
    trainer = make_trainer(config, classifier.model, len(parts.train))
    return Job(config, source, parts, classifier, trainer, Augmentation(config.augment, config.shift, size))


def check_shift(pixels, size):
    if pixels >= min(size):
        raise BadValue(f"shift must be less than the images' size of {size[0]}x{size[1]} pixels, got {pixels}")


def make_trainer(config, model, images):
    """A Trainer with the Config's optimizer and schedule for so many training images."""
    steps = config.epochs * -(-images // config.batch_size)
    optimizer = make_optimizer(config.optimizer, model.parameters(), config.lr, config.weight_decay)
    scheduler = make_scheduler(config.scheduler, optimizer, config.lr, steps)
    return Trainer(model, optimizer, CrossEntropyLoss(label_smoothing=config.label_smoothing), scheduler, per="step")
