"""The losses that a graph made for training may end in."""

from ...elementary.reduction import log_softmax
from ...nn import functional as F
from .table import operator
from .values import beside

NEVER = -(2**31)                # an index that no class has


@operator("NegativeLogLikelihoodLoss")
def negative_log_likelihood(input, target, weight=None, *, ignore_index=NEVER, reduction="mean"):
    """-weight[t] · x[t] for the class t of each example (and place): x (N, C, ...), target (N, ...)."""
    input, target = beside(input, target)
    return F.nll_loss(input, target.to("int64"), weight, ignore_index=ignore_index, reduction=reduction)


@operator("SoftmaxCrossEntropyLoss")
def softmax_cross_entropy(scores, labels, weights=None, *, ignore_index=NEVER, reduction="mean", outputs):
    """The same of log softmax over the classes, which is returned too where it is asked for."""
    logarithms = log_softmax(scores, 1)
    loss = negative_log_likelihood(logarithms, labels, weights, ignore_index=ignore_index, reduction=reduction)
    return (loss, logarithms)[:outputs]
