"""Classic mistakes in pairs that compute two operations at once: mostly, that one of the two forgets the other."""

import numpy as np

from ...functional import fused
from ...functional.linear import linear_backward
from ...kernels import of
from .normalization import per_channel
from .registry import mutants_of

batch_norm_relu = mutants_of("batch_norm_relu", fused.batch_norm_relu)
batch_norm_eval_relu = mutants_of("batch_norm_eval_relu", fused.batch_norm_eval_relu)
add_relu = mutants_of("add_relu", fused.add_relu)
batch_norm_add = mutants_of("batch_norm_add", fused.batch_norm_add)
batch_norm_add_relu = mutants_of("batch_norm_add_relu", fused.batch_norm_add_relu)
batch_norm_eval_add = mutants_of("batch_norm_eval_add", fused.batch_norm_eval_add)
batch_norm_eval_add_relu = mutants_of("batch_norm_eval_add_relu", fused.batch_norm_eval_add_relu)
linear_relu = mutants_of("linear_relu", fused.linear_relu)
relu_max_pool = mutants_of("relu_max_pool2d", fused.relu_max_pool2d)


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


# A residual block's end: batch norm, a sum, a ReLU ------------------------------------------------------------------------------


@batch_norm_add("forward", "What went round the block is added as it is; you normalized the sum of the two.")
def sum_before_batch_norm(x, w, b, plus, *, mean, rstd, eps):
    return of(x).batch_norm(x + plus, w, b, mean, rstd), (x, w, mean, rstd)


@batch_norm_add("backward", "What went round the block gets dy as it is; you gave it the gradient of batch norm's input.")
def shortcut_gets_dx(dy, saved, needed):
    x, w, mean, rstd = saved
    dx, dw, db = of(dy).batch_norm_dx(dy, x, w, mean, rstd)
    return dx, dw, db, dx.copy()


@batch_norm_add("backward", "Both terms have a part in the sum: what went round the block gets dy, too.")
def shortcut_gets_nothing(dy, saved, needed):
    x, w, mean, rstd = saved
    return *of(dy).batch_norm_dx(dy, x, w, mean, rstd), dy * 0


@batch_norm_add_relu("forward", "Add what went round the block, then cut at 0; you cut first.")
def relu_before_the_shortcut(x, w, b, plus, *, mean, rstd, eps):
    z = of(x).batch_norm_relu(x, w, b, mean, rstd) + plus
    return z, (z, x, w, mean, rstd)


@batch_norm_add_relu("forward", "You left out what went round the block.")
def shortcut_forgotten(x, w, b, plus, *, mean, rstd, eps):
    z = of(x).batch_norm_relu(x, w, b, mean, rstd)
    return z, (z, x, w, mean, rstd)


@batch_norm_add_relu("backward", "Where the ReLU cut, no gradient comes through, neither to batch norm nor round the block.")
def block_mask_forgotten(dz, saved, needed):
    _, x, w, mean, rstd = saved
    return *of(dz).batch_norm_dx(dz, x, w, mean, rstd), dz.copy()


@batch_norm_add_relu("backward", "The ReLU cuts the gradient that goes round the block, too.")
def shortcut_not_cut(dz, saved, needed):
    return *of(dz).batch_norm_add_relu_dx(dz, *saved)[:3], dz.copy()


@batch_norm_add_relu("backward", "The ReLU cuts where the sum is below 0, not where batch norm alone is.")
def mask_without_the_shortcut(dz, saved, needed):
    _, x, w, mean, rstd = saved
    return of(dz).batch_norm_add_relu_dx(dz, of(x).batch_norm(x, w, None, mean, rstd), x, w, mean, rstd)


@batch_norm_eval_add("forward", "What went round the block is added after the affine map; you added it before.")
def sum_before_the_affine_map(x, w, b, plus, *, mean, rstd):
    return of(x).batch_norm(x + plus, w, b, mean, rstd), (x, w, mean, rstd)


@batch_norm_eval_add("backward", "What went round the block gets dy as it is, without the affine map's scale.")
def shortcut_scaled(dy, saved, needed):
    _, w, _, rstd = saved
    *others, plus = fused.batch_norm_eval_add_backward(dy, saved, needed)
    return *others, plus * per_channel(rstd if w is None else w * rstd, dy)


@batch_norm_eval_add("backward", "Both terms have a part in the sum: what went round the block gets dy, too.")
def evaluation_shortcut_gets_nothing(dy, saved, needed):
    *others, plus = fused.batch_norm_eval_add_backward(dy, saved, needed)
    return *others, plus * 0


