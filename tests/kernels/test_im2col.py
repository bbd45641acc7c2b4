"""The kernels that convolve by im2col and a matrix product agree with the array kernels, whatever the shape and layout."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from minicnn import from_numpy, get_num_threads, kernels, nn, set_num_threads, shapes
from minicnn.errors import ShapeError
from minicnn.kernels import array

pytest.importorskip("numba")
im2col = pytest.importorskip("minicnn.kernels.cpu.im2col")

TOLERANCE = {np.dtype("float32"): 2e-6, np.dtype("float64"): 1e-12}
pairs = lambda low, high: st.tuples(st.integers(low, high), st.integers(low, high))     # noqa: E731


def laid_out(x, layout):
    """The same images, lying otherwise in memory."""
    if layout == "channels last":
        return np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    if layout == "every second":
        return np.repeat(x, 2, axis=3)[..., ::2]
    x.flags.writeable = layout != "read only"
    return x


def compare(name, window, groups, *arrays):
    """Near the array kernel's result in float64, relative to the largest number in it."""
    exact = [a if a is None else a.astype(np.float64) for a in arrays]
    found, wanted = getattr(im2col, name)(*arrays, window, groups), getattr(array, name)(*exact, window, groups)
    assert found.shape == wanted.shape and found.dtype == arrays[0].dtype
    if wanted.size:
        assert np.abs(found - wanted).max() <= TOLERANCE[found.dtype] * max(np.abs(wanted).max(), 1e-30)


@settings(max_examples=150)
@given(dtype=st.sampled_from([np.float32, np.float64]), layout=st.sampled_from(["channels first", "channels last", "every second", "read only"]),
       n=st.integers(0, 5), groups=st.integers(1, 3), c=st.integers(1, 5), o=st.sampled_from([1, 2, 5, 16, 17, 33, 48]), size=pairs(1, 19),
       kernel=pairs(1, 5), stride=pairs(1, 3), padding=pairs(0, 5), dilation=pairs(1, 3), threads=st.integers(1, 3), bias=st.booleans(),
       seed=st.integers(0, 99))
def test_convolution(dtype, layout, n, groups, c, o, size, kernel, stride, padding, dilation, threads, bias, seed):
    rng, shape = np.random.default_rng(seed), (o * groups, c, *kernel)
    try:
        window = shapes.conv2d_window((n, c * groups, *size), shape, stride, padding, dilation, groups)
    except ShapeError:
        assume(False)
    x, w, b, dy = (rng.standard_normal(s).astype(dtype) for s in ((n, c * groups, *size), shape, shape[:1],
                                                                  (n, o * groups, *window.output)))
    x, dy, before = laid_out(x, layout), laid_out(dy, layout), get_num_threads()
    set_num_threads(threads)
    try:
        compare("conv2d", window, groups, x, w, b if bias else None)
        compare("conv2d_dx", window, groups, dy, w)
        compare("conv2d_dw", window, groups, dy, x)
    finally:
        set_num_threads(before)


def test_an_image_in_several_bands():
    """More columns than the buffer holds, also of a single row."""
    rng = np.random.default_rng(0)
    for shape, out in (((2, 16, 40, 40), 8), ((1, 130, 4, 90), 20)):
        window = shapes.conv2d_window(shape, (out, shape[1], 3, 3), padding=1)
        x, w, dy = (rng.standard_normal(s).astype("f") for s in (shape, (out, shape[1], 3, 3), (shape[0], out, *window.output)))
        compare("conv2d", window, 1, x, w, None)
        compare("conv2d_dx", window, 1, dy, w)
        compare("conv2d_dw", window, 1, dy, x)


def test_the_form_by_its_name():
    """Its convolutions are these; all the rest are the other compiled kernels."""
    x = np.ones((1, 1, 3, 3), "f")
    with kernels.using("im2col"):
        assert kernels.of(x).conv2d is im2col.conv2d
        assert kernels.of(x).max_pool2d is kernels.form("numba").max_pool2d
        assert nn.functional.conv2d(from_numpy(x), from_numpy(x)).item() == 9
