"""Layers in ONNX's operators: normalization, pooling to a given size, interpolation, padding, windows."""

from math import prod

import numpy as np

from .. import shapes
from ..functional.padding import sources
from ..functional.pooling import averaging_matrix, divisors
from ..functional.resize import interpolation_matrix
from ..graph.own import averaging_window
from ..kernels.array import cells
from ..nn.functional.vision import _sizes
from .lower import NotExpressible, rule
from .lower_tensors import _slice, centred_squares


@rule("linear")
def _linear(step):
    x, weight, bias = step.x, step.input(1), step.input(2)
    turned = step.step("Transpose", [weight], perm=[1, 0]) if len(step.shape(weight)) == 2 else weight
    if bias:
        step.last("Add", [step.step("MatMul", [x, turned]), bias])
    else:
        step.last("MatMul", [x, turned])


# Normalization -----------------------------------------------------------------------------------------------------------


def _ones_and_zeros(step, shape, weight="", bias=""):
    return weight or step.like("scale", np.ones(shape)), bias or step.like("shift", np.zeros(shape))


@rule("batch_norm", "instance_norm")
def _batch_norm(step):
    x, mean, var, weight, bias = (step.input(i) for i in range(5))
    channels, eps = step.shape()[1], step.get("eps", 1e-5)
    scale, shift = _ones_and_zeros(step, channels, weight, bias)
    by_input = step.get("training") or step.get("use_input_stats")
    if not by_input:
        return step.last("BatchNormalization", [x, scale, shift, mean, var], epsilon=eps)
    if step.node.op_type == "instance_norm":
        return step.last("InstanceNormalization", [x, scale, shift], epsilon=eps)
    y = _standardized(step, [axis for axis in range(step.rank) if axis != 1], eps, step.step)
    return step.affine(y, weight, bias, [channels] + [1] * (step.rank - 2))


def _standardized(step, axes, eps, last):
    """(x - E[x]) / √(Var[x] + eps) over some axes."""
    centred, squares = centred_squares(step, axes)
    variance = step.step("ReduceMean", [squares], axes=axes, keepdims=1)
    return last("Div", [centred, step.step("Sqrt", [step.step("Add", [variance, step.like("eps", eps)])])])


@rule("group_norm")
def _group_norm(step):
    """Groups as the channels of InstanceNormalization."""
    groups, rest = step.get("num_groups"), step.lengths(1)
    if prod(rest) == groups:
        raise NotExpressible("one number in a group")
    rows = step.step("Reshape", [step.x, step.constant("groups", [0, groups, -1])])
    scale, shift = _ones_and_zeros(step, groups)
    even = step.step("InstanceNormalization", [rows, scale, shift], epsilon=step.get("eps", 1e-5))
    y = step.step("Reshape", [even, step.constant("image", [0, *rest])])
    step.affine(y, step.input(1), step.input(2), [rest[0]] + [1] * (step.rank - 2))


@rule("layer_norm")
def _layer_norm(step):
    shape = step.get("normalized_shape")
    shape = [shape] if isinstance(shape, int) else list(shape)
    scale, shift = _ones_and_zeros(step, shape, step.input(1), step.input(2))
    step.last("LayerNormalization", [step.x, scale, shift], axis=-len(shape), epsilon=step.get("eps", 1e-5))


@rule("standardize")
def _standardize(step):
    """Over the last axis, as layers of our own and of ONNX are made of it."""
    _standardized(step, [-1], step.get("eps"), step.last)


