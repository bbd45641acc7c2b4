"""One training run from a Config to the test: what `minicnn train` does, without anything that is shown on a screen."""

from typing import NamedTuple

from .. import arrays, data
from ..errors import BadValue
from ..models import Classifier, style_of
from ..nn import CrossEntropyLoss
from .choices import make_optimizer, make_scheduler
from .images import Parts, as_they_are, divide, loader, shifted
from .trainer import Trainer


class Job(NamedTuple):
    """A data set in its parts, a model with its input, and the Trainer that brings them together."""

    config: object
    source: data.ImageData
    parts: Parts
    classifier: Classifier
    trainer: Trainer

    def fit(self):
        """Train until the Config's epochs are finished or the Trainer is stopped. Returns the history."""
        train = loader(self.parts.train, self._augmented, self.config.batch_size, shuffle=True)
        return self.trainer.fit(train, as_they_are(self.parts.validation, self.classifier), self.config.epochs)

    def _augmented(self, images, generator):
        return self.classifier.normalise(shifted(images, self.config.shift, generator))


def prepare(config, progress=None):
    """A Job that is ready to begin, all random numbers drawn from the Config's seed.

    progress  as in `data.load`, for a data set that must be downloaded

    Raises DataError when the data set is absent or damaged, BadValue for a shift that leaves nothing of the images,
    ShapeError when the model cannot work on such images, DeviceError without a usable GPU where the Config asks for one.
    """
    source = data.load(config.dataset, config.data_dir, progress=progress)
    parts = divide(source)
    check_shift(config.shift, parts.train.images.shape[2:])
    arrays.module_for(config.device)            # or an error, before anything has been made
    arrays.manual_seed(config.seed)
    classifier = Classifier.for_images(config.model, parts.train.images, source.classes, style_of(parts.train.images))
    classifier.model.to(config.device)
    return Job(config, source, parts, classifier, make_trainer(config, classifier.model, len(parts.train)))


def check_shift(pixels, size):
    if pixels >= min(size):
        raise BadValue(f"shift must be less than the images' size of {size[0]}x{size[1]} pixels, got {pixels}")


def make_trainer(config, model, images):
    """A Trainer with the Config's optimizer and schedule for so many training images."""
    steps = config.epochs * -(-images // config.batch_size)
    optimizer = make_optimizer(config.optimizer, model.parameters(), config.lr, config.weight_decay)
    scheduler = make_scheduler(config.scheduler, optimizer, config.lr, steps)
    return Trainer(model, optimizer, CrossEntropyLoss(label_smoothing=config.label_smoothing), scheduler, per="step")
