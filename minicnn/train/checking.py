"""The checks of a training that is about to begin, from its Job; their pictures as files."""

from copy import deepcopy
from functools import partial

import numpy as np

from .. import arrays, plot
from ..models import registry
from ..nn import CrossEntropyLoss
from .checks import ALL, SHORT, Pipeline, run_checks
from .job import optimizer_for
from .results import make_output


def pipeline_of(job, criterion=None):
    """The Pipeline of a Job: its images, augmentation, model, optimizer. The loss is the plain cross-entropy if none is given."""
    classifier, part = job.classifier, job.parts.train

    def prepare(images, labels):
        seeds = arrays.default_generator.numpy.integers(2**63, size=len(images)).astype(np.uint64)
        return classifier.normalise(job.augmentation(images, seeds))

    return Pipeline(part.images, part.labels, prepare, _builder(job), criterion or CrossEntropyLoss(),
                    partial(optimizer_for, job.config), len(job.source.classes), job.config.batch_size, job.config.seed)


def _builder(job):
    """What makes a model like the Job's before its training: fresh weights, or those that are trained further."""
    classifier = job.classifier
    if job.config.pretrained is None:
        return lambda: registry.create(classifier.name, **classifier.arguments)
    model = deepcopy(classifier.model)
    return lambda: deepcopy(model)


def check_all(job):
    """Yields all checks of a Job, one after the other: seconds of training, in all."""
    return run_checks(pipeline_of(job), ALL)


def check_quickly(job):
    """The checks that need no training, with the Job's own loss: a list of Check."""
    return list(run_checks(pipeline_of(job, job.trainer.criterion), SHORT))


def write_pictures(checks, folder):
    """The learning-rate range test and the gradients by layer as pictures. Returns the files."""
    folder, found = make_output(folder), {check.name: check for check in checks}
    test = found["learning rate"].figures["range"]
    norms, ratios = found["gradients"].figures["norms"], found["size of the updates"].figures["ratios"]
    names = [name for name in norms if name in ratios]
    pictures = {
        "learning-rate-range.png": plot.learning_rate_range(test.rates, test.losses, test.smooth, test.suggestion,
                                                            found["learning rate"].figures["rate"]),
        "gradients.png": plot.gradient_norms(names, [norms[name] for name in names], [ratios[name] for name in names]),
    }
    for name, figure in pictures.items():
        plot.save(figure, folder / name)
    return [folder / name for name in pictures]
