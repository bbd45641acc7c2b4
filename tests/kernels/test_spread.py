"""The gradient of an input with few channels, spread from dy, agrees with the array kernels, for any window, and is chosen where it pays."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from minicnn import kernels, shapes
from minicnn.kernels import array, loops

from test_cpu_kernels import agree, exact, laid_out, layouts, pairs, threads_set_to

pytest.importorskip("numba")
spread = pytest.importorskip("minicnn.kernels.cpu.spread")


def problem(n, channels, outs, size, kernel, stride=1, padding=0, dilation=1, dtype=np.float32, seed=0):
    """(window, dy, w)"""
    window = shapes.conv2d_window((n, channels, *size), (outs, channels, *kernel), stride, padding, dilation)
    rng = np.random.default_rng(seed)
    return window, *(rng.standard_normal(shape).astype(dtype) for shape in ((n, outs, *window.output), (outs, channels, *kernel)))


@settings(max_examples=100)
@given(dtype=st.sampled_from([np.float32, np.float64]), layout=layouts, n=st.integers(1, 5), channels=st.integers(1, 9),
       outs=st.integers(1, 20), size=pairs(1, 19), kernel=pairs(1, 7), stride=pairs(1, 4), padding=pairs(0, 4), down=st.integers(1, 3),
       threads=st.integers(1, 3), seed=st.integers(0, 99))
def test_any_window(dtype, layout, n, channels, outs, size, kernel, stride, padding, down, threads, seed):
    assume(all(length + 2 * pad > (taps - 1) * step for length, pad, taps, step in zip(size, padding, kernel, (down, 1))))
    window, dy, w = problem(n, channels, outs, size, kernel, stride, padding, (down, 1), dtype, seed)
    with threads_set_to(threads):
        found = spread.conv2d_dx(laid_out(dy, layout), w, window)
    agree(found, array.conv2d_dx(*exact((dy, w)), window, 1), dtype)


def test_as_plain_loops_do_it():
    window, dy, w = problem(3, 2, 5, (7, 6), (3, 4), (2, 1), 1)
    agree(spread.conv2d_dx(dy, w, window), loops.conv2d_dx(*exact((dy, w)), window, 1), np.float32)


def test_one_window_alone_sees_what_is_not_a_number():
    """Columns of a tile that belong to the next pixel are left alone."""
    window, dy, w = problem(2, 6, 16, (14, 14), (5, 5))
    dy[1, 3, 4, 4] = np.inf
    seen = ~np.isfinite(spread.conv2d_dx(dy, w, window)[1, 0])
    assert seen[4:9, 4:9].all() and seen.sum() == 25


def test_where_it_pays(monkeypatch):
    """LeNet-5's second layer, and strides; not where channels fill the vectors, nor where the weights are too many for the images."""
    called = []
    monkeypatch.setattr(spread, "conv2d_dx", lambda dy, w, window: called.append(w.shape[:2]))
    for n, channels, outs, kernel, stride in ((64, 6, 16, 5, 1), (8, 32, 64, 3, 2), (8, 32, 64, 3, 1), (2, 128, 96, 3, 2)):
        window, dy, w = problem(n, channels, outs, (14, 14), (kernel, kernel), stride)
        with kernels.using("numba", winograd=False):
            kernels.of(dy).conv2d_dx(dy, w, window, 1)
    assert called == [(16, 6), (64, 32)]
