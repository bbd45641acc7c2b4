"""Losses: how far x, what the network says, is from t, what is true, for each element or each example by itself.

The surface above checks the arguments and takes the mean or the sum. Where the target is a tensor that requires a
gradient, it gets one too.
"""

import numpy as np

from ..autograd.operation import Layer
from ..elementary.arithmetic import abs, exp, log, log1p, sigmoid, where
from ..elementary.extra import clamp
from ..elementary.reduction import log_softmax
from ..kernels import of
from ..tensor import wrap
from .activation import log_one_plus_exp, log_sigmoid_definition

# Classes: x (N, K, ...) scores of K classes, t (N, K, ...) how much each class is wanted ---------------------------------


def class_targets(labels, classes, dtype, ignore_index=-100, weight=None, smoothing=0.0):
    """What class indices (N, ...) want of K classes: t (N, K, ...), and the weight of each example (N, ...).

        t[n,k] = weight[k] · ((1 - smoothing) · [k = label n] + smoothing / K)     and 0 where label n is `ignore_index`

    Labels are to be checked before. One that was not (on a GPU, to check is to wait) makes its example's loss NaN.
    """
    column = (1, classes) + (1,) * (labels.ndim - 1)
    hit = labels[:, None] == np.arange(classes, like=labels).reshape(column)               # (N, K, ...)
    known = np.where((labels >= 0) & (labels < classes), 1, np.nan)
    counts = np.where(labels == ignore_index, 0, known).astype(dtype)                       # (N, ...)
    t = hit * counts[:, None]
    if weight is not None:
        counts = (t * weight.reshape(column)).sum(1)
    if smoothing:
        t = (t * (1 - smoothing) + smoothing / classes) * (labels != ignore_index)[:, None]
    return (t if weight is None else t * weight.reshape(column)), counts


def softmax_cross_entropy_definition(x, t):
    """y[n] = -Σ_k t[n,k] · log p[n,k] with p = softmax(x) over the classes, axis 1."""
    return -(t * log_softmax(x, 1)).sum(1)


def softmax_cross_entropy_forward(x, t):
    """y[n] = -Σ_k t[n,k] · log p[n,k]; a class that is not wanted costs nothing, even if p is 0"""
    shifted = x - x.max(1, keepdims=True)                                 # softmax stays the same, and exp cannot overflow
    log_p = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    return -(t * np.where(t == 0, 0, log_p)).sum(1), (log_p, t)


def softmax_cross_entropy_backward(dy, saved, needed):
    """With log p[j] = x[j] - log Σ_k exp x[k], the derivative of log p[j] after x[k] is [j = k] - p[k]. Weighted and summed:

        dx[n,k] = dy[n] · (p[n,k] · Σ_j t[n,j] - t[n,k])        dt[n,k] = -dy[n] · log p[n,k]
    """
    log_p, t = saved
    dy = np.expand_dims(dy, 1)
    dx = dy * (np.exp(log_p) * t.sum(1, keepdims=True) - t) if needed.x else None
    dt = -dy * log_p if needed.t else None
    return dx, dt


softmax_cross_entropy = Layer("SoftmaxCrossEntropyLoss", softmax_cross_entropy_forward, softmax_cross_entropy_backward,
                              softmax_cross_entropy_definition)


# The usual case: x (N, K), one class index for each example, no weights ---------------------------------------------------


def label_cross_entropy_definition(x, *, labels, ignore_index, mean):
    """y[n] = -log softmax(x[n])[label n], 0 where label n is `ignore_index`; or their mean, over the labels that count."""
    t, counts = class_targets(labels, x.shape[1], x.dtype, ignore_index)
    y = softmax_cross_entropy_definition(x, wrap(t))
    return y.sum() / wrap(np.maximum(counts.sum(), 1)) + wrap(np.where(counts.sum(), 0, np.nan).astype(x.dtype)) if mean else y


def label_cross_entropy_forward(x, *, labels, ignore_index, mean):
    """y[n] = log Σ_k exp x[n,k] - x[n, label n], or their mean; of no labels at all, it is NaN, as in PyTorch"""
    y, p, total, count = of(x).softmax_cross_entropy(x, labels, ignore_index)
    return (total / count).astype(x.dtype)[...] if mean else y, (p, labels, ignore_index, count if mean else None)


