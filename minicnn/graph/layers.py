"""Which of our layers a node is, with its initializers as weights; None where none computes exactly the same."""

from dataclasses import dataclass, field

import numpy as np

from .. import nn
from ..nn.batchnorm import _BatchNorm
from .ir import DOMAIN
from .operators.convolution import conv, conv_transpose
from .operators.linear_algebra import is_unscaled
from .operators.values import integers
from .pads import pads_of


@dataclass
class Found:
    """A layer of the right sizes, whose forward takes the node's first input.

    tensors  for each of its parameters and buffers the initializer's name and its form in the layer: the "same", "transposed", or as a
             "vector"
    """

    layer: nn.Module
    tensors: dict = field(default_factory=dict)


class Given:
    """A node, and what is known about it before anything is computed."""

    def __init__(self, node, graph, ranks):
        self.node, self.initializers, self.opset = node, graph.initializers, graph.opset
        self.rank = ranks.get(node.inputs[0])

    def name(self, i):
        """The name of an input; "" where it is left out."""
        return self.node.inputs[i] if i < len(self.node.inputs) else ""

    def array(self, i):
        """The initializer that an input is, or None."""
        return self.initializers.get(self.name(i))

    def arrays(self, first, count):
        """The initializers of consecutive inputs, or None if one of them is computed or left out."""
        found = [self.array(i) for i in range(first, first + count)]
        return None if any(a is None for a in found) else found

    def get(self, name, default=None):
        """An attribute."""
        return self.node.attributes.get(name, default)

    def scalar(self, i, attribute, default):
        """A number that is an attribute in older versions and an input in newer ones; None if it is computed."""
        if not self.name(i):
            return self.get(attribute, default)
        array = self.array(i)
        return array.item() if array is not None and array.size == 1 else None

    def padding(self, dims):
        """The margin of each axis, as a tuple; None where it is not the same before and after, or follows from the input's size."""
        pads = pads_of(self.node.attributes, dims)
        return tuple(pads[:dims]) if pads is not None and pads[:dims] == pads[dims:] else None


BUILDERS = {}


def builder(*names):
    """Puts the function that follows into the table of what nodes can be as layers; of our own domain as "minicnn.batch_norm"."""

    def register(function):
        BUILDERS.update((name, function) for name in names)
        return function

    return register


def layer_for(node, graph, ranks):
    """The layer that computes what a node does, as Found, or None. Layers compute in floating point and have one output."""
    whole = {value.name for value in graph.inputs if not value.dtype.startswith("float")}
    kind = f"{node.domain}.{node.op_type}" if node.domain else node.op_type
    if kind not in BUILDERS or any(node.outputs[1:]) or node.inputs[0] in {*graph.initializers, *whole}:
        return None
    found = BUILDERS[kind](Given(node, graph, ranks))
    return Found(found) if isinstance(found, nn.Module) else found


# Layers with weights -----------------------------------------------------------------------------------------------------


class _ByAttributes:
    """A layer with a weight that computes what ONNX's operator does with a node's attributes."""

    operator, attributes = None, {}

    def forward(self, input):
        return self.operator(input, self.weight, self.bias, **self.attributes)

    def extra_repr(self):
        margins = [f", {name}={self.attributes[name]}" for name in ("pads", "auto_pad", "output_shape") if name in self.attributes]
        return super().extra_repr() + "".join(margins)


class Conv2d(_ByAttributes, nn.Conv2d):
    """A convolution as ONNX describes it: other margins on each side, or just as wide that the size stays ("SAME_UPPER")."""

    operator = staticmethod(conv)


class ConvTranspose2d(_ByAttributes, nn.ConvTranspose2d):
    """A transposed convolution as ONNX describes it: other margins on each side, or a size that is given."""

    operator = staticmethod(conv_transpose)


class BatchNorm(_BatchNorm):
    """Batch normalization of (N, C, ...) over all axes but C, whatever they are."""

    def _check_input_dim(self, input):
        """Any number of dimensions will do."""


def _weighted(given, bias="bias", form="same"):
    """The initializers of a layer with a weight and perhaps a bias, by the layer's names; None if one of them is computed."""
    tensors = {"weight": (given.name(1), form)}
    if given.name(2):
        tensors[bias] = given.name(2), "same" if given.array(2) is not None and given.array(2).ndim == 1 else "vector"
    return tensors if all(name in given.initializers for name, _ in tensors.values()) else None


