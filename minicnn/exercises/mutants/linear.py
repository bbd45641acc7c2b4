"""Classic mistakes in the dense layer."""

from ...functional.linear import linear, linear_backward, linear_forward
from .registry import mutants_of

mutant = mutants_of("linear", linear)


def right(dy, saved):
    """dx, dw and db as they should be."""
    return linear_backward(dy, saved, linear.needed(True, True, True))


@mutant("forward", "y = x wᵀ: the weight is (out_features, in_features); you did not transpose it.")
def weight_not_transposed(x, w, b):
    return linear_forward(x, w.T if w.shape[0] == w.shape[1] else w, b)


@mutant("forward", "The bias must be added; it is missing.")
def bias_forgotten(x, w, b):
    return linear_forward(x, w, None)


@mutant("backward", "dx = dy w, not dy wᵀ.")
def dx_weight_transposed(dy, saved, needed):
    w = saved[1]
    return dy @ (w.T if w.shape[0] == w.shape[1] else w), *right(dy, saved)[1:]


@mutant("backward", "dw = dyᵀ x; you computed its transpose.")
def dw_transposed(dy, saved, needed):
    dx, dw, db = right(dy, saved)
    return dx, dw.T if dw.shape[0] == dw.shape[1] else dw, db


@mutant("backward", "dw adds up over the batch; if you want a mean, take it in the loss.")
def dw_mean_over_batch(dy, saved, needed):
    dx, dw, db = right(dy, saved)
    return dx, dw / dy[..., 0].size, db


@mutant("backward", "db adds up over the batch; you took the first row.")
def db_first_row_only(dy, saved, needed):
    dx, dw, _ = right(dy, saved)
    return dx, dw, dy.reshape(-1, dy.shape[-1])[:1].sum(0)


@mutant("backward", "db is a sum over the batch, not a mean.")
def db_mean_over_batch(dy, saved, needed):
    dx, dw, db = right(dy, saved)
    return dx, dw, db / dy[..., 0].size


@mutant("backward", "All leading axes count as batch: db sums over each of them, not over the first alone.")
def db_over_one_batch_axis(dy, saved, needed):
    dx, dw, _ = right(dy, saved)
    while dy.ndim > 2:
        dy = dy[:, 0]
    return dx, dw, dy.reshape(-1, dy.shape[-1]).sum(0)
