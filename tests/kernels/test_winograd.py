"""Winograd's convolution agrees with the array kernels: odd shapes, few channels, other layouts and vector widths, any thread count."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from minicnn import get_num_threads, kernels, set_num_threads, shapes
from minicnn.kernels import array, loops

from test_cpu_kernels import AVX2, exact, has, laid_out, layouts, pairs, run, threads_set_to

pytest.importorskip("numba")
winograd = pytest.importorskip("minicnn.kernels.cpu.winograd")
tiling = pytest.importorskip("minicnn.kernels.cpu.tiling")
transforms = pytest.importorskip("minicnn.kernels.cpu.transforms")
cpu = pytest.importorskip("minicnn.kernels.cpu")

TOLERANCE = {np.dtype("float32"): 2e-5, np.dtype("float64"): 4e-14}


@pytest.fixture
def threads():
    before = get_num_threads()
    yield set_num_threads
    set_num_threads(before)


def problem(n, channels, outs, size, padding, dtype=np.float32, seed=0):
    """(window, x, w, b, dy) of a 3x3 convolution; the padding is one number or ((top, bottom), (left, right))."""
    padding = ((padding, padding),) * 2 if isinstance(padding, int) else padding
    output = tuple(length + sum(pads) - 2 for length, pads in zip(size, padding))
    window = shapes.Window(size, (3, 3), (1, 1), padding, (1, 1), output)
    rng = np.random.default_rng(seed)
    sizes = (n, channels, *size), (outs, channels, 3, 3), (outs,), (n, outs, *output)
    return window, *(rng.standard_normal(shape).astype(dtype) for shape in sizes)


def passes(window, x, w, b, dy):
    """The three passes and their arguments, but for the window."""
    return {"conv2d": (x, w, b), "conv2d_dx": (dy, w), "conv2d_dw": (dy, x)}


def compare(window, x, w, b, dy, reference=array):
    """All passes against another form in float64, relative to the largest value."""
    for name, arguments in passes(window, x, w, b, dy).items():
        found, wanted = getattr(winograd, name)(*arguments, window), getattr(reference, name)(*exact(arguments), window, 1)
        assert found.shape == wanted.shape and found.dtype == x.dtype
        assert np.abs(found - wanted).max() <= TOLERANCE[x.dtype] * np.abs(wanted).max(), name


@settings(max_examples=150)
@given(dtype=st.sampled_from([np.float32, np.float64]), layout=layouts, n=st.integers(1, 4),
       channels=st.sampled_from([1, 2, 3, 5, 16, 19, 32, 50]), outs=st.sampled_from([1, 4, 16, 17, 33, 40, 64, 96]), size=pairs(1, 15),
       rows=pairs(0, 3), columns=pairs(0, 3), bias=st.booleans(), count=st.integers(1, 3), alone=st.booleans(), seed=st.integers(0, 99))
def test_all_passes(dtype, layout, n, channels, outs, size, rows, columns, bias, count, alone, seed):
    """Any padding, also unequal and larger than the kernel; images smaller than a tile."""
    assume(all(length + sum(pads) >= 3 for length, pads in zip(size, (rows, columns))))
    window, x, w, b, dy = problem(n, channels, outs, size, (rows, columns), dtype, seed)
    with threads_set_to(count, alone):
        compare(window, laid_out(x, layout), laid_out(w, layout), b if bias else None, laid_out(dy, layout))


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("n, channels, outs, size", [
    (7, 64, 96, (14, 14)), (3, 130, 200, (9, 9)), (1, 40, 64, (61, 30)), (65, 32, 64, (4, 4)), (64, 160, 70, (4, 3)),
], ids=str)
def test_more_tiles_and_channels_than_are_taken_at_once(n, channels, outs, size, count, threads):
    threads(count)
    compare(*problem(n, channels, outs, size, 1))


def test_against_the_loops():
    compare(*problem(2, 3, 4, (5, 6), 1), reference=loops)


@pytest.mark.parametrize("name", ["conv2d", "conv2d_dx", "conv2d_dw"])
def test_results_lie_channels_last(name):
    window, *arrays = problem(2, 32, 48, (6, 7), 1)
    result = getattr(winograd, name)(*passes(window, *arrays)[name], window)
    assert (result if name == "conv2d_dw" else result.transpose(0, 2, 3, 1)).flags.c_contiguous


def test_the_same_bits_from_run_to_run(threads):
    window, *arrays = problem(5, 64, 64, (13, 13), 1)
    for count in (1, 2, 3):
        threads(count)
        for name, arguments in passes(window, *arrays).items():
            assert len({getattr(winograd, name)(*arguments, window).tobytes() for _ in range(4)}) == 1


def test_nothing_outside_of_the_image_counts():
    """Numbers in memory before and after an image, NaN here, stay out of it."""
    window, x, w, b, dy = problem(3, 32, 32, (5, 5), 1)
    inside = np.full((5, 5, 5, 32), np.nan, np.float32)
    inside[1:4] = x.transpose(0, 2, 3, 1)
    compare(window, inside[1:4].transpose(0, 3, 1, 2), w, b, dy)


# Tiles of several sizes -----------------------------------------------------------------------------------------------------


@pytest.fixture(params=transforms.TILES)
def tile(request, monkeypatch):
    """Everything is cut into tiles of this size, whatever would cost least."""
    made_once = tiling.cut_into_tiles, tiling.correlation, tiling.weight_sums, winograd._work, winograd._sums_plan

    def forget():
        for function in made_once:
            function.cache_clear()

    forget()
    monkeypatch.setattr(tiling, "TILES", (request.param,))
    yield request.param
    forget()


@pytest.mark.parametrize("n, channels, outs, size, padding", [
    (2, 32, 48, (3, 3), 1), (1, 16, 17, (5, 7), 1), (3, 19, 40, (6, 6), 0), (2, 64, 64, (11, 10), 2), (70, 64, 48, (3, 3), 1),
    (5, 33, 65, (4, 9), ((0, 3), (2, 1))), (150, 128, 70, (2, 3), 1),
], ids=str)
def test_tiles_of_each_size(tile, n, channels, outs, size, padding):
    for count in (1, 2, 3):
        with threads_set_to(count, False):
            compare(*problem(n, channels, outs, size, padding))


def test_images_one_pixel_high_are_left_to_others():
    """Most of a window lies outside of them: other algorithms leave that out, and multiply less."""
    for n, width in ((64, 1), (8, 7), (64, 200)):
        window = shapes.conv2d_window((n, 512, 1, width), (512, 512, 3, 3), padding=1)
        assert not winograd.pays(n, window.output, 512, 512, window, 1, np.dtype("float32"))


def test_smaller_tiles_for_smaller_images_and_where_the_weights_cost_most():
    sizes = {(64, 4): 4, (64, 3): 3, (64, 6): 3, (64, 5): 3, (64, 2): 2, (64, 7): 4, (64, 32): 4, (1, 8): 2, (1, 32): 4}
    assert {case: tiling.cut_into_tiles(case[0], (case[1],) * 2, 256, 256).tile for case in sizes} == sizes


def test_the_matrices_of_the_source():
    """Those for tiles of 4x4 are given in section 4.3 of the paper, up to the signs of a point's row in both Bᵀ and G."""
    at, bt, g = transforms.matrices(transforms.POINTS[4])
    assert at == [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]]
    assert bt == [[4, 0, -5, 0, 1, 0], [0, -4, -4, 1, 1, 0], [0, 4, -4, -1, 1, 0], [0, -2, -1, 2, 1, 0], [0, 2, -1, -2, 1, 0],
                  [0, 4, 0, -5, 0, 1]]
    assert np.array(g) == pytest.approx(np.array([[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]]) / 24)


