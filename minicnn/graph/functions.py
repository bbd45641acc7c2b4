"""From calls of functions that are recorded whole to nodes of a graph: rules for those that ONNX has, by the function's name.

Every other function is a node of the domain "minicnn" with the function's own arguments (`own.py`).
"""

import inspect

import numpy as np

from .. import arrays, shapes
from .layer_operations import overhangs, weighted, window_attributes
from .own import MANY, OWN, index_words

RULES = {}


def rule(function):
    """Puts a rule into the table, for the function that it is called like; it returns False where ONNX's operator does not do."""
    RULES[function.__name__] = function
    return function


def translate(step):
    """The node or nodes of a function's call."""
    name = step.call.name.lstrip("_")
    if name not in RULES or RULES[name](step) is False:
        own_function(step, name)


def own_function(step, name, **changed):
    """The function as it was called: its tensors are inputs, the other arguments are attributes, but for those that say nothing."""
    own, given = OWN[name], {**step.arguments, **changed}
    names = []
    for role in own.tensors:
        names += [step.value(x, role) for x in given[role]] if role in MANY else [step.value(given[role], role)]
    defaults = {key: parameter.default for key, parameter in inspect.signature(own.function).parameters.items()}
    attributes = {key: given[key] for key in own.attributes if key in given and not _is_silent(given[key], defaults[key])}
    if own.mode is not None and not given[own.mode]:
        attributes.pop(own.mode, None)
    step.own(name, names, **attributes)


def _is_silent(value, default):
    return value is None or value is default is False


def _weighted(step):
    return weighted(step, *(step.arguments[name] for name in ("input", "weight", "bias")))


# Normalization -----------------------------------------------------------------------------------------------------------


@rule
def batch_norm(step):
    x, momentum = step.arguments["input"], step.arguments["momentum"]
    given = {role: step.arguments[role] for role in ("weight", "bias", "running_mean", "running_var")}
    if step.arguments["training"] or momentum is None or x.ndim < 2 or any(v is None for v in given.values()):
        return False
    names = [step.value(x), *(step.value(v, role) for role, v in given.items())]
    return step.finish("BatchNormalization", names, epsilon=step.arguments["eps"], momentum=1 - momentum)


@rule
def layer_norm(step):
    weight, shape = step.arguments["weight"], step.arguments["normalized_shape"]
    if weight is None:
        return False
    axes = len(shape) if isinstance(shape, (tuple, list)) else 1
    return step.finish("LayerNormalization", _weighted(step), axis=-axes, epsilon=step.arguments["eps"])


@rule
def instance_norm(step):
    weight, bias = step.arguments["weight"], step.arguments["bias"]
    if weight is None or bias is None or step.arguments["running_mean"] is not None:
        return False
    return step.finish("InstanceNormalization", _weighted(step), epsilon=step.arguments["eps"])


# Dropout -----------------------------------------------------------------------------------------------------------------


@rule
def dropout(step):
    if step.arguments["training"]:
        return False
    ratio = step.constant("ratio", step.arguments["p"], np.float64)
    return step.finish("Dropout", [step.value(step.arguments["input"]), ratio])


# Sequences: convolution and pooling of one dimension ---------------------------------------------------------------------


def _one(value):
    return value if isinstance(value, int) else int(value[0])


def _batched(step):
    return step.arguments["input"].ndim == 3


@rule
def conv1d(step):
    if not _batched(step):
        return False
    w, stride, dilation = (step.arguments[name] for name in ("weight", "stride", "dilation"))
    kernel, padding = (1, w.shape[-1]), step.arguments["padding"]
    padding = padding if isinstance(padding, str) else (0, _one(padding))
    _, (before, after) = shapes.padding_pairs(padding, kernel, (1, _one(stride)), (1, _one(dilation)))
    return step.finish("Conv", _weighted(step), kernel_shape=[w.shape[-1]], strides=[_one(stride)], pads=[before, after],
                       dilations=[_one(dilation)], group=step.arguments["groups"])


@rule
def conv_transpose1d(step):
    if not _batched(step):
        return False
    w, stride, padding, extra, dilation = (
        step.arguments[name] for name in ("weight", "stride", "padding", "output_padding", "dilation"))
    return step.finish("ConvTranspose", _weighted(step), kernel_shape=[w.shape[-1]], strides=[_one(stride)], pads=[_one(padding)] * 2,
                       dilations=[_one(dilation)], output_padding=[_one(extra)], group=step.arguments["groups"])


# Pooling -----------------------------------------------------------------------------------------------------------------


@rule
def avg_pool2d(step):
    """ONNX divides by the window's pixels, with or without the padding; its ceil_mode counts otherwise than ours."""
    x = step.arguments["input"]
    if x.ndim != 4 or step.arguments["divisor_override"]:
        return False
    window = shapes.pool2d_window(x.shape, *(step.arguments[name] for name in ("kernel_size", "stride", "padding")), 1,
                                  step.arguments["ceil_mode"])
    if overhangs(window):
        return False
    attributes = window_attributes(window)
    del attributes["dilations"]
    return step.finish("AveragePool", [step.value(x)], **attributes, count_include_pad=int(bool(step.arguments["count_include_pad"])))


@rule
def adaptive_avg_pool2d(step):
    x = step.arguments["input"]
    if x.ndim != 4 or step.y.shape[2:] != (1, 1) or step.arguments["output_size"] not in (1, (1, 1), [1, 1]):
        return False
    return step.finish("GlobalAveragePool", [step.value(x)])


@rule
def pixel_shuffle(step):
    x = step.arguments["input"]
    if x.ndim != 4:
        return False
    return step.finish("DepthToSpace", [step.value(x)], blocksize=step.arguments["upscale_factor"], mode="CRD")


# Reductions and indices --------------------------------------------------------------------------------------------------


@rule
def mean(step):
    x, dim, dtype = (step.arguments[name] for name in ("input", "dim", "dtype"))
    axes = [dim] if isinstance(dim, int) else list(dim or range(x.ndim))
    if dtype is not None or x.ndim == 0:
        return False
    return step.finish("ReduceMean", [step.value(x)], axes=[axis % x.ndim for axis in axes], keepdims=int(bool(step.arguments["keepdim"])))


def _arg(step):
    x, dim = step.arguments["input"], step.arguments["dim"]
    if dim is None or x.ndim == 0:
        return False
    axis = (dim if isinstance(dim, int) else dim[0]) % x.ndim
    name = {"argmax": "ArgMax", "argmin": "ArgMin"}[step.call.name]
    return step.finish(name, [step.value(x)], axis=axis, keepdims=int(bool(step.arguments["keepdim"])))


RULES["argmax"] = RULES["argmin"] = _arg


@rule
def gather(step):
    x, index = step.arguments["input"], step.arguments["index"]
    if x.ndim == 0 or index.ndim != x.ndim:
        return False
    return step.finish("GatherElements", [step.value(x), step.value(index, "indices")], axis=step.arguments["dim"] % x.ndim)


@rule
def scatter(step):
    src = step.arguments["src"]
    if src is None or arrays.is_array(src):
        return False
    return own_function(step, "scatter", src=None, value=src)


@rule
def overwrite(step):
    """x[index] = value."""
    words, tensors = index_words(step.arguments["index"])
    return step.own("setitem", [step.value(step.arguments["x"]), step.value(step.arguments["value"], "value"),
                                *(step.value(i, "indices") for i in tensors)], index=words)
