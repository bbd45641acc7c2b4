"""Configurations of the dense layer and of dropout."""

from ...functional.dropout import dropout
from ...functional.linear import linear
from .. import laws
from .case import cases_of, numbers

linear_case = cases_of("linear", linear, (laws.transposed_gives_dx,))
dropout_case = cases_of("dropout", dropout, (laws.transposed_gives_dx, laws.elements_are_independent))


def dense(label, x, outputs, bias=True, case=linear_case, **options):
    case(label, numbers(*x), numbers(outputs, x[-1], seed="w"), numbers(outputs, seed="b") if bias else None, **options)


dense("a batch", (4, 3), 2, laws=(laws.examples_are_independent,))
dense("as many outputs as inputs", (3, 4), 4)
dense("no bias", (2, 3), 5, bias=False)
dense("two batch axes", (2, 3, 4), 3)
dense("three batch axes, square", (2, 2, 2, 3), 3)
dense("one example without a batch axis", (4,), 3)
dense("empty batch", (0, 3), 2)


def drop(label, shape, p, mask_shape=None):
    dropout_case(label, numbers(*shape), mask=numbers(*(mask_shape or shape), seed="mask") > 0, p=p)


drop("p = 0.3", (3, 4), 0.3)
drop("p = 0.5, images", (2, 2, 3, 2), 0.5)
drop("whole channels", (3, 4, 2, 2), 0.8, (3, 4, 1, 1))
drop("p = 1: nothing is kept", (2, 3), 1)
drop("empty batch", (0, 3), 0.5)
