"""Losses, with PyTorch's arguments: `reduction` is "mean", "sum" or "none"; `size_average` and `reduce` are its older spelling."""

import warnings

import numpy as np

from ... import arrays
from ...autograd.mode import watched_whole
from ...autograd.operation import check_devices
from ...elementary.promotion import promoted
from ...errors import BadIndex, BadType, BadValue, GraphError, ShapeError
from ...functional import loss as layer
from ...shapes import named
from ...tensor import Tensor, wrap
from .arguments import check_tensors, common_shape, number

__all__ = ["binary_cross_entropy", "binary_cross_entropy_with_logits", "cross_entropy", "huber_loss", "kl_div", "l1_loss",
           "mse_loss", "nll_loss", "smooth_l1_loss"]

# The reduction -----------------------------------------------------------------------------------------------------------


def _reduction(name, reduction, size_average=None, reduce=None, known=("none", "mean", "sum")):
    """The reduction's name; PyTorch's older two flags go before it where they are given."""
    if size_average is not None or reduce is not None:
        return "none" if reduce is False else "sum" if size_average is False else "mean"
    if reduction not in known:
        raise BadValue(f"{name}: {reduction!r} is not a valid value for reduction; expected one of {', '.join(map(repr, known))}")
    return reduction


def _reduced(loss, reduction):
    if reduction == "none":
        return loss
    return loss.sum() if reduction == "sum" else _mean(loss)


def _mean(loss):
    """The mean; NaN for no elements at all, as in PyTorch."""
    return loss.sum() / loss.numel() if loss.numel() else loss.sum() + float("nan")


def _weighted_mean(loss, counts):
    """Σ loss / Σ counts (an array); where nothing counts, NaN with the gradient 0: such a batch moves no weight."""
    total = counts.sum()
    nothing = total == 0
    return loss.sum() / wrap(np.where(nothing, 1, total)) + wrap(np.where(nothing, np.nan, 0).astype(total.dtype))


# Classes -----------------------------------------------------------------------------------------------------------------


@watched_whole
def cross_entropy(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean",
                  label_smoothing=0.0):
    """-log softmax(input)[target] for logits input (N, K, ...) or (K,) of K classes.

    target: class indices int64 (N, ...), or class probabilities of the input's shape and a floating dtype.
    weight: (K,), one for each class; the mean is the weighted one. ignore_index: a label that does not count.
    label_smoothing: between 0 and 1, how much of the target is spread evenly over all classes.
    """
    reduction = _reduction("cross_entropy", reduction, size_average, reduce)
    number("cross_entropy", "label_smoothing", label_smoothing, least=0, most=1)
    x, target, alone = _batch_of_classes("cross_entropy", input, target, weight)
    if weight is None and label_smoothing == 0 and x.array.ndim == 2 and target.array.ndim == 1 and not alone:
        return _label_cross_entropy(x, target, ignore_index, reduction)
    if x.array.shape == target.array.shape:
        loss, counts = _probability_cross_entropy(x, target, weight, ignore_index, label_smoothing), None
    else:
        t, counts = _class_targets("cross_entropy", x, target, weight, ignore_index, label_smoothing)
        loss = layer.softmax_cross_entropy(x, t)
    return _reduced_classes(loss, counts, reduction, alone)


def _label_cross_entropy(x, target, ignore_index, reduction):
    """The usual case: one class index for each example, and nothing else."""
    _check_labels("cross_entropy", x.array.shape, target, ignore_index)
    loss = layer.label_cross_entropy(x, labels=target.array, ignore_index=ignore_index, mean=reduction == "mean")
    return loss.sum() if reduction == "sum" else loss


