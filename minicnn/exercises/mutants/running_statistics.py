"""Classic mistakes in the statistics that batch norm keeps for evaluation."""

from ...nn.functional import normalization as module
from ...nn.functional.normalization import _batch_norm_training as train
from ...nn.functional.normalization import _statistics as statistics
from .registry import mutants_of

mutant = mutants_of("running_statistics", module)


@mutant("_statistics", "running = (1 - momentum) · running + momentum · batch: a small momentum moves slowly. You exchanged the two.")
def momentum_exchanged(x, running_mean, running_var, momentum, eps):
    return statistics(x, running_mean, running_var, 1 - momentum, eps)


@mutant("_statistics", "The running statistics are an average over batches; you kept the last batch's.")
def last_batch_only(x, running_mean, running_var, momentum, eps):
    return statistics(x, running_mean, running_var, 1.0, eps)


@mutant("_statistics", "What was is multiplied by 1 - momentum before the batch is added; yours grows for ever.")
def nothing_forgotten(x, running_mean, running_var, momentum, eps):
    before = running_mean.array * momentum, running_var.array * momentum
    found = statistics(x, running_mean, running_var, momentum, eps)
    running_mean.array += before[0]
    running_var.array += before[1]
    return found


@mutant("_statistics", "The running statistics follow each training batch; yours never move.")
def never_updated(x, running_mean, running_var, momentum, eps):
    return statistics(x, None, None, momentum, eps)


@mutant("_batch_norm_training", "The running variance is the unbiased one, divided by m - 1: it estimates all images, not this batch.")
def running_variance_biased(input, running_mean, running_var, weight, bias, momentum, eps):
    before = running_var.array.copy()
    y = train(input, running_mean, running_var, weight, bias, momentum, eps)
    m = input.array.size // input.array.shape[1]
    batch = running_var.array - (1 - momentum) * before             # momentum · the unbiased variance
    running_var.array -= batch / m
    return y
