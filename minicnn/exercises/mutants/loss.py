"""Classic mistakes in losses."""

import numpy as np

from ...elementary.arithmetic import sigmoid
from ...functional import loss
from .registry import mutants_of

softmax_cross_entropy = mutants_of("softmax_cross_entropy", loss.softmax_cross_entropy)
negative_log_likelihood = mutants_of("negative_log_likelihood", loss.negative_log_likelihood)
squared_error = mutants_of("squared_error", loss.squared_error)
absolute_error = mutants_of("absolute_error", loss.absolute_error)
smooth_l1 = mutants_of("smooth_l1", loss.smooth_l1)
huber = mutants_of("huber", loss.huber)
binary_cross_entropy = mutants_of("binary_cross_entropy", loss.binary_cross_entropy)
with_logits = mutants_of("binary_cross_entropy_with_logits", loss.binary_cross_entropy_with_logits)
kl_divergence = mutants_of("kl_divergence", loss.kl_divergence)

# Classes: x and t are (N, K, ...) ----------------------------------------------------------------------------------------


def right(name, dy, saved):
    """All gradients of a loss as they should be."""
    layer, backward = getattr(loss, name), getattr(loss, f"{name}_backward")
    return backward(dy, saved, layer.needed(*[True] * len(layer.input_names)))


def cross_entropy_from(log_p, t):
    return -(t * np.where(t == 0, 0, log_p)).sum(1), (log_p, t)


@softmax_cross_entropy("forward", "Subtract the largest logit before exp: softmax stays the same, and exp cannot overflow.")
def maximum_not_subtracted(x, t):
    return cross_entropy_from(x - np.log(np.exp(x).sum(1, keepdims=True)), t)


@softmax_cross_entropy("forward", "log(softmax(x)) is -∞ where softmax(x) rounds to 0: write x - log Σ exp(x).")
def logarithm_after_softmax(x, t):
    e = np.exp(x - x.max(1, keepdims=True, initial=-np.inf))
    return cross_entropy_from(np.log(e / e.sum(1, keepdims=True)), t)


@softmax_cross_entropy("forward", "0 · ∞ is NaN: a class that is not wanted costs nothing, even where its probability is 0.")
def zero_times_infinity(x, t):
    _, (log_p, t) = loss.softmax_cross_entropy_forward(x, t)
    return -(t * log_p).sum(1), (log_p, t)


@softmax_cross_entropy("forward", "Softmax goes over the classes, axis 1; you took the last axis.")
def softmax_over_the_last_axis(x, t):
    shifted = x - x.max(-1, keepdims=True, initial=-np.inf)
    return cross_entropy_from(shifted - np.log(np.exp(shifted).sum(-1, keepdims=True)), t)


@softmax_cross_entropy("forward", "Add up over the classes; the mean over examples comes later.")
def mean_over_the_classes(x, t):
    y, saved = loss.softmax_cross_entropy_forward(x, t)
    return y / x.shape[1], saved


@softmax_cross_entropy("forward", "The loss is -log p: the sign is missing.")
def cross_entropy_sign(x, t):
    y, saved = loss.softmax_cross_entropy_forward(x, t)
    return -y, saved


@softmax_cross_entropy("backward", "dx = p · Σt - t: where the target does not add up to 1 (weights, ignored examples), p must carry Σt.")
def p_without_the_sum_of_t(dy, saved, needed):
    log_p, t = saved
    dt = loss.softmax_cross_entropy_backward(dy, saved, needed)[1]
    return dy[:, None] * (np.exp(log_p) - t), dt


@softmax_cross_entropy("backward", "Every logit moves the sum in the denominator: dx = p - t, not -t.")
def denominator_forgotten(dy, saved, needed):
    return -dy[:, None] * saved[1], loss.softmax_cross_entropy_backward(dy, saved, needed)[1]


@softmax_cross_entropy("backward", "dx = p - t; you computed t - p.")
def dx_sign(dy, saved, needed):
    dx, dt = right("softmax_cross_entropy", dy, saved)
    return -dx, dt


@softmax_cross_entropy("backward", "Each example's dx is multiplied by its own dy; you forgot dy.")
def dy_forgotten(dy, saved, needed):
    return right("softmax_cross_entropy", np.ones_like(dy), saved)[0], right("softmax_cross_entropy", dy, saved)[1]


@softmax_cross_entropy("backward", "p - t is already the gradient after the logits; you went through softmax's derivative once more.")
def softmax_derivative_twice(dy, saved, needed):
    p = np.exp(saved[0])
    dx, dt = right("softmax_cross_entropy", dy, saved)
    return p * (dx - (p * dx).sum(1, keepdims=True)), dt



@negative_log_likelihood("forward", "The loss is -log p: the sign is missing.")
def likelihood_sign(x, t):
    y, saved = loss.negative_log_likelihood_forward(x, t)
    return -y, saved


