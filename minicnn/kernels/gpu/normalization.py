"""Batch norm on a GPU: two launches for the sums of all channels, one for the elements, forward and backward.

The elements of a channel lie side by side, (C, M). First up to 64 blocks share a channel's sum, each adding up a part of it; then one
block for each channel adds the parts and computes what follows from the sums. Bounded by memory: x is read twice forward, x and dy
twice backward, and that the ReLU's sign is computed anew costs nothing.

Mean and variance are Welford's: parts (count, mean, M2 = Σ (x - mean)²) are merged by the rule of Chan, Golub and LeVeque (1979), which
subtracts no large numbers from each other.
"""

import cupy

from .. import array
from .memory import as_images, by_channel, computable
from .pointwise import relu_dx
from .reduce import THREADS, check, compiled, pointer, slices

_WELFORD = r"""
// Merges the part (count, mean, M2) of thread `other` into that of thread `t`.
__device__ void merge(T* count, T* mean, T* M2, int t, int other) {
    const T all = count[t] + count[other];
    if (count[other] == 0) return;
    const T apart = mean[other] - mean[t], share = count[other] / all;
    mean[t] += apart * share;
    M2[t] += M2[other] + apart * apart * count[t] * share;
    count[t] = all;
}

// The parts of all threads of the block, merged in thread 0's place.
__device__ void merge_all(T* count, T* mean, T* M2) {
    const int t = threadIdx.x;
    __syncthreads();
    for (int half = blockDim.x / 2; half > 0; half /= 2) {
        if (t < half) merge(count, mean, M2, t, t + half);
        __syncthreads();
    }
}
"""

_moments = _WELFORD + r"""
// Block (c, slice): the part of every gridDim.y-th THREADS elements of channel c, in partial[(c·slices + slice)·3 ..].
extern "C" __global__ void moments(const T* x, T* partial, long long M) {
    __shared__ T count[THREADS], mean[THREADS], M2[THREADS];
    const T* row = x + (size_t)blockIdx.x * M;
    T n = 0, average = 0, squares = 0;
    for (long long m = (long long)blockIdx.y * THREADS + threadIdx.x; m < M; m += (long long)gridDim.y * THREADS) {
        const T away = row[m] - average;
        n += 1;
        average += away / n;
        squares += away * (row[m] - average);
    }
    count[threadIdx.x] = n; mean[threadIdx.x] = average; M2[threadIdx.x] = squares;
    merge_all(count, mean, M2);
    if (threadIdx.x == 0) {
        T* part = partial + ((size_t)blockIdx.x * gridDim.y + blockIdx.y) * 3;
        part[0] = count[0]; part[1] = mean[0]; part[2] = M2[0];
    }
}
"""

_statistics = _WELFORD + r"""
// Block c, as many threads as a channel can have slices: mean and variance, 1/√(var + eps), and the running statistics, if any:
// running = (1 - momentum)·running + momentum·batch, the variance unbiased. Null pointers stand for what is not asked for.
extern "C" __global__ void statistics(const T* partial, T* mean_out, T* var_out, T* rstd_out, T* running_mean, T* running_var,
                                      long long slices, long long M, double eps, double momentum) {
    __shared__ T count[64], mean[64], M2[64];
    const int c = blockIdx.x, t = threadIdx.x;
    const T* part = partial + ((size_t)c * slices + t) * 3;
    count[t] = t < slices ? part[0] : (T)0; mean[t] = t < slices ? part[1] : (T)0; M2[t] = t < slices ? part[2] : (T)0;
    merge_all(count, mean, M2);
    if (t > 0) return;
    const T var = M2[0] / (T)M, kept = (T)(1 - momentum), gain = (T)momentum;
    mean_out[c] = mean[0];
    if (var_out) var_out[c] = var;
    if (rstd_out) rstd_out[c] = 1 / sqrt(var + (T)eps);
    if (running_mean) running_mean[c] = running_mean[c] * kept + gain * mean[0];
    if (running_var) running_var[c] = running_var[c] * kept + gain * (M2[0] / (T)(M - 1));
}
"""

