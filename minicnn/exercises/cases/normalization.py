"""Configurations of batch norm, standardization and local response norm."""

import numpy as np

from ...functional import normalization as norm
from ...kernels import of as kernels_of
from .. import laws
from .case import cases_of, numbers

train_case = cases_of("batch_norm", norm.batch_norm)
eval_case = cases_of("batch_norm_eval", norm.batch_norm_eval, (laws.examples_are_independent, laws.transposed_gives_dx))
row_case = cases_of("standardize", norm.standardize)
lrn_case = cases_of("local_response_norm", norm.local_response_norm, (laws.examples_are_independent,))


def statistics(eps):
    """The attributes of batch norm, which are computed from x."""

    def options(x, w, b):
        mean, var = kernels_of(x).batch_moments(x)
        return {"mean": mean, "rstd": 1 / np.sqrt(var + eps), "eps": eps}

    return options


def spread(*shape):
    """Images whose channels have means and deviations of their own."""
    channels = (1, shape[1]) + (1,) * (len(shape) - 2)
    return numbers(*shape) * (1 + np.abs(numbers(*channels, seed="deviation"))) + 2 * numbers(*channels, seed="mean")


def batch_norm(label, shape, affine=True, eps=1e-5, **options):
    w, b = (numbers(shape[1], seed=name) if affine else None for name in "wb")
    train_case(label, spread(*shape), w, b, options=statistics(eps), **options)


batch_norm("images", (3, 2, 3, 4))
batch_norm("images, eps 0", (3, 2, 3, 4), eps=0.0, laws=(laws.channels_may_shift_and_scale,))
batch_norm("vectors, large eps", (5, 3), eps=0.3)
batch_norm("sequences, without γ and β, eps 0", (2, 3, 4), affine=False, eps=0.0, laws=(laws.channels_may_shift_and_scale,))
batch_norm("one image", (1, 2, 3, 3))
batch_norm("one channel of two numbers", (2, 1), eps=0.1)


def evaluation(label, shape, affine=True):
    c = shape[1]
    w, b = (numbers(c, seed=name) if affine else None for name in "wb")
    eval_case(label, spread(*shape), w, b, mean=numbers(c, seed="mean"), rstd=0.5 + np.abs(numbers(c, seed="rstd")))


evaluation("images", (3, 2, 3, 4))
evaluation("vectors", (4, 3))
evaluation("sequences, without γ and β", (2, 3, 4), affine=False)
evaluation("one vector", (1, 3))
evaluation("empty batch", (0, 2, 3, 3))

row_case("rows, eps 0", numbers(4, 5), eps=0.0, laws=(laws.rows_may_shift_and_scale, laws.examples_are_independent))
row_case("rows, large eps", numbers(4, 5) * 2 + 1, eps=0.3)
row_case("groups of channels", numbers(2, 3, 8) * 3 - 2, eps=1e-5, laws=(laws.examples_are_independent,))
row_case("two numbers a row", numbers(3, 2), eps=0.1)
row_case("one row", numbers(1, 6), eps=1e-5)
row_case("empty batch", numbers(0, 4), eps=1e-5)

lrn_case("3 neighbours", numbers(2, 5, 3, 2), size=3, alpha=0.7, beta=0.75, k=1.5)
lrn_case("4 neighbours, uneven on their sides", numbers(2, 6, 2), size=4, alpha=0.7, beta=0.5, k=2.0)
lrn_case("more neighbours than channels", numbers(2, 3, 2, 2), size=9, alpha=1.2, beta=2.0, k=1.0)
lrn_case("the channel alone", numbers(2, 3, 2), size=1, alpha=0.5, beta=0.75, k=1.0)
lrn_case("one channel", numbers(1, 1, 4), size=5, alpha=0.9, beta=0.75, k=0.5)
