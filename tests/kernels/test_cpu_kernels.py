"""The kernels compiled by Numba agree with the array kernels: odd shapes, other layouts, other vector widths, any thread count."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from minicnn import kernels, shapes
from minicnn.errors import ShapeError
from minicnn.kernels import array, loops

pytest.importorskip("numba")
cpu = pytest.importorskip("minicnn.kernels.cpu")
normalization = pytest.importorskip("minicnn.kernels.cpu.normalization")
from helpers.threads import threads_set_to  # noqa: E402

TOLERANCE = {np.dtype("float32"): 2e-6, np.dtype("float64"): 1e-12}
ROOT = Path(__file__).parents[2]


def agree(found, wanted, dtype):
    """Same shape and dtype, and as near as the dtype's rounding lets it be, relative to the largest value."""
    assert found.shape == wanted.shape and found.dtype == dtype
    if wanted.size:
        assert np.abs(found - wanted).max() <= TOLERANCE[np.dtype(dtype)] * max(np.abs(wanted).max(), 1e-30)


def exact(arguments):
    """The arguments of a kernel with every array of floats in float64."""
    return [a.astype(np.float64) if isinstance(a, np.ndarray) and a.dtype.kind == "f" else a for a in arguments]


def compare(name, dtype, *arguments):
    """A compiled kernel, for convolution the direct one, against the array kernel in float64."""
    with kernels.using("numba", winograd=False):
        found = getattr(cpu, name)(*arguments)
    wanted = getattr(array, name)(*exact(arguments))
    pairs = zip(found, wanted) if isinstance(found, tuple) else [(found, wanted)]
    for one, other in pairs:
        agree(one, other, dtype)


def laid_out(x, layout):
    """The same images, lying otherwise in memory."""
    if layout == "channels last":
        return np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    if layout == "every second":
        wide = np.zeros((*x.shape[:3], 2 * x.shape[3]), x.dtype)
        wide[..., ::2] = x
        return wide[..., ::2]
    x.flags.writeable = layout != "read only"
    return x


pairs = lambda low, high: st.tuples(st.integers(low, high), st.integers(low, high))     # noqa: E731
dtypes = st.sampled_from([np.float32, np.float64])
layouts = st.sampled_from(["channels first", "channels last", "every second", "read only"])


@settings(max_examples=150)
@given(dtype=dtypes, layout=layouts, n=st.integers(0, 5), groups=st.integers(1, 3), c=st.integers(1, 5),
       o=st.sampled_from([1, 2, 5, 8, 16, 17, 33, 48]), size=pairs(1, 19), kernel=pairs(1, 5), stride=pairs(1, 3),
       padding=pairs(0, 5), dilation=pairs(1, 3), threads=st.integers(1, 3), alone=st.booleans(), seed=st.integers(0, 99))
def test_convolution(dtype, layout, n, groups, c, o, size, kernel, stride, padding, dilation, threads, alone, seed):
    rng, shape = np.random.default_rng(seed), (o * groups, c, *kernel)
    try:
        window = shapes.conv2d_window((n, c * groups, *size), shape, stride, padding, dilation, groups)
    except ShapeError:
        assume(False)
    x, w, b, dy = (rng.standard_normal(s).astype(dtype) for s in ((n, c * groups, *size), shape, shape[:1],
                                                                  (n, o * groups, *window.output)))
    x, dy = laid_out(x, layout), laid_out(dy, layout)
    with threads_set_to(threads, alone):
        compare("conv2d", dtype, x, w, b, window, groups)
        compare("conv2d_dx", dtype, dy, w, window, groups)
        compare("conv2d_dw", dtype, dy, x, window, groups)


@pytest.mark.parametrize("shape, out, kernel, options", [
    ((3, 64, 8, 8), 128, 3, {"padding": 1}), ((2, 16, 96, 96), 16, 3, {"padding": 1}), ((5, 48, 7, 7), 64, 1, {}),
    ((2, 130, 5, 5), 40, 3, {"padding": 2, "stride": 2}), ((2, 3, 200, 200), 8, 7, {"stride": 2, "padding": 3}),
    ((3, 128, 6, 7), 192, 5, {"padding": 2}), ((2, 128, 9, 8), 192, 5, {"padding": 4, "dilation": 2}),
    ((2, 128, 6, 7), 200, 5, {"padding": 2}),
], ids=str)
def test_convolution_in_bands_and_blocks(shape, out, kernel, options):
    """Images larger than a thread's buffer, more channels than a block, more images than a task, more weights than the cache holds."""
    rng = np.random.default_rng(0)
    window = shapes.conv2d_window(shape, (out, shape[1], kernel, kernel), **options)
    x, w, dy = (rng.standard_normal(s).astype("f") for s in (shape, (out, shape[1], kernel, kernel), (shape[0], out, *window.output)))
    compare("conv2d", np.float32, x, w, None, window, 1)
    compare("conv2d_dx", np.float32, dy, w, window, 1)
    compare("conv2d_dw", np.float32, dy, x, window, 1)


