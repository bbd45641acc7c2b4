"""Depthwise convolution on a GPU, directly: each output channel sees one input channel, and no matrix product would pay.

    y[n,o,p,q] = b[o] + Σ_{i,j} w[o,i,j] · x[n, o div multiplier, p·s + i·d - pad, q·s + j·d - pad]

Bounded by memory: a thread computes one element, and its neighbours read what it reads from the cache.
"""

import cupy

from .memory import by_channel, images_like, per_image_parts, swapped
from .reduce import THREADS, check, compiled, slices
from .windows import GEOMETRY, INPUT_PIXEL, OUTPUT_PIXEL, each_pixel, each_window, geometry

_forward = cupy.ElementwiseKernel(
    "raw T x, raw T w, raw T bias, int32 has_bias, int32 multiplier, int32 images, " + GEOMETRY, "T y", OUTPUT_PIXEL + """
    T sum = has_bias ? bias[c] : (T)0;
    """ + each_pixel("""
            const ptrdiff_t pixel[] = {image, c / multiplier, h, v};
            sum += w[(c * KH + a) * KW + b] * x[pixel];
    """) + "y = sum;", "minicnn_depthwise")

_to_input = cupy.ElementwiseKernel(
    "raw T dy, raw T w, int32 multiplier, int32 images, " + GEOMETRY, "T dx", INPUT_PIXEL + "T sum = 0;" + each_window("""
            for (int o = c * multiplier; o < (c + 1) * multiplier; o++) {
                const ptrdiff_t pixel[] = {image, o, p, q};
                sum += w[(o * KH + a) * KW + b] * dy[pixel];
            }
    """) + "dx = sum;", "minicnn_depthwise_dx")

_to_weights = r"""
// Block (tap, slice), tap = (o·KH + a)·KW + e, sums its share of the M output pixels of channel o: element m = (image·P + p)·Q + q.
extern "C" __global__ void depthwise_dw(const T* dy, const T* x, T* partial, long long multiplier, long long M, long long images,
                                        long long H, long long W, long long KH, long long KW, long long sh, long long sw,
                                        long long dh, long long dw, long long top, long long left, long long P, long long Q) {
    __shared__ T shared[THREADS];
    const int tap = blockIdx.x, e = tap % KW, a = tap / KW % KH, o = tap / KW / KH, c = o / multiplier;
    T sum = 0;
    for (unsigned m = blockIdx.y * THREADS + threadIdx.x; m < M; m += gridDim.y * THREADS) {
        const int q = m % (unsigned)Q, p = m / (unsigned)Q % (unsigned)P, image = m / (unsigned)Q / (unsigned)P;
        const int h = p * sh + a * dh - top, v = q * sw + e * dw - left;
        if (0 <= h && h < H && 0 <= v && v < W) sum += dy[o * M + m] * x[((c * images + image) * H + h) * W + v];
    }
    sum = block_sum(sum, shared);
    if (threadIdx.x == 0) partial[tap * gridDim.y + blockIdx.y] = sum;
}
"""


def applies(channels, groups):
    """Whether every group is one channel."""
    return 1 < channels == groups


def conv2d(x, w, b, window):
    """y[n,o,p,q] = b[o] + Σ_{i,j} w[o,0,i,j] · x[n,c,p·s+i·d-pad,q·s+j·d-pad]"""
    y, w = images_like((len(x), len(w), *window.output), x.dtype), cupy.ascontiguousarray(w)
    for part in per_image_parts(len(x), y[0].size):
        out = swapped(y[part])
        _forward(x[part], w, w if b is None else b, int(b is not None), len(w) // x.shape[1], out.shape[1], *geometry(window), out)
    return y


def conv2d_dx(dy, w, window, groups):
    """dx[n,c,h,v] = Σ w[o,0,i,j] · dy[n,o,p,q] over the windows that saw the pixel, and the outputs of its channel"""
    dx, w = images_like((len(dy), groups, *window.size), dy.dtype), cupy.ascontiguousarray(w)
    for part in per_image_parts(len(dy), dx[0].size):
        out = swapped(dx[part])
        _to_input(dy[part], w, len(w) // groups, out.shape[1], *geometry(window), out)
    return dx


def conv2d_dw(dy, x, window):
    """dw[o,0,i,j] = Σ_{n,p,q} x[n,c,p·s+i·d-pad,q·s+j·d-pad] · dy[n,o,p,q]"""
    rows, pixels = by_channel(dy), by_channel(x)
    check(x.dtype, rows, pixels)
    (o, m), shares = rows.shape, slices(rows.shape[1])
    taps = o * window.kernel[0] * window.kernel[1]
    partial = cupy.empty((taps, shares), x.dtype)
    kernel = compiled(_to_weights, "depthwise_dw", x.dtype.char)
    kernel((taps, shares), (THREADS,), (rows, pixels, partial, o // x.shape[1], m, len(x), *geometry(window)))
    return (partial if shares == 1 else partial.sum(1)).reshape(o, 1, *window.kernel)
