"""What a model does on labelled data: loss, accuracy, and its probability for every class."""

from typing import NamedTuple

import numpy as np

from .. import arrays
from ..autograd import no_grad
from ..errors import DataError
from ..nn import functional as F


class Tally:
    """The mean loss and the accuracy over batches."""

    def __init__(self, loss_sum=0.0, right=0, count=0):
        self.loss_sum, self.right, self.count = loss_sum, right, count

    def add(self, loss, logits, labels):
        """Count a batch in: its mean loss, logits (N, K) and labels (N,); of mixed labels (N, K) the class with the largest share."""
        classes = labels.array if labels.ndim == 1 else labels.array.argmax(1)
        self.loss_sum += loss.item() * len(labels)
        self.right += int((logits.array.argmax(1) == classes).sum())
        self.count += len(labels)

    @property
    def loss(self):
        return self.loss_sum / max(self.count, 1)

    @property
    def accuracy(self):
        return self.right / max(self.count, 1)


class Evaluation(NamedTuple):
    """The outcome on N samples with K classes, as NumPy arrays in the order of the data."""

    loss: float
    accuracy: float
    labels: np.ndarray              # (N,) int64
    probabilities: np.ndarray       # (N, K)

    @property
    def predictions(self):
        """(N,) the most probable class."""
        return self.probabilities.argmax(1)


def evaluate(model, loader, criterion, stopped=lambda: False):
    """The Evaluation of a model, in evaluation mode, on all batches (x, labels) of a loader.

    stopped  asked before each batch; when it returns True, the work is given up and None returned

    Raises DataError for a loader without batches. The model's mode is left as it was.
    """
    tally, labels, probabilities = Tally(), [], []
    training = model.training
    model.eval()
    try:
        with no_grad():
            for x, target in loader:
                if stopped():
                    return None
                logits = model(x)
                tally.add(criterion(logits, target), logits, target)
                labels.append(arrays.to_numpy(target.array))
                probabilities.append(arrays.to_numpy(F.softmax(logits, 1).array))
    finally:
        model.train(training)
    if not labels:
        raise DataError("the data set is empty: there is nothing to evaluate")
    return Evaluation(tally.loss, tally.accuracy, np.concatenate(labels), np.concatenate(probabilities))
