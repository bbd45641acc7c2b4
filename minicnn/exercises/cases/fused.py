"""Configurations of the pairs that compute two operations at once."""

import numpy as np

from ...functional import fused
from .. import laws
from .case import cases_of, numbers
from .normalization import spread, statistics

train_case = cases_of("batch_norm_relu", fused.batch_norm_relu)
eval_case = cases_of("batch_norm_eval_relu", fused.batch_norm_eval_relu, (laws.examples_are_independent,))
sum_case = cases_of("add_relu", fused.add_relu, (laws.examples_are_independent,))


def batch_norm_relu(label, shape, affine=True, eps=1e-5):
    w, b = (numbers(shape[1], seed=name) if affine else None for name in "wb")
    train_case(label, spread(*shape), w, b, options=statistics(eps))


batch_norm_relu("images", (3, 2, 3, 4))
batch_norm_relu("vectors, large eps", (5, 3), eps=0.3)
batch_norm_relu("sequences, without γ and β", (2, 3, 4), affine=False)
batch_norm_relu("one image", (1, 2, 3, 3))


def evaluation(label, shape, affine=True):
    c = shape[1]
    w, b = (numbers(c, seed=name) if affine else None for name in "wb")
    eval_case(label, spread(*shape), w, b, mean=numbers(c, seed="mean"), rstd=0.5 + np.abs(numbers(c, seed="rstd")))


evaluation("images", (3, 2, 3, 4))
evaluation("sequences, without γ and β", (2, 3, 4), affine=False)
evaluation("empty batch", (0, 2, 3, 3))

sum_case("images", numbers(3, 2, 3, 4), numbers(3, 2, 3, 4, seed="other"))
sum_case("one vector", numbers(1, 5), numbers(1, 5, seed="other"))
sum_case("empty batch", numbers(0, 2, 3, 3), numbers(0, 2, 3, 3))
