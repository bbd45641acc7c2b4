"""Dropout by itself: in a GraphModule it is a layer, unless its ratio is computed or its mask is asked for."""

import numpy as np

from ...nn import functional as F
from ...tensor import wrap
from .table import operator
from .values import Numbers, constant, number


@operator("Dropout")
def dropout(data, ratio_input: Numbers = None, training_mode: Numbers = None, *, ratio=0.5, seed=None, is_test=1, outputs):
    """The input, in inference; in training_mode each element is 0 with probability `ratio`, else divided by 1 - ratio. Also the mask."""
    ratio = ratio if ratio_input is None else float(number(ratio_input))
    if training_mode is None or not number(training_mode) or ratio == 0:
        return (data, constant(np.ones(tuple(data.shape), bool), data))[:outputs]
    y = F.dropout(data, ratio, True)
    return (y, wrap(y.array != 0))[:outputs]