def _window(given, dims):
    """stride, dilation and groups as our layers take them."""
    return dict(stride=tuple(integers(given.get("strides")) or [1] * dims), dilation=tuple(integers(given.get("dilations")) or [1] * dims),
                groups=given.get("group", 1))


@builder("Conv")
def _conv(given):
    weight, tensors = given.array(1), _weighted(given)
    if tensors is None or weight.ndim not in (3, 4):
        return None
    dims, groups = weight.ndim - 2, given.get("group", 1)
    sizes = weight.shape[1] * groups, weight.shape[0], weight.shape[2:]
    padding = given.padding(dims)
    options = dict(**_window(given, dims), bias="bias" in tensors)
    if padding is not None:
        return Found((nn.Conv1d if dims == 1 else nn.Conv2d)(*sizes, padding=padding, **options), tensors)
    if dims == 1:
        return None
    layer = Conv2d(*sizes, **options)
    layer.attributes = given.node.attributes
    return Found(layer, tensors)


@builder("ConvTranspose")
def _conv_transpose(given):
    weight, tensors = given.array(1), _weighted(given)
    if tensors is None or weight.ndim != 4:
        return None
    sizes = weight.shape[0], weight.shape[1] * given.get("group", 1), weight.shape[2:]
    options = dict(**_window(given, 2), bias="bias" in tensors)
    padding, extra = given.padding(2), tuple(integers(given.get("output_padding")) or (0, 0))
    if padding is not None and "output_shape" not in given.node.attributes and all(e < s for e, s in zip(extra, options["stride"])):
        return Found(nn.ConvTranspose2d(*sizes, padding=padding, output_padding=extra, **options), tensors)
    layer = ConvTranspose2d(*sizes, **options)
    layer.attributes = given.node.attributes
    return Found(layer, tensors)


@builder("Gemm")
def _gemm(given):
    weight, bias = given.array(1), given.array(2)
    form = "same" if given.get("transB", 0) else "transposed"
    tensors = _weighted(given, form=form)
    if tensors is None or not is_unscaled(given.node) or weight.ndim != 2:
        return None
    out_features, in_features = weight.shape if form == "same" else weight.shape[::-1]
    if bias is not None and bias.shape not in ((out_features,), (1, out_features)):
        return None
    return Found(nn.Linear(in_features, out_features, bias=bias is not None), tensors)


@builder("MatMul")
def _matmul(given):
    weight = given.array(1)
    if weight is None or weight.ndim != 2 or weight.dtype.kind != "f":
        return None
    return Found(nn.Linear(*weight.shape, bias=False), {"weight": (given.name(1), "transposed")})


@builder("BatchNormalization")
def _batch_norm(given):
    found = given.arrays(1, 4)
    if found is None or any(a.ndim != 1 for a in found) or given.get("training_mode", 0) or not given.get("spatial", 1):
        return None
    kind = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d}.get(given.rank, BatchNorm)
    momentum = round(1 - given.get("momentum", 0.9), 7)                 # ONNX weighs the old value, we the new one
    layer = kind(len(found[0]), given.get("epsilon", 1e-5), momentum)
    return Found(layer, {part: (given.name(i), "same") for i, part in enumerate(("weight", "bias", "running_mean", "running_var"), 1)})


@builder(f"{DOMAIN}.batch_norm")
def _our_batch_norm(given):
    """Without scale or shift, or with running statistics that are plain means over all batches (momentum None): ONNX has none of these."""
    parts = {part: (given.name(i), "same") for i, part in enumerate(("running_mean", "running_var", "weight", "bias"), 1) if given.name(i)}
    if given.arrays(1, 2) is None or any(name not in given.initializers for name, _ in parts.values()) or given.get("training"):
        return None
    layer = BatchNorm(len(given.array(1)), given.get("eps", 1e-5), given.get("momentum"), affine="weight" in parts, bias="bias" in parts)
    return Found(layer, parts)


@builder("InstanceNormalization")
def _instance_norm(given):
    if given.arrays(1, 2) is None or given.rank != 4:
        return None
    return Found(nn.InstanceNorm2d(len(given.array(1)), given.get("epsilon", 1e-5), affine=True), _weighted(given))