@pytest.mark.parametrize("size", transforms.TILES)
def test_one_dimension_exactly(size):
    """Aᵀ · [(G·g) ⊙ (Bᵀ·d)] is the correlation of d with g, in fractions."""
    at, bt, g = (np.array([[Fraction(number).limit_denominator(99) for number in row] for row in matrix])
                 for matrix in transforms.matrices(transforms.POINTS[size]))
    rng = np.random.default_rng(size)
    d, taps = ([Fraction(int(number)) for number in rng.integers(-9, 9, count)] for count in (size + 2, 3))
    assert list(at @ ((g @ taps) * (bt @ d))) == [sum(d[i + k] * taps[k] for k in range(3)) for i in range(size)]


# The choice ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def chosen(monkeypatch):
    """The passes that were computed by this algorithm."""
    names = []
    for name in ("conv2d", "conv2d_dx", "conv2d_dw"):
        monkeypatch.setattr(winograd, name, noting(names, name, getattr(winograd, name)))
    return names


def noting(names, name, function):
    def noted(*arguments):
        names.append(name)
        return function(*arguments)
    return noted


def convolve(window, x, w, b, dy, groups=1):
    form = kernels.of(x)
    return form.conv2d(x, w, b, window, groups), form.conv2d_dx(dy, w, window, groups), form.conv2d_dw(dy, x, window, groups)


