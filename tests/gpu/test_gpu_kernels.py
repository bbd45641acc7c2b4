"""The kernels for a GPU agree with the array kernels on NumPy: odd shapes, other layouts, both dtypes, empty batches."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from minicnn import arrays, kernels, shapes
from minicnn.errors import BadValue, ShapeError
from minicnn.kernels import array

cupy = pytest.importorskip("cupy")
if arrays.why_no_gpu():
    pytest.skip(arrays.why_no_gpu(), allow_module_level=True)

pytestmark = pytest.mark.gpu

from minicnn.kernels import gpu  # noqa: E402
from minicnn.kernels.gpu import conv as gpu_conv  # noqa: E402

TOLERANCE = {np.dtype("float32"): 5e-6, np.dtype("float64"): 1e-12}

pairs = lambda low, high: st.tuples(st.integers(low, high), st.integers(low, high))     # noqa: E731
dtypes = st.sampled_from([np.float32, np.float64])
LAYOUTS = ["images first", "channels first", "channels last", "every second"]
layouts = st.sampled_from(LAYOUTS)


def laid_out(x, layout):
    """The images on the GPU, lying in memory in an order; "channels first" is (C, N, H, W), as the kernels leave them."""
    x = cupy.asarray(x)
    if x.ndim != 4 or layout == "images first":
        return x
    if layout == "every second":
        wide = cupy.zeros((*x.shape[:3], 2 * x.shape[3]), x.dtype)
        wide[..., ::2] = x
        return wide[..., ::2]
    axes = (1, 0, 2, 3) if layout == "channels first" else (0, 2, 3, 1)
    return cupy.ascontiguousarray(x.transpose(axes)).transpose(np.argsort(axes).tolist())


def exact(arguments):
    return [a.astype(np.float64) if isinstance(a, np.ndarray) and a.dtype.kind == "f" else a for a in arguments]


def compare(name, layout, *arguments, least=1e-30):
    """A kernel on the GPU against the array kernel on NumPy in float64. Nothing that it got is changed."""
    there = [laid_out(a, layout) if isinstance(a, np.ndarray) else a for a in arguments]
    found, wanted = getattr(gpu, name)(*there), getattr(array, name)(*exact(arguments))
    dtype = next(a.dtype for a in arguments if isinstance(a, np.ndarray) and a.dtype.kind == "f")
    for one, other in zip(found, wanted) if isinstance(found, tuple) else [(found, wanted)]:
        agree(one, other, dtype if other.dtype.kind == "f" else other.dtype, least)
    for a, b in zip(there, arguments):
        if isinstance(b, np.ndarray):
            np.testing.assert_array_equal(cupy.asnumpy(a), b)


def agree(found, wanted, dtype, least=1e-30):
    """Same shape and dtype, and as near as the dtype's rounding lets it be, relative to the largest value, or to `least`."""
    assert isinstance(found, cupy.ndarray) and found.shape == wanted.shape and found.dtype == dtype
    if wanted.size:
        found, most = cupy.asnumpy(found), np.abs(wanted)[~np.isnan(wanted)].max(initial=least)
        np.testing.assert_allclose(found, wanted, rtol=0, atol=TOLERANCE.get(np.dtype(dtype), 0) * most)


def normal(rng, dtype, *shapes):
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


# Convolution -------------------------------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(dtype=dtypes, layout=layouts, n=st.integers(0, 3), groups=st.integers(1, 3), c=st.integers(1, 3), o=st.integers(1, 5),
       size=pairs(1, 9), kernel=pairs(1, 4), stride=pairs(1, 3), padding=pairs(0, 3), dilation=pairs(1, 2),
       workspace=st.sampled_from([1, 2000, 1 << 28]), bias=st.booleans(), seed=st.integers(0, 99))
