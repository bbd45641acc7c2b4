"""The shapes that layers, arithmetic and reductions give."""

import math

from ..errors import BadValue
from .axes import axes_of, axis_of
from .dtypes import dtype_of
from .facts import Known, Unknown, rule
from .pads import pads_of
from .sizes import Size, broadcast, known

SAME = """Relu Sigmoid Tanh LeakyRelu Elu Selu Celu HardSigmoid HardSwish PRelu ThresholdedRelu Softplus Softsign Mish Gelu
Clip InstanceNormalization LayerNormalization GroupNormalization MeanVarianceNormalization LpNormalization Neg Abs Exp Log Sqrt
Reciprocal Floor Ceil Round Sign Erf Sin Cos Tan Asin Acos Atan Sinh Cosh Asinh Acosh Atanh Not BitwiseNot CumSum Shrink Trilu ScatterND
ScatterElements Scatter ReverseSequence RandomNormalLike RandomUniformLike Bernoulli Swish RMSNormalization""".split()
ARITHMETIC = "Pow Mod Min Max Sum Mean BitShift BitwiseAnd BitwiseOr BitwiseXor".split()
COMPARISONS = "Equal Less Greater LessOrEqual GreaterOrEqual And Or Xor".split()
REDUCTIONS = [f"Reduce{name}" for name in "Sum Mean Max Min Prod L1 L2 LogSum LogSumExp SumSquare".split()]


@rule(*SAME)
def same(call):
    return call.shape()


@rule("Softmax", "LogSoftmax", "Hardmax")
def softmax(call):
    call.axis(-1 if call.opset >= 13 else 1)
    return call.shape()


@rule("LRN")
def lrn(call):
    if call.get("size") < 1:
        raise BadValue(f"its size is {call.get('size')}, expected at least 1")
    return call.shape()


@rule(*ARITHMETIC)
def arithmetic(call):
    """Before opset 7 the second operand was stretched to the first, by attributes."""
    if call.opset < 7 and "broadcast" in call.node.attributes:
        return call.shape()
    return broadcast(*[call.shape(i) for i in range(len(call.inputs))])


@rule(*COMPARISONS)
def comparison(call):
    return Known("bool", arithmetic(call))


@rule("IsNaN", "IsInf")
def is_special(call):
    return Known("bool", call.shape())


@rule("Where")
def where(call):
    return Known(call.known(1).dtype, broadcast(call.shape(0), call.shape(1), call.shape(2)))


@rule("QuantizeLinear")
def quantized(call):
    return Known(call.known(2).dtype if call.has(2) else "uint8", call.shape())


@rule("DequantizeLinear")
def dequantized(call):
    return Known(call.known(1).dtype, call.shape())


# Layers

@rule("Conv")
def conv(call):
    (n, c, *size), (o, i, *kernel) = call.shape(0), call.shape(1)
    group = call.get("group", 1)
    if known(c, i) and c != i * group or len(size) != len(kernel) or group < 1 or known(o) and (o < 1 or o % group):
        raise BadValue(f"{c} channels and {len(size)} axes; {o} windows are for {group} groups of {i} channels and {len(kernel)} axes")
    check_kernel(call, kernel)
    return (n, o, *windows(call, size, kernel))


def check_kernel(call, kernel):
    if call.get("kernel_shape", list(kernel)) != list(kernel) and known(*kernel):
        raise BadValue(f"its kernel_shape is {call.get('kernel_shape')}, its weights have windows of {kernel}")


