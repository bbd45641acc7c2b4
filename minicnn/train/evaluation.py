"""What a model does on labelled data: loss, accuracy, and its probability for every class."""

from typing import NamedTuple

import numpy as np

from .. import arrays
from ..autograd import no_grad
from ..data.transfer import on_device
from ..errors import DataError
from ..nn import functional as F
from ..nn.convert import device_of


class Tally:
    """The mean loss and the accuracy over batches."""

    def __init__(self, loss_sum=0.0, right=0, count=0):
        self.loss_sum, self.right, self.count, self.waiting = loss_sum, right, count, []

    def add(self, loss, logits, labels):
        """Count a batch in: its mean loss, logits (N, K) and labels (N,); of mixed labels (N, K) the class with the largest share.

        What a GPU computed is looked at when somebody asks.
        """
        classes = labels.array if labels.ndim == 1 else labels.array.argmax(1)
        self.waiting.append((loss.detach(), (logits.array.argmax(1) == classes).sum(), len(labels)))
        self.count += len(labels)
        if not loss.is_cuda:
            self.look()

    def look(self):
        """Count in what has waited."""
        for loss, right, count in self.waiting:
            self.loss_sum += loss.item() * count
            self.right += int(right)
        self.waiting = []

    def state_dict(self):
        """The sums so far."""
        self.look()
        return {"loss_sum": self.loss_sum, "right": self.right, "count": self.count}

    @property
    def loss(self):
        self.look()
        return self.loss_sum / max(self.count, 1)

    @property
    def accuracy(self):
        self.look()
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
            for x, target in on_device(loader, device_of(model)):
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
