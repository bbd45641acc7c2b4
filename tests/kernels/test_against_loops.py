"""Every compiled kernel against the textbook loops of its name, element by element in float64: what a learner reads is what runs."""

import inspect

import numpy as np
import pytest

from minicnn import kernels, shapes
from minicnn.kernels import loops

pytest.importorskip("numba")
cpu = pytest.importorskip("minicnn.kernels.cpu")

# What is no loop over elements of its own (products of NumPy's, memory), or has its definition elsewhere: compared with `array` instead.
WITHOUT_LOOPS = {"batch_norm_add", "batch_norm_add_relu", "batch_norm_add_relu_dx", "cat", "prepared", "einsum", "matmul", "dropout_mask",
                 "softmax_cross_entropy", "softmax_cross_entropy_dx", "adam_steps", "rmsprop_steps", "sgd_steps", "PreparedConv2d"}
CONVOLUTIONS = [
    ((2, 4, 9, 8), (6, 2, 3, 2), {"stride": 2, "padding": (2, 1), "groups": 2}), ((1, 3, 7, 10), (5, 3, 3, 3), {"padding": 2, "dilation": 2}),
    ((2, 20, 6, 5), (18, 20, 1, 1), {}), ((3, 1, 8, 8), (4, 1, 5, 5), {"padding": 2}), ((2, 6, 7, 7), (6, 1, 3, 3), {"groups": 6, "padding": 1}),
    ((2, 17, 9, 9), (16, 17, 3, 3), {"padding": 1}),
]
rng = np.random.default_rng(0)


def rand(*shape):
    return rng.standard_normal(shape)


def agree(name, *arguments):
    found, wanted = (getattr(form, name)(*[a.copy() if isinstance(a, np.ndarray) else a for a in arguments]) for form in (cpu, loops))
    for one, other in zip(*(r if isinstance(r, tuple) else (r,) for r in (found, wanted)), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-11, err_msg=name)


def functions(form):
    return {name for name, f in vars(form).items() if inspect.isfunction(f) and f.__module__ == form.__name__ and not name.startswith("_")}


def test_every_kernel_has_loops_or_is_named_here():
    assert set(cpu.__all__) - functions(loops) == WITHOUT_LOOPS


@pytest.mark.parametrize("name", cpu.__all__)
def test_every_compiled_kernel_is_the_one_that_runs(name):
    """None is hidden by a module of its name, in whose place `array`'s would be taken."""
    kernel = getattr(kernels.form("numba"), name)
    assert kernel is getattr(cpu, name) and kernel.__module__.startswith(f"{cpu.__name__}.")


def test_prepared_images_lie_channels_last():
    x = rand(2, 3, 5, 4)
    y = cpu.prepared(x)
    assert y.transpose(0, 2, 3, 1).flags.c_contiguous and cpu.prepared(y).__array_interface__["data"] == y.__array_interface__["data"]
    np.testing.assert_array_equal(y, x)


@pytest.mark.parametrize("size, kernel, options", CONVOLUTIONS, ids=str)
def test_convolution(size, kernel, options):
    groups = options.get("groups", 1)
    window = shapes.conv2d_window(size, kernel, **options)
    x, w, b, dy = rand(*size), rand(*kernel), rand(kernel[0]), rand(size[0], kernel[0], *window.output)
    agree("conv2d", x, w, b, window, groups)
    agree("conv2d", x, w, None, window, groups)
    agree("conv2d_dx", dy, w, window, groups)
    agree("conv2d_dw", dy, x, window, groups)


def test_winograd_s_convolution():
    """In float32, in which alone it is done: 36 products for 16 pixels, at a price in the last digits."""
    size, kernel = (1, 16, 32, 32), (16, 16, 3, 3)
    window = shapes.conv2d_window(size, kernel, padding=1)
    x, w, dy = (rand(*s).astype(np.float32) for s in (size, kernel, size))
    assert cpu.winograd.pays(1, window.output, 16, 16, window, 1, x.dtype)
    for name, arguments in (("conv2d", (x, w, None)), ("conv2d_dx", (dy, w)), ("conv2d_dw", (dy, x))):
        found, wanted = getattr(cpu, name)(*arguments, window, 1), getattr(loops, name)(*[a if a is None else a.astype(float) for a in arguments],
                                                                                       window, 1)
        assert abs(found - wanted).max() <= 2e-5 * abs(wanted).max(), name


@pytest.mark.parametrize("options", [{"kernel": (2, 2), "stride": (2, 2), "padding": ((0, 0), (0, 0)), "dilation": (1, 1)},
                                     {"kernel": (3, 2), "stride": (2, 1), "padding": ((1, 1), (0, 1)), "dilation": (1, 2)}], ids=str)
def test_pooling(options):
    size = (2, 17, 9, 8)
    window = shapes.window(size[2:], **options)
    x, dy = rand(*size), rand(*size[:2], *window.output)
    agree("max_pool2d", x, window)
    agree("max_pool2d_relu", x, window)
    agree("max_pool2d_dx", dy, loops.max_pool2d(x, window)[1], window)
    divisor = float(np.prod(window.kernel))
    agree("avg_pool2d", x, window, divisor)
    agree("avg_pool2d_dx", dy, window, divisor)


@pytest.mark.parametrize("shape", [(3, 17, 5, 4), (4, 33)], ids=str)
def test_batch_norm_and_sums(shape):
    x, dy = rand(*shape), rand(*shape)
    w, b, mean, var = (rng.uniform(0.5, 2, shape[1]) for _ in range(4))
    agree("batch_moments", x)
    agree("batch_statistics", x, mean, var, 0.1, 1e-5)
    agree("channel_sums", rand(2, 3, 40, 41))
    for name, arguments in (("batch_norm", (x, w, b)), ("batch_norm_relu", (x, w, b)), ("batch_norm_dx", (dy, x, w)),
                            ("batch_norm_relu_dx", (dy, x, w, b)), ("batch_norm_sums", (dy, x))):
        agree(name, *arguments, mean, var)


@pytest.mark.parametrize("count", [7, 10_007])
def test_element_by_element(count):
    x, y = rand(1, count), rand(1, count)
    agree("relu", x)
    agree("relu_dx", x, y)
    agree("add", x, y)
    agree("add_relu", x, y)


@pytest.mark.parametrize("rows", [1, 9])
def test_dense(rows):
    x, w, b, dy = rand(rows, 37), rand(19, 37), rand(19), rand(rows, 19)
    agree("linear", x, w, b)
    agree("linear_relu", x, w, b)
    agree("linear_relu", x, w, None)
    agree("linear_dx", dy, w)
    agree("linear_dw", dy, x)
