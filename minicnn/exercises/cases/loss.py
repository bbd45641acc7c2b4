"""Configurations of the losses; the last part holds whole functions of the surface, with what lies around the layer operation."""

import numpy as np

from ...autograd.mode import no_grad
from ...elementary.reduction import log_softmax
from ...functional import loss
from ...nn.functional import batch_norm, cross_entropy
from ...tensor import Tensor
from .. import laws
from .case import Surface, cases_of, numbers
from .normalization import spread

# Classes: scores (N, K, ...) and how much each class is wanted -----------------------------------------------------------

entropy_case = cases_of("softmax_cross_entropy", loss.softmax_cross_entropy, (laws.shift_changes_nothing, laws.examples_are_independent))
likelihood_case = cases_of("negative_log_likelihood", loss.negative_log_likelihood, (laws.examples_are_independent,))


def probabilities(*shape):
    """Positive numbers that add up to 1 along axis 1."""
    e = np.exp(numbers(*shape, seed="p"))
    return e / e.sum(1, keepdims=True)


def one_hot(*labels, classes):
    return np.eye(classes)[list(labels)]


entropy_case("labels", numbers(3, 4), one_hot(0, 3, 1, classes=4))
entropy_case("probabilities", numbers(3, 4), probabilities(3, 4))
entropy_case("class weights", numbers(3, 4), probabilities(3, 4) * [0.5, 2.0, 1.0, 3.0])
entropy_case("an example that does not count", numbers(3, 2), one_hot(0, 1, 1, classes=2) * [[1], [0], [1]])
entropy_case("a class for every pixel", numbers(2, 3, 2, 4), probabilities(2, 3, 2, 4))
entropy_case("logits from -1000 to 1000", np.array([[1e3, -1e3, 0.0], [-1e3, -1e3, 2.0]]), one_hot(1, 2, classes=3), smooth=False)
entropy_case("empty batch", numbers(0, 3), numbers(0, 3))

label_case = cases_of("label_cross_entropy", loss.label_cross_entropy, (laws.shift_changes_nothing,))
for mean in (False, True):
    for label, labels, ignored in (("labels", [0, 3, 1], -100), ("an example that does not count", [2, -100, 0], -100),
                                   ("a class that does not count", [1, 3, 1], 1)):
        label_case(f"{label}, mean" if mean else label, numbers(3, 4), labels=np.array(labels), mean=mean, ignore_index=ignored)
label_case("no example counts", numbers(2, 4), labels=np.array([-1, -1]), mean=False, ignore_index=-1)
cases_of("label_cross_entropy", loss.label_cross_entropy)("the mean of none, NaN", numbers(2, 4), labels=np.array([-1, -1]), mean=True,
                                                          ignore_index=-1, edge=True)
label_case("logits from -1000 to 1000", np.array([[1e3, -1e3, 0.0], [-1e3, -1e3, 2.0]]), labels=np.array([1, 2]), mean=False,
           ignore_index=-100, smooth=False)
label_case("empty batch", numbers(0, 3), labels=np.zeros(0, int), mean=False, ignore_index=-100)

likelihood_case("labels", np.log(probabilities(3, 4)), one_hot(2, 0, 3, classes=4))
likelihood_case("class weights", np.log(probabilities(3, 2)), one_hot(0, 1, 1, classes=2) * [0.5, 3.0])
likelihood_case("a class for every pixel", numbers(2, 3, 2, 2), probabilities(2, 3, 2, 2))
likelihood_case("empty batch", numbers(0, 3), numbers(0, 3))



def impossible(operation):
    """A class of probability 0 that is not wanted costs nothing. The definition, which would be 0 · ∞, sees a number for -∞."""
    layer, t = getattr(loss, operation), Tensor(one_hot(0, 2, classes=3))
    case = cases_of(operation, Surface(lambda x: layer(x, t.to(x.device)), lambda x: layer.definition(x.clamp(min=-1e3), t.to(x.device))))
    case("a class that is impossible, and not wanted", np.array([[0.5, -np.inf, -1.0], [-np.inf, 1.0, -0.5]]), smooth=False)


impossible("softmax_cross_entropy")
impossible("negative_log_likelihood")

# Distances ---------------------------------------------------------------------------------------------------------------


def distance(name, kink=None, **options):
    """A distance under some options: small and large differences, and those at which its pieces meet."""
    case = cases_of(name, getattr(loss, name), (laws.elements_are_independent,))
    t = numbers(2, 3, seed="t")
    suffix = "".join(f" ({key} {value})" for key, value in options.items())
    case(f"differences of all sizes{suffix}", t + [[-3.1, -0.9, -0.2], [0.1, 0.7, 2.3]], t, **options)
    case(f"images{suffix}", numbers(2, 2, 2, 3), numbers(2, 2, 2, 3, seed="t"), **options)
    case(f"on the target{suffix}", t, t, smooth=False, laws=(laws.nothing_at_the_target,), **options)
    if kink is not None:
        case(f"where the pieces meet{suffix}", np.array([kink, -kink, kink, -kink]), np.array([0.0, 0, 2 * kink, 2 * -kink]), smooth=False,
             **options)


distance("squared_error")
distance("absolute_error", 0.0)
distance("smooth_l1", 1.0, beta=1.0)
distance("smooth_l1", 0.5, beta=0.5)
distance("huber", 1.0, delta=1.0)
distance("huber", 1.5, delta=1.5)

# Probabilities -----------------------------------------------------------------------------------------------------------