_sums = r"""
// Block (c, slice): Σ dy and Σ dy·(x - mean) of its elements of channel c. With `relu`, only the dy of what lies above 0 after
// y = w·(x - mean)·rstd + b counts. x, w and b may be null: without x the first sum alone; w stands for 1 then, b for 0.
extern "C" __global__ void sums(const T* dy, const T* x, const T* mean, const T* rstd, const T* w, const T* b, T* partial,
                                long long M, long long relu) {
    __shared__ T shared[THREADS];
    const int c = blockIdx.x;
    const T average = x ? mean[c] : (T)0, scale = relu ? (w ? w[c] * rstd[c] : rstd[c]) : (T)0, shift = b ? b[c] : (T)0;
    T first = 0, second = 0;
    for (long long m = (long long)blockIdx.y * THREADS + threadIdx.x; m < M; m += (long long)gridDim.y * THREADS) {
        const size_t at = (size_t)c * M + m;
        const T away = x ? x[at] - average : (T)0;
        const T d = relu && away * scale + shift <= 0 ? (T)0 : dy[at];
        first += d;
        second += d * away;
    }
    first = block_sum(first, shared);
    second = block_sum(second, shared);
    if (threadIdx.x == 0) {
        partial[((size_t)c * gridDim.y + blockIdx.y) * 2] = first;
        partial[((size_t)c * gridDim.y + blockIdx.y) * 2 + 1] = second;
    }
}
"""

_totals = r"""
// Block c: db = the sum of the first parts, dw = that of the second times rstd (dw may be null).
extern "C" __global__ void totals(const T* partial, const T* rstd, T* db, T* dw, long long slices) {
    __shared__ T shared[THREADS];
    const int c = blockIdx.x, t = threadIdx.x;
    const T first = block_sum(t < slices ? partial[((size_t)c * slices + t) * 2] : (T)0, shared);
    const T second = block_sum(t < slices ? partial[((size_t)c * slices + t) * 2 + 1] : (T)0, shared);
    if (t > 0) return;
    db[c] = first;
    if (dw) dw[c] = second * rstd[c];
}
"""

_normalize = cupy.ElementwiseKernel(
    "T x, T w, T b, T mean, T rstd", "T y", "y = (x - mean) * (w * rstd) + b", "minicnn_batch_norm")

_normalize_relu = cupy.ElementwiseKernel(
    "T x, T w, T b, T mean, T rstd", "T y", "const T v = (x - mean) * (w * rstd) + b; y = v <= 0 ? (T)0 : v", "minicnn_batch_norm_relu")

_normalize_add = cupy.ElementwiseKernel(
    "T x, T plus, T w, T b, T mean, T rstd", "T y", "y = (x - mean) * (w * rstd) + b + plus", "minicnn_batch_norm_add")

_normalize_add_relu = cupy.ElementwiseKernel(
    "T x, T plus, T w, T b, T mean, T rstd", "T y",
    "const T v = (x - mean) * (w * rstd) + b + plus; y = v <= 0 ? (T)0 : v", "minicnn_batch_norm_add_relu")

_normalize_dx = cupy.ElementwiseKernel(
    "T dy, T x, T w, T mean, T rstd, T dw, T db, T one_by_m", "T dx",
    "dx = w * rstd * (dy - db * one_by_m - (x - mean) * rstd * (dw * one_by_m))", "minicnn_batch_norm_dx")

_normalize_relu_dx = cupy.ElementwiseKernel(
    "T dy, T x, T w, T b, T mean, T rstd, T dw, T db, T one_by_m", "T dx",
    """
    const T d = (x - mean) * (w * rstd) + b <= 0 ? (T)0 : dy;
    dx = w * rstd * (d - db * one_by_m - (x - mean) * rstd * (dw * one_by_m));
    """, "minicnn_batch_norm_relu_dx")


def batch_moments(x):
    """Mean and (biased) variance of each channel, over all other axes."""
    if not computable(x):
        return array.batch_moments(x)
    mean, var = cupy.empty(x.shape[1], x.dtype), cupy.empty(x.shape[1], x.dtype)
    _compute_statistics(by_channel(x), mean, var)
    return mean, var


def batch_statistics(x, running_mean, running_var, momentum, eps):
    """Mean and 1/√(variance + eps) of each channel; the running statistics, if any, follow in place."""
    running = [v for v in (running_mean, running_var) if v is not None]
    if not computable(x, *running) or x.size <= x.shape[1] or not all(v.flags.c_contiguous for v in running):
        return array.batch_statistics(x, running_mean, running_var, momentum, eps)
    mean, rstd = cupy.empty(x.shape[1], x.dtype), cupy.empty(x.shape[1], x.dtype)
    _compute_statistics(by_channel(x), mean, None, rstd, running_mean, running_var, momentum, eps)
    return mean, rstd


def _compute_statistics(rows, mean, var, rstd=None, running_mean=None, running_var=None, momentum=0.0, eps=0.0):
    (channels, m), shares, kind = rows.shape, slices(rows.shape[1]), rows.dtype.char
    check(rows.dtype, rows, mean, var, rstd, running_mean, running_var)
    partial = cupy.empty((channels, shares, 3), rows.dtype)
    compiled(_moments, "moments", kind)((channels, shares), (THREADS,), (rows, partial, m))
    compiled(_statistics, "statistics", kind)((channels,), (64,), (
        partial, mean, *map(pointer, (var, rstd, running_mean, running_var)), shares, m, float(eps), float(momentum)))