def label_cross_entropy_backward(dy, saved, needed):
    """The derivative of log Σ_k exp x[k] after x[j] is p[j] = exp x[j] / Σ_k exp x[k], that of x[label] is [j = label]. So

        dx[n,k] = dy[n] · (p[n,k] - [k = label n])      and 0 where label n is `ignore_index`; for the mean, dy[n] = dy / count
    """
    p, labels, ignore_index, count = saved
    dy = dy if count is None else (dy / np.maximum(count, 1)).astype(p.dtype)[...]       # one number for all
    return (of(p).softmax_cross_entropy_dx(dy, p, labels, ignore_index),)


label_cross_entropy = Layer("SoftmaxCrossEntropyLoss", label_cross_entropy_forward, label_cross_entropy_backward,
                            label_cross_entropy_definition)


def negative_log_likelihood_definition(x, t):
    """y[n] = -Σ_k t[n,k] · x[n,k] for log-probabilities x."""
    return -(t * x).sum(1)


def negative_log_likelihood_forward(x, t):
    """y[n] = -Σ_k t[n,k] · x[n,k]; a class that is not wanted costs nothing, even if x is -∞"""
    return -(t * np.where(t == 0, 0, x)).sum(1), (x, t)


def negative_log_likelihood_backward(dy, saved, needed):
    """y is linear in x and in t: dx[n,k] = -dy[n] · t[n,k] and dt[n,k] = -dy[n] · x[n,k]."""
    x, t = saved
    dy = np.expand_dims(dy, 1)
    return -dy * t if needed.x else None, -dy * x if needed.t else None


negative_log_likelihood = Layer("NegativeLogLikelihoodLoss", negative_log_likelihood_forward,
                                negative_log_likelihood_backward, negative_log_likelihood_definition)

# Distances: x and t of one shape. What is symmetric in x and t has dt = -dx ----------------------------------------------


def _both(dx, needed):
    return dx if needed.x else None, -dx if needed.t else None


def squared_error_definition(x, t):
    """(x - t)²"""
    return (x - t) * (x - t)


def squared_error_forward(x, t):
    """(x - t)²"""
    return np.square(x - t), (x, t)


def squared_error_backward(dy, saved, needed):
    """dx = 2 · (x - t) · dy."""
    x, t = saved
    return _both(2 * (x - t) * dy, needed)


squared_error = Layer("SquaredError", squared_error_forward, squared_error_backward, squared_error_definition)


def absolute_error_definition(x, t):
    """|x - t|"""
    return abs(x - t)


def absolute_error_forward(x, t):
    """|x - t|"""
    return np.absolute(x - t), (x, t)


def absolute_error_backward(dy, saved, needed):
    """dx = dy · sign(x - t), 0 where x = t."""
    x, t = saved
    return _both(np.sign(x - t) * dy, needed)


absolute_error = Layer("AbsoluteError", absolute_error_forward, absolute_error_backward, absolute_error_definition)


def smooth_l1_definition(x, t, *, beta):
    """d² / 2β for a difference d below β, |d| - β/2 above (Girshick, Fast R-CNN, 2015)."""
    d = x - t
    return where(abs(d) < beta, d * d * (0.5 / beta), abs(d) - 0.5 * beta)


def smooth_l1_forward(x, t, *, beta):
    """d² / 2β for a difference d below β, |d| - β/2 above"""
    d = np.absolute(x - t)
    return np.where(d < beta, d * d * (0.5 / beta), d - 0.5 * beta), (x, t, beta)


def smooth_l1_backward(dy, saved, needed):
    """dx = dy · d/β below β, dy · sign(d) above: d/β limited to -1 … 1."""
    x, t, beta = saved
    return _both(np.clip((x - t) / beta, -1, 1) * dy, needed)


smooth_l1 = Layer("SmoothL1", smooth_l1_forward, smooth_l1_backward, smooth_l1_definition)


def huber_definition(x, t, *, delta):
    """d²/2 for a difference d up to δ, δ · (|d| - δ/2) above (Huber 1964)."""
    d = x - t
    return where(abs(d) <= delta, d * d * 0.5, (abs(d) - 0.5 * delta) * delta)


def huber_forward(x, t, *, delta):
    """d²/2 for a difference d up to δ, δ · (|d| - δ/2) above"""
    d = np.absolute(x - t)
    return np.where(d <= delta, d * d * 0.5, (d - 0.5 * delta) * delta), (x, t, delta)


def huber_backward(dy, saved, needed):
    """dx = dy · d up to δ, dy · δ · sign(d) above: d limited to -δ … δ."""
    x, t, delta = saved
    return _both(np.clip(x - t, -delta, delta) * dy, needed)


huber = Layer("Huber", huber_forward, huber_backward, huber_definition)