def test_the_same_bits_from_run_to_run():
    rng = np.random.default_rng(0)
    window = shapes.conv2d_window((8, 16, 20, 20), (32, 16, 3, 3), padding=1)
    x, dy = rng.standard_normal((8, 16, 20, 20)).astype("f"), rng.standard_normal((8, 32, 20, 20)).astype("f")
    with threads_set_to(2):
        runs = {cpu.conv2d_dw(dy, x, window, 1).tobytes() for _ in range(5)} | {cpu.conv2d_dw(dy, x, window, 1).tobytes()}
    assert len(runs) == 1


@settings(max_examples=80)
@given(dtype=dtypes, layout=layouts, n=st.integers(0, 4), c=st.sampled_from([1, 2, 5, 16, 19]), size=pairs(1, 12),
       kernel=pairs(1, 4), stride=pairs(1, 3), padding=pairs(0, 2), dilation=pairs(1, 2), ceil=st.booleans(), seed=st.integers(0, 99))
def test_pooling(dtype, layout, n, c, size, kernel, stride, padding, dilation, ceil, seed):
    """Small integers, so that maxima are tied often: the first of them wins."""
    padding = tuple(min(p, (d * (k - 1) + 1) // 2) for p, k, d in zip(padding, kernel, dilation))
    try:
        window = shapes.pool2d_window((n, c, *size), kernel, stride, padding, dilation, ceil)
    except ShapeError:
        assume(False)
    rng = np.random.default_rng(seed)
    x, dy = laid_out(rng.integers(-2, 3, (n, c, *size)).astype(dtype), layout), rng.standard_normal((n, c, *window.output)).astype(dtype)
    compare_max_pooling(dtype, x, dy, window)
    divisor = rng.uniform(1, 5, window.output).astype(dtype)
    compare("avg_pool2d", dtype, x, window, divisor)
    compare("avg_pool2d_dx", dtype, dy, window, divisor)


def compare_max_pooling(dtype, x, dy, window):
    for name in ("max_pool2d", "max_pool2d_relu"):
        (y, winners), (y_array, winners_array) = getattr(cpu, name)(x, window), getattr(array, name)(x, window)
        np.testing.assert_array_equal(y, y_array)
        np.testing.assert_array_equal(winners, winners_array)
        assert winners.dtype == np.int32
        compare("max_pool2d_dx", dtype, dy, winners, window)


@settings(max_examples=60, deadline=None)
@given(dtypes, layouts, st.integers(1, 4), st.integers(1, 40), pairs(2, 13), pairs(2, 3), st.integers(1, 3))
def test_pooling_of_squares(dtype, layout, n, c, size, stride, threads):
    """Windows of 2x2 have loops of their own, where they lie apart and in the image."""
    rng, window = np.random.default_rng(c), shapes.pool2d_window((n, c, *size), 2, stride)
    x, dy = laid_out(rng.integers(-2, 3, (n, c, *size)).astype(dtype), layout), rng.standard_normal((n, c, *window.output)).astype(dtype)
    with threads_set_to(threads):
        compare_max_pooling(dtype, x, dy, window)
    for one, other in zip(cpu.max_pool2d_relu(x, window), loops.max_pool2d_relu(x, window)):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("form", ["loops", "array", "numba"])
def test_a_nan_wins_its_window(form):
    """And no number after it takes its place."""
    x = np.float32([[[[np.nan, 1, 5, -np.inf], [2, 0, -np.inf, np.inf]]]])
    with kernels.using(form):
        for compute in (kernels.of(x).max_pool2d, kernels.of(x).max_pool2d_relu):
            y, winners = compute(x, shapes.pool2d_window(x.shape, 2))
            np.testing.assert_array_equal(y, [[[[np.nan, np.inf]]]])
            assert winners.tolist() == [[[[0, 3]]]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(64, 19, 9, 8), (4100, 5), (300, 7, 11), (3, 16, 40, 40), (1, 33, 2, 1), (9, 19), (7, 70)], ids=str)
def test_batch_norm(shape, dtype):
    """With a mean far from 0: a variance from Σx² would have lost its digits."""
    rng, c = np.random.default_rng(0), shape[1]
    x = (100 + rng.standard_normal(shape)).astype(dtype)
    mean, variance = cpu.batch_moments(x)
    wanted = array.batch_moments(x.astype(np.float64))
    agree(mean, wanted[0], dtype)
    agree(variance, wanted[1], dtype)
    x, dy, plus = (rng.standard_normal(shape).astype(dtype) for _ in range(3))
    w, b, mean, rstd = (rng.uniform(0.5, 2, c).astype(dtype) for _ in range(4))
    for weights in ((w, b), (None, None), (w, None)):
        compare("batch_norm", dtype, x, *weights, mean, rstd)
        compare("batch_norm_dx", dtype, dy, x, weights[0], mean, rstd)
        compare("batch_norm_relu", dtype, x, *weights, mean, rstd)
        compare("batch_norm_relu_dx", dtype, dy, x, *weights, mean, rstd)
        compare("batch_norm_add", dtype, x, *weights, plus, mean, rstd)
        compare("batch_norm_add_relu", dtype, x, *weights, plus, mean, rstd)
        compare("batch_norm_add_relu_dx", dtype, dy, plus, x, weights[0], mean, rstd)
    compare("batch_norm_sums", dtype, dy, x, mean, rstd)
    compare("channel_sums", dtype, x)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(8, 32, 9, 9), (3, 16, 40, 40), (70, 64)], ids=str)