def test_convolution(dtype, layout, n, groups, c, o, size, kernel, stride, padding, dilation, workspace, bias, seed):
    shape = (o * groups, c, *kernel)
    try:
        window = shapes.conv2d_window((n, c * groups, *size), shape, stride, padding, dilation, groups)
    except ShapeError:
        assume(False)
    x, w, b, dy = normal(np.random.default_rng(seed), dtype, (n, c * groups, *size), shape, shape[:1], (n, o * groups, *window.output))
    before, gpu_conv.WORKSPACE = gpu_conv.WORKSPACE, workspace
    try:
        compare("conv2d", layout, x, w, b if bias else None, window, groups)
        compare("conv2d_dx", layout, dy, w, window, groups)
        compare("conv2d_dw", layout, dy, x, window, groups)
    finally:
        gpu_conv.WORKSPACE = before


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kernel, groups, options", [(1, 1, {}), (1, 2, {}), (3, 1, {"padding": 1}), (3, 4, {"padding": 1, "stride": 2})])
def test_convolution_of_some_size(layout, kernel, groups, options):
    """A kernel of one pixel needs no im2col; four groups of one channel each are computed directly, in more than one slice."""
    shape = (8, 4 // groups, kernel, kernel)
    window = shapes.conv2d_window((5, 4, 60, 30), shape, groups=groups, **options)
    x, w, dy = normal(np.random.default_rng(0), "f", (5, 4, 60, 30), shape, (5, 8, *window.output))
    compare("conv2d", layout, x, w, None, window, groups)
    compare("conv2d_dx", layout, dy, w, window, groups)
    compare("conv2d_dw", layout, dy, x, window, groups)


@pytest.mark.parametrize("groups", [1, 2])
def test_a_kernel_of_one_pixel_in_parts(groups, monkeypatch):
    """As where a batch has more elements than 32 bits count: each part of dx comes to its place."""
    monkeypatch.setattr(gpu_conv, "MOST", 2 * 4 * 6 * 6)
    window = shapes.conv2d_window((5, 4, 6, 6), (6, 4 // groups, 1, 1), groups=groups)
    x, w, dy = normal(np.random.default_rng(0), "f", (5, 4, 6, 6), (6, 4 // groups, 1, 1), (5, 6, 6, 6))
    compare("conv2d", "channels first", x, w, None, window, groups)
    compare("conv2d_dx", "channels first", dy, w, window, groups)
    compare("conv2d_dw", "channels first", dy, x, window, groups)


def test_weights_that_are_not_contiguous():
    window = shapes.conv2d_window((2, 4, 6, 6), (6, 4, 3, 3))
    x, w = normal(np.random.default_rng(0), "f", (2, 4, 6, 6), (6, 4, 6, 3))
    found = gpu.conv2d(cupy.asarray(x), cupy.asarray(w)[:, :, ::2], None, window, 1)
    agree(found, array.conv2d(x, np.ascontiguousarray(w[:, :, ::2]), None, window, 1), np.float32)


# Pooling -----------------------------------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(dtype=dtypes, layout=layouts, n=st.integers(0, 3), c=st.integers(1, 3), size=pairs(1, 9), kernel=pairs(1, 4), stride=pairs(1, 3),
       padding=pairs(0, 2), dilation=pairs(1, 2), ceil=st.booleans(), seed=st.integers(0, 99))
def test_pooling(dtype, layout, n, c, size, kernel, stride, padding, dilation, ceil, seed):
    """Small integers, so that maxima are tied often: the first of them wins. Some are NaN."""
    padding = tuple(min(p, (d * (k - 1) + 1) // 2) for p, k, d in zip(padding, kernel, dilation))
    try:
        window = shapes.pool2d_window((n, c, *size), kernel, stride, padding, dilation, ceil)
    except (ShapeError, BadValue):
        assume(False)
    rng = np.random.default_rng(seed)
    x, dy = rng.integers(-2, 3, (n, c, *size)).astype(dtype), rng.standard_normal((n, c, *window.output)).astype(dtype)
    compare("avg_pool2d", layout, x, window, 3)
    compare("avg_pool2d", layout, x, window, rng.integers(1, 9, window.output).astype(dtype))
    compare("avg_pool2d_dx", layout, dy, window, dtype(3))
    compare("avg_pool2d_dx", layout, dy, window, rng.integers(1, 9, window.output).astype(dtype))
    winners = array.max_pool2d(x, window)[1]
    assume(array.max_pool2d(np.zeros_like(x), window)[0].min(initial=0) == 0)      # a window that sees padding alone has no winner
    compare("max_pool2d_dx", layout, dy, winners, window)
    x[rng.random(x.shape) < 0.05] = np.nan
    compare("max_pool2d", layout, x, window)
    compare("max_pool2d_relu", layout, x, window)


@settings(max_examples=40)
@given(dtype=dtypes, layout=layouts, n=st.integers(0, 3), c=st.integers(1, 3), size=pairs(1, 9), output=pairs(1, 11), seed=st.integers(0, 99))
def test_adaptive_pooling(dtype, layout, n, c, size, output, seed):
    from minicnn.functional.pooling import averaging_matrix

    rng = np.random.default_rng(seed)
    x, dy = rng.integers(-2, 3, (n, c, *size)).astype(dtype), rng.standard_normal((n, c, *output)).astype(dtype)
    rows, columns = (averaging_matrix(a, b, x) for a, b in zip(size, output))
    compare("adaptive_avg_pool2d", layout, x, rows, columns)
    compare("adaptive_avg_pool2d_dx", layout, dy, rows, columns)
    compare("adaptive_winners", layout, x, output)
    compare("adaptive_max_pool2d_dx", layout, dy, array.adaptive_winners(x, output), size)


# Batch norm, pointwise -----------------------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(dtype=dtypes, layout=layouts, n=st.integers(0, 4), c=st.integers(1, 5), pixels=st.sampled_from([(), (3,), (1, 1), (4, 5), (50, 40)]),
       affine=st.booleans(), mean=st.sampled_from([0, 3, 1000]), seed=st.integers(0, 99))
def test_batch_norm(dtype, layout, n, c, pixels, affine, mean, seed):
    rng, shape = np.random.default_rng(seed), (n, c, *pixels)
    x, dy, w, b = normal(rng, dtype, shape, shape, (c,), (c,))
    least = max(x.size / c, 1) ** 0.5                    # sums of so many numbers of either sign are no more exact
    compare("channel_sums", layout, dy, least=least)
    compare("batch_moments", layout, x + dtype(mean), least=1 + mean / 50)     # the mean itself is rounded
    mean, var = array.batch_moments(x)
    rstd = (1 / np.sqrt(var + 0.1)).astype(dtype)
    w, b = (w, b) if affine else (None, None)
    compare("batch_norm", layout, x, w, b, mean, rstd)
    compare("batch_norm_relu", layout, x, w, b, mean, rstd)
    compare("batch_norm_add", layout, x, w, b, dy, mean, rstd)
    compare("batch_norm_add_relu", layout, x, w, b, dy, mean, rstd)
    compare("batch_norm_add_relu_dx", layout, dy, array.relu(x), x, w, mean, rstd, least=least)
    compare("batch_norm_sums", layout, dy, x, mean, rstd, least=least)
    compare("batch_norm_dx", layout, dy, x, w, mean, rstd, least=least)
    v = array.batch_norm(x.astype("d"), *[None if a is None else a.astype("d") for a in (w, b, mean, rstd)])
    if np.abs(v).min(initial=1) > 1e-5:                 # else rounding decides on which side of the ReLU's kink it lies
        compare("batch_norm_relu_dx", layout, dy, x, w, b, mean, rstd, least=least)


def test_the_variance_of_large_numbers():
    """Σ x² - (Σ x)² / m would lose all digits in float32."""
    x = (1e4 + np.random.default_rng(0).standard_normal((4, 3, 40, 41))).astype("f")
    mean, var = gpu.batch_moments(laid_out(x, "channels first"))
    np.testing.assert_allclose(cupy.asnumpy(var), x.astype("d").var((0, 2, 3)), rtol=1e-4)
    np.testing.assert_allclose(cupy.asnumpy(mean), x.astype("d").mean((0, 2, 3)), rtol=3e-7)


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("dtype", ["f", "d"])
def test_statistics_and_running_ones_in_one_go(dtype, running):
    x, running_mean, running_var = normal(np.random.default_rng(0), dtype, (3, 4, 30, 30), (4,), (4,))
    there = [cupy.asarray(v) if running else None for v in (running_mean, running_var)]
    mean, rstd = gpu.batch_statistics(cupy.asarray(x), *there, 0.3, 1e-3)
    true_mean, true_var = array.batch_moments(x.astype("d"))
    agree(mean, true_mean, dtype)
    agree(rstd, 1 / np.sqrt(true_var + 1e-3), dtype)
    if running:
        agree(there[0], 0.7 * running_mean + 0.3 * true_mean, dtype)
        agree(there[1], 0.7 * running_var + 0.3 * true_var * 2700 / 2699, dtype)


@settings(max_examples=30)
@given(dtype=dtypes, layout=layouts, n=st.integers(0, 3), c=st.integers(1, 4), size=pairs(1, 6), seed=st.integers(0, 99))
def test_pointwise(dtype, layout, n, c, size, seed):
    rng = np.random.default_rng(seed)
    x, y, dy = rng.integers(-2, 3, (n, c, *size)).astype(dtype), *normal(rng, dtype, (n, c, *size), (n, c, *size))
    compare("relu", layout, x)
    compare("relu_dx", layout, dy, x)
    compare("add", layout, x, y)
    compare("add_relu", layout, x, y)
    there = [laid_out(x, layout), cupy.asarray(y), laid_out(dy, layout)]
    for axis in (0, 1, 3, -1):
        agree(gpu.cat(there, axis), np.concatenate([x, y, dy], axis), dtype)


def test_a_nan_goes_through_relu():
    x = cupy.asarray([np.nan, -1, 2], "f")
    assert np.isnan(cupy.asnumpy(gpu.relu(x)))[0] and np.isnan(cupy.asnumpy(gpu.relu_dx(x, x)))[0]
    for b in (cupy.zeros(1, "f"), None):
        np.testing.assert_array_equal(cupy.asnumpy(gpu.linear_relu(x[:, None], cupy.ones((1, 1), "f"), b)), [[np.nan], [0], [2]])


def test_what_kernels_leave_lies_channel_by_channel():
    """And so no copy is made from layer to layer."""
    window = shapes.conv2d_window((3, 4, 8, 8), (5, 4, 3, 3), padding=1)
    x, w = (cupy.asarray(a) for a in normal(np.random.default_rng(0), "f", (3, 4, 8, 8), (5, 4, 3, 3)))
    y = gpu.conv2d(x, w, None, window, 1)
    mean, var = gpu.batch_moments(y)
    for z in (y, gpu.batch_norm_relu(y, None, None, mean, var), gpu.relu(y), gpu.add(y, y), gpu.relu_dx(y, y), gpu.conv2d_dx(y, w, window, 1),
              gpu.max_pool2d(y, shapes.pool2d_window(y.shape, 2))[0], gpu.cat([y, y], 1)):
        assert z.swapaxes(0, 1).flags.c_contiguous


# Activations ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["f", "d"])
@pytest.mark.parametrize("name, options", [
    ("leaky_relu", {"negative_slope": 0.1}), ("leaky_relu", {"negative_slope": -0.5}), ("hardtanh", {"min": -1.0, "max": 0.5}),
    ("hardsigmoid", {}), ("hardswish", {}), ("elu", {"alpha": 0.7, "scale": 1.3, "steepness": 2.0}), ("silu", {}), ("gelu", {}),
    ("gelu", {"approximate": "tanh"}), ("softplus", {"beta": 1.5, "threshold": 4.0}), ("log_sigmoid", {}), ("mish", {})], ids=str)
def test_activation(name, options, dtype):
    from minicnn.functional import activation

    rng = np.random.default_rng(0)
    x, dy = np.concatenate([rng.uniform(-6, 6, (40, 3)), [[-3, 0, 3], [1e3, -1e3, 0.5]]]).astype(dtype), rng.standard_normal((42, 3)).astype(dtype)
    forward, backward = getattr(activation, f"{name}_forward"), getattr(activation, f"{name}_backward")
    y, saved = forward(x.astype("d"), **options)
    there, kept = forward(cupy.asarray(x.T).T, **options)
    agree(there, y, dtype)
    agree(backward(cupy.asarray(dy), kept, None)[0], backward(dy.astype("d"), saved, None)[0], dtype)
    nan = forward(cupy.full(2, np.nan, dtype), **options)[0]
    assert np.isnan(cupy.asnumpy(nan)).all()


# The dense layer, losses, dropout --------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(dtype=dtypes, lead=st.sampled_from([(), (0,), (1,), (3,), (2, 3), (2, 0)]), ins=st.integers(1, 7), outs=st.integers(1, 7),
       bias=st.booleans(), seed=st.integers(0, 99))
def test_linear(dtype, lead, ins, outs, bias, seed):
    x, w, b, dy = normal(np.random.default_rng(seed), dtype, (*lead, ins), (outs, ins), (outs,), (*lead, outs))
    compare("linear", "", x, w, b if bias else None)
    compare("linear_relu", "", x, w, b if bias else None)
    compare("linear_dx", "", dy, w)
    compare("linear_dw", "", dy, x)
    turned = [cupy.asarray(np.ascontiguousarray(a.T)).T for a in (x, w)]
    agree(gpu.linear(*turned, None), array.linear(*exact([x, w]), None), dtype)
    both = [gpu.linear_relu(*turned, cupy.asarray(b)), gpu.relu(gpu.linear(*turned, cupy.asarray(b)))]
    np.testing.assert_array_equal(*map(cupy.asnumpy, both), strict=True)


@pytest.mark.parametrize("dtype", ["f", "d"])
@pytest.mark.parametrize("n, classes", [(0, 3), (1, 1), (5, 10), (3, 33), (2, 300), (2, 1000)])
def test_softmax_cross_entropy(n, classes, dtype):
    rng = np.random.default_rng(0)
    x, dy, labels = 9 * rng.standard_normal((n, classes)).astype(dtype), rng.standard_normal(n).astype(dtype), rng.integers(0, classes, n)
    labels[1:2] = -100
    compare("softmax_cross_entropy", "", x, labels, -100)
    compare("softmax_cross_entropy", "", np.repeat(x, 2, 1)[:, ::2], labels.astype(np.uint8), -100)
    p = array.softmax_cross_entropy(x, labels, -100)[1]
    compare("softmax_cross_entropy_dx", "", dy, p, labels, -100)
    agree(gpu.softmax_cross_entropy_dx(cupy.asarray(np.asarray(0.5, dtype)), cupy.asarray(p), cupy.asarray(labels), -100),
          array.softmax_cross_entropy_dx(np.full(n, 0.5), p.astype("d"), labels, -100), dtype)


@pytest.mark.parametrize("label", [-1, 3, 10**12])
def test_a_label_that_is_no_class_makes_the_loss_nan(label):
    losses, p, total, count = gpu.softmax_cross_entropy(cupy.zeros((2, 3), "f"), cupy.asarray([label, 1]), -100)
    assert np.isnan(cupy.asnumpy(losses)).tolist() == [True, False] and cupy.isnan(total) and count == 2
    dx = gpu.softmax_cross_entropy_dx(cupy.ones(2, "f"), p, cupy.asarray([label, 1]), -100)
    np.testing.assert_allclose(cupy.asnumpy(dx), [[1 / 3, 1 / 3, 1 / 3], [1 / 3, -2 / 3, 1 / 3]], rtol=1e-6)


def test_a_nan_and_an_infinity_among_the_scores():
    x = np.zeros((3, 40), "f")
    x[0, 37], x[1, 3], x[2, 5] = np.nan, -np.inf, np.inf
    with np.errstate(all="ignore"):
        wanted = array.softmax_cross_entropy(x, np.array([1, 2, 3]), -100)
    for one, other in zip(gpu.softmax_cross_entropy(cupy.asarray(x), cupy.asarray([1, 2, 3]), -100), wanted):
        np.testing.assert_allclose(cupy.asnumpy(one), other, rtol=1e-5)


@pytest.mark.parametrize("shape", [(), (0,), (1,), (3, 5), (2, 3, 1, 1), (1001,)])
@pytest.mark.parametrize("p", [0.1, 0.5, 1.0])
def test_dropout_keeps_the_same_elements_as_on_the_cpu(shape, p):
    key = 0xFEDCBA9876543210
    found = gpu.dropout_mask(key, shape, p, cupy.zeros(1))
    assert found.dtype == bool and found.shape == shape
    np.testing.assert_array_equal(cupy.asnumpy(found), array.dropout_mask(key, shape, p, np.zeros(1)))


# The form ------------------------------------------------------------------------------------------------------------------


def test_arrays_on_a_gpu_get_these_kernels():
    x = cupy.zeros((1, 1, 2, 2), "f")
    assert kernels.of(x).conv2d is gpu.conv2d and kernels.of(x).einsum is array.einsum
    with kernels.using(gpu="array"):
        assert kernels.of(x).conv2d is array.conv2d
    assert kernels.of(x).conv2d is gpu.conv2d
    with pytest.raises(BadValue, match="no kernels for a GPU called 'loops'"), kernels.using(gpu="loops"):
        pass
