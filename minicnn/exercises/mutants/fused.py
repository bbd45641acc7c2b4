"""Classic mistakes in pairs that compute two operations at once: mostly, that one of the two forgets the other."""

from ...functional import fused
from ...kernels import of
from .normalization import per_channel
from .registry import mutants_of

batch_norm_relu = mutants_of("batch_norm_relu", fused.batch_norm_relu)
batch_norm_eval_relu = mutants_of("batch_norm_eval_relu", fused.batch_norm_eval_relu)
add_relu = mutants_of("add_relu", fused.add_relu)


# Batch norm, then ReLU --------------------------------------------------------------------------------------------------------


@batch_norm_relu("forward", "First normalize, then cut at 0; you cut first.")
def relu_before_batch_norm(x, w, b, *, mean, rstd, eps):
    return of(x).batch_norm(of(x).relu(x), w, b, mean, rstd), (x, w, b, mean, rstd)


@batch_norm_relu("forward", "What batch norm gives is to be cut at 0; you left the ReLU out.")
def relu_forgotten(x, w, b, *, mean, rstd, eps):
    return of(x).batch_norm(x, w, b, mean, rstd), (x, w, b, mean, rstd)


@batch_norm_relu("backward", "Where the ReLU cut, no gradient comes through; you let all of it pass.")
def mask_forgotten(dy, saved, needed):
    x, w, b, mean, rstd = saved
    return of(dy).batch_norm_dx(dy, x, w, mean, rstd)


@batch_norm_relu("backward", "What the ReLU cuts is batch norm's output below 0, not its input below 0.")
def mask_of_the_input(dy, saved, needed):
    x, w, b, mean, rstd = saved
    return of(dy).batch_norm_dx(of(dy).relu_dx(dy, x), x, w, mean, rstd)


@batch_norm_relu("backward", "The output is cut after β was added; your mask leaves β out.")
def mask_without_beta(dy, saved, needed):
    x, w, b, mean, rstd = saved
    return of(dy).batch_norm_relu_dx(dy, x, w, None, mean, rstd)


@batch_norm_relu("backward", "The gradient passes the ReLU first: dγ, dβ and the means in dx are sums of what came through.")
def mask_after_batch_norm(dy, saved, needed):
    x, w, b, mean, rstd = saved
    dx, dw, db = of(dy).batch_norm_dx(dy, x, w, mean, rstd)
    return of(dy).relu_dx(dx, of(x).batch_norm(x, w, b, mean, rstd)), dw, db


@batch_norm_eval_relu("forward", "First the affine map, then cut at 0; you cut first.")
def relu_before_the_affine_map(x, w, b, *, mean, rstd):
    y = of(x).batch_norm(of(x).relu(x), w, b, mean, rstd)
    return y, (y, x, w, mean, rstd)


@batch_norm_eval_relu("backward", "Where the ReLU cut, no gradient comes through.")
def evaluation_mask_forgotten(dy, saved, needed):
    y, x, w, mean, rstd = saved
    db, dw = of(dy).batch_norm_sums(dy, x, mean, rstd)
    return dy * per_channel(rstd if w is None else w * rstd, dy), dw, db


@batch_norm_eval_relu("backward", "dγ and dβ are sums of what the ReLU let through.")
def evaluation_sums_of_everything(dy, saved, needed):
    y, x, w, mean, rstd = saved
    db, dw = of(dy).batch_norm_sums(dy, x, mean, rstd)
    return of(dy).relu_dx(dy, y) * per_channel(rstd if w is None else w * rstd, dy), dw, db


# A sum, then ReLU -------------------------------------------------------------------------------------------------------------


@add_relu("forward", "First add, then cut at 0; you cut each by itself.")
def relu_before_the_sum(x, y):
    z = of(x).relu(x) + of(y).relu(y)
    return z, z


@add_relu("backward", "Where the ReLU cut, no gradient comes through; you let all of it pass.")
def sum_mask_forgotten(dz, z, needed):
    return dz, dz.copy()


@add_relu("backward", "Both have a part in the sum, and both get its gradient.")
def gradient_for_one_of_them(dz, z, needed):
    dx = of(dz).relu_dx(dz, z)
    return dx, dx * 0


@add_relu("backward", "Each changes the sum by as much as it changes itself: each gets all of the gradient, not half.")
def gradient_shared_out(dz, z, needed):
    dx = of(dz).relu_dx(dz, z) / 2
    return dx, dx.copy()
