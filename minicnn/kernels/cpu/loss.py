"""Softmax cross-entropy of class indices on the CPU: each row of scores is read from the first-level cache three times, and no one-hot
target is made. What bounds it: the exponentials."""

import numpy as np

from .. import array
from ..threads import threads_for
from .launch import helper, launch
from .memory import computable
from .plan import record

ALONE = 1 << 14         # scores: for fewer, one thread is enough
LARGEST = 1 << 31       # labels are compared as int32


def softmax_cross_entropy(x, labels, ignore_index):
    """losses[n] = log Σ_k exp x[n,k] - x[n, label n], 0 where label n is `ignore_index`; p = softmax(x) over the classes.

    Also Σ losses, and how many labels are not `ignore_index`.
    """
    if not computable(x) or abs(ignore_index) >= LARGEST:
        return array.softmax_cross_entropy(x, labels, ignore_index)
    p, losses, threads = np.empty(x.shape, x.dtype), np.empty(len(x), x.dtype), threads_for(x.size, ALONE)
    sums = np.empty((threads, 2), x.dtype)
    _launch(entropy_loop, labels, ignore_index, threads, np.ascontiguousarray(x), p, losses, sums)
    return losses, p, *(sums[0] if threads == 1 else sums.sum(0))


def softmax_cross_entropy_dx(dy, p, labels, ignore_index):
    """dx[n,k] = dy[n] · (p[n,k] - [k = label n]), 0 where label n is `ignore_index`; dy may be one number, for all n."""
    if not computable(dy, p) or abs(ignore_index) >= LARGEST:
        return array.softmax_cross_entropy_dx(dy, p, labels, ignore_index)
    dx = np.empty(p.shape, p.dtype)
    _launch(entropy_dx_loop, labels, ignore_index, threads_for(p.size, ALONE), np.ascontiguousarray(dy), p, dx)
    return dx


def _launch(kernel, labels, ignore_index, threads, *arrays):
    """`whole` holds ignore_index, then the labels."""
    whole = np.empty(len(labels) + 1, np.int32)
    whole[0], whole[1:] = ignore_index, labels
    launch(kernel, record(), *arrays, whole=whole, threads=threads)


@helper
def _rows_of(whole, thread, threads):
    """The (first, end) rows of a thread, and how many there are."""
    rows = len(whole) - 1
    return thread * rows // threads, (thread + 1) * rows // threads, rows


def entropy_loop(x, p, losses, sums, _a, whole, _plans, thread, threads):
    """p[n,:] = exp(x[n,:] - max) / sum, losses[n] = log sum - (x[n, label n] - max); each thread's Σ losses and labels that count"""
    first, end, rows = _rows_of(whole, thread, threads)
    classes, loss, count = len(x) // rows, 0.0, 0
    for n in range(first, end):
        scores, share, label = x[n * classes : (n + 1) * classes], p[n * classes : (n + 1) * classes], whole[1 + n]
        largest, total = scores[0], x.dtype.type(0)
        for k in range(classes):
            largest = scores[k] if scores[k] > largest or scores[k] != scores[k] else largest
        for k in range(classes):
            share[k] = np.exp(scores[k] - largest)
            total += share[k]
        for k in range(classes):
            share[k] /= total
        if 0 <= label < classes and label != whole[0]:
            losses[n] = np.log(total) - (scores[label] - largest)
        else:
            losses[n] = 0 if label == whole[0] else np.nan
        loss += losses[n]
        count += label != whole[0]
    sums[2 * thread], sums[2 * thread + 1] = loss, count


def entropy_dx_loop(dy, p, dx, _a, _b, whole, _plans, thread, threads):
    """dx[n,k] = dy[n] · (p[n,k] - [k = label n]), or dy[0] for all n"""
    first, end, rows = _rows_of(whole, thread, threads)
    classes, one = len(p) // rows, p.dtype.type(1)
    for n in range(first, end):
        share, gradient, label = p[n * classes : (n + 1) * classes], dx[n * classes : (n + 1) * classes], whole[1 + n]
        up = dy[n % len(dy)]
        if label == whole[0]:
            for k in range(classes):
                gradient[k] = 0
        else:
            for k in range(classes):
                gradient[k] = up * share[k]
            if 0 <= label < classes:
                gradient[label] = up * (share[label] - one)

