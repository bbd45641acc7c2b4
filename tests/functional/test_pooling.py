"""Pooling: odd windows, overlaps, ceil_mode, ties, padding, NaN, and what each pixel's gradient adds up to."""

import numpy as np
import pytest
from helpers.proof import prove
from hypothesis import assume, given
from hypothesis import strategies as st

import minicnn
import minicnn.nn.functional as F
from minicnn import kernels
from minicnn.errors import BadValue, ShapeError

torch = pytest.importorskip("torch")


@st.composite
def pools(draw, dilated):
    kernel = draw(st.tuples(st.integers(1, 4), st.integers(1, 3)))
    options = {
        "kernel_size": kernel,
        "stride": draw(st.none() | st.tuples(st.integers(1, 3), st.integers(1, 4))),
        "padding": tuple(draw(st.integers(0, k // 2)) for k in kernel),
        "ceil_mode": draw(st.booleans()),
    }
    if dilated:
        options["dilation"] = draw(st.tuples(st.integers(1, 2), st.integers(1, 3)))
    shape = draw(st.tuples(st.integers(0, 2), st.integers(1, 3), st.integers(2, 8), st.integers(2, 9)))
    spans = [d * (k - 1) + 1 for d, k in zip(options.get("dilation", (1, 1)), kernel)]
    assume(all(n + 2 * p >= s for n, p, s in zip(shape[2:], options["padding"], spans)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    return rng.standard_normal(shape), options, rng


@given(pools(dilated=True), st.booleans())
def test_max_pool_against_everything(case, ties):
    """Rounded to integers, many pixels tie: then the first one wins, and finite differences have nothing to say."""
    x, options, rng = case
    x = np.round(x) if ties else x
    prove(lambda x: F.max_pool2d(x, **options), lambda x: torch.nn.functional.max_pool2d(x, **options), x, rng=rng, finite=not ties)


@given(pools(dilated=True))
def test_max_pool_says_where_the_largest_pixels_were(case):
    x, options, _ = case
    x = np.round(x)
    y, indices = F.max_pool2d(minicnn.tensor(x), **options, return_indices=True)
    expected = torch.nn.functional.max_pool2d(torch.tensor(x), **options, return_indices=True)[1]
    assert indices.dtype == minicnn.int64
    np.testing.assert_array_equal(indices.array, expected.numpy())
    np.testing.assert_array_equal(np.take_along_axis(x.reshape(*x.shape[:2], x.shape[2] * x.shape[3]),
                                                     indices.array.reshape(*y.shape[:2], y.shape[2] * y.shape[3]), 2).reshape(y.shape), y.array)


@given(pools(dilated=False), st.booleans(), st.none() | st.integers(1, 5))
def test_average_pool_against_everything(case, count_include_pad, divisor_override):
    x, options, rng = case
    options = options | {"count_include_pad": count_include_pad, "divisor_override": divisor_override}
    prove(lambda x: F.avg_pool2d(x, **options), lambda x: torch.nn.functional.avg_pool2d(x, **options), x, rng=rng)


@given(pools(dilated=False), st.sampled_from([1, 2, 2.5, 4]))
def test_power_average_pool_against_everything(case, norm_type):
    x, options, rng = case
    x, options = abs(x), {k: v for k, v in options.items() if k != "padding"}
    assume(all(n >= k for n, k in zip(x.shape[2:], options["kernel_size"])))
    prove(lambda x: F.lp_pool2d(x, norm_type, **options), lambda x: torch.nn.functional.lp_pool2d(x, norm_type, **options), x, rng=rng)


def test_power_average_of_zeros_has_no_gradient():
    x = minicnn.zeros(1, 1, 2, 4, dtype=minicnn.float64, requires_grad=True)
    F.lp_pool2d(x, 2, 2).sum().backward()
    assert (x.grad == 0).all()


@given(st.tuples(st.integers(0, 2), st.integers(1, 2), st.integers(1, 7), st.integers(1, 8)),
       st.tuples(st.none() | st.integers(1, 9), st.none() | st.integers(1, 5)), st.integers(0, 2**32))
def test_adaptive_pools_against_everything(shape, output_size, seed):
    x = np.random.default_rng(seed).standard_normal(shape)
    for name in ("adaptive_avg_pool2d", "adaptive_max_pool2d"):
        ours, theirs = getattr(F, name), getattr(torch.nn.functional, name)
        prove(lambda x: ours(x, output_size), lambda x: theirs(x, output_size), x)        # noqa: B023


@pytest.mark.parametrize("form", ["array", "loops"])
def test_of_tied_pixels_one_is_rewarded(form):
    x = minicnn.zeros(1, 1, 2, 2, dtype=minicnn.float64, requires_grad=True)
    with kernels.using(form):
        F.max_pool2d(x, 2).sum().backward()
    np.testing.assert_array_equal(x.grad.array, [[[[1, 0], [0, 0]]]])


@pytest.mark.parametrize("form", ["array", "loops"])
def test_padding_never_wins(form):
    """Neither against negative pixels nor against minus infinity."""
    x = minicnn.tensor(np.full((1, 1, 2, 3), -np.inf), requires_grad=True)
    with kernels.using(form):
        y, indices = F.max_pool2d(x, 2, padding=1, return_indices=True)
        y.sum().backward()
    np.testing.assert_array_equal(indices.array, [[[[0, 1], [3, 4]]]])
    assert x.grad.sum().item() == 4
    assert F.max_pool2d(minicnn.tensor([[[-1.0, -2.0]]]), (1, 2), padding=(0, 1)).tolist() == [[[-1.0, -2.0]]]


@pytest.mark.parametrize("form", ["array", "loops"])
def test_nan_is_not_swallowed(form):
    """Wherever in the window it stands, and whatever comes after it."""
    x = np.zeros((1, 4, 2, 2))
    for place in range(4):
        x[0, place].flat[place] = np.nan
    with kernels.using(form):
        y, indices = F.max_pool2d(minicnn.tensor(x), 2, return_indices=True)
    assert np.isnan(y.array).all()
    np.testing.assert_array_equal(indices.array.ravel(), [0, 1, 2, 3])


@given(pools(dilated=True))
def test_max_pooling_hands_on_the_whole_gradient(case):
    """Σ dx = Σ dy in each plane: nothing is lost, and nothing is given twice."""
    x, options, rng = case
    x = minicnn.tensor(np.round(x), requires_grad=True)
    y = F.max_pool2d(x, **options)
    dy = rng.standard_normal(y.shape)
    y.backward(minicnn.tensor(dy))
    np.testing.assert_allclose(x.grad.array.sum((2, 3)), dy.sum((2, 3)), atol=1e-12)


def test_sequences_and_single_images():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 3, 10))
    for name, options in [("max_pool1d", dict(kernel_size=3, stride=2, padding=1)), ("avg_pool1d", dict(kernel_size=4, padding=2)),
                          ("adaptive_avg_pool1d", dict(output_size=4)), ("adaptive_max_pool1d", dict(output_size=3))]:
        ours, theirs = getattr(F, name), getattr(torch.nn.functional, name)
        prove(lambda x: ours(x, **options), lambda x: theirs(x, **options), x, loops=False)      # noqa: B023
        prove(lambda x: ours(x, **options), lambda x: theirs(x, **options), x[0], loops=False)   # noqa: B023


def test_what_makes_no_sense_is_refused():
    x = minicnn.randn(1, 1, 6, 6)
    with pytest.raises(BadValue, match="at most half"):
        F.max_pool2d(x, 2, padding=2)
    with pytest.raises(ShapeError, match="does not fit"):
        F.avg_pool2d(x, 7)
    with pytest.raises(BadValue, match="divisor_override"):
        F.avg_pool2d(x, 2, divisor_override=0)
    with pytest.raises(ShapeError, match=r"\(N, C, H, W\)"):
        F.max_pool2d(minicnn.randn(6, 6), 2)
    with pytest.raises(TypeError, match="int64"):
        F.max_pool2d(minicnn.zeros(1, 1, 4, 4, dtype=minicnn.int64), 2)