# Probabilities: t is the probability that is wanted ----------------------------------------------------------------------


def _log_at_least(p, least=-100.0):
    """log p, but no less than -100, so that a certainty that is wrong costs much and not everything."""
    with np.errstate(divide="ignore"):
        return np.maximum(np.log(p), least)


def binary_cross_entropy_definition(x, t):
    """-t · log x - (1 - t) · log(1 - x), the logarithms no less than -100."""
    return -(t * clamp(log(x), min=-100.0) + (1 - t) * clamp(log1p(-x), min=-100.0))


def binary_cross_entropy_forward(x, t):
    """-t · log x - (1 - t) · log(1 - x), the logarithms no less than -100"""
    return (t - 1) * _log_at_least(1 - x) - t * _log_at_least(x), (x, t)


def binary_cross_entropy_backward(dy, saved, needed):
    """The derivative after x, -t/x + (1 - t)/(1 - x), is (x - t) / (x (1 - x)); the divisor is kept from 0.

        dx = dy · (x - t) / (x (1 - x))         dt = dy · (log(1 - x) - log x)
    """
    x, t = saved
    dx = dy * (x - t) / np.maximum(x * (1 - x), 1e-12) if needed.x else None
    dt = dy * (_log_at_least(1 - x) - _log_at_least(x)) if needed.t else None
    return dx, dt


binary_cross_entropy = Layer("BinaryCrossEntropy", binary_cross_entropy_forward, binary_cross_entropy_backward,
                             binary_cross_entropy_definition)


def binary_cross_entropy_with_logits_definition(x, t, w):
    """-w · t · log σ(x) - (1 - t) · log(1 - σ(x)), with 1 - σ(x) = σ(-x); w weighs the positive targets, None means 1."""
    positive = t * log_sigmoid_definition(x)
    return -((positive if w is None else w * positive) + (1 - t) * log_sigmoid_definition(-x))


def binary_cross_entropy_with_logits_forward(x, t, w):
    """(1 - t) · x + (1 + (w - 1) · t) · log(1 + exp(-x)): the same, without overflow"""
    return (1 - t) * x + _share(t, w) * log_one_plus_exp(-x), (x, t, w)


def _share(t, w):
    return 1 if w is None else 1 + (w - 1) * t


def binary_cross_entropy_with_logits_backward(dy, saved, needed):
    """With y = (1 - t) · x + (1 + (w - 1) · t) · s, where s = log(1 + exp(-x)) has the derivative -σ(-x):

        dx = dy · (1 - t - (1 + (w - 1) · t) · σ(-x))       dt = dy · (-x + (w - 1) · s)        dw = dy · t · s
    """
    x, t, w = saved
    dx = dy * (1 - t - _share(t, w) * sigmoid(-x)) if needed.x else None
    s = log_one_plus_exp(-x) if needed.w or needed.t and w is not None else None
    dt = dy * (-x if w is None else (w - 1) * s - x) if needed.t else None
    return dx, dt, dy * t * s if needed.w else None


binary_cross_entropy_with_logits = Layer(
    "BinaryCrossEntropyWithLogits", binary_cross_entropy_with_logits_forward, binary_cross_entropy_with_logits_backward,
    binary_cross_entropy_with_logits_definition)


def kl_divergence_definition(x, t, *, log_target):
    """t · (log t - x) for log-probabilities x, where 0 · log 0 = 0; with log_target, t is given as its logarithm."""
    return exp(t) * (t - x) if log_target else t * (log(where(t == 0, 1.0, t)) - x)


def kl_divergence_forward(x, t, *, log_target):
    """t · (log t - x) for log-probabilities x"""
    p, log_p = _and_log(t, log_target)
    return p * (log_p - x), (x, t, log_target)


def _and_log(t, log_target):
    """A probability and its logarithm (0 for that of 0) from either."""
    return (np.exp(t), t) if log_target else (t, np.log(np.where(t == 0, 1, t)))


def kl_divergence_backward(dy, saved, needed):
    """With p the target's probability and y = p · (log p - x): dx = -dy · p, and by the product rule

        dt = dy · (log t - x + 1)                       t is p
        dt = dy · p · (t - x + 1)                       t is log p, whose derivative is p itself
    """
    x, t, log_target = saved
    p, log_p = _and_log(t, log_target)
    dx = -dy * p if needed.x else None
    dt = dy * (log_p - x + (p != 0)) * (p if log_target else 1) if needed.t else None
    return dx, dt


kl_divergence = Layer("KLDivergence", kl_divergence_forward, kl_divergence_backward, kl_divergence_definition)
