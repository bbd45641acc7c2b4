"""Classic mistakes around cross-entropy: targets from labels, smoothing, weights, labels that do not count, and the mean."""

import numpy as np

from ...functional import loss
from ...functional.loss import class_targets
from ...nn.functional import loss as surface
from .registry import mutants_of

mutant = mutants_of("cross_entropy", loss)


@mutant("class_targets", "A label that is ignored does not count in the mean either; you divided by all examples.")
def ignored_labels_counted(labels, classes, dtype, ignore_index=-100, weight=None, smoothing=0.0):
    t, counts = class_targets(labels, classes, dtype, ignore_index, weight, smoothing)
    return t, np.where(labels == ignore_index, 1, counts)


@mutant("class_targets", "An ignored label must be masked; as an index, -1 would be the last class.")
def ignored_label_taken_for_a_class(labels, classes, dtype, ignore_index=-100, weight=None, smoothing=0.0):
    return class_targets(labels % classes, classes, dtype, -100, weight, smoothing)


@mutant("class_targets", "Smoothing must not bring ignored examples back.")
def ignored_examples_smoothed(labels, classes, dtype, ignore_index=-100, weight=None, smoothing=0.0):
    t, counts = class_targets(labels, classes, dtype, ignore_index, weight, smoothing)
    return np.where((labels == ignore_index)[:, None], smoothing / classes, t), counts


@mutant("class_targets", "Smoothing spreads over all K classes, the right one among them: ε/K, not ε/(K - 1).")
def smoothing_over_the_other_classes(labels, classes, dtype, ignore_index=-100, weight=None, smoothing=0.0):
    return class_targets(labels, classes, dtype, ignore_index, weight, smoothing * classes / (classes - 1))


@mutant("class_targets", "What smoothing gives to all classes is taken from the right one: 1 - ε. Your targets add up to 1 + ε.")
def smoothing_not_taken_from_the_label(labels, classes, dtype, ignore_index=-100, weight=None, smoothing=0.0):
    smooth, counts = class_targets(labels, classes, dtype, ignore_index, weight, smoothing)
    return smooth + smoothing * class_targets(labels, classes, dtype, ignore_index, weight)[0], counts


@mutant("class_targets", "A class weight belongs to its class, also where smoothing put the target; you used the label's weight for all.")
def weight_of_the_label_for_all_classes(labels, classes, dtype, ignore_index=-100, weight=None, smoothing=0.0):
    _, counts = class_targets(labels, classes, dtype, ignore_index, weight, smoothing)
    return class_targets(labels, classes, dtype, ignore_index, None, smoothing)[0] * counts[:, None], counts


@mutant("class_targets", "Each class's part is multiplied by the weight of the class; you forgot the weights.")
def class_weights_forgotten(labels, classes, dtype, ignore_index=-100, weight=None, smoothing=0.0):
    return class_targets(labels, classes, dtype, ignore_index, None, smoothing)


@mutant("_weighted_mean", "The mean is weighted: divide by the sum of the weights, not by the number of examples.", surface)
def weights_not_normalised(loss, counts):
    return loss.sum() / counts.size


@mutant("_weighted_mean", "The default is the mean over the examples; you returned the sum.", surface)
def sum_for_mean(loss, counts):
    return loss.sum()
