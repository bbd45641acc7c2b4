"""Softmax cross-entropy of class indices on a GPU: one block for each example reads its row of scores three times, from the cache.

A label that is no class makes its example's loss NaN, and indexes nothing. What bounds it: the launch, for ten classes.
"""

import cupy
import numpy as np

from .. import array
from .memory import computable
from .reduce import THREADS, check, compiled

_entropy = r"""
__device__ T block_max(T value, T* shared) {                            // as block_sum; a NaN is larger than all
    shared[threadIdx.x] = value;
    __syncthreads();
    for (int half = blockDim.x / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) {
            const T other = shared[threadIdx.x + half];
            if (other > shared[threadIdx.x] || other != other) shared[threadIdx.x] = other;
        }
        __syncthreads();
    }
    const T most = shared[0];
    __syncthreads();
    return most;
}

// Block n: p[n,:] = exp(x[n,:] - max) / Σ exp(x[n,:] - max), losses[n] = log Σ - (x[n, label] - max).
extern "C" __global__ void entropy(const T* x, const long long* labels, T* losses, T* p, long long classes, long long ignored) {
    __shared__ T shared[THREADS];
    const T* row = x + (size_t)blockIdx.x * classes;
    T* share = p + (size_t)blockIdx.x * classes;
    T largest = -(T)__int_as_float(0x7f800000), total = 0;              // -∞
    for (int k = threadIdx.x; k < classes; k += blockDim.x) largest = row[k] > largest || row[k] != row[k] ? row[k] : largest;
    largest = block_max(largest, shared);
    for (int k = threadIdx.x; k < classes; k += blockDim.x) total += exp(row[k] - largest);
    total = block_sum(total, shared);
    for (int k = threadIdx.x; k < classes; k += blockDim.x) share[k] = exp(row[k] - largest) / total;
    if (threadIdx.x > 0) return;
    const long long label = labels[blockIdx.x];
    const bool known = 0 <= label && label < classes;
    const T nan = (T)__int_as_float(0x7fffffff);
    losses[blockIdx.x] = label == ignored ? (T)0 : known ? log(total) - (row[label] - largest) : nan;
}
"""

_entropy_dx = cupy.ElementwiseKernel(
    "T dy, T p, int64 label, int64 ignored, int64 classes", "T dx",
    """
    // Thread i is score k of example i div classes.
    dx = label == ignored ? (T)0 : dy * (p - (T)(i % classes == label));
    """, "minicnn_entropy_dx")


def softmax_cross_entropy(x, labels, ignore_index):
    """losses[n] = log Σ_k exp x[n,k] - x[n, label n], 0 where label n is `ignore_index`; p = softmax(x) over the classes.

    Also Σ losses, and how many labels are not `ignore_index`.
    """
    if not computable(x):
        return array.softmax_cross_entropy(x, labels, ignore_index)
    x, labels, threads = cupy.ascontiguousarray(x), cupy.ascontiguousarray(labels.astype(np.int64, copy=False)), 32
    losses, p = cupy.empty(len(x), x.dtype), cupy.empty(x.shape, x.dtype)
    while threads < min(x.shape[1], THREADS):
        threads *= 2
    check(x.dtype, x, losses, p)
    check(np.int64, labels)
    compiled(_entropy, "entropy", x.dtype.char)((len(x),), (threads,), (x, labels, losses, p, x.shape[1], int(ignore_index)))
    return losses, p, losses.sum(), cupy.count_nonzero(labels != ignore_index)


def softmax_cross_entropy_dx(dy, p, labels, ignore_index):
    """dx[n,k] = dy[n] · (p[n,k] - [k = label n]), 0 where label n is `ignore_index`; dy may be one number, for all n."""
    if not computable(dy, p):
        return array.softmax_cross_entropy_dx(dy, p, labels, ignore_index)
    return _entropy_dx(dy.reshape(-1, 1), p, labels[:, None].astype(np.int64, copy=False), int(ignore_index), p.shape[1])
