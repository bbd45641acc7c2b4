"""Checks that train for a moment: one batch by heart, true labels, shuffled labels, and the size of the updates."""

import math

import numpy as np

from ...autograd import no_grad
from ...optim import Adam
from .beginning import values
from .pipeline import check, step

SAMPLES, HELD_OUT = 1536, 512   # images that the short trainings see, and that they are judged on
STEPS = 120                     # of a short training
BY_HEART, PATIENCE = 0.05, 250  # the loss of one batch that counts as 0, and the steps to get there


def one_batch(pipeline):
    """A model that can learn at all learns 16 examples by heart: the loss goes to 0.

    By Adam, so that it is not the training's learning rate that is judged here.
    """
    x, labels = pipeline.batch(pipeline.some(16))
    model = pipeline.build().train()
    optimizer = Adam(model.parameters(), lr=0.003)
    losses = []
    while len(losses) < PATIENCE and not (losses and losses[-1] < BY_HEART):
        losses.append(step(model, optimizer, pipeline.criterion, x, labels))
    reached = min(losses)
    return check("one batch by heart", reached < BY_HEART, f"loss {losses[0]:.2f} -> {reached:.3f} in {len(losses)} steps",
                 f"below {BY_HEART}", "gradients that do not reach all layers, a softmax applied twice, labels that do not fit the loss, "
                 "equal images with different labels, label smoothing or strong dropout while checking", losses=losses)


def true_labels(pipeline):
    """A short training with the training's own optimizer does better than guessing on images that it has not seen."""
    accuracy, chance, bound = _train_and_test(pipeline, pipeline.labels)
    return check("labels are learned", accuracy > bound, f"{accuracy:.1%} of held-out images right after {STEPS} steps",
                 f"clearly more than guessing, {chance:.1%}: above {bound:.1%}",
                 "labels in another order than the images, a learning rate far too high or too low, inputs that lost what tells the "
                 "classes apart",
                 accuracy=accuracy, chance=chance)


def shuffled_labels(pipeline):
    """With labels drawn by lot there is nothing to learn; who still does better than guessing sees the labels in the input."""
    lot = np.random.default_rng([pipeline.seed, 99]).permutation(pipeline.labels)
    accuracy, chance, bound = _train_and_test(pipeline, lot)
    return check("shuffled labels are not learned", accuracy <= bound, f"{accuracy:.1%} of held-out images right after {STEPS} steps",
                 f"no more than guessing, {chance:.1%}: at most {bound:.1%}",
                 "a transform that writes the label into the image, a feature made from the label, images that occur in both parts",
                 accuracy=accuracy, chance=chance)


def _train_and_test(pipeline, labels):
    """(accuracy on held-out images, that of guessing the most frequent class, what guessing exceeds once in 100,000 times)"""
    order = pipeline.some(SAMPLES + HELD_OUT, stream=1)
    held, seen = np.split(order, [min(HELD_OUT, len(order) // 4)])
    model, optimizer = pipeline.fresh()
    rng, size = np.random.default_rng([pipeline.seed, 2]), min(pipeline.batch_size, len(seen))
    with np.errstate(all="ignore"):                             # a rate that is too high is to be found, not to be complained of
        for _ in range(STEPS):
            step(model, optimizer, pipeline.criterion, *pipeline.batch(rng.choice(seen, size, replace=False), labels))
        accuracy = _accuracy(pipeline, model, held, labels)
    chance = np.bincount(labels[held]).max() / len(held)
    return accuracy, float(chance), float(chance + 4.3 * math.sqrt(chance * (1 - chance) / len(held)))


def _accuracy(pipeline, model, indices, labels):
    model.eval()
    right = 0
    with no_grad():
        for start in range(0, len(indices), pipeline.batch_size):
            x, target = pipeline.batch(indices[start : start + pipeline.batch_size], labels)
            right += int((values(model(x)).argmax(1) == values(target)).sum())
    return right / len(indices)


def updates(pipeline):
    """A step changes the weights by about a thousandth of their size: |Δw| / |w| of each layer, the median over 20 steps."""
    model, optimizer = pipeline.fresh()
    weights = {name: p for name, p in model.named_parameters() if p.ndim > 1 and p.requires_grad}
    ratios = {name: [] for name in weights}
    order = np.resize(pipeline.some(20 * pipeline.batch_size, stream=3), (20, pipeline.batch_size))
    with np.errstate(all="ignore"):
        for indices in order:
            before = {name: values(p).copy() for name, p in weights.items()}
            step(model, optimizer, pipeline.criterion, *pipeline.batch(indices))
            for name, p in weights.items():
                ratios[name].append(np.linalg.norm(values(p) - before[name]) / max(np.linalg.norm(before[name]), 1e-12))
    median = {name: float(np.median(found)) for name, found in ratios.items()}
    return _judge_updates(median)


def _judge_updates(ratios):
    low, high = min(ratios.values()), max(ratios.values())
    finite = math.isfinite(high)
    at = max(ratios, key=ratios.get) if high > 0.2 or not finite else min(ratios, key=ratios.get)
    sane = finite and 1e-5 < low and high < 0.2
    return check("size of the updates", sane, f"{low:.1e} to {high:.1e} of the weights in a step (worst: {at})",
                 "1e-5 to 0.2 at the highest rate; 1e-3 is usual", "too large: the learning rate is too high; too small: it is too low, "
                 "the layer's gradient vanishes, or it is frozen", warn=finite and high < 0.5, ratios=ratios)