def test_it_is_chosen_where_it_pays_and_can_be_switched_off(chosen):
    arrays = problem(8, 64, 64, (16, 16), 1)
    with kernels.using("numba"):
        convolve(*arrays)
        assert chosen == ["conv2d", "conv2d_dx", "conv2d_dw"]
        with kernels.using(winograd=False):
            exactly = convolve(*arrays)
            with kernels.using(winograd=True):
                convolve(*arrays)
        assert len(chosen) == 6
        convolve(*arrays)
    assert len(chosen) == 9
    with kernels.using("numba", winograd=False):
        convolve(*arrays)
    assert len(chosen) == 9
    for found, wanted in zip(exactly, convolve(*exact(arrays))):
        assert np.abs(found - wanted).max() < 2e-6 * np.abs(wanted).max()


@pytest.mark.parametrize("change", [dict(dtype=np.float64), dict(channels=3), dict(outs=10), dict(size=(1, 64)), dict(n=0)], ids=str)
def test_it_is_not_chosen_elsewhere(chosen, change):
    with kernels.using("numba"):
        convolve(*problem(**dict(n=4, channels=64, outs=64, size=(8, 8), padding=1) | change))
    assert chosen == []


@pytest.mark.parametrize("kernel, options", [(3, dict(stride=2)), (3, dict(dilation=2)), (1, {}), (5, {}), (3, dict(groups=2))], ids=str)
def test_it_is_for_one_kind_of_window(kernel, options):
    groups = options.get("groups", 1)
    window = shapes.conv2d_window((8, 64, 16, 16), (64, 64 // groups, kernel, kernel), padding=1, **options)
    assert not winograd.pays(8, window.output, 64, 64, window, groups, np.dtype("float32"))


# Other CPUs ---------------------------------------------------------------------------------------------------------------

OTHER_CPU = """
import numpy as np
from minicnn.kernels.cpu.vector import MACHINE
import sys; sys.path.insert(0, "tests/kernels")
from test_winograd import compare, problem
for shape in ((2, 16, 24, (7, 9)), (1, 5, 70, (4, 4)), (3, 40, 33, (10, 6))):
    compare(*problem(*shape, 1))
    compare(*problem(*shape, ((0, 2), (3, 1))))
print(MACHINE.bytes, MACHINE.fma)
"""


@pytest.mark.skipif(not has("avx2"), reason="this CPU has no AVX2")
def test_vectors_of_eight():
    assert run(OTHER_CPU, **AVX2) == "32 True"


@pytest.mark.skipif(not has("sse2"), reason="this CPU is not an x86")
def test_vectors_of_four_without_multiply_add():
    assert run(OTHER_CPU, NUMBA_CPU_NAME="generic", NUMBA_CPU_FEATURES="") == "16 False"
