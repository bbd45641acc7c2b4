"""Averages of a model's weights over the steps of a training, with the names of `torch.optim.swa_utils`.

    average ← decay · average + (1 − decay) · weights          (exponential moving average)

The average moves less from step to step than the weights do, and is often the better model (Polyak & Juditsky, "Acceleration of stochastic
approximation by averaging", 1992).
"""

from copy import deepcopy

import numpy as np

from ..autograd import no_grad
from ..errors import BadValue
from ..nn import Module
from ..tensor import wrap


def get_ema_avg_fn(decay=0.999):
    """A function (average, current, count) -> the exponential moving average of a tensor. Raises BadValue."""
    if not 0 <= decay <= 1:
        raise BadValue(f"decay must be from 0 to 1, got {decay!r}")
    return lambda average, current, count: decay * average + (1 - decay) * current


def get_ema_multi_avg_fn(decay=0.999):
    """A function (averages, currents, count) that moves all averages in place. Raises BadValue for a decay outside 0..1."""
    average = get_ema_avg_fn(decay)

    def update(averages, currents, count):
        for kept, current in zip(averages, currents):
            kept.copy_(average(kept, current, count))

    return update


class AveragedModel(Module):
    """A model whose parameters are the average of another's, as they were whenever `update_parameters` was called.

    avg_fn        callable (average, current, count) -> average; None: the plain mean
    multi_avg_fn  the same for lists of tensors, in place
    use_buffers   average running statistics too; else the other model's are copied

    `module` is the averaged model; `n_averaged` counts the updates. The first update copies.
    """

    def __init__(self, model, device=None, avg_fn=None, multi_avg_fn=None, use_buffers=False):
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise BadValue("give avg_fn or multi_avg_fn, not both")
        self.module = deepcopy(model)
        if device is not None:
            self.module.to(device)
        self.register_buffer("n_averaged", wrap(np.array(0)))
        self.avg_fn, self.multi_avg_fn, self.use_buffers = avg_fn, multi_avg_fn, use_buffers

    def forward(self, *args, **kwargs):
        return self.module(*args, **kwargs)

    @no_grad()
    def update_parameters(self, model):
        """Take the model's present weights into the average."""
        averages, currents, copied = self._tensors(model)
        count = self.n_averaged.item()
        if count == 0:
            copied += list(zip(averages, currents))
        elif self.multi_avg_fn is not None:
            self.multi_avg_fn(averages, currents, count)
        else:
            for kept, current in zip(averages, currents):
                kept.copy_((self.avg_fn or _mean)(kept, current, count))
        for kept, current in copied:
            kept.copy_(current)
        self.n_averaged += 1

    def _tensors(self, model):
        """(averaged tensors, their counterparts, pairs that are copied): counters cannot be averaged."""
        buffers = list(zip(self.module.buffers(), model.buffers()))
        averaged = [pair for pair in buffers if self.use_buffers and pair[0].array.dtype.kind == "f"]
        pairs = list(zip(self.module.parameters(), model.parameters())) + averaged
        kept = {id(pair[0]) for pair in averaged}
        return [pair[0].detach() for pair in pairs], [pair[1].detach() for pair in pairs], [b for b in buffers if id(b[0]) not in kept]


def _mean(average, current, count):
    return average + (current - average) / (count + 1)