@batch_norm_eval_add_relu("forward", "Add what went round the block, then cut at 0; you cut first.")
def evaluation_relu_before_the_shortcut(x, w, b, plus, *, mean, rstd):
    z = of(x).batch_norm_relu(x, w, b, mean, rstd) + plus
    return z, (z, x, w, mean, rstd)


@batch_norm_eval_add_relu("backward", "Where the ReLU cut, no gradient comes through, neither to batch norm nor round the block.")
def evaluation_block_mask_forgotten(dz, saved, needed):
    return fused.batch_norm_eval_add_backward(dz, saved[1:], needed)


@batch_norm_eval_add_relu("backward", "The ReLU cuts the gradient that goes round the block, too.")
def evaluation_shortcut_not_cut(dz, saved, needed):
    return *fused.batch_norm_eval_add_relu_backward(dz, saved, needed)[:3], dz.copy()


# A dense layer, then a ReLU -----------------------------------------------------------------------------------------------------


@linear_relu("forward", "What the dense layer gives is to be cut at 0; you left the ReLU out.")
def dense_relu_forgotten(x, w, b):
    y = of(x).linear(x, w, b)
    return y, (y, x, w)


@linear_relu("forward", "First the dense layer, then cut at 0; you cut its input.")
def relu_before_the_product(x, w, b):
    y = of(x).linear(of(x).relu(x), w, b)
    return y, (y, x, w)


@linear_relu("forward", "Cut at 0 what the bias has been added to; you cut first, and what the bias makes of it may lie below 0.")
def relu_before_the_bias(x, w, b):
    y = of(x).linear_relu(x, w, None)
    y = y if b is None else y + b
    return y, (y, x, w)


@linear_relu("backward", "Where the ReLU cut, no gradient comes through; you let all of it pass.")
def dense_mask_forgotten(dy, saved, needed):
    _, x, w = saved
    return linear_backward(dy, (x, w), needed)


@linear_relu("backward", "The ReLU comes between dy and all three gradients: dw and db are made of what it let through, too.")
def mask_for_dx_alone(dy, saved, needed):
    y, x, w = saved
    _, dw, db = linear_backward(dy, (x, w), needed)
    return of(dy).linear_dx(of(dy).relu_dx(dy, y), w), dw, db


@linear_relu("backward", "What the ReLU cuts is the dense layer's output below 0, not its input: the mask is for dy, not for dx.")
def dense_mask_of_the_input(dy, saved, needed):
    _, x, w = saved
    dx, dw, db = linear_backward(dy, (x, w), needed)
    return of(dx).relu_dx(dx, x), dw, db


@linear_relu("backward", "The gradient passes where the output is above 0; you let it pass where the ReLU cut.")
def mask_of_the_wrong_sign(dy, saved, needed):
    y, x, w = saved
    return linear_backward(dy * (y <= 0), (x, w), needed)


@linear_relu("backward", "The output is cut after the bias was added; your mask leaves the bias out.")
def mask_without_the_bias(dy, saved, needed):
    _, x, w = saved
    return linear_backward(of(dy).relu_dx(dy, of(x).linear(x, w, None)), (x, w), needed)


@linear_relu("backward", "The ReLU's slope is 1 where it lets through, whatever the output's size; you multiplied by the output.")
def multiplied_by_the_output(dy, saved, needed):
    y, x, w = saved
    return linear_backward(dy * y, (x, w), needed)


# A ReLU, then max pooling -------------------------------------------------------------------------------------------------------


@relu_max_pool("forward", "What the windows hold is cut at 0, too; you left the ReLU out.")
def pooling_alone(x, *, window):
    y, winners = of(x).max_pool2d(x, window)
    return y, (winners, window)


@relu_max_pool("forward", "The ReLU cuts what is below 0; you took the largest magnitude.")
def magnitudes(x, *, window):
    y, winners = of(x).max_pool2d(np.abs(x), window)
    return y, (winners, window)


@relu_max_pool("pair", "The ReLU cuts all of a window that lies below 0: none of its pixels gets a gradient, not even the largest.")
class winner_below_zero:
    def forward(x, *, window):
        y, winners = of(x).max_pool2d(x, window)
        return of(y).relu(y), (winners, window)

    def backward(dy, saved, needed):
        winners, window = saved
        return (of(dy).max_pool2d_dx(dy, winners, window),)


@relu_max_pool("backward", "The gradient belongs to the window's largest pixel; you gave it to the first one.")
def first_pixel_of_the_window(dy, saved, needed):
    winners, window = saved
    return (of(dy).max_pool2d_dx(dy, np.minimum(winners, 0), window),)
