"""Classic mistakes in the cross-entropy of class indices."""

import numpy as np

from ...functional import loss
from ...functional.loss import label_cross_entropy_backward, label_cross_entropy_forward
from .registry import mutants_of

mutant = mutants_of("label_cross_entropy", loss.label_cross_entropy)


@mutant("forward", "Subtract the largest logit before exp: softmax stays the same, and exp cannot overflow.")
def maximum_not_subtracted(x, *, labels, ignore_index, mean):
    shift = x.max(1)
    y, saved = label_cross_entropy_forward(x, labels=labels, ignore_index=ignore_index, mean=mean)
    return y + (np.log(np.exp(x).sum(1)) - shift - np.log(np.exp(x - shift[:, None]).sum(1))).sum(), saved


@mutant("forward", "The loss is -log p[label]; you took p itself.")
def logarithm_forgotten(x, *, labels, ignore_index, mean):
    y, saved = label_cross_entropy_forward(x, labels=labels, ignore_index=ignore_index, mean=mean)
    return -np.exp(-y), saved


@mutant("forward", "The mean is over the labels that count; you divided by all of them.")
def ignored_labels_counted(x, *, labels, ignore_index, mean):
    y, (p, *_) = label_cross_entropy_forward(x, labels=labels, ignore_index=ignore_index, mean=mean)
    count = np.float64(len(labels)) if mean else None
    return y * ((labels != ignore_index).sum() / count) if mean else y, (p, labels, ignore_index, count)


@mutant("forward", "A label that is ignored costs nothing; as an index, it would be another class.")
def ignored_label_taken_for_a_class(x, *, labels, ignore_index, mean):
    return label_cross_entropy_forward(x, labels=labels % x.shape[1], ignore_index=-1000, mean=mean)


@mutant("forward", "The mean is asked for: divide the sum by the number of labels that count.")
def sum_for_mean(x, *, labels, ignore_index, mean):
    y, (p, *_) = label_cross_entropy_forward(x, labels=labels, ignore_index=ignore_index, mean=False)
    return y.sum() if mean else y, (p, labels, ignore_index, np.float64(1) if mean else None)


@mutant("backward", "Every logit moves the sum in the denominator: dx = p - t, not -t.")
def denominator_forgotten(dy, saved, needed):
    p, *rest = saved
    return label_cross_entropy_backward(dy, (np.zeros_like(p), *rest), needed)


@mutant("backward", "dx = p - t: 1 is subtracted from the probability of the label; you left it out.")
def label_forgotten(dy, saved, needed):
    p, labels, ignore_index, count = saved
    dy = np.broadcast_to(dy if count is None else dy / count, labels.shape)
    return (np.where((labels == ignore_index)[:, None], 0, dy[:, None] * p),)


@mutant("backward", "dx = p - t; you computed t - p.")
def dx_sign(dy, saved, needed):
    return label_cross_entropy_backward(-dy, saved, needed)


@mutant("backward", "Each example's dx is multiplied by its own dy; you forgot dy.")
def dy_forgotten(dy, saved, needed):
    return label_cross_entropy_backward(np.ones_like(dy), saved, needed)


@mutant("backward", "The mean divides the gradient too, by the number of labels that count.")
def gradient_not_divided(dy, saved, needed):
    p, labels, ignore_index, count = saved
    return label_cross_entropy_backward(dy, (p, labels, ignore_index, count and np.float64(1)), needed)


@mutant("backward", "An ignored example has no gradient.")
def gradient_of_the_ignored(dy, saved, needed):
    p, labels, ignore_index, count = saved
    return label_cross_entropy_backward(dy, (p, labels, -1000, count), needed)