def batch_norm_sums(dy, x, mean, rstd):
    """db = Σ dy and dw = Σ dy · (x - mean) · rstd."""
    if not computable(dy, x, mean, rstd):
        return array.batch_norm_sums(dy, x, mean, rstd)
    return _channel_sums(by_channel(dy), by_channel(x), mean, rstd)


def channel_sums(x):
    """Σ x of each channel, over all other axes."""
    return _channel_sums(by_channel(x))[0] if computable(x) else array.channel_sums(x)


def _channel_sums(dy, x=None, mean=None, rstd=None, w=None, b=None, relu=False):
    """db and dw from rows (C, M)."""
    (channels, m), shares, kind = dy.shape, slices(dy.shape[1]), dy.dtype.char
    check(dy.dtype, dy, x, mean, rstd, w, b)
    partial, db = cupy.empty((channels, shares, 2), dy.dtype), cupy.empty(channels, dy.dtype)
    dw = None if x is None else cupy.empty(channels, dy.dtype)
    compiled(_sums, "sums", kind)((channels, shares), (THREADS,), (dy, *map(pointer, (x, mean, rstd, w, b)), partial, m, int(relu)))
    compiled(_totals, "totals", kind)((channels,), (THREADS,), (partial, pointer(rstd), db, pointer(dw), shares))
    return db, dw


def batch_norm(x, w, b, mean, rstd):
    """y = w · (x - mean) · rstd + b, channel by channel."""
    if not computable(x, w, b, mean, rstd):
        return array.batch_norm(x, w, b, mean, rstd)
    return as_images(_normalize(by_channel(x), *_columns(w, b, mean, rstd)), x.shape)


def batch_norm_relu(x, w, b, mean, rstd):
    """y = max(w · (x - mean) · rstd + b, 0)"""
    if not computable(x, w, b, mean, rstd):
        return array.batch_norm_relu(x, w, b, mean, rstd)
    return as_images(_normalize_relu(by_channel(x), *_columns(w, b, mean, rstd)), x.shape)


def batch_norm_add(x, w, b, plus, mean, rstd):
    """y = w · (x - mean) · rstd + b + plus"""
    if not computable(x, w, b, plus, mean, rstd) or x.shape != plus.shape:
        return array.batch_norm_add(x, w, b, plus, mean, rstd)
    return as_images(_normalize_add(by_channel(x), by_channel(plus), *_columns(w, b, mean, rstd)), x.shape)


def batch_norm_add_relu(x, w, b, plus, mean, rstd):
    """y = max(w · (x - mean) · rstd + b + plus, 0)"""
    if not computable(x, w, b, plus, mean, rstd) or x.shape != plus.shape:
        return array.batch_norm_add_relu(x, w, b, plus, mean, rstd)
    return as_images(_normalize_add_relu(by_channel(x), by_channel(plus), *_columns(w, b, mean, rstd)), x.shape)


def batch_norm_add_relu_dx(dz, z, x, w, mean, rstd):
    """dx, dw, db as `batch_norm_dx`, from the dz of what is above 0 in z; and that itself, the gradient of what was added."""
    g = relu_dx(dz, z)
    return *batch_norm_dx(g, x, w, mean, rstd), g


def batch_norm_dx(dy, x, w, mean, rstd):
    """dx, dw, db where mean and rstd were computed from x itself; the derivation is in functional/normalization.py."""
    if not computable(dy, x, w, mean, rstd):
        return array.batch_norm_dx(dy, x, w, mean, rstd)
    rows, gradients = by_channel(x), by_channel(dy)
    db, dw = _channel_sums(gradients, rows, mean, rstd)
    w, _, *vectors = _columns(w, None, mean, rstd, dw, db)
    return as_images(_normalize_dx(gradients, rows, w, *vectors, 1 / rows.shape[1]), x.shape), dw, db


def batch_norm_relu_dx(dy, x, w, b, mean, rstd):
    """As `batch_norm_dx`, where a ReLU follows: only the dy of what is above 0 counts."""
    if not computable(dy, x, w, b, mean, rstd):
        return array.batch_norm_relu_dx(dy, x, w, b, mean, rstd)
    rows, gradients = by_channel(x), by_channel(dy)
    db, dw = _channel_sums(gradients, rows, mean, rstd, w, b, relu=True)
    return as_images(_normalize_relu_dx(gradients, rows, *_columns(w, b, mean, rstd, dw, db), 1 / rows.shape[1]), x.shape), dw, db


def _columns(w, b, *vectors):
    """Vectors (C,) as (C, 1), to go with rows (C, M); 1 stands for no w, 0 for no b."""
    return 1 if w is None else w[:, None], 0 if b is None else b[:, None], *[v[:, None] for v in vectors]
