"""Receptive fields: how many input pixels, in height and width, one element of an activation can see.

Going through a network, two numbers change along each axis: the field's size r, and the jump j, the distance in input pixels
between two neighbouring elements. A window of k pixels with stride s and dilation d makes of them

    r + d·(k - 1)·j    and    j·s

Where branches meet, the larger field counts. They are followed along the recorded graph, so that it makes no
difference whether an operation came from a module or was called in some `forward`. (Araujo, Norris & Sim, "Computing receptive
fields of convolutional neural networks", Distill, 2019.)
"""

from fractions import Fraction
from math import ceil, inf
from typing import NamedTuple

from ..autograd.graph import Leaf


class Field(NamedTuple):
    """What one element sees: pairs (height, width), in input pixels. A size of `inf` is the whole image.

    Behind transposed convolutions these are fractions, and elements differ: none sees more than the size rounded up.
    """

    size: tuple = (1, 1)
    jump: tuple = (1, 1)

    def __str__(self):
        if inf in self.size:
            return "all"
        height, width = map(ceil, self.size)
        return str(height) if height == width else f"{height}x{width}"


EVERYTHING = Field((inf, inf))

# Operations after which an element sees what its inputs saw. (Those that normalise look at the statistics of the whole
# image; as everywhere, this is not counted.)
SAME = {
    "Abs", "Add", "AddRelu", "BatchNormalization", "BatchNormalizationAdd", "BatchNormalizationAddRelu", "BatchNormalizationRelu", "Cast",
    "Celu", "Clip", "Concat", "Cos", "Div", "Dropout", "Elu", "Erf", "Exp", "Expand", "Gelu", "HardSigmoid", "HardSwish", "Identity",
    "LRN", "LeakyRelu", "Log", "LogSigmoid", "Max", "MeanVarianceNormalization",
    "Min", "Mish", "Mul", "Neg", "PRelu", "Pad", "Pow", "Reciprocal", "Relu", "Reshape", "Selu", "Sigmoid", "Sign", "Sin",
    "Softplus", "Sqrt", "Sub", "Swish", "Tanh", "Transpose", "Where",
}
# Operations that mix all elements of an image.
MIXING = {"AdaptiveAveragePool", "AdaptiveMaxPool", "Gemm", "GemmRelu", "LogSoftmax", "MatMul", "ReduceMax", "ReduceMin", "ReduceSum",
          "Softmax"}


class ReceptiveFields:
    """Answers `of(tensor)` for the tensors that were computed from an image: their Field, or None where it is not known."""

    def __init__(self, image):
        self.image, self.known = image, {}

    def of(self, tensor):
        if tensor is self.image:
            return Field()
        return self._of_node(tensor.node) if tensor.node is not None else None

    def _of_node(self, last):
        """The field of a node, after those of all nodes before it; without recursion, since graphs can be deep."""
        waiting = [last]
        while waiting:
            node = waiting[-1]
            missing = [edge for edge in node.edges if edge is not None and edge not in self.known]
            if node not in self.known and not missing:
                self.known[node] = self._find(node)
            waiting += missing
            if not missing:
                waiting.pop()
        field = self.known[last]
        return None if field in (CONSTANT, UNKNOWN) else field

    def _find(self, node):
        if isinstance(node, Leaf):
            return Field() if node.tensor() is self.image else CONSTANT
        fields = [self.known[edge] for edge in node.edges if edge is not None]
        return after(node, join([field for field in fields if field is not CONSTANT]))


CONSTANT, UNKNOWN = "does not see the image", "not known"


def join(fields):
    """The field of an element that depends on elements with these fields."""
    if UNKNOWN in fields or not fields:
        return UNKNOWN if fields else CONSTANT
    return Field(*(tuple(map(max, zip(*pairs))) for pairs in zip(*fields)))


def after(node, field):
    """The field behind an operation, from the one before it."""
    attributes = node.attributes or {}
    name, window = node.name(), attributes.get("window")
    if field in (CONSTANT, UNKNOWN) or name in SAME:
        return field
    if name in MIXING:
        return EVERYTHING
    if name == "ConvTranspose":
        return stamped(field, window)
    if window is not None:
        return slid(field, window)
    return sliced(field, attributes["index"]) if name == "GetItem" else UNKNOWN


def slid(field, window):
    """Behind a convolution or a pooling."""
    if window.output == (1, 1) and all(k >= n for k, n in zip(window.kernel, window.size)):
        return EVERYTHING
    size = tuple(r + d * (k - 1) * j for r, j, k, d in zip(*field, window.kernel, window.dilation))
    return Field(size, tuple(j * s for j, s in zip(field.jump, window.stride)))


def stamped(field, window):
    """Behind a transposed convolution: an output element lies under at most ⌈k/s⌉ stamps."""
    stamps = (ceil((d * (k - 1) + 1) / s) for k, d, s in zip(window.kernel, window.dilation, window.stride))
    size = tuple(r + (n - 1) * j for r, j, n in zip(*field, stamps))
    return Field(size, tuple(Fraction(j, s) for j, s in zip(field.jump, window.stride)))


def sliced(field, key):
    """Behind x[:, :, ::s, ::s]: the steps stretch the jump. Other indices than slices of images are not followed."""
    key = key[:-1] if key and key[-1] is Ellipsis else key
    if not all(isinstance(item, slice) for item in key) or len(key) > 4:
        return UNKNOWN
    steps = [abs(item.step or 1) for item in key] + [1] * (4 - len(key))
    return Field(field.size, tuple(j * s for j, s in zip(field.jump, steps[2:])))
