"""Interpolation in every mode, pixel shuffling, windows out and back, and functions of vectors: against PyTorch, both ways."""

import numpy as np
import pytest
from helpers.definitions import agree
from helpers.proof import prove
from hypothesis import assume, given
from hypothesis import strategies as st

import minicnn
import minicnn.nn.functional as F
from minicnn import errors
from minicnn.functional import resize

torch = pytest.importorskip("torch")
T = torch.nn.functional
MODES = {"nearest": (1, 2, 3), "nearest-exact": (1, 2, 3), "area": (1, 2, 3), "linear": (1,), "bilinear": (2,), "trilinear": (3,), "bicubic": (2,)}


@st.composite
def images(draw):
    """An image or sequence, and how it is to be resized."""
    mode = draw(st.sampled_from(sorted(MODES)))
    axes = draw(st.sampled_from(MODES[mode]))
    lengths = tuple(draw(st.integers(1, 7)) for _ in range(axes))
    options = {"mode": mode}
    if mode in ("linear", "bilinear", "trilinear", "bicubic"):
        options["align_corners"] = draw(st.sampled_from([None, False, True]))
    if draw(st.booleans()):
        options["size"] = draw(st.integers(1, 9) | st.tuples(*[st.integers(1, 9)] * axes))
    else:
        least = 1 / min(lengths)
        scale = st.floats(least, 3) | st.sampled_from([1.0, 2.0, 3.0, 1.5])
        options["scale_factor"] = draw(scale | st.tuples(*[scale] * axes))
        options["recompute_scale_factor"] = draw(st.sampled_from([None, False, True]))
        scales = options["scale_factor"] if isinstance(options["scale_factor"], tuple) else (options["scale_factor"],) * axes
        assume(mode != "bicubic" or any(int(n * s) != n for n, s in zip(lengths, scales)))      # PyTorch's gradient is not its value's
    shape = (draw(st.integers(0, 2)), draw(st.integers(1, 2)), *lengths)
    return np.random.default_rng(draw(st.integers(0, 99))).standard_normal(shape), options


@pytest.mark.parametrize("corners", [None, True])
@pytest.mark.parametrize("options", [{"size": (7, 9)}, {"size": (3, 2)}, {"size": (5, 3)}, {"scale_factor": 1.7}, {"scale_factor": (0.6, 2.3)}])
@pytest.mark.parametrize("mode", sorted(m for m in MODES if 2 in MODES[m]))
def test_images_against_everything(mode, options, corners):
    options = options | {"mode": mode} | ({"align_corners": corners} if mode.startswith("bi") else {})
    x = np.random.default_rng(0).standard_normal((2, 1, 5, 4))
    prove(lambda x: F.interpolate(x, **options), lambda x: T.interpolate(x, **options), x)


@given(images())
def test_interpolate_on_odd_shapes(case):
    x, options = case
    prove(lambda x: F.interpolate(x, **options), lambda x: T.interpolate(x, **options), x, finite=x.size < 30)


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
def test_nearest_chooses_pytorchs_pixel_at_every_size(mode):
    """Where the place is a whole number but for rounding, the last bit decides which pixel is taken."""
    for length in (1, 2, 3, 5, 7, 10, 12, 24, 49):
        x = np.arange(length, dtype=np.float64).reshape(1, 1, 1, length)
        how = [{"size": (1, size)} for size in range(1, 80)]
        how += [{"scale_factor": (1.0, scale)} for scale in (0.3, 0.7, 1 / 3, 1.1, 1.3, 1.7, 2.3, 2.9) if int(length * scale)]
        for options in how:
            mine, theirs = F.interpolate(minicnn.Tensor(x), mode=mode, **options), T.interpolate(torch.from_numpy(x), mode=mode, **options)
            np.testing.assert_array_equal(mine.array, theirs.numpy(), err_msg=f"{length} pixels, {options}")


@pytest.mark.parametrize("mode, corners", [("nearest", False), ("bilinear", False), ("bilinear", True), ("bicubic", False), ("area", False)])
def test_the_pair_agrees_with_its_definition(mode, corners):
    x = np.random.default_rng(0).standard_normal((2, 1, 3, 4))
    agree(resize.resize, x, matrices=resize.matrices_for(x, (5, 2), mode, (None, None), corners))


