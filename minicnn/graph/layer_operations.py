"""From recorded operations of layers to nodes of a graph: dense layers, convolution, pooling, normalization."""

import numpy as np

from .. import arrays
from ..functional.pooling import divisors
from .operations import rule


def weighted(step, x, w, b):
    """The names of an input, a weight and, where there is one, a bias."""
    return [step.value(x), step.value(w, "weight"), *([] if b is None else [step.value(b, "bias")])]


@rule("Gemm")
def _gemm(step):
    x, w, _ = step.call.inputs
    names = weighted(step, *step.call.inputs)
    if x.ndim == 2 and w.ndim == 2:
        step.finish("Gemm", names, transB=1)
    else:
        step.own("linear", names)


def window_attributes(window):
    """How a window slides, in ONNX's words."""
    (top, bottom), (left, right) = window.padding
    return {"kernel_shape": list(window.kernel), "strides": list(window.stride), "pads": [top, left, bottom, right],
            "dilations": list(window.dilation)}


@rule("Conv")
def _conv(step):
    names = weighted(step, *step.call.inputs)
    step.finish("Conv", names, **window_attributes(step.arguments["window"]), group=step.arguments["groups"])


@rule("ConvTranspose")
def _conv_transpose(step):
    window, names = step.arguments["window"], weighted(step, *step.call.inputs)
    extra = [n + sum(pad) - reach for n, pad, reach in zip(window.size, window.padding, window.reach)]
    step.finish("ConvTranspose", names, **window_attributes(window), output_padding=extra, group=step.arguments["groups"])


def overhangs(window):
    """Whether the last window reaches beyond the padded image, as ceil_mode lets it."""
    return any(reach > n + sum(pad) for reach, n, pad in zip(window.reach, window.size, window.padding))


@rule("MaxPool")
def _max_pool(step):
    """Where ceil_mode would give one more window, which we drop as it sees padding only, the image is padded as far as needed instead."""
    window = step.arguments["window"]
    attributes, ceil = window_attributes(window), overhangs(window)
    fits = all((p - 1) * s >= n + sum(pad) - d * (k - 1) - 1 for p, s, n, pad, d, k in zip(
        window.output, window.stride, window.size, window.padding, window.dilation, window.kernel))
    x = step.value(step.x)
    if ceil and not fits:
        pads = [before for before, _ in window.pads] + [max(after, 0) for _, after in window.pads]
        value, shape = step.constant("value", -np.inf, step.x.dtype), np.add(step.x.shape, np.add(pads[:4], pads[4:]))
        x = step.before("Pad", [x, step.constant("pads", pads), value], np.broadcast_to(step.x.dtype.type(0), shape), mode="constant")
        attributes["pads"] = [0] * 4
    step.finish("MaxPool", [x], **attributes, ceil_mode=int(ceil and fits))


@rule("AveragePool")
def _average_pool(step):
    """ONNX divides by the window's pixels, with or without the padding; its ceil_mode counts otherwise than ours."""
    window, divisor = step.arguments["window"], step.arguments["divisor"]
    attributes = window_attributes(window)
    del attributes["dilations"]
    for with_padding in (True, False):
        if not overhangs(window) and np.array_equal(divisor, divisors(window, with_padding, step.x)):
            return step.finish("AveragePool", [step.value(step.x)], **attributes, count_include_pad=int(with_padding))
    return step.own("average_windows", [step.value(step.x), step.constant("divisor", arrays.to_numpy(np.asarray(divisor)), step.x.dtype)],
                    kernel_shape=window.kernel, strides=window.stride, pads=attributes["pads"])


@rule("MeanVarianceNormalization")
def _standardize(step):
    step.own("standardize", step.operands(), **step.arguments)


@rule("Resize")
def _resize(step):
    step.own("resample", [step.value(step.x), *(step.value(matrix, "matrix") for matrix in step.arguments["matrices"])])


@rule("LRN")
def _local_response_norm(step):
    size, alpha, beta, k = (step.arguments[name] for name in ("size", "alpha", "beta", "k"))
    if size % 2:
        step.finish("LRN", step.operands(), size=size, alpha=alpha, beta=beta, bias=k)
    else:
        step.own("local_response_norm", step.operands(), **step.arguments)
