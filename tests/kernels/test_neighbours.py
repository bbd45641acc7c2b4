"""Convolution to few channels, with neighbouring pixels as channels: the same numbers, for any count of them."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from minicnn import kernels, shapes
from minicnn.kernels import array, loops

from test_cpu_kernels import agree, exact, laid_out, layouts, pairs, threads_set_to

pytest.importorskip("numba")
neighbours = pytest.importorskip("minicnn.kernels.cpu.neighbours")
conv = pytest.importorskip("minicnn.kernels.cpu.conv")


def compare(monkeypatch, count, x, w, b, dy, window, threads=2, reference=array):
    """y and dw with `count` pixels taken together, against another form in float64."""
    with threads_set_to(threads):
        with monkeypatch.context() as patch, kernels.using("numba", winograd=False):
            patch.setattr(neighbours, "together", lambda *arguments: count)
            patch.setattr(conv, "_special", lambda *arguments: None)
            found = conv.conv2d(x, w, b, window, 1), conv.conv2d_dw(dy, x, window, 1)
    for one, name, arguments in zip(found, ("conv2d", "conv2d_dw"), ((x, w, b), (dy, x))):
        agree(one, getattr(reference, name)(*exact(arguments), window, 1), x.dtype)


@settings(max_examples=100)
@given(dtype=st.sampled_from([np.float32, np.float64]), layout=layouts, n=st.integers(1, 4), c=st.integers(1, 5), o=st.integers(1, 7),
       count=st.integers(1, 5), groups=st.integers(1, 4), height=st.integers(1, 12), kernel=pairs(1, 5), stride=pairs(1, 3),
       top=st.integers(0, 2), left=st.integers(0, 3), down=st.integers(1, 2), bias=st.booleans(), threads=st.integers(1, 3),
       seed=st.integers(0, 99))
def test_any_count(dtype, layout, n, c, o, count, groups, height, kernel, stride, top, left, down, bias, threads, seed):
    """Images as wide as `groups` times `count` windows need."""
    width = (groups * count - 1) * stride[1] + kernel[1] - 2 * left
    assume(width > 0 and height + 2 * top > (kernel[0] - 1) * down)
    rng = np.random.default_rng(seed)
    window = shapes.conv2d_window((n, c, height, width), (o, c, *kernel), stride, (top, left), (down, 1))
    sizes = (n, c, height, width), (o, c, *kernel), (o,), (n, o, *window.output)
    x, w, b, dy = (rng.standard_normal(size).astype(dtype) for size in sizes)
    with pytest.MonkeyPatch.context() as monkeypatch:
        compare(monkeypatch, count, laid_out(x, layout), w, b if bias else None, laid_out(dy, layout), window, threads)


def test_as_plain_loops_do_it(monkeypatch):
    rng = np.random.default_rng(0)
    window = shapes.conv2d_window((2, 1, 6, 8), (3, 1, 3, 3), padding=1)
    x, w, b, dy = (rng.standard_normal(size).astype("f") for size in ((2, 1, 6, 8), (3, 1, 3, 3), (3,), (2, 3, 6, 8)))
    compare(monkeypatch, 4, x, w, b, dy, window, reference=loops)


def test_where_it_pays():
    """LeNet-5's first layer; not where the channels fill the vectors, with groups, or gaps between taps."""
    def count(outs, kernel, passes, groups=1, dilation=1):
        window = shapes.conv2d_window((64, 1, 28, 28), (outs, 1, kernel, kernel), padding=dilation * (kernel // 2), dilation=dilation)
        return neighbours.together(1, outs, window, groups, 4, passes)

    for passes in (neighbours.of_pixels, neighbours.of_weights):
        assert count(6, 5, passes) > 1
        assert [count(64, 3, passes), count(6, 5, passes, groups=2), count(6, 5, passes, dilation=2)] == [1] * 3
