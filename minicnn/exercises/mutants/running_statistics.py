"""Classic mistakes in the statistics that batch norm keeps for evaluation."""

from ...nn.functional import normalization as module
from ...nn.functional.normalization import _batch_norm_training as train
from .registry import mutants_of

mutant = mutants_of("running_statistics", module)


@mutant("_follow", "running = (1 - momentum) · running + momentum · batch: a small momentum moves slowly. You exchanged the two.")
def momentum_exchanged(running, batch, momentum):
    running.array[...] = momentum * running.array + (1 - momentum) * batch


@mutant("_follow", "The running statistics are an average over batches; you kept the last batch's.")
def last_batch_only(running, batch, momentum):
    running.array[...] = batch


@mutant("_follow", "What was is multiplied by 1 - momentum before the batch is added; yours grows for ever.")
def nothing_forgotten(running, batch, momentum):
    running.array += momentum * batch


@mutant("_follow", "The running statistics follow each training batch; yours never move.")
def never_updated(running, batch, momentum):
    pass


@mutant("_batch_norm_training", "The running variance is the unbiased one, divided by m - 1: it estimates all images, not this batch.")
def running_variance_biased(input, running_mean, running_var, weight, bias, momentum, eps):
    before = running_var.array.copy()
    y = train(input, running_mean, running_var, weight, bias, momentum, eps)
    m = input.array.size // input.array.shape[1]
    batch = running_var.array - (1 - momentum) * before             # momentum · the unbiased variance
    running_var.array -= batch / m
    return y
