"""Convolution of few pixels as a dense layer agrees with the array kernels, for any window, and is chosen where it pays."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from minicnn import kernels, shapes
from minicnn.arrays import is_view
from minicnn.kernels import array, loops

from test_cpu_kernels import exact, laid_out, layouts, pairs, threads_set_to

pytest.importorskip("numba")
few_pixels = pytest.importorskip("minicnn.kernels.cpu.few_pixels")


def problem(n, channels, outs, size, kernel, stride=1, padding=0, dilation=1, dtype=np.float32, seed=0):
    """(window, x, w, b, dy)"""
    window = shapes.conv2d_window((n, channels, *size), (outs, channels, *kernel), stride, padding, dilation)
    rng = np.random.default_rng(seed)
    sizes = (n, channels, *size), (outs, channels, *kernel), (outs,), (n, outs, *window.output)
    return window, *(rng.standard_normal(shape).astype(dtype) for shape in sizes)


def compare(window, x, w, b, dy, reference=array):
    """All passes against another form in float64, relative to the largest value."""
    for name, arguments in {"conv2d": (x, w, b), "conv2d_dx": (dy, w), "conv2d_dw": (dy, x)}.items():
        found, wanted = getattr(few_pixels, name)(*arguments, window), getattr(reference, name)(*exact(arguments), window, 1)
        assert found.shape == wanted.shape and found.dtype == x.dtype
        assert np.abs(found - wanted).max() <= (2e-6 if x.dtype == np.float32 else 4e-15) * np.abs(wanted).max(), name


@settings(max_examples=100)
@given(dtype=st.sampled_from([np.float32, np.float64]), layout=layouts, n=st.integers(1, 3), channels=st.integers(1, 20),
       outs=st.integers(1, 20), size=pairs(1, 6), kernel=pairs(1, 4), stride=pairs(1, 3), padding=pairs(0, 3), dilation=pairs(1, 2),
       bias=st.booleans(), threads=st.integers(1, 3), seed=st.integers(0, 99))
def test_all_passes(dtype, layout, n, channels, outs, size, kernel, stride, padding, dilation, bias, threads, seed):
    assume(all(length + 2 * pad > (taps - 1) * step for length, pad, taps, step in zip(size, padding, kernel, dilation)))
    window, x, w, b, dy = problem(n, channels, outs, size, kernel, stride, padding, dilation, dtype, seed)
    with threads_set_to(threads):
        compare(window, laid_out(x, layout), laid_out(w, layout), b if bias else None, laid_out(dy, layout))


def test_against_the_loops():
    compare(*problem(2, 3, 4, (3, 2), (3, 3), padding=1), reference=loops)


@pytest.mark.parametrize("n, channels, size, options", [
    (1, 256, (4, 4), dict(kernel=(3, 3), padding=1)), (4, 256, (2, 2), dict(kernel=(3, 3), padding=1)),
    (1, 128, (16, 16), dict(kernel=(3, 3), padding=1, stride=2)), (3, 400, (4, 4), dict(kernel=(1, 1))),
], ids=str)
def test_it_is_chosen_for_few_pixels_and_many_weights(n, channels, size, options, monkeypatch):
    window, x, w, b, dy = problem(n, channels, channels, size, **options)
    compare(window, x, w, b, dy)
    chosen = []
    for name in ("conv2d", "conv2d_dx", "conv2d_dw"):
        monkeypatch.setattr(few_pixels, name, lambda *_, name=name: chosen.append(name))
    with kernels.using("numba"):
        form = kernels.of(x)
        form.conv2d(x, w, b, window, 1), form.conv2d_dx(dy, w, window, 1), form.conv2d_dw(dy, x, window, 1)
    assert chosen == ["conv2d", "conv2d_dx", "conv2d_dw"]


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (4, 4)])             # by each of the ways in dense.py
def test_the_weights_gradient_owns_its_memory(size):
    window, x, _, _, dy = problem(1, 256, 256, size, (3, 3), padding=1)
    assert not is_view(few_pixels.conv2d_dw(dy, x, window))