@negative_log_likelihood("forward", "x holds log-probabilities already; you took the logarithm of softmax once more.")
def log_softmax_once_more(x, t):
    return loss.softmax_cross_entropy_forward(x, t)[0], (x, t)


@negative_log_likelihood("forward", "0 · ∞ is NaN: a class that is not wanted costs nothing, even where its log-probability is -∞.")
def nothing_times_infinity(x, t):
    return -(t * x).sum(1), (x, t)


@negative_log_likelihood("backward", "y is linear in x: dx = -dy · t. The p of cross-entropy does not belong here.")
def dx_of_cross_entropy(dy, saved, needed):
    return right("softmax_cross_entropy", dy, saved)


@negative_log_likelihood("backward", "dx = -dy · t; you forgot the weight that t carries.")
def weight_in_t_forgotten(dy, saved, needed):
    x, t = saved
    return -dy[:, None] * (t > 0), -dy[:, None] * x

# Distances ---------------------------------------------------------------------------------------------------------------


@squared_error("forward", "The squared error is d², without a factor 1/2.")
def half_square(x, t):
    return (x - t) ** 2 / 2, (x, t)


@squared_error("backward", "The derivative of d² is 2d; you forgot the 2.")
def two_forgotten(dy, saved, needed):
    x, t = saved
    return (x - t) * dy, (t - x) * dy


@squared_error("backward", "The target pulls the other way: dt = -dx.")
def dt_with_the_sign_of_dx(dy, saved, needed):
    x, t = saved
    return 2 * (x - t) * dy, 2 * (x - t) * dy


@squared_error("backward", "The error is x - t: you computed t - x.")
def squared_sides_exchanged(dy, saved, needed):
    x, t = saved
    return 2 * (t - x) * dy, 2 * (x - t) * dy


@absolute_error("forward", "|x - t| is a distance; you left out the absolute value.")
def absolute_value_forgotten(x, t):
    return x - t, (x, t)


@absolute_error("backward", "The derivative of |d| is the sign of d; you took d.")
def error_for_its_sign(dy, saved, needed):
    x, t = saved
    return (x - t) * dy, (t - x) * dy


@absolute_error("backward", "Where x = t the derivative is taken as 0; you took 1.")
def no_zero_among_the_signs(dy, saved, needed):
    x, t = saved
    sign = np.where(x >= t, 1.0, -1.0)
    return sign * dy, -sign * dy


@smooth_l1("forward", "Below beta it is d² / (2 · beta); you forgot beta.")
def parabola_without_beta(x, t, *, beta):
    d = np.abs(x - t)
    return np.where(d < beta, d * d / 2, d - beta / 2), (x, t, beta)


@smooth_l1("forward", "Above beta subtract beta/2, so that both pieces meet.")
def pieces_do_not_meet(x, t, *, beta):
    d = np.abs(x - t)
    return np.where(d < beta, d * d / (2 * beta), d), (x, t, beta)


@smooth_l1("backward", "Below beta the derivative is d / beta; you forgot beta.")
def smooth_dx_without_beta(dy, saved, needed):
    x, t, beta = saved
    dx = dy * np.where(np.abs(x - t) < beta, x - t, np.sign(x - t))
    return dx, -dx


@smooth_l1("backward", "Above beta the derivative is the sign of d; you let it grow.")
def smooth_dx_not_limited(dy, saved, needed):
    x, t, beta = saved
    return (x - t) / beta * dy, (t - x) / beta * dy


@huber("forward", "Above delta it is delta · (|d| - delta/2); you forgot the factor delta, which makes it smooth.")
def line_without_delta(x, t, *, delta):
    d = np.abs(x - t)
    return np.where(d <= delta, d * d / 2, d - delta / 2), (x, t, delta)


@huber("forward", "Huber is delta · smooth L1: d²/2 below delta, not d² / (2 · delta).")
def huber_as_smooth_l1(x, t, *, delta):
    return loss.smooth_l1_forward(x, t, beta=delta)[0], (x, t, delta)


@huber("backward", "Above delta the derivative is delta · sign(d); you limited it to 1.")
def huber_dx_limited_to_one(dy, saved, needed):
    x, t, delta = saved
    dx = dy * np.where(np.abs(x - t) <= delta, x - t, np.sign(x - t))
    return dx, -dx


@huber("backward", "Above delta the derivative no longer grows; you used d everywhere.")
def huber_dx_not_limited(dy, saved, needed):
    x, t, _ = saved
    return (x - t) * dy, (t - x) * dy

# Probabilities -----------------------------------------------------------------------------------------------------------


@binary_cross_entropy("forward", "What is not wanted counts too: add (1 - t) · log(1 - x).")
def only_the_positive_term(x, t):
    _, saved = loss.binary_cross_entropy_forward(x, t)
    return -t * np.maximum(np.log(x), -100), saved


