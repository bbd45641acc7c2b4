"""Convolutions with weights that stay: the same numbers as `array.conv2d`, by every algorithm, and cut as they are told."""

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minicnn import kernels, shapes
from minicnn.kernels import algorithms, array, cut_array
from minicnn.kernels.cpu import conv, depthwise, inference, winograd
from minicnn.kernels.cpu.inference import PreparedConv2d

THREADS = kernels.get_num_threads()


def images(rng, *shape, dtype, order):
    """(N, C, H, W) in one of several orders in memory."""
    x = rng.normal(size=shape).astype(dtype)
    if order == "channels last":
        return np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    if order == "every second":
        return np.repeat(x, 2, 3)[..., ::2]
    x.flags.writeable = order != "read-only"
    return x


CASES = st.fixed_dictionaries(dict(
    n=st.integers(1, 5), groups=st.sampled_from([1, 1, 1, 2, 3]), c=st.integers(1, 40), o=st.integers(1, 40), h=st.integers(1, 20),
    w=st.integers(1, 20), kernel=st.sampled_from([(1, 1), (3, 3), (3, 3), (5, 2), (7, 7)]), stride=st.sampled_from([1, 1, 2, (3, 1)]),
    padding=st.sampled_from([0, 1, 1, (2, 3)]), dilation=st.sampled_from([1, 1, 2]), bias=st.booleans(), cut=st.integers(0, 2),
    dtype=st.sampled_from(["float32", "float64"]), order=st.sampled_from(["channels first", "channels last", "every second", "read-only"]),
    threads=st.integers(1, min(THREADS, 3)), depthwise=st.sampled_from([False, False, True])))


