"""Classic mistakes in batch norm, standardization (layer, group, instance norm) and local response norm."""

import numpy as np

from ...functional import normalization as norm
from ...kernels import of
from .registry import mutants_of

batch_norm = mutants_of("batch_norm", norm.batch_norm)
batch_norm_eval = mutants_of("batch_norm_eval", norm.batch_norm_eval)
standardize = mutants_of("standardize", norm.standardize)
local_response_norm = mutants_of("local_response_norm", norm.local_response_norm)


def per_channel(v, like):
    """A vector (C,) shaped to broadcast against (N, C, ...)."""
    return v.reshape((1, -1) + (1,) * (like.ndim - 2))


def forward_with(x, w, b, mean, rstd):
    return of(x).batch_norm(x, w, b, mean, rstd), (x, w, mean, rstd)


def right(dy, saved):
    """dx, dw (of γ) and db (of β) as they should be."""
    return norm.batch_norm_backward(dy, saved, norm.batch_norm.needed(True, True, True))


# Batch norm in training --------------------------------------------------------------------------------------------------


@batch_norm("forward", "Divide by the standard deviation, not by the variance.")
def divided_by_variance(x, w, b, *, mean, rstd, eps):
    return forward_with(x, w, b, mean, rstd * rstd)


@batch_norm("forward", "eps belongs under the root: 1/√(var + eps), not 1/(√var + eps).")
def eps_outside_the_root(x, w, b, *, mean, rstd, eps):
    var = np.maximum(1 / rstd**2 - eps, 0)
    return forward_with(x, w, b, mean, 1 / (np.sqrt(var) + eps))


@batch_norm("forward", "In training the batch is normalized by its biased variance: divided by m, not by m - 1.")
def unbiased_variance(x, w, b, *, mean, rstd, eps):
    m = x.size / x.shape[1]
    return forward_with(x, w, b, mean, 1 / np.sqrt((1 / rstd**2 - eps) * m / (m - 1) + eps))


@batch_norm("forward", "In training the batch is normalized by its own mean and variance; you used the running ones (0 and 1 at first).")
def running_statistics_in_training(x, w, b, *, mean, rstd, eps):
    return forward_with(x, w, b, mean * 0, rstd * 0 + 1 / np.sqrt(1 + eps))


@batch_norm("forward", "Scale by γ after normalizing; you left it out.")
def gamma_forgotten(x, w, b, *, mean, rstd, eps):
    return of(x).batch_norm(x, None, b, mean, rstd), (x, w, mean, rstd)


@batch_norm("forward", "Shift by β after normalizing; you left it out.")
def beta_forgotten(x, w, b, *, mean, rstd, eps):
    return forward_with(x, w, None, mean, rstd)


@batch_norm("forward", "Every channel has its own mean; you used one for all of them.")
def one_mean_for_all_channels(x, w, b, *, mean, rstd, eps):
    return forward_with(x, w, b, np.full_like(mean, mean.sum() / len(mean)), rstd)


def terms(dy, saved):
    """What dx = scale · (dy - mean_term - variance_term) is made of."""
    x, w, mean, rstd = saved
    db, dw = of(dy).batch_norm_sums(dy, x, mean, rstd)
    m = x.size / x.shape[1]
    x_hat = (x - per_channel(mean, x)) * per_channel(rstd, x)
    scale = per_channel(rstd if w is None else w * rstd, x)
    return scale, per_channel(db / m, x), x_hat * per_channel(dw / m, x)


@batch_norm("backward", "The mean depends on every x: subtract the mean of dy.")
def mean_term_dropped(dy, saved, needed):
    scale, mean_term, variance_term = terms(dy, saved)
    return scale * (dy - variance_term), *right(dy, saved)[1:]


@batch_norm("backward", "The variance depends on every x: subtract x̂ · mean(dy·x̂).")
def variance_term_dropped(dy, saved, needed):
    scale, mean_term, variance_term = terms(dy, saved)
    return scale * (dy - mean_term), *right(dy, saved)[1:]


