"""Depthwise convolution, every channel by itself, agrees with the array kernels: odd shapes, several outputs a channel, any threads."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from minicnn import shapes
from minicnn.errors import ShapeError
from minicnn.kernels import array, loops

from test_cpu_kernels import laid_out, layouts, pairs, threads_set_to

pytest.importorskip("numba")
cpu = pytest.importorskip("minicnn.kernels.cpu")


def agree(form, dtype, x, w, b, dy, window, groups):
    """All three passes against another form, in float64."""
    for name, arguments in (("conv2d", (x, w, b)), ("conv2d_dx", (dy, w)), ("conv2d_dw", (dy, x))):
        found = getattr(cpu, name)(*arguments, window, groups)
        wanted = getattr(form, name)(*(a.astype(np.float64) for a in arguments), window, groups)
        assert found.shape == wanted.shape and found.dtype == dtype, name
        if wanted.size:
            assert abs(found - wanted).max() <= (2e-6 if dtype == np.float32 else 1e-12) * max(abs(wanted).max(), 1e-30), name


def arrays(seed, dtype, n, channels, multiplier, size, kernel, window, layout="channels last"):
    rng = np.random.default_rng(seed)
    x, w, b, dy = (rng.standard_normal(s).astype(dtype) for s in (
        (n, channels, *size), (channels * multiplier, 1, *kernel), channels * multiplier, (n, channels * multiplier, *window.output)))
    return laid_out(x, layout), w, b, laid_out(dy, layout)


@settings(max_examples=150)
@given(dtype=st.sampled_from([np.float32, np.float64]), layout=layouts, n=st.integers(0, 5),
       channels=st.sampled_from([2, 3, 8, 16, 17, 31, 32, 33, 48, 70]), multiplier=st.integers(1, 3), size=pairs(1, 23),
       kernel=pairs(1, 5) | st.just((1, 19)), stride=pairs(1, 4), padding=pairs(0, 5), dilation=pairs(1, 3), threads=st.integers(1, 3),
       seed=st.integers(0, 99))
def test_agrees_with_arrays(dtype, layout, n, channels, multiplier, size, kernel, stride, padding, dilation, threads, seed):
    try:
        window = shapes.conv2d_window((n, channels, *size), (channels * multiplier, 1, *kernel), stride, padding, dilation, channels)
    except ShapeError:
        assume(False)
    with threads_set_to(threads):
        agree(array, dtype, *arrays(seed, dtype, n, channels, multiplier, size, kernel, window, layout), window, channels)


@pytest.mark.parametrize("stride", [1, 2])
def test_agrees_with_the_loops_for_reading(stride):
    window = shapes.conv2d_window((2, 3, 6, 5), (6, 1, 3, 3), stride, 1, 1, 3)
    agree(loops, np.float64, *arrays(0, np.float64, 2, 3, 2, (6, 5), (3, 3), window), window, 3)