@pytest.mark.parametrize("mode", [m for m in MODES if 2 in MODES[m]])
def test_channels_last_images_stay_channels_last(mode):
    x = np.zeros((2, 5, 6, 3), np.float32).transpose(0, 3, 1, 2)
    matrices = resize.matrices_for(x, (7, 4), mode, (None, None), False)
    y, saved = resize.resize.forward(x, matrices=matrices)
    (dx,) = resize.resize.backward(y, saved, None)
    assert all(a.transpose(0, 2, 3, 1).flags.c_contiguous and a.dtype == x.dtype for a in (y, dx))


@given(st.integers(1, 9), st.integers(1, 9), st.sampled_from(["nearest", "nearest-exact", "linear", "bicubic", "area"]), st.booleans())
def test_each_new_pixel_is_a_weighted_mean(length, size, mode, corners):
    """A picture of one colour stays so."""
    np.testing.assert_allclose(resize.interpolation_matrix(mode, length, size, None, corners).sum(1), 1)


def test_bytes_for_nearest():
    x = np.random.default_rng(0).integers(0, 256, (1, 3, 4, 5)).astype(np.uint8)
    y = F.interpolate(minicnn.Tensor(x), (6, 3))
    assert y.dtype == minicnn.uint8
    np.testing.assert_array_equal(y.array, T.interpolate(torch.from_numpy(x), (6, 3)).numpy())


def test_former_names():
    x = minicnn.randn(1, 2, 3, 4)
    np.testing.assert_array_equal(F.upsample(x, 5, mode="bilinear").array, F.interpolate(x, 5, mode="bilinear").array)
    np.testing.assert_array_equal(F.upsample_nearest(x, scale_factor=2).array, F.interpolate(x, scale_factor=2).array)
    np.testing.assert_array_equal(F.upsample_bilinear(x, 5).array, F.interpolate(x, 5, mode="bilinear", align_corners=True).array)


# Channels and pixels, windows --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape, r", [((1, 9, 2, 2), 3), ((2, 3, 8, 3, 2), 2), ((4, 5, 3), 2), ((0, 4, 2, 3), 1)])
def test_pixel_shuffle_and_back(shape, r):
    x = np.random.default_rng(0).standard_normal(shape)
    prove(lambda x: F.pixel_shuffle(x, r), lambda x: T.pixel_shuffle(x, r), x)
    y = T.pixel_shuffle(torch.from_numpy(x), r).numpy()
    prove(lambda y: F.pixel_unshuffle(y, r), lambda y: T.pixel_unshuffle(y, r), y)
    np.testing.assert_array_equal(F.pixel_unshuffle(minicnn.Tensor(y), r).array, x)


def test_channel_shuffle():
    x = np.random.default_rng(0).standard_normal((2, 6, 3, 2))
    prove(lambda x: F.channel_shuffle(x, 3), lambda x: T.channel_shuffle(x, 3), x)


@st.composite
def windowed(draw):
    options = {"kernel_size": draw(st.integers(1, 3) | st.tuples(st.integers(1, 3), st.integers(1, 3)))}
    for name, least, most in (("dilation", 1, 2), ("padding", 0, 2), ("stride", 1, 3)):
        options[name] = draw(st.integers(least, most) | st.tuples(st.integers(least, most), st.integers(least, most)))
    size = (draw(st.integers(5, 8)), draw(st.integers(5, 8)))
    lead = draw(st.sampled_from([(2, 3), (1, 1), (0, 2), (2,)]))
    return lead, size, options


@given(windowed())
def test_unfold_and_fold_against_everything(case):
    lead, size, options = case
    x = np.random.default_rng(0).standard_normal((*lead, *size))
    prove(lambda x: F.unfold(x, **options), lambda x: T.unfold(x, **options), x, finite=False)
    columns = T.unfold(torch.from_numpy(x), **options).numpy()
    prove(lambda y: F.fold(y, size, **options), lambda y: T.fold(y, size, **options), columns, finite=False)


# Vectors -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape, options", [((2, 3, 4), {}), ((2, 3), {"p": 1.0, "dim": 0}), ((3,), {"dim": 0, "eps": 10.0}), ((2, 3), {"p": 3.0}),
                                            ((2, 3), {"p": float("inf")}), ((0, 3), {})])