def test_results_that_go_past_the_caches(shape, dtype, monkeypatch):
    """As large ones do, in whole vectors."""
    monkeypatch.setattr(normalization, "LARGE", 0)
    rng = np.random.default_rng(0)
    x, dy = (rng.integers(-3, 4, shape).astype(dtype) for _ in range(2))
    w, b, mean, rstd = (rng.uniform(0.5, 2, shape[1]).astype(dtype) for _ in range(4))
    for name, arguments in (("relu", (x,)), ("relu_dx", (dy, x)), ("add", (x, dy)), ("add_relu", (x, dy)),
                            ("batch_norm_relu", (x, w, b, mean, rstd)), ("batch_norm_add", (x, w, b, dy, mean, rstd)),
                            ("batch_norm_dx", (dy, x, w, mean, rstd)), ("batch_norm_add_relu_dx", (dy, x, x, w, mean, rstd))):
        compare(name, dtype, *arguments)


def test_moments_of_one_pixel():
    """Its variance is 0, and nothing is divided by that."""
    with np.errstate(all="raise"):
        mean, variance = cpu.batch_moments(np.float32([[1, 2, 3]]))
    assert mean.tolist() == [1, 2, 3] and variance.tolist() == [0, 0, 0]


@settings(max_examples=40, deadline=None)
@given(dtypes, layouts, st.integers(0, 5), st.integers(1, 40), pairs(1, 60), st.integers(1, 3), st.booleans())
def test_statistics_of_a_batch(dtype, layout, n, c, size, threads, affine):
    """With running statistics that follow, and in small pieces of work as in large ones, also with more than one thread."""
    rng = np.random.default_rng(n * c)
    x, dy, z = (laid_out(rng.standard_normal((n, c, *size)).astype(dtype), layout) for _ in range(3))
    w, b = (rng.uniform(0.5, 2, c).astype(dtype) for _ in "wb") if affine else (None, None)
    x, running = x + dtype(2), rng.uniform(0.5, 2, (2, c)).astype(dtype)
    with threads_set_to(threads):
        found, wanted = running.copy(), running.astype(np.float64)
        mean, rstd = cpu.batch_statistics(x, *found, 0.1, 0.5)
        for one, other in zip((mean, rstd), array.batch_statistics(x.astype(np.float64), *wanted, 0.1, 0.5)):
            agree(one, other, dtype)
        agree(found, wanted, dtype)
        for one, other in zip((mean, rstd), cpu.batch_statistics(x, None, None, 0.1, 0.5)):
            np.testing.assert_array_equal(one, other)
        compare("batch_norm_add_relu", dtype, x, w, b, z, mean, rstd)
        found = cpu.batch_norm_add_relu_dx(dy, z, x, w, mean, rstd)
        for one, other in zip(found, array.batch_norm_add_relu_dx(*exact((dy, z, x, w, mean, rstd)))):     # sums may cancel: to 0 nearly
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=TOLERANCE[np.dtype(dtype)] * (1 + n * size[0] * size[1]) ** 0.5 * 10)