@settings(max_examples=150, deadline=None)
@given(CASES, st.integers(0, 2**32 - 1))
def test_computes_what_array_kernels_compute(case, seed):
    g = case["c"] if case["depthwise"] else case["groups"]
    c, o = (case["c"], case["c"] * (1 + case["o"] % 2)) if case["depthwise"] else (case["c"] * g, case["o"] * g)
    check(seed, (case["n"], c, case["h"], case["w"]), (o, c // g, *case["kernel"]), g, case)


def check(seed, x_shape, w_shape, groups, case):
    rng = np.random.default_rng(seed)
    x = images(rng, *x_shape, dtype=case["dtype"], order=case["order"])
    w, b = (rng.normal(size=shape).astype(case["dtype"]) for shape in (w_shape, w_shape[:1]))
    try:
        window = shapes.conv2d_window(x_shape, w_shape, case["stride"], case["padding"], case["dilation"], groups)
    except shapes.ShapeError:
        return
    b = b if case["bias"] else None
    expected = cut_array(array.conv2d(x.astype("f8"), w.astype("f8"), b, window, groups), case["cut"])
    kernels.set_num_threads(case["threads"])
    try:
        prepared = PreparedConv2d(w, b, groups, case["cut"])
        y, again = prepared(x, window), prepared(x, window)
    finally:
        kernels.set_num_threads(THREADS)
    error = 1e-4 if case["dtype"] == "float32" else 1e-12
    assert y.dtype == x.dtype and y.shape == expected.shape
    assert np.abs(y - expected).max() <= error * max(np.abs(expected).max(), np.sqrt(w[0].size))
    np.testing.assert_array_equal(y, again)


PLAIN = dict(stride=1, padding=1, dilation=1, bias=True, dtype="float32", order="channels last", threads=min(THREADS, 2))


@pytest.mark.parametrize("cut", [0, 1, 2])
@pytest.mark.parametrize("n, c, size, o", [(1, 16, 32, 16), (1, 64, 8, 64), (3, 20, 33, 37), (1, 128, 14, 128), (2, 17, 40, 18)])
def test_by_winograd(n, c, size, o, cut):
    window = shapes.conv2d_window((n, c, size, size), (o, c, 3, 3), 1, 1, 1, 1)
    assert winograd.pays(n, window.output, c, o, window, 1, np.dtype("float32"), prepared=True)
    check(0, (n, c, size, size), (o, c, 3, 3), 1, {**PLAIN, "cut": cut})


@pytest.mark.parametrize("cut", [0, 1, 2])
@pytest.mark.parametrize("c, size, o, kernel", [(3, 30, 6, 5), (512, 4, 70, 3), (672, 14, 112, 1), (5, 9, 33, 3), (300, 6, 300, 3)])
def test_by_the_direct_algorithm(c, size, o, kernel, cut):
    check(1, (1, c, size, size), (o, c, kernel, kernel), 1, {**PLAIN, "cut": cut})


@pytest.mark.parametrize("cut", [0, 1, 2])
def test_by_the_depthwise_one(cut):
    assert depthwise.applies(37, 37)
    check(2, (2, 37, 19, 9), (37, 1, 5, 5), 37, {**PLAIN, "cut": cut, "padding": 2})


def test_shapes_that_change_and_an_empty_batch():
    rng = np.random.default_rng(0)
    w, b = rng.normal(size=(24, 16, 3, 3)).astype("f4"), rng.normal(size=24).astype("f4")
    prepared = PreparedConv2d(w, b, 1, 1)
    for n, size in ((1, 32), (5, 9), (1, 32), (64, 8), (0, 8), (2, 3)):
        x = rng.normal(size=(n, 16, size, size)).astype("f4")
        window = shapes.conv2d_window(x.shape, w.shape, 1, 1, 1, 1)
        expected = np.maximum(array.conv2d(x, w, b, window, 1), 0)
        np.testing.assert_allclose(prepared(x, window), expected, rtol=1e-3, atol=1e-3)
    assert len(prepared.runs) == 5 and len(prepared.packed) <= 3


def test_weights_in_the_order_for_each_size_of_tiles():
    rng, tiles = np.random.default_rng(0), []
    w, b = rng.normal(size=(64, 64, 3, 3)).astype("f4"), rng.normal(size=64).astype("f4")
    prepared = PreparedConv2d(w, b, 1)
    for n, size in ((3, 32), (9, 6), (1, 8), (3, 32), (9, 6), (1, 8)):
        x = rng.normal(size=(n, 64, size, size)).astype("f4")
        window = shapes.conv2d_window(x.shape, w.shape, 1, 1, 1, 1)
        tiles.append(winograd.made_ready(x, w, b, window, 0)[1].tiling.tile)
        np.testing.assert_allclose(prepared(x, window), array.conv2d(x, w, b, window, 1), rtol=1e-3, atol=1e-3)
    assert tiles == [4, 3, 2, 4, 3, 2] and len(prepared.packed) == 3


def test_what_is_worked_out_is_kept_for_the_shapes_used_last(monkeypatch):
    w, most, made, work_out = np.ones((4, 3, 3, 3), np.float32), inference.MOST_RUNS, [], PreparedConv2d._run_for
    monkeypatch.setattr(PreparedConv2d, "_run_for", lambda self, x, window: made.append(x.shape[2]) or work_out(self, x, window))
    prepared = PreparedConv2d(w, None, 1, 1)

    def use(height):
        x = np.ones((1, 3, height, 5), np.float32)
        window = shapes.conv2d_window(x.shape, w.shape, 1, 1, 1, 1)
        np.testing.assert_allclose(prepared(x, window), array.conv2d(x, w, None, window, 1), rtol=1e-5)

    heights = list(range(1, 5 * most))
    for height in heights:
        use(height)
        use(1)                                  # used again and again, so it stays
        assert len(prepared.runs) + len(prepared.older) <= 2 * most
    for height in heights[1 - most :]:
        use(height)
    assert made == heights
    use(2)
    assert made == [*heights, 2]


def test_what_is_not_a_number_stays_so():
    x = np.full((1, 3, 4, 4), np.nan, np.float32)
    window = shapes.conv2d_window(x.shape, (5, 3, 1, 1), 1, 0, 1, 1)
    for cut in (0, 1, 2):
        assert np.isnan(PreparedConv2d(np.ones((5, 3, 1, 1), np.float32), None, 1, cut)(x, window)).all()


def test_several_threads_at_once():
    rng = np.random.default_rng(0)
    w = rng.normal(size=(32, 32, 3, 3)).astype("f4")
    prepared, xs = PreparedConv2d(w, None, 1, 1), rng.normal(size=(8, 1, 32, 16, 16)).astype("f4")
    window = shapes.conv2d_window(xs[0].shape, w.shape, 1, 1, 1, 1)
    expected = [PreparedConv2d(w, None, 1, 1)(x, window) for x in xs]
    found = {}

    def work(i):
        for _ in range(20):
            found[i] = prepared(xs[i], window)

    workers = [threading.Thread(target=work, args=(i,)) for i in range(len(xs))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for i, y in enumerate(expected):
        np.testing.assert_array_equal(found[i], y)


@pytest.mark.parametrize("module, name, c, o, groups, kernel", [(conv, "packed_weights", 40, 70, 1, 5), (winograd, "transformed", 16, 16, 1, 3),
                                                                (depthwise, "wide", 37, 37, 37, 3)])
def test_weights_are_brought_into_order_once(monkeypatch, module, name, c, o, groups, kernel):
    """Not with every batch, and not for every height of images."""
    pack, packed = getattr(module, name), []
    monkeypatch.setattr(module, name, lambda *arguments: packed.append(1) or pack(*arguments))
    prepared = PreparedConv2d(np.ones((o, c // groups, kernel, kernel), np.float32), None, groups)
    for height in (32, 32, 36, 32):
        x = np.ones((1, c, height, 32), np.float32)
        prepared(x, shapes.conv2d_window(x.shape, prepared.w.shape, 1, 1, 1, groups))
    assert len(packed) == 1


def test_what_is_worked_out_holds_for_one_number_of_threads_and_one_choice_of_algorithms(monkeypatch):
    made, work_out = [], PreparedConv2d._run_for
    monkeypatch.setattr(PreparedConv2d, "_run_for", lambda self, x, window: made.append(kernels.get_num_threads()) or work_out(self, x, window))
    x, prepared = np.ones((1, 16, 32, 32), np.float32), PreparedConv2d(np.ones((16, 16, 3, 3), np.float32), None, 1)
    window = shapes.conv2d_window(x.shape, prepared.w.shape, 1, 1, 1, 1)
    try:
        for threads in (1, 1, 3, 1, 3):
            kernels.set_num_threads(threads)
            np.testing.assert_allclose(prepared(x, window), array.conv2d(x, prepared.w, None, window, 1), rtol=1e-5)
    finally:
        kernels.set_num_threads(THREADS)
    assert made == [1, 3]
    monkeypatch.setitem(algorithms.allowed, "winograd", not algorithms.allowed["winograd"])
    prepared(x, window)
    assert len(made) >= 3


def test_a_plan_is_for_the_number_of_threads_of_the_moment():
    """One image is one task for one thread, and is cut into bands for several."""
    x, w = np.ones((1, 16, 32, 32), np.float32), np.ones((16, 16, 3, 3), np.float32)
    window, bands = shapes.conv2d_window(x.shape, w.shape, 1, 1, 1, 1), []
    try:
        for threads in (1, 4, 1):
            kernels.set_num_threads(threads)
            bands.append(conv.made_ready(x, w, None, window, 1)[2].band)
    finally:
        kernels.set_num_threads(THREADS)
    assert bands == [32, 8, 32]