def test_normalize(shape, options):
    prove(lambda x: F.normalize(x, **options), lambda x: T.normalize(x, **options), np.random.default_rng(0).standard_normal(shape))


@pytest.mark.parametrize("shapes, dim", [(((3, 4), (3, 4)), 1), (((1, 2, 3), (2, 1, 3)), -2), (((4,), (3, 4)), 1)])
def test_similarity_and_distance(shapes, dim):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal(shapes[0]), rng.standard_normal(shapes[1])
    prove(lambda x, y: F.cosine_similarity(x, y, dim), lambda x, y: T.cosine_similarity(x, y, dim), x, y)
    prove(F.pairwise_distance, T.pairwise_distance, x, y)


def test_one_hot():
    assert F.one_hot(minicnn.tensor([0, 2])).tolist() == [[1, 0, 0], [0, 0, 1]]
    assert F.one_hot(minicnn.tensor(1), 2).tolist() == [0, 1] and F.one_hot(minicnn.tensor([[1]]), 2).dtype == minicnn.int64


# What is refused ---------------------------------------------------------------------------------------------------------

X = minicnn.zeros(2, 3, 4, 5)
REFUSED = [
    (lambda: F.interpolate(X), ValueError, "either size or scale_factor"),
    (lambda: F.interpolate(X, 3, 2.0), ValueError, "not both"),
    (lambda: F.interpolate(X, (3,)), ValueError, "2 of them"),
    (lambda: F.interpolate(X, scale_factor=(2.0, 2.0, 2.0)), ValueError, "scale_factor.*2 of them"),
    (lambda: F.interpolate(X, 0), ValueError, "at least 1"),
    (lambda: F.interpolate(X, scale_factor=0.1), ValueError, "at least 1"),
    (lambda: F.interpolate(X, scale_factor=-1.0), ValueError, "positive"),
    (lambda: F.interpolate(X, 2.5), TypeError, "integer"),
    (lambda: F.interpolate(X, 3, mode="linear"), ValueError, "'linear'.*1 axes"),
    (lambda: F.interpolate(X, 3, mode="cubic"), ValueError, "'bicubic'.*'cubic'"),
    (lambda: F.interpolate(X, 3, mode="nearest", align_corners=True), ValueError, "align_corners"),
    (lambda: F.interpolate(X, 3, mode="bilinear", antialias=True), ValueError, "antialias"),
    (lambda: F.interpolate(X, 3, recompute_scale_factor=True), ValueError, "recompute_scale_factor"),
    (lambda: F.interpolate(X.long(), 3), TypeError, "int64"),
    (lambda: F.interpolate(minicnn.zeros(2, 3, 0, 5), 3), ValueError, "empty"),
    (lambda: F.interpolate(minicnn.zeros(3, 4), 3), ValueError, r"\(3, 4\)"),
    (lambda: F.pixel_shuffle(X, 2), ValueError, "3 channels.*4"),
    (lambda: F.pixel_shuffle(X, 0), ValueError, "positive"),
    (lambda: F.pixel_unshuffle(X, 2), ValueError, "width 5"),
    (lambda: F.pixel_shuffle(minicnn.zeros(4, 4), 2), ValueError, "C, H, W"),
    (lambda: F.channel_shuffle(X, 2), ValueError, "3 channels"),
    (lambda: F.unfold(X, 6), ValueError, "does not fit"),
    (lambda: F.unfold(minicnn.zeros(4, 4), 2), ValueError, r"\(4, 4\)"),
    (lambda: F.fold(minicnn.zeros(1, 4, 5), (3, 3), 2), ValueError, "2x2 windows"),
    (lambda: F.fold(minicnn.zeros(1, 5, 4), (3, 3), 2), ValueError, "2x2 pixels"),
    (lambda: F.one_hot(minicnn.tensor([1.0])), TypeError, "float32"),
    (lambda: F.one_hot(minicnn.tensor([3]), 2), (ValueError, IndexError), "class"),
    (lambda: F.normalize(minicnn.tensor([1])), TypeError, "int64"),
]


@pytest.mark.parametrize("call, kind, words", REFUSED)
def test_refusals_say_what_was_expected(call, kind, words):
    with pytest.raises(kind, match=words) as caught:
        call()
    assert isinstance(caught.value, errors.Error)