@watched_whole
def nll_loss(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean"):
    """-input[target] for log-probabilities input (N, K, ...) or (K,) and class indices target (N, ...), int64."""
    reduction = _reduction("nll_loss", reduction, size_average, reduce)
    x, target, alone = _batch_of_classes("nll_loss", input, target, weight)
    t, counts = _class_targets("nll_loss", x, target, weight, ignore_index)
    return _reduced_classes(layer.negative_log_likelihood(x, t), counts, reduction, alone)


def _reduced_classes(loss, counts, reduction, alone):
    if reduction == "mean" and counts is not None:
        return _weighted_mean(loss, counts)
    return _reduced(loss.squeeze(0) if alone else loss, reduction)


def _batch_of_classes(name, input, target, weight):
    """Input (N, K, ...) and target with a batch axis, and whether they came without; weight must be (K,)."""
    check_tensors(name, input, weight=weight)
    if not isinstance(target, Tensor):
        raise BadType(f"{name}: expected the target to be a Tensor, got {type(target).__name__}; use minicnn.tensor(labels)")
    if input.array.ndim == 0:
        raise ShapeError(f"{name}: expected input (N, K, ...) or (K,), got a 0-d tensor")
    if type(input.array) is not type(target.array) and input.is_cuda != target.is_cuda:
        check_devices(name, (input.array, target.array))
    alone = input.array.ndim == 1
    x, target = (input.unsqueeze(0), target.unsqueeze(0)) if alone else (input, target)
    if x.array.shape[1] == 0:
        raise ShapeError(f"{name}: expected scores of at least one class, got input {tuple(input.shape)}")
    if weight is not None and weight.array.shape != x.array.shape[1:2]:
        raise ShapeError(f"{name}: expected weight ({x.array.shape[1]},), one for each of the K classes in the input "
                         f"{tuple(input.shape)}, got {tuple(weight.shape)}")
    return x, target, alone


def _class_targets(name, x, labels, weight, ignore_index, smoothing=0.0):
    """Checked labels as what they want of each class, and what each example counts; see `functional.loss.class_targets`."""
    _check_labels(name, x.array.shape, labels, ignore_index)
    if weight is not None and weight.requires_grad:
        raise GraphError(f"{name}: the class weights have no gradient when the target holds class indices; detach() them")
    return layer.class_targets(labels.array, x.array.shape[1], x.dtype, ignore_index,
                               None if weight is None else weight.array, smoothing)


def _check_labels(name, shape, labels, ignore_index):
    """Labels (N, ...) in 0 .. K-1, or ignore_index, for an input of shape (N, K, ...).

    Labels on a GPU are not read, for that would be to wait for it: those that were moved there by `to` are judged by the lowest and
    highest that they had before. What this leaves (labels computed on the GPU, or one between an ignored label and the classes) makes
    the loss NaN.
    """
    wanted = shape[:1] + shape[2:]
    if labels.array.shape != wanted:
        axes = ("N", "K", *(f"d{i}" for i in range(1, len(shape) - 1)))
        raise ShapeError(f"{name}: expected class indices of shape {wanted} for the input {named(shape, axes)}, "
                         f"got {tuple(labels.shape)}")
    if labels.dtype not in (arrays.int64, arrays.uint8):
        raise BadType(f"{name}: expected class indices of int64, got {labels.dtype}; convert them with .long()")
    if labels.is_cuda:
        _check_extent(name, labels, shape[1], ignore_index)
    elif labels.array.size:
        _check_range(name, labels.array, shape[1], ignore_index)


def _check_range(name, labels, classes, ignore_index):
    if labels.view(f"u{labels.itemsize}").max() < classes:      # read as unsigned, a negative label is a large one
        return
    for place in np.argwhere(((labels < 0) | (labels >= classes)) & (labels != ignore_index)):
        place = tuple(place.tolist())
        raise _out_of_range(name, labels[place], f" at {place}", classes)


def _check_extent(name, labels, classes, ignore_index):
    """As `_check_range`, by what is known of labels on a GPU, unless they were changed since."""
    lowest, highest, version = labels.extent or (0, 0, None)
    if version is not None and version == labels.version_cell()[0]:
        for label in (lowest, highest):
            if not 0 <= label < classes and label != ignore_index:
                raise _out_of_range(name, label, "", classes)


def _out_of_range(name, label, place, classes):
    return BadIndex(f"{name}: label {label}{place} is outside 0 .. {classes - 1}: the input scores K={classes} classes. "
                    f"Count labels from 0, give the last layer more outputs, or set ignore_index={label}")


def _probability_cross_entropy(x, target, weight, ignore_index, smoothing):
    if not target.is_floating_point():
        raise BadType("cross_entropy: a target of the input's shape holds class probabilities and must be floating point, "
                      f"got {target.dtype}; for class indices drop the axis K, for one-hot rows use .to(input.dtype)")
    if ignore_index >= 0:
        raise BadValue(f"cross_entropy: ignore_index={ignore_index} has no meaning for class probabilities")
    if smoothing:
        target = target * (1 - smoothing) + smoothing / x.array.shape[1]
    if weight is not None:
        target = target * weight.reshape(1, -1, *(1,) * (x.array.ndim - 2))
    return layer.softmax_cross_entropy(*promoted(x, target))


# Distances ---------------------------------------------------------------------------------------------------------------


@watched_whole
def mse_loss(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    """(input - target)². With a weight of the input's shape, each element's share; the mean is the weighted one."""
    return _distance("mse_loss", layer.squared_error, input, target, _reduction("mse_loss", reduction, size_average, reduce), weight)


@watched_whole
def l1_loss(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    """|input - target|. With a weight of the input's shape, each element's share; the mean is the weighted one."""
    return _distance("l1_loss", layer.absolute_error, input, target, _reduction("l1_loss", reduction, size_average, reduce), weight)


@watched_whole
def smooth_l1_loss(input, target, size_average=None, reduce=None, reduction="mean", beta=1.0):
    """d² / (2 · beta) for a difference d below beta, |d| - beta/2 above."""
    beta = number("smooth_l1_loss", "beta", beta, least=0)
    reduction = _reduction("smooth_l1_loss", reduction, size_average, reduce)
    if beta == 0:
        return _distance("smooth_l1_loss", layer.absolute_error, input, target, reduction)
    return _distance("smooth_l1_loss", layer.smooth_l1, input, target, reduction, beta=beta)


@watched_whole
def huber_loss(input, target, reduction="mean", delta=1.0, weight=None):
    """d²/2 for a difference d up to delta, delta · (|d| - delta/2) above; the mean is the plain one, also with a weight."""
    if not number("huber_loss", "delta", delta) > 0:
        raise BadValue(f"huber_loss: delta must be positive, got {delta}")
    reduction = _reduction("huber_loss", reduction)
    if weight is None:
        return _distance("huber_loss", layer.huber, input, target, reduction, delta=float(delta))
    return _reduced(_distance("huber_loss", layer.huber, input, target, "none", weight, delta=float(delta)), reduction)


def _distance(name, function, input, target, reduction, weight=None, **options):
    x, t = _broadcast(name, input, target)
    loss = function(x, t, **options)
    if weight is None:
        return _reduced(loss, reduction)
    if weight.array.shape != input.array.shape:
        raise ShapeError(f"{name}: weight {tuple(weight.shape)} and input {tuple(input.shape)} must have the same shape")
    loss = loss * weight
    return loss.sum() / weight.sum() if reduction == "mean" else _reduced(loss, reduction)


def _broadcast(name, input, target):
    """Both in one dtype and one shape; different shapes are most often a mistake, so they earn a warning."""
    x, t = _numbers(name, input, target)
    if x.array.shape == t.array.shape:
        return x, t
    try:
        shape = np.broadcast_shapes(x.array.shape, t.array.shape)
    except ValueError:
        raise ShapeError(f"{name}: input {tuple(x.shape)} and target {tuple(t.shape)} must have the same shape") from None
    warnings.warn(f"{name}: the target {tuple(t.shape)} is broadcast against the input {tuple(x.shape)}, which compares every "
                  f"element with several others; most likely one of them needs a squeeze() or unsqueeze()", stacklevel=5)
    return x.expand(shape), t.expand(shape)


def _numbers(name, input, target):
    for role, t in (("input", input), ("target", target)):
        if not isinstance(t, Tensor):
            raise BadType(f"{name}: expected the {role} to be a Tensor, got {type(t).__name__}")
    if not input.is_floating_point() and not target.is_floating_point():
        raise BadType(f"{name}: expected floating point, got {input.dtype} and {target.dtype}; convert with .float()")
    return (input, target) if input.dtype == target.dtype else promoted(input, target)


# Probabilities -----------------------------------------------------------------------------------------------------------


@watched_whole
def binary_cross_entropy(input, target, weight=None, size_average=None, reduce=None, reduction="mean"):
    """-target · log(input) - (1 - target) · log(1 - input) for probabilities; the weight is broadcast to the input."""
    reduction = _reduction("binary_cross_entropy", reduction, size_average, reduce)
    _check_alike("binary_cross_entropy", input, target)
    if not input.is_cuda and input.array.size and not (0 <= input.array.min() and input.array.max() <= 1):
        raise BadValue("binary_cross_entropy: the input must hold probabilities between 0 and 1, got "
                       f"{input.array.min()} … {input.array.max()}; apply sigmoid(), or use binary_cross_entropy_with_logits")
    return _weighted("binary_cross_entropy", layer.binary_cross_entropy(input, target), weight, reduction)


@watched_whole
def binary_cross_entropy_with_logits(input, target, weight=None, size_average=None, reduce=None, reduction="mean",
                                     pos_weight=None):
    """binary_cross_entropy of sigmoid(input), without overflow; pos_weight multiplies the term of the positive targets."""
    name = "binary_cross_entropy_with_logits"
    reduction = _reduction(name, reduction, size_average, reduce)
    _check_alike(name, input, target)
    if pos_weight is not None:
        pos_weight = _expanded(name, "pos_weight", pos_weight, input.array.shape)
    return _weighted(name, layer.binary_cross_entropy_with_logits(input, target, pos_weight), weight, reduction)


def _check_alike(name, input, target):
    if target is None:
        raise BadType(f"{name}: expected the target to be a Tensor, got None")
    check_tensors(name, input, target=target)
    if input.array.shape != target.array.shape:
        raise ShapeError(f"{name}: target {tuple(target.shape)} and input {tuple(input.shape)} must have the same shape")


def _weighted(name, loss, weight, reduction):
    return _reduced(loss if weight is None else loss * _expanded(name, "weight", weight, loss.array.shape), reduction)


def _expanded(name, role, weight, shape):
    try:
        return weight.expand(shape)
    except ShapeError:
        raise ShapeError(f"{name}: {role} {tuple(weight.shape)} cannot be broadcast to the input {tuple(shape)}") from None


@watched_whole
def kl_div(input, target, size_average=None, reduce=None, reduction="mean", log_target=False):
    """target · (log target - input) for log-probabilities input; with log_target the target is given as its logarithm.

    reduction="batchmean" divides the sum by the batch size, which is the divergence; "mean" divides by all elements.
    """
    reduction = _reduction("kl_div", reduction, size_average, reduce, ("none", "mean", "sum", "batchmean"))
    x, t = _numbers("kl_div", input, target)
    shape = common_shape("kl_div", x, t)
    loss = layer.kl_divergence(x.expand(shape), t.expand(shape), log_target=bool(log_target))
    if reduction == "batchmean":
        return loss.sum() / input.array.shape[0] if input.array.ndim else loss.sum()
    return _reduced(loss, reduction)