@binary_cross_entropy("forward", "log 0 is -∞, and 0 · ∞ is NaN: limit the logarithms, to -100 here.")
def logarithms_not_limited(x, t):
    return -t * np.log(x) - (1 - t) * np.log(1 - x), (x, t)


@binary_cross_entropy("backward", "dx = (x - t) / (x · (1 - x)); what remains without the divisor is the gradient after the logits.")
def divisor_forgotten(dy, saved, needed):
    x, t = saved
    return dy * (x - t), right("binary_cross_entropy", dy, saved)[1]


@binary_cross_entropy("backward", "dx = (x - t) / (x · (1 - x)); you computed t - x.")
def probabilities_exchanged(dy, saved, needed):
    dx, dt = right("binary_cross_entropy", dy, saved)
    return -dx, dt


@binary_cross_entropy("backward", "The derivative of log(1 - x) is -1 / (1 - x): its inner derivative, -1, is missing.")
def inner_sign_forgotten(dy, saved, needed):
    x, t = saved
    return dy * (-t / x - (1 - t) / (1 - x)), right("binary_cross_entropy", dy, saved)[1]



@with_logits("forward", "exp(-x) overflows for large -x: log(1 + exp(-x)) needs a form that does not (np.logaddexp).")
def exponential_overflows(x, t, w):
    s = np.log(1 + np.exp(-x))
    return (1 - t) * x + (1 if w is None else 1 + (w - 1) * t) * s, (x, t, w)


@with_logits("forward", "pos_weight belongs to the positive targets; you multiplied the whole loss by it.")
def weight_on_everything(x, t, w):
    y, _ = loss.binary_cross_entropy_with_logits_forward(x, t, None)
    return y if w is None else w * y, (x, t, w)


@with_logits("forward", "pos_weight belongs to the positive targets; you gave it to the negative ones.")
def weight_on_the_negatives(x, t, w):
    y, _ = loss.binary_cross_entropy_with_logits_forward(-x, 1 - t, w)
    return y, (x, t, w)


@with_logits("forward", "The logits must go through the sigmoid; you took them for probabilities.")
def sigmoid_forgotten(x, t, w):
    _, saved = loss.binary_cross_entropy_with_logits_forward(x, t, w)
    return loss.binary_cross_entropy_forward(np.clip(x, 0, 1), t)[0], saved


@with_logits("backward", "With pos_weight, dx = (1 - t) · σ(x) - w · t · σ(-x); without the weight it is only σ(x) - t.")
def dx_without_the_weight(dy, saved, needed):
    x, t, w = saved
    return dy * (sigmoid(x) - t), *right("binary_cross_entropy_with_logits", dy, saved)[1:]


@with_logits("backward", "dx = σ(x) - t: sigmoid's derivative has cancelled out, and you multiplied by it once more.")
def sigmoid_derivative_twice(dy, saved, needed):
    s = sigmoid(saved[0])
    dx, dt, dw = right("binary_cross_entropy_with_logits", dy, saved)
    return dx * s * (1 - s), dt, dw


@kl_divergence("forward", "The divergence is t · (log t - x); you left out log t, which leaves the cross-entropy.")
def entropy_of_t_forgotten(x, t, *, log_target):
    p = np.exp(t) if log_target else t
    return -p * x, (x, t, log_target)


@kl_divergence("forward", "x holds log-probabilities; you took their logarithm once more.")
def x_taken_for_probabilities(x, t, *, log_target):
    _, saved = loss.kl_divergence_forward(x, t, log_target=log_target)
    return loss.kl_divergence_forward(np.log(x), t, log_target=log_target)[0], saved


@kl_divergence("forward", "With log_target the target is a logarithm: exp(t) · (t - x).")
def log_target_ignored(x, t, *, log_target):
    _, saved = loss.kl_divergence_forward(x, t, log_target=log_target)
    return loss.kl_divergence_forward(x, t, log_target=False)[0], saved


@kl_divergence("forward", "0 · log 0 counts as 0; yours is NaN.")
def logarithm_of_no_probability(x, t, *, log_target):
    y, saved = loss.kl_divergence_forward(x, t, log_target=log_target)
    return y if log_target else t * (np.log(t) - x), saved


@kl_divergence("backward", "dx = -t, for y falls as x grows; the sign is missing.")
def divergence_sign(dy, saved, needed):
    dx, dt = right("kl_divergence", dy, saved)
    return -dx, dt


@kl_divergence("backward", "With log_target, dx = -exp(t); you took -t.")
def dx_of_the_plain_target(dy, saved, needed):
    x, t, _ = saved
    return -dy * t, right("kl_divergence", dy, saved)[1]


@kl_divergence("backward", "The product rule: the derivative of t · log t is log t + 1, and you forgot the 1.")
def one_of_the_product_rule_forgotten(dy, saved, needed):
    x, t, log_target = saved
    dx, dt = right("kl_divergence", dy, saved)
    return dx, dt - dy * (np.exp(t) if log_target else t != 0)

