"""Configurations of the pairs that compute two operations at once."""

from functools import partial

import numpy as np

from ... import shapes
from ...functional import fused
from .. import laws
from .case import cases_of, digits, numbers
from .linear_dropout import dense
from .normalization import spread, statistics

train_case = cases_of("batch_norm_relu", fused.batch_norm_relu)
eval_case = cases_of("batch_norm_eval_relu", fused.batch_norm_eval_relu, (laws.examples_are_independent,))
block_cases = [cases_of("batch_norm_add", fused.batch_norm_add), cases_of("batch_norm_add_relu", fused.batch_norm_add_relu)]
eval_block_cases = [cases_of("batch_norm_eval_add", fused.batch_norm_eval_add, (laws.examples_are_independent,)),
                    cases_of("batch_norm_eval_add_relu", fused.batch_norm_eval_add_relu, (laws.examples_are_independent,))]
pool_case = cases_of("relu_max_pool2d", fused.relu_max_pool2d, (laws.examples_are_independent,))
sum_case = cases_of("add_relu", fused.add_relu, (laws.examples_are_independent,))
dense_relu = partial(dense, case=cases_of("linear_relu", fused.linear_relu))


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


def residual(label, shape, affine=True, eps=1e-5):
    """The end of a residual block: in training and in evaluation, without the ReLU and with it."""
    w, b = (numbers(shape[1], seed=name) if affine else None for name in "wb")
    x, plus = spread(*shape), numbers(*shape, seed="plus")
    for case in block_cases:
        case(label, x, w, b, plus, options=lambda x, w, b, plus: statistics(eps)(x, w, b))
    for case in eval_block_cases:
        case(label, x, w, b, plus, mean=numbers(shape[1], seed="mean"), rstd=0.5 + np.abs(numbers(shape[1], seed="rstd")))


residual("images", (3, 2, 3, 4))
residual("vectors, large eps", (5, 3), eps=0.3)
residual("sequences, without γ and β", (2, 3, 4), affine=False)


dense_relu("a batch", (5, 4), 3, laws=(laws.examples_are_independent,))
dense_relu("as many outputs as inputs", (4, 3), 3)
dense_relu("no bias", (4, 3), 5, bias=False)
dense_relu("two batch axes", (2, 3, 4), 3)
dense_relu("three batch axes", (2, 2, 2, 3), 4)
dense_relu("one example", (1, 6), 4)
dense_relu("one example without a batch axis", (5,), 4)
dense_relu("empty batch", (0, 3), 2)


def relu_max_pool(label, x, kernel, stride=None, padding=0, **options):
    pool_case(label, x, window=shapes.pool2d_window(x.shape, kernel, stride, padding), **options)


relu_max_pool("2x2, stride 2", numbers(2, 2, 4, 6), 2)
relu_max_pool("overlap: 3x2, stride 1, padding 1", numbers(2, 2, 5, 4), (3, 2), 1, 1)
relu_max_pool("remainder left out", numbers(2, 1, 5, 7), (2, 3))
relu_max_pool("whole windows below 0", numbers(2, 2, 4, 6) - 1.5, 2)
relu_max_pool("ties", digits(2, 2, 6, 6), 2, smooth=False)