bce_case = cases_of("binary_cross_entropy", loss.binary_cross_entropy, (laws.elements_are_independent,))
logits_case = cases_of("binary_cross_entropy_with_logits", loss.binary_cross_entropy_with_logits, (laws.elements_are_independent,))
kl_case = cases_of("kl_divergence", loss.kl_divergence, (laws.elements_are_independent,))

WANTED = np.array([[0.0, 1.0, 0.3], [1.0, 0.0, 0.8]])

bce_case("probabilities", np.array([[0.3, 0.8, 0.5], [0.25, 0.6, 0.75]]), WANTED)
bce_case("empty batch", numbers(0, 3), numbers(0, 3))
certain_case = cases_of("binary_cross_entropy", Surface(no_grad(loss.binary_cross_entropy), no_grad(loss.binary_cross_entropy_definition)))
certain_case("certainties, right and wrong: values only", np.array([[0.0, 1.0, 0.0, 1.0]]), np.array([[0.0, 1.0, 1.0, 0.0]]), edge=True)
logits_case("logits", 2 * numbers(2, 3), WANTED, None)
logits_case("positive targets weighted", 2 * numbers(2, 3), WANTED, np.array([[3.0, 0.5, 2.0]] * 2))
logits_case("logits from -1000 to 1000", np.array([[-1e3, -40.0, 40.0, 1e3]]), np.array([[1.0, 0.0, 1.0, 0.0]]), None, smooth=False)
logits_case("empty batch", numbers(0, 3), numbers(0, 3), None)
kl_case("probabilities", np.log(probabilities(2, 3)), probabilities(2, 3)[:, ::-1], log_target=False)
kl_case("logarithms of probabilities", np.log(probabilities(2, 3)), np.log(probabilities(2, 3)[:, ::-1]), log_target=True)
kl_case("a class without probability", np.log(probabilities(2, 3)), one_hot(0, 2, classes=3), log_target=False, edge=True)
kl_case("empty batch", numbers(0, 3), numbers(0, 3), log_target=False)

# The surface: cross-entropy from labels ----------------------------------------------------------------------------------


def cross_entropy_by_example(x, labels, weight=None, ignore_index=-100, label_smoothing=0.0):
    """The weighted mean of -Σ_k weight[k] · target[k] · log softmax(x)[k], example by example, in elementary operations."""
    classes = x.shape[1]
    weight = np.ones(classes) if weight is None else weight
    total, count = 0.0, 0.0
    for place in zip(*np.nonzero(labels != ignore_index)):
        target = (1 - label_smoothing) * np.eye(classes)[labels[place]] + label_smoothing / classes
        scores = x[(place[0], slice(None), *place[1:])]                     # (K,)
        total = total - (log_softmax(scores, 0) * Tensor(weight * target)).sum()
        count += weight[labels[place]]
    return total / count


def labelled(label, x, labels, weight=None, **options):
    labels = np.array(labels)

    def ours(x):
        weights = None if weight is None else Tensor(np.array(weight)).to(x.device)
        return cross_entropy(x, Tensor(labels).to(x.device), weights, **options)

    case = cases_of("cross_entropy", Surface(ours, lambda x: cross_entropy_by_example(x, labels, weight, **options)))
    case(label, numbers(*x))


labelled("labels", (4, 3), [0, 2, 1, 2])
labelled("a label that does not count", (4, 3), [0, -100, 1, 2])
labelled("another label that does not count", (4, 3), [0, -1, 1, 2], ignore_index=-1, label_smoothing=0.2)
labelled("class weights", (4, 3), [0, 2, 1, 2], weight=[0.5, 1.0, 3.0])
labelled("smoothing", (4, 3), [0, 2, 1, 2], label_smoothing=0.3)
labelled("weights, smoothing, a label that does not count", (4, 3), [0, 2, 1, 2], [0.5, 1.0, 3.0], ignore_index=2, label_smoothing=0.1)
labelled("a class for every pixel", (2, 3, 2, 2), [[[0, 1], [2, 0]], [[1, 1], [0, 2]]], weight=[2.0, 1.0, 0.5])

# The surface: what batch norm remembers for evaluation -------------------------------------------------------------------


def remembered(momentum):
    """(2, C): running mean and variance after two training batches, halves of x."""

    @no_grad
    def statistics(x):
        mean, var = (Tensor(of(x.shape[1])).to(x.device) for of in (np.zeros, np.ones))
        for batch in (x[: len(x) // 2], x[len(x) // 2 :]):
            batch_norm(batch, mean, var, training=True, momentum=momentum)
        return Tensor(np.stack([mean.array, var.array]))

    return statistics


def averaged(momentum):
    """The same from NumPy's mean and unbiased variance."""

    def statistics(x):
        running = np.stack([np.zeros(x.shape[1]), np.ones(x.shape[1])])
        for batch in np.split(x.array, 2):
            values = np.moveaxis(batch, 1, 0).reshape(x.shape[1], -1)
            running = (1 - momentum) * running + momentum * np.stack([values.mean(1), values.var(1, ddof=1)])
        return Tensor(running)

    return statistics


for momentum in (0.1, 0.5, 0.8):
    case = cases_of("running_statistics", Surface(remembered(momentum), averaged(momentum)))
    case(f"two batches of images, momentum {momentum}", spread(4, 3, 2, 3), edge=True)
    case(f"two batches of vectors, momentum {momentum}", spread(6, 2), edge=True)