def windows(call, size, kernel):
    """How many positions a window takes along each axis."""
    strides, dilations, pads = spatial(call, len(size))
    if pads is None:
        return [-(-s // stride) if known(s) else named(f"ceil({s}/{stride})", s, stride) for s, stride in zip(size, strides)]
    return [positions(s, total - d * (k - 1) - 1, stride, call.get("ceil_mode", 0))
            for s, total, k, d, stride in zip(size, pads, kernel, dilations, strides)]


def named(words, size, stride):
    return size if stride == 1 else Size.named(words)


def spatial(call, axes):
    """strides, dilations, and the pads before and after together, each for every axis; pads are None where they follow from the size."""
    automatic, pads = call.get("auto_pad", "NOTSET"), pads_of(call.node.attributes, axes)
    if automatic not in ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"):
        raise BadValue(f"auto_pad {automatic!r:.40} is not known")
    strides, dilations = (list(call.get(name, [1] * axes)) for name in ("strides", "dilations"))
    fit = len(strides) == len(dilations) == axes and (pads is None or len(pads) == 2 * axes)
    if not fit or min(strides + dilations, default=1) < 1:
        raise BadValue(f"strides {strides}, dilations {dilations} and pads {pads} are not for {axes} axes")
    return strides, dilations, pads and [before + after for before, after in zip(pads[:axes], pads[axes:])]


def positions(size, more, stride, ceil):
    """(size + more) / stride + 1, where `more` is the pads less the window's reach; rounding up is told only where it makes no difference,
    for the last window may lie outside."""
    if stride == 1:
        return size + (more + 1)
    if ceil and not (known(size) and (size + more) % stride == 0):
        return Size.unknown()
    return (size + more) // stride + 1


@rule("ConvTranspose")
def conv_transpose(call):
    (n, c, *size), (i, o, *kernel) = call.shape(0), call.shape(1)
    if known(c, i) and c != i or len(size) != len(kernel):
        raise BadValue(f"{c} channels and {len(size)} axes of size; the weights are for {i} channels and {len(kernel)} axes")
    check_kernel(call, kernel)
    o *= call.get("group", 1)
    if "output_shape" in call.node.attributes:
        return (n, o, *call.get("output_shape")[-len(size):])
    strides, dilations, pads = spatial(call, len(size))
    extra = call.get("output_padding", [0] * len(size))
    if pads is None:
        return (n, o, *[s * stride for s, stride in zip(size, strides)])
    return (n, o, *[(s - 1) * stride + e + d * (k - 1) + 1 - total
                    for s, stride, e, d, k, total in zip(size, strides, extra, dilations, kernel, pads)])


@rule("MaxPool", "AveragePool", "LpPool")
def pool(call):
    n, c, *size = call.shape()
    if call.node.op_type == "LpPool" and "kernel_shape" not in call.node.attributes or len(call.get("kernel_shape")) != len(size):
        raise BadValue(f"its kernel_shape {call.get('kernel_shape')} is not for {len(size)} axes")
    shape = (n, c, *windows(call, size, call.get("kernel_shape")))
    return [shape, Known("int64", shape)]


@rule("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool")
def global_pool(call):
    n, c, *size = call.shape()
    return (n, c, *[1] * len(size))


@rule("Gemm")
def gemm(call):
    (m, k), (l, n) = (call.shape(i)[::-1] if call.get(name, 0) else call.shape(i) for i, name in enumerate(("transA", "transB")))
    check_contraction(k, l)
    return (m, n)


def check_contraction(k, l):
    if known(k, l) and k != l:
        raise BadValue(f"rows of {k} numbers cannot be multiplied with columns of {l}")


@rule("MatMul")
def matmul(call):
    a, b = call.shape(0), call.shape(1)
    if not a or not b:
        raise BadValue("a single number is no matrix")
    left, right = a if len(a) > 1 else (1, *a), b if len(b) > 1 else (*b, 1)
    check_contraction(left[-1], right[-2])
    return (*broadcast(left[:-2], right[:-2]), *left[-2:-1] * (len(a) > 1), *right[-1:] * (len(b) > 1))


@rule("BatchNormalization")
def batch_normalization(call):
    shape = call.shape()
    for index in range(1, 5):
        if known(*shape[1:2]) and call.known(index).shape not in (None, shape[1:2]):
            raise BadValue(f"its input {index} has the shape {call.shape(index)}, expected one number for each of {shape[1]} channels")
    return [shape] + [call.shape(i) for i in (3, 4, 3, 4)]


@rule("Dropout")
def dropout(call):
    return [call.known(), Known("bool", call.shape())]


@rule("Einsum")
def einsum(call):
    """Without "...", every letter has one size."""
    left, arrow, right = call.get("equation").replace(" ", "").partition("->")
    terms = left.split(",")
    if "." in left or len(terms) != len(call.inputs):
        raise Unknown
    sizes = {letter: size for i, term in enumerate(terms) for letter, size in zip(term, call.shape(i))}
    letters = right if arrow else sorted(letter for letter in sizes if left.count(letter) == 1)
    return tuple(sizes[letter] for letter in letters)


@rule("GridSample")
def grid_sample(call):
    return (*call.shape()[:2], *call.shape(1)[1:-1])


# Reductions

@rule(*REDUCTIONS)
def reduction(call):
    axes = call.axes()
    if not axes:
        if call.get("noop_with_empty_axes", 0):
            return call.shape()
        axes = range(len(call.shape()))
    return without(call.shape(), axes, call.get("keepdims", 1))


def without(shape, axes, keep):
    gone = axes_of(axes, len(shape))
    return tuple(1 if axis in gone else size for axis, size in enumerate(shape) if keep or axis not in gone)


@rule("ArgMax", "ArgMin")
def arg(call):
    return Known("int64", without(call.shape(), [call.get("axis", 0)], call.get("keepdims", 1)))


@rule("TopK")
def top_k(call):
    shape, axis = list(call.shape()), call.axis(-1)
    shape[axis] = call.get("k") or call.integers(1)[0]
    return [tuple(shape), Known("int64", tuple(shape))]


# What makes values of its own

@rule("ConstantOfShape")
def constant_of_shape(call):
    value = call.get("value")
    return Known("float32" if value is None else str(value.dtype), tuple(call.sizes(0)))


@rule("RandomNormal", "RandomUniform")
def random(call):
    return Known(dtype_of(call.get("dtype", 1)), tuple(call.get("shape")))


@rule("EyeLike")
def eye_like(call):
    return Known(dtype_of(call.get("dtype")) if "dtype" in call.node.attributes else call.known().dtype, call.shape())


@rule("Range")
def interval(call):
    start, limit, step = (call.numbers(i)[0] for i in range(3))
    if not step or not all(map(math.isfinite, (start, limit, step))):
        raise BadValue(f"from {start} to {limit} in steps of {step} has no end")
    return Known(call.known(0).dtype, (max(math.ceil((limit - start) / step), 0),))


@rule("OneHot")
def one_hot(call):
    shape = list(call.shape())
    shape.insert(axis_of(call.get("axis", -1), len(shape) + 1), call.integers(1)[0])
    return Known(call.known(2).dtype, tuple(shape))
