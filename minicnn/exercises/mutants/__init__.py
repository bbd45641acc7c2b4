"""Mutants: classic mistakes, each planted where it belongs, each with the sentence that a teacher would say.

A check of gradients is worth what it catches. Each of these mistakes must be caught by the checks that everybody has:

    from minicnn.exercises import mutants

    for mutant in mutants.of("conv2d", "backward"):
        print(mutant.name, "-", mutant.says)
        with mutants.planted(mutant):
            ...                                 # conv2d is wrong here, in this one way
"""

from . import (
    activation, adam, adaptive, conv, conv_transpose, cross_entropy, dropout, fused, label_cross_entropy, linear, loss, nadam_radam,
    normalization, pooling, resize_padding, running_statistics, sgd,
)
from .registry import MUTANTS, Mutant, of, planted