@builder("LayerNormalization")
def _layer_norm(given):
    found, axis = given.arrays(1, 2), given.get("axis", -1)
    if found is None or found[0].shape != found[1].shape or (axis if axis < 0 else axis - (given.rank or 0)) != -found[0].ndim:
        return None
    return Found(nn.LayerNorm(found[0].shape, given.get("epsilon", 1e-5)),
                 {"weight": (given.name(1), "same"), "bias": (given.name(2), "same")})


@builder("GroupNormalization")
def _group_norm(given):
    if given.arrays(1, 2) is None or given.opset < 21:                  # before, one scale for each group
        return None
    return Found(nn.GroupNorm(given.get("num_groups"), len(given.array(1)), given.get("epsilon", 1e-5)), _weighted(given))


@builder("PRelu")
def _prelu(given):
    slope = given.array(1)
    rank = given.rank or (slope.ndim + 1 if slope is not None and slope.ndim > 1 else None)
    if slope is None or slope.size != 1 and (rank is None or slope.shape[-rank + 1:] != (slope.size,) + (1,) * (rank - 2)):
        return None
    return Found(nn.PReLU(slope.size), {"weight": (given.name(1), "vector")})


# Layers without weights --------------------------------------------------------------------------------------------------


@builder("MaxPool", "AveragePool")
def _pool(given):
    kernel, padding = tuple(integers(given.get("kernel_shape"))), given.padding(2)
    fits = len(kernel) == 2 and padding is not None and all(2 * p <= k for p, k in zip(padding, kernel))
    dilation = tuple(integers(given.get("dilations")) or (1, 1))
    if not fits:
        return None
    stride, ceil_mode = tuple(integers(given.get("strides")) or (1, 1)), bool(given.get("ceil_mode", 0))
    if given.node.op_type == "MaxPool":
        return nn.MaxPool2d(kernel, stride, padding, dilation, ceil_mode=ceil_mode)
    counting = bool(given.get("count_include_pad", 0))
    return nn.AvgPool2d(kernel, stride, padding, ceil_mode, counting) if dilation == (1, 1) else None


@builder("GlobalAveragePool")
def _global_average(given):
    return nn.AdaptiveAvgPool2d(1) if given.rank == 4 else None


@builder("Dropout")
def _dropout(given):
    ratio = given.scalar(1, "ratio", 0.5)
    return None if ratio is None or not 0 <= ratio <= 1 else nn.Dropout(ratio)


@builder("Clip")
def _clip(given):
    return nn.ReLU6() if (given.scalar(1, "min", None), given.scalar(2, "max", None)) == (0, 6) else None


@builder("Softmax", "LogSoftmax")
def _softmax(given):
    axis = given.get("axis", -1 if given.opset >= 13 else 1)
    if given.opset < 13 and (given.rank is None or axis not in (-1, given.rank - 1)):
        return None                                                     # all axes from that one on count as one
    return (nn.Softmax if given.node.op_type == "Softmax" else nn.LogSoftmax)(axis)


@builder("LRN")
def _lrn(given):
    size = given.get("size")
    return nn.LocalResponseNorm(size, given.get("alpha", 1e-4), given.get("beta", 0.75), given.get("bias", 1.0)) if size % 2 else None


@builder("HardSigmoid")
def _hardsigmoid(given):
    slope, offset = given.get("alpha", 0.2), given.get("beta", 0.5)
    return nn.Hardsigmoid() if np.isclose(slope, 1 / 6, rtol=1e-6) and offset == 0.5 else None


@builder("Selu")
def _selu(given):
    return nn.SELU() if not given.node.attributes else None


@builder("Flatten")
def _flatten(given):
    return nn.Flatten() if given.get("axis", 1) == 1 and (given.rank or 0) >= 2 else None


BUILDERS |= {
    "Relu": lambda given: nn.ReLU(), "Sigmoid": lambda given: nn.Sigmoid(), "Tanh": lambda given: nn.Tanh(),
    "LeakyRelu": lambda given: nn.LeakyReLU(given.get("alpha", 0.01)), "Elu": lambda given: nn.ELU(given.get("alpha", 1.0)),
    "HardSwish": lambda given: nn.Hardswish(), "Mish": lambda given: nn.Mish(), "Softplus": lambda given: nn.Softplus(),
    "Gelu": lambda given: nn.GELU(given.get("approximate", "none")),
}
