"""Classic mistakes in dropout."""

import numpy as np

from ...functional.dropout import dropout, dropout_backward, dropout_forward
from .registry import mutants_of

mutant = mutants_of("dropout", dropout)


@mutant("forward", "Scale what is kept by 1/(1-p), so that evaluation needs no correction.")
def not_scaled(x, *, mask, p):
    return x * mask, (mask, p)


@mutant("forward", "p is the probability to drop: scale by 1/(1-p), not by 1/p.")
def scaled_by_the_wrong_probability(x, *, mask, p):
    return x * mask / p, (mask, p)


@mutant("forward", "You kept what should be dropped.")
def mask_inverted(x, *, mask, p):
    return dropout_forward(x, mask=~mask, p=p)


@mutant("backward", "What was dropped gets no gradient.")
def gradient_to_the_dropped(dy, saved, needed):
    mask, p = saved
    return dropout_backward(dy, (np.ones_like(mask), p), needed)


@mutant("backward", "The gradient is scaled by 1/(1-p), as the forward was.")
def gradient_not_scaled(dy, saved, needed):
    return (dy * saved[0],)


@mutant("backward", "The scale 1/(1-p) comes in once, not twice.")
def gradient_scaled_twice(dy, saved, needed):
    once, = dropout_backward(dy, saved, needed)
    return dropout_backward(once, saved, needed)