@batch_norm("backward", "Mean and variance depend on x too; this is the backward of evaluation.")
def both_terms_dropped(dy, saved, needed):
    scale, mean_term, variance_term = terms(dy, saved)
    return scale * dy, *right(dy, saved)[1:]


@batch_norm("backward", "The term of the variance is subtracted, as that of the mean is; you added it.")
def variance_term_added(dy, saved, needed):
    scale, mean_term, variance_term = terms(dy, saved)
    return scale * (dy - mean_term + variance_term), *right(dy, saved)[1:]


@batch_norm("backward", "γ scales y, so it scales dx as well.")
def dx_gamma_forgotten(dy, saved, needed):
    x, w, mean, rstd = saved
    return right(dy, (x, None, mean, rstd))


@batch_norm("backward", "dx is divided by the standard deviation; you forgot it.")
def dx_not_divided_by_the_deviation(dy, saved, needed):
    dx, dw, db = right(dy, saved)
    return dx / per_channel(saved[3], dx), dw, db


@batch_norm("backward", "The forward divides by m, so the backward does too; you mixed in the m - 1 of the unbiased variance.")
def unbiased_mixed_in(dy, saved, needed):
    m = dy.size / dy.shape[1]
    scale, mean_term, variance_term = terms(dy, saved)
    return scale * (dy - mean_term - variance_term * m / (m - 1)), *right(dy, saved)[1:]


@batch_norm("backward", "m counts all elements of a channel: images times pixels, not images alone.")
def divided_by_the_images_alone(dy, saved, needed):
    pixels = np.prod(dy.shape[2:])
    scale, mean_term, variance_term = terms(dy, saved)
    return scale * (dy - (mean_term + variance_term) * pixels), *right(dy, saved)[1:]


@batch_norm("backward", "dγ = Σ dy·x̂, with the normalized x̂, not with x.")
def dgamma_with_raw_x(dy, saved, needed):
    dx, _, db = right(dy, saved)
    return dx, (dy * saved[0]).sum(tuple(axis for axis in range(dy.ndim) if axis != 1)), db


@batch_norm("backward", "dγ = Σ dy·x̂ and dβ = Σ dy; you exchanged them.")
def dgamma_and_dbeta_exchanged(dy, saved, needed):
    dx, dw, db = right(dy, saved)
    return dx, db, dw


@batch_norm("backward", "dβ = Σ dy sums over the batch; you took the mean.")
def dbeta_is_a_mean(dy, saved, needed):
    dx, dw, db = right(dy, saved)
    return dx, dw, db / len(dy)


# Batch norm in evaluation ------------------------------------------------------------------------------------------------


@batch_norm_eval("forward", "In evaluation use the running statistics: no example may depend on the others in its batch.")
def batch_statistics_in_evaluation(x, w, b, *, mean, rstd):
    mean, var = of(x).batch_moments(x)
    return forward_with(x, w, b, mean, 1 / np.sqrt(var + 1e-5))


@batch_norm_eval("backward", "In evaluation mean and variance are constants: dx has no terms for them.")
def training_backward_in_evaluation(dy, saved, needed):
    return right(dy, saved)[0], *norm.batch_norm_eval_backward(dy, saved, needed)[1:]


@batch_norm_eval("backward", "dx = γ·rstd·dy; you forgot γ.")
def eval_dx_gamma_forgotten(dy, saved, needed):
    _, dw, db = norm.batch_norm_eval_backward(dy, saved, needed)
    return dy * per_channel(saved[3], dy), dw, db


@batch_norm_eval("backward", "dγ = Σ dy·x̂, with the running mean subtracted from x.")
def eval_dgamma_not_centred(dy, saved, needed):
    dx, _, db = norm.batch_norm_eval_backward(dy, saved, needed)
    x, w, mean, rstd = saved
    return dx, of(dy).batch_norm_sums(dy, x, mean * 0, rstd)[1], db


# Standardization: of each row, as layer, group and instance norm do it ---------------------------------------------------