def test_statistics_in_plain_loops():
    rng = np.random.default_rng(0)
    x, running = rng.standard_normal((3, 4, 2, 3)), rng.uniform(0.5, 2, (2, 4))
    found, wanted = running.copy(), running.copy()
    for one, other in zip(cpu.batch_statistics(x, *found, 0.3, 0.1), loops.batch_statistics(x, *wanted, 0.3, 0.1)):
        agree(one, other, x.dtype)
    agree(found, wanted, x.dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(2, 3), (70, 70), (8, 16, 9, 9)], ids=str)
def test_relu(shape, dtype):
    x = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    x.flat[:3] = np.nan, np.inf, -np.inf
    y, dy = cpu.relu(x), np.arange(x.size, dtype=dtype).reshape(shape)
    np.testing.assert_array_equal(y, array.relu(x))
    np.testing.assert_array_equal(cpu.relu_dx(dy, y), array.relu_dx(dy, y))


@pytest.mark.parametrize("name", ["add", "add_relu"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sums_of_images(dtype, name):
    """In whatever order the two lie in memory."""
    rng = np.random.default_rng(0)
    x, y = (rng.standard_normal((5, 7, 19, 31)).astype(dtype) for _ in range(2))
    for one, other in (("channels first", "channels last"), ("channels last", "channels last"), ("every second", "read only")):
        compare(name, dtype, laid_out(x, one), laid_out(y, other))


def test_what_is_not_floats_goes_to_the_array_kernels():
    np.testing.assert_array_equal(cpu.relu(np.arange(-5000, 5000).reshape(100, 100)).min(), 0)
    window = shapes.conv2d_window((0, 2, 5, 5), (4, 2, 3, 3))
    assert cpu.conv2d(np.zeros((0, 2, 5, 5), "f"), np.zeros((4, 2, 3, 3), "f"), None, window, 1).shape == (0, 4, 3, 3)


# In other processes: other CPUs, and none -----------------------------------------------------------------------------------

OTHER_CPU = """
import numpy as np
from minicnn import shapes
from minicnn.kernels import array, cpu
from minicnn.kernels.cpu.vector import MACHINE
rng = np.random.default_rng(0)
for c, o, groups in ((3, 6, 1), (16, 40, 1), (6, 18, 2)):
    window = shapes.conv2d_window((3, c, 11, 13), (o, c // groups, 3, 5), (2, 1), 2, 1, groups)
    x, w, dy = (rng.standard_normal(s).astype("f") for s in ((3, c, 11, 13), (o, c // groups, 3, 5), (3, o, *window.output)))
    for name, arguments in (("conv2d", (x, w, None)), ("conv2d_dx", (dy, w)), ("conv2d_dw", (dy, x))):
        found, wanted = (getattr(form, name)(*arguments, window, groups) for form in (cpu, array))
        assert abs(found - wanted).max() < 4e-6 * abs(wanted).max(), name
print(MACHINE.bytes, MACHINE.fma)
"""
AVX2 = {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "+avx,+avx2,+fma,+f16c,+bmi,+bmi2,+sse4.2,+popcnt"}


def run(code, **environment):
    return subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}", **environment},
                          capture_output=True, text=True, check=True, cwd=ROOT).stdout.strip()


def has(feature):
    """Whether this computer's CPU can run it."""
    import llvmlite.binding as llvm

    return llvm.get_host_cpu_features().get(feature, False)


@pytest.mark.skipif(not has("avx2"), reason="this CPU has no AVX2")
def test_vectors_of_eight():
    assert run(OTHER_CPU, **AVX2) == "32 True"


@pytest.mark.skipif(not has("sse2"), reason="this CPU is not an x86")
def test_vectors_of_four_without_multiply_add():
    assert run(OTHER_CPU, NUMBA_CPU_NAME="generic", NUMBA_CPU_FEATURES="") == "16 False"


@pytest.mark.parametrize("spoil", ["import os; os.environ['NUMBA_DISABLE_JIT'] = '1'", "import sys; sys.modules['numba'] = None"],
                         ids=["switched off", "missing"])
def test_without_numba_the_array_kernels_are_used(spoil):
    code = f"{spoil}\nfrom minicnn import kernels\nwith kernels.using('numba'): print(kernels.FORMS['numba'] is kernels.FORMS['array'])"
    assert run(code) == "True"
