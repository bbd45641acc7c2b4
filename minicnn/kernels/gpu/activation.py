"""Activations on a GPU, each one way over memory, forward and backward, where CuPy would go as often as the formula has operations.

The pairs have the names, arguments and results of those in `functional/activation.py`, where formulas and derivations are. The kernels
are CUDA's C for one element: x and dy in, y or dx out. Memory bounds all of them.
"""

import cupy

from .memory import elementwise

_HELPERS = """
template<typename T> __device__ T sigmoid(T x) { return 1 / (1 + exp(-x)); }
template<typename T> __device__ T softplus(T x) { return (x > 0 ? x : (T)0) + log1p(exp(-fabs(x))); }            // log(1 + exp x)
template<typename T> __device__ T limited(T x, T low, T high) { return x < low ? low : x > high ? high : x; }   // a NaN stays one

// Φ(x), the normal distribution's, or what is close to it and needs no erf; and its derivative.
template<typename T> __device__ T cdf(T x, int by_tanh) {
    if (!by_tanh) return (T)0.5 * (1 + erf(x * (T)0.7071067811865476));
    return (T)0.5 * (1 + tanh((T)0.7978845608028654 * (x + (T)0.044715 * x * x * x)));
}
template<typename T> __device__ T density(T x, int by_tanh) {
    if (!by_tanh) return exp((T)-0.5 * x * x) * (T)0.3989422804014327;
    const T t = 2 * cdf(x, 1) - 1;
    return (T)0.5 * (1 - t * t) * (T)0.7978845608028654 * (1 + 3 * (T)0.044715 * x * x);
}
"""


def _pair(name, parameters, forward, backward):
    """The kernels of an activation: y from x, and dx from dy and x, both with parameters."""
    more = "".join(f", {p}" for p in parameters)
    return (cupy.ElementwiseKernel("T x" + more, "T y", f"y = {forward}", f"minicnn_{name}", preamble=_HELPERS),
            cupy.ElementwiseKernel("T x, T dy" + more, "T dx", f"dx = {backward}", f"minicnn_{name}_dx", preamble=_HELPERS))


_leaky_relu = _pair("leaky_relu", ["T slope"], "x > 0 ? x : slope * x", "x > 0 ? dy : x <= 0 ? slope * dy : (T)0 * dy")
_hardtanh = _pair("hardtanh", ["T low", "T high"], "limited(x, low, high)", "x > low && x < high ? dy : (T)0 * dy")
_hardsigmoid = _pair("hardsigmoid", [], "limited(x / 6 + (T)0.5, (T)0, (T)1)", "x > -3 && x < 3 ? dy / 6 : (T)0 * dy")
_hardswish = _pair("hardswish", [], "x * limited(x / 6 + (T)0.5, (T)0, (T)1)",
                   "dy * ((T)(x >= 3) + (x > -3 && x < 3 ? x / 3 + (T)0.5 : (T)0))")
_elu = _pair("elu", ["T alpha", "T scale", "T steepness"], "scale * (x > 0 ? x : alpha * expm1(x * steepness))",
             "dy * scale * (x > 0 ? (T)1 : alpha * steepness * exp(x * steepness))")
_silu = _pair("silu", [], "x * sigmoid(x)", "dy * sigmoid(x) * (1 + x * (1 - sigmoid(x)))")
_gelu = _pair("gelu", ["int32 by_tanh"], "x * cdf(x, by_tanh)", "dy * (cdf(x, by_tanh) + x * density(x, by_tanh))")
_softplus = _pair("softplus", ["T beta", "T threshold"], "x * beta > threshold ? x : softplus(x * beta) / beta",
                  "x * beta > threshold ? dy : dy * sigmoid(x * beta)")
_log_sigmoid = _pair("log_sigmoid", [], "-softplus(-x)", "dy * sigmoid(-x)")
_mish = _pair("mish", [], "x * tanh(softplus(x))",
              "dy * (tanh(softplus(x)) + x * (1 - tanh(softplus(x)) * tanh(softplus(x))) * sigmoid(x))")


def _functions(pair):
    """The forward and the backward of an activation without parameters, which saves x."""
    def forward(x):
        return elementwise(pair[0], x), x

    def backward(dy, x, needed):
        return _backward(pair, dy, x)

    return forward, backward


hardsigmoid_forward, hardsigmoid_backward = _functions(_hardsigmoid)
hardswish_forward, hardswish_backward = _functions(_hardswish)
silu_forward, silu_backward = _functions(_silu)
log_sigmoid_forward, log_sigmoid_backward = _functions(_log_sigmoid)
mish_forward, mish_backward = _functions(_mish)


def leaky_relu_forward(x, *, negative_slope):
    y = elementwise(_leaky_relu[0], x, negative_slope)
    return y, (y if negative_slope >= 0 else x, negative_slope)


def leaky_relu_backward(dy, saved, needed):
    return _backward(_leaky_relu, dy, *saved)


def hardtanh_forward(x, *, min, max):
    y = elementwise(_hardtanh[0], x, min, max)
    return y, (y, min, max)


def hardtanh_backward(dy, saved, needed):
    return _backward(_hardtanh, dy, *saved)


def elu_forward(x, *, alpha=1.0, scale=1.0, steepness=1.0):
    return elementwise(_elu[0], x, alpha, scale, steepness), (x, alpha, scale, steepness)


def elu_backward(dy, saved, needed):
    return _backward(_elu, dy, *saved)


def gelu_forward(x, *, approximate="none"):
    return elementwise(_gelu[0], x, int(approximate == "tanh")), (x, approximate)


def gelu_backward(dy, saved, needed):
    x, approximate = saved
    return _backward(_gelu, dy, x, int(approximate == "tanh"))


def softplus_forward(x, *, beta=1.0, threshold=20.0):
    return elementwise(_softplus[0], x, beta, threshold), (x, beta, threshold)


def softplus_backward(dy, saved, needed):
    return _backward(_softplus, dy, *saved)


def _backward(pair, dy, x, *numbers):
    return (elementwise(pair[1], x, dy, *numbers),)
