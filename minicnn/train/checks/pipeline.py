"""What is checked, and what a check answers."""

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ... import arrays
from ...tensor import wrap
from ..auxiliary import loss_of

PASSED, WARNED, FAILED = "passed", "warned", "failed"


@dataclass
class Check:
    """The outcome of one check.

    cause    what usually is behind it; empty when passed
    figures  numbers for tables and pictures
    """

    name: str
    verdict: str
    saw: str
    expected: str
    cause: str = ""
    figures: dict = field(default_factory=dict)


def check(name, ok, saw, expected, cause, warn=False, **figures):
    """A Check that passes if `ok`; else it fails, or only warns."""
    verdict = PASSED if ok else WARNED if warn else FAILED
    return Check(name, verdict, saw, expected, "" if ok else cause, figures)


@dataclass
class Pipeline:
    """Everything between the raw data and an optimizer's step, in parts that can be tried one by one.

    images, labels  (N, ...) and (N,): the training data as they lie in memory
    prepare         callable (images (B, ...), labels (B,)) -> array or tensor (B, ...), what the model is given; all transforms are in it
    build           callable () -> a model with fresh weights
    criterion       callable (logits, labels) -> loss
    optimizer       callable (model) -> optimizer, at the highest learning rate of the training
    classes         K
    """

    images: np.ndarray
    labels: np.ndarray
    prepare: Callable[..., Any]
    build: Callable[[], Any]
    criterion: Callable[..., Any]
    optimizer: Callable[..., Any]
    classes: int
    batch_size: int = 64
    seed: int = 0

    def batch(self, indices, labels=None):
        """(x, labels) as tensors, for indices into the data; `labels` in place of the true ones."""
        chosen = (self.labels if labels is None else labels)[indices]
        x = self.prepare(self.images[indices], chosen)
        return (x if hasattr(x, "requires_grad") else wrap(np.ascontiguousarray(x))), wrap(np.asarray(chosen))

    def some(self, count, stream=0):
        """`count` indices drawn at random without replacement, in the same order every time."""
        return np.random.default_rng([self.seed, stream]).permutation(len(self.labels))[:count]

    def fresh(self):
        """(model in training mode, its optimizer)"""
        model = self.build()
        return model.train(), self.optimizer(model)


@contextmanager
def own_randomness(seed):
    """Within the block the default stream starts from a seed; afterwards it goes on as if nothing had been drawn."""
    before = arrays.get_rng_state()
    arrays.manual_seed(seed)
    try:
        yield
    finally:
        arrays.set_rng_state(before)


def step(model, optimizer, criterion, x, labels):
    """One step of training. Returns the loss before it, a float."""
    optimizer.zero_grad()
    loss = loss_of(criterion, model(x), labels)
    loss.backward()
    optimizer.step()
    return loss.item()