@rule("local_response_norm")
def _local_response_norm(step):
    """Of an even number of neighbours, which programs refuse for LRN: means of squares over channels, as over the rows of an image."""
    size, shape = step.get("size"), step.lengths(1)
    rows = step.step("Reshape", [step.step("Mul", [step.x, step.x]), step.constant("rows", [0, 1, shape[0], -1])])
    padded = step.step("Pad", [rows, step.constant("pads", [0, 0, size // 2, 0, 0, 0, (size - 1) // 2, 0])])
    means = step.step("AveragePool", [padded], kernel_shape=[size, 1])
    means = step.step("Reshape", [means, step.constant("image", [0, *shape])])
    base = step.step("Add", [step.step("Mul", [means, step.like("alpha", step.get("alpha"))]), step.like("k", step.get("k"))])
    step.last("Div", [step.x, step.step("Pow", [base, step.like("beta", step.get("beta"))])])


# Pooling -----------------------------------------------------------------------------------------------------------------


def _images(step, dims=2):
    """The lengths behind the channels; examples without a batch axis are not expressible."""
    if step.rank != dims + 2:
        raise NotExpressible("without a batch axis")
    return step.lengths(2)


def _window(step, dims):
    """How the window of a pooling slides; a sequence is an image of height 1."""
    def of(value, neutral):
        return value if dims == 2 or value is None else (neutral, value if isinstance(value, int) else value[0])

    lengths = _images(step, dims)
    shape = (1, 1, *(lengths if dims == 2 else (1, *lengths)))
    return shapes.pool2d_window(shape, of(step.get("kernel_size"), 1), of(step.get("stride"), 1), of(step.get("padding", 0), 0),
                                of(step.get("dilation", 1), 1), step.get("ceil_mode", False))


def _sliding(window, dims):
    """The window's attributes in ONNX's words, for the last `dims` axes."""
    pads = [[before for before, _ in window.padding], [max(after, 0) for _, after in window.pads[2:]]]
    return {"kernel_shape": list(window.kernel[-dims:]), "strides": list(window.stride[-dims:]),
            "pads": [n for side in pads for n in side[-dims:]]}


def _averages(step, x, window, divisor, dims, last):
    """Sums of windows over a divisor: means without padding of what is padded before, times pixels / divisor."""
    attributes = _sliding(window, dims)
    pads = attributes.pop("pads")
    if any(pads):
        x = step.step("Pad", [x, step.constant("pads", [0, 0, *pads[:dims], 0, 0, *pads[dims:]])])
    factor = window.kernel[0] * window.kernel[1] / np.asarray(divisor, np.float64)
    if (factor == 1).all():
        return last("AveragePool", [x], **attributes)
    factor = factor[0] if dims == 1 and factor.ndim else factor
    return last("Mul", [step.step("AveragePool", [x], **attributes), step.like("factor", factor)])


@rule("avg_pool2d", "avg_pool1d")
def _avg_pool(step):
    dims = int(step.node.op_type[-2])
    window = _window(step, dims)
    divisor = step.get("divisor_override") or divisors(window, step.get("count_include_pad", True), np.zeros(0))
    _averages(step, step.x, window, divisor, dims, step.last)


@rule("lp_pool2d")
def _lp_pool(step):
    """(Σ xᵖ / divisor)^(1/p)."""
    window, p = _window(step, 2), step.get("norm_type")
    divisor = divisors(window, True, np.zeros(0)) / (window.kernel[0] * window.kernel[1])
    total = _averages(step, step.step("Pow", [step.x, step.like("p", p)]), window, divisor, 2, step.step)
    step.last("Pow", [total, step.like("root", 1 / p)])


@rule("max_pool1d", "max_pool2d_with_indices")
def _max_pool(step):
    dims = int(step.node.op_type[8])
    window = _window(step, dims)
    attributes = _sliding(window, dims) | {"dilations": list(window.dilation[-dims:])}
    if any(pad >= k for pad, k in zip(attributes["pads"], attributes["kernel_shape"] * 2)):
        raise NotExpressible("ceil_mode with dilation")
    if len(step.node.outputs) == 1:
        return step.last("MaxPool", [step.x], **attributes)
    values, places = step.step("MaxPool", [step.x], 2, **attributes)        # the places are counted through the whole tensor
    step.last("Identity", [values])
    return step.last("Mod", [places, step.constant("pixels", prod(window.size))], output=1, fmod=0)


def _cells_of(step, dims):
    """(axis, length, new length) behind the channels; None for a new length keeps the old one."""
    lengths, size = _images(step, dims), step.get("output_size")
    size = size if isinstance(size, (list, tuple)) else [size] * dims
    return [(axis, n, n if m is None else m) for axis, (n, m) in enumerate(zip(lengths, size), 2)]


@rule("adaptive_avg_pool2d", "adaptive_avg_pool1d")
def _adaptive_avg_pool(step):
    grid = _cells_of(step, int(step.node.op_type[-2]))
    if all(m and n % m == 0 for _, n, m in grid):
        return _even_cells(step, grid, "AveragePool")
    return _times_matrices(step, [averaging_matrix(n, m, np.zeros(0)) for _, n, m in grid])


@rule("adaptive_max_pool2d", "adaptive_max_pool1d")
def _adaptive_max_pool(step):
    grid = _cells_of(step, int(step.node.op_type[-2]))
    if len(step.node.outputs) > 1:
        raise NotExpressible("return_indices")
    if all(m and n % m == 0 for _, n, m in grid):
        return _even_cells(step, grid, "MaxPool")
    x = step.x
    for (axis, n, m), add in step.in_turn(grid):
        slices = [step.step("Slice", _slice(step, x, axis, *ends)) for ends in cells(n, m)]
        parts = [step.step("ReduceMax", [part], axes=[axis], keepdims=1) for part in slices]
        x = add("Concat", parts, axis=axis)
    return None


def _even_cells(step, grid, pool):
    """Cells of one size: a plain pooling."""
    kernel = [n // m for _, n, m in grid]
    if kernel == [1] * len(kernel):
        return step.same()
    if all(m == 1 for _, _, m in grid):
        return step.last(f"Global{pool}", [step.x])
    return step.last(pool, [step.x], kernel_shape=kernel, strides=kernel)


def _times_matrices(step, matrices):
    """y[..., p, q] = Σ A[p, h] x[..., h, v] B[q, v]; the matrices (new length, length) belong to the last axes."""
    x, needed = step.x, [(axis, m) for axis, m in enumerate(matrices[::-1], 1) if not np.array_equal(m, np.eye(*m.shape))]
    if not needed:
        return step.same()
    for (axis, matrix), add in step.in_turn(needed):
        if axis == 1:
            x = add("MatMul", [x, step.like("matrix", matrix.T)])
        elif axis == 2:
            x = add("MatMul", [step.like("matrix", matrix), x])
        else:
            raise NotExpressible("in three dimensions")
    return None


@rule("resample")
def _resample(step):
    _times_matrices(step, [step.graph.initializers[name] for name in step.inputs[1:]])


@rule("average_windows")
def _average_windows(step):
    divisor = step.graph.initializers[step.input(1)]
    window = averaging_window(step.lengths(2), divisor, **step.attributes)
    _averages(step, step.x, window, divisor, 2, step.last)


# Interpolation -----------------------------------------------------------------------------------------------------------


@rule("interpolate")
def _interpolate(step):
    lengths, mode = _images(step, step.rank - 2), step.get("mode", "nearest")
    size, scales = _sizes(lengths, step.get("size"), step.get("scale_factor"), step.get("recompute_scale_factor"))
    matrices = [interpolation_matrix(mode, n, m, s, bool(step.get("align_corners"))) for n, m, s in zip(lengths, size, scales)]
    ratios = [m / n if s is None else s for n, m, s in zip(lengths, size, scales)]
    exact = all(int(n * float(np.float32(r))) == int(np.float32(n) * np.float32(r)) == m for n, m, r in zip(lengths, size, ratios))
    if mode.startswith("nearest"):
        whole = all(m % n == 0 and m / n == r for n, m, r in zip(lengths, size, ratios))
        return _resize(step, mode, ratios) if whole and step.dtype.kind == "f" else _copies(step, [m.argmax(1) for m in matrices])
    between = step.get("align_corners") and any(n * r != m for n, m, r in zip(lengths, size, ratios))     # programs differ in it
    if mode == "area" or not exact or between or len(lengths) == 3:
        return _times_matrices(step, matrices)
    return _resize(step, mode, ratios)


# Each mode in ONNX's words: mode, where the old pixels lie, and what else there is to say.
RESIZE = {"nearest": ("nearest", "asymmetric", {"nearest_mode": "floor"}),
          "nearest-exact": ("nearest", "half_pixel", {"nearest_mode": "round_prefer_ceil"}),
          "linear": ("linear", "half_pixel", {}), "bilinear": ("linear", "half_pixel", {}),
          "bicubic": ("cubic", "half_pixel", {"cubic_coeff_a": -0.75})}


def _resize(step, mode, ratios):
    name, places, options = RESIZE[mode]
    places = "align_corners" if step.get("align_corners") else places
    scales = step.constant("scales", [1, 1, *ratios], np.float32)
    step.last("Resize", [step.x, "", scales], mode=name, coordinate_transformation_mode=places, **options)


def _copies(step, places):
    """Every new pixel is a copy of an old one: along each axis behind the channels, of that at the given places."""
    x = step.x
    for (axis, index), add in step.in_turn(list(enumerate(places, step.rank - len(places)))):
        x = add("Gather", [x, step.constant("places", index)], axis=axis)


@rule("pad")
def _pad(step):
    """The modes that continue an image, as ONNX has them; else by copies of its pixels."""
    pads, mode = step.get("pad"), step.get("mode", "constant")
    widths = list(zip(pads[::2], pads[1::2]))[::-1]
    first = step.rank - len(widths)
    if mode in ("reflect", "replicate") and min(pads) >= 0:
        both = [0] * first + [before for before, _ in widths] + [0] * first + [after for _, after in widths]
        return step.last("Pad", [step.x, step.constant("pads", both)], mode={"reflect": "reflect", "replicate": "edge"}[mode])
    return _copies(step, [sources(n, before, after, mode) for n, (before, after) in zip(step.lengths(first), widths)])


# Windows: convolutions with kernels that have a single 1 -------------------------------------------------------------------


def _one_hot_kernels(step, channels, kernel):
    """(C·KH·KW, 1, KH, KW): kernel i of each channel picks its pixel i."""
    pixels = prod(kernel)
    return step.like("kernels", np.tile(np.eye(pixels).reshape(pixels, 1, *kernel), (channels, 1, 1, 1)))


def _geometry(step):
    kernel, stride, padding, dilation = (shapes.pair(step.get(name, least), name) for name, least in (
        ("kernel_size", 1), ("stride", 1), ("padding", 0), ("dilation", 1)))
    return kernel, {"kernel_shape": list(kernel), "strides": list(stride), "pads": [*padding, *padding], "dilations": list(dilation)}


@rule("unfold")
def _unfold(step):
    kernel, attributes = _geometry(step)
    _images(step)
    channels = step.shape()[1]
    columns = step.step("Conv", [step.x, _one_hot_kernels(step, channels, kernel)], group=channels, **attributes)
    step.last("Reshape", [columns, step.constant("shape", [0, channels * prod(kernel), -1])])


@rule("fold")
def _fold(step):
    """The transpose of `unfold`; what the windows do not reach at the end of an axis stays 0."""
    kernel, attributes = _geometry(step)
    size = shapes.pair(step.get("output_size"), "output_size")
    _images(step, 1)
    channels = step.shape()[1] // prod(kernel)
    padding = attributes["pads"][:2]
    window = shapes.window(size, kernel, tuple(attributes["strides"]), tuple((p, p) for p in padding), tuple(attributes["dilations"]))
    extra = [n + 2 * p - reach for n, p, reach in zip(size, padding, window.reach)]
    image = step.step("Reshape", [step.x, step.constant("shape", [0, channels * prod(kernel), *window.output])])
    step.last("ConvTranspose", [image, _one_hot_kernels(step, channels, kernel)], group=channels, output_padding=extra, **attributes)