@standardize("forward", "The variance is the plain mean of the squares: divided by n, not by n - 1.")
def row_unbiased(x, *, eps):
    x_hat, saved = norm.standardize_forward(x, eps=eps)
    n = x.shape[-1]
    return x_hat * np.sqrt((n - 1) / n), saved


@standardize("forward", "eps belongs under the root: 1/√(var + eps), not 1/(√var + eps).")
def row_eps_outside_the_root(x, *, eps):
    _, saved = norm.standardize_forward(x, eps=eps)
    return (x - x.mean(-1, keepdims=True)) / (x.std(-1, keepdims=True) + eps), saved


@standardize("forward", "Subtract the mean before you divide.")
def row_not_centred(x, *, eps):
    _, (x_hat, rstd) = norm.standardize_forward(x, eps=eps)
    return x * rstd, (x_hat, rstd)


@standardize("forward", "Each example has statistics of its own; you took them over the batch, as batch norm does.")
def row_statistics_over_the_batch(x, *, eps):
    y, _ = norm.standardize_forward(x.T, eps=eps)
    return y.T, norm.standardize_forward(x, eps=eps)[1]


@standardize("backward", "The mean depends on every x: subtract the mean of dy.")
def row_mean_term_dropped(dy, saved, needed):
    x_hat, rstd = saved
    return (rstd * (dy - x_hat * (dy * x_hat).mean(-1, keepdims=True)),)


@standardize("backward", "The variance depends on every x: subtract x̂ · mean(dy·x̂).")
def row_variance_term_dropped(dy, saved, needed):
    x_hat, rstd = saved
    return (rstd * (dy - dy.mean(-1, keepdims=True)),)


@standardize("backward", "dx is divided by the standard deviation; you forgot it.")
def row_deviation_forgotten(dy, saved, needed):
    dx, = norm.standardize_backward(dy, saved, needed)
    return (dx / saved[1],)


# Local response norm -----------------------------------------------------------------------------------------------------


@local_response_norm("forward", "alpha is divided by the number of neighbours.")
def alpha_not_divided(x, *, size, alpha, beta, k):
    return norm.local_response_norm_forward(x, size=size, alpha=alpha * size, beta=beta, k=k)


@local_response_norm("forward", "Of an even number of neighbours, the extra one stands before the channel.")
def window_off_by_one(x, *, size, alpha, beta, k):
    y, saved = norm.local_response_norm_forward(x[:, ::-1], size=size, alpha=alpha, beta=beta, k=k)
    return y[:, ::-1], norm.local_response_norm_forward(x, size=size, alpha=alpha, beta=beta, k=k)[1]


@local_response_norm("forward", "What is divided by starts at k, not at 1.")
def k_forgotten(x, *, size, alpha, beta, k):
    return norm.local_response_norm_forward(x, size=size, alpha=alpha, beta=beta, k=1.0)


@local_response_norm("backward", "x also stands in its neighbours' sums.")
def neighbours_forgotten(dy, saved, needed):
    _, _, scale, *_ = saved
    return (dy * scale,)


@local_response_norm("backward", "Backwards the neighbourhood is mirrored: the extra neighbour stands behind the channel.")
def neighbourhood_not_mirrored(dy, saved, needed):
    flipped = tuple(v[:, ::-1] for v in saved[:3])
    dx, = norm.local_response_norm_backward(dy[:, ::-1], (*flipped, *saved[3:]), needed)
    return (dx[:, ::-1],)


@local_response_norm("backward", "d(x²) = 2x dx; the 2 is missing.")
def factor_two_forgotten(dy, saved, needed):
    dx, = norm.local_response_norm_backward(dy, saved, needed)
    return ((dx + dy * saved[2]) / 2,)


@local_response_norm("backward", "The derivative of s^(-β) is -β·s^(-β-1); you left the exponent at -β.")
def exponent_not_lowered(dy, saved, needed):
    x, base, scale, *rest = saved
    dx, = norm.local_response_norm_backward(dy, (x, np.ones_like(base), scale, *rest), needed)
    return (dx,)
