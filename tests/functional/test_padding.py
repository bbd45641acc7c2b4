"""Padding: every mode with positive and negative widths on any shape, against PyTorch, both ways; and what is refused."""

import numpy as np
import pytest
from helpers.definitions import agree
from helpers.proof import prove
from hypothesis import given
from hypothesis import strategies as st

import minicnn
import minicnn.nn.functional as F
from minicnn import errors
from minicnn.functional.padding import pad_border

torch = pytest.importorskip("torch")
MODES = ("reflect", "replicate", "circular")


def pytorch_accepts(shape, *arguments):
    try:
        torch.nn.functional.pad(torch.zeros(shape, dtype=torch.float64), *arguments)
    except (RuntimeError, ValueError, IndexError):
        return False
    return True


@st.composite
def padded(draw, widths):
    axes = draw(st.integers(1, 3))
    shape = tuple(draw(st.lists(st.integers(0, 2), min_size=1, max_size=2))) + tuple(draw(st.integers(1, 5)) for _ in range(axes))
    return shape, [draw(widths) for _ in range(2 * axes)]


@given(padded(st.integers(-3, 5)), st.sampled_from(MODES))
def test_borders_against_everything_and_refused_where_pytorch_refuses(case, mode):
    shape, widths = case
    x = np.random.default_rng(0).standard_normal(shape)
    if not pytorch_accepts(shape, widths, mode):
        with pytest.raises(errors.Error, match="pad: "):
            F.pad(minicnn.Tensor(x), widths, mode)
    elif something_is_left(shape, widths, mode):
        prove(lambda x: F.pad(x, widths, mode), lambda x: torch.nn.functional.pad(x, widths, mode), x, finite=x.size < 30)


def something_is_left(shape, widths, mode):
    """After cropping, and enough to go on with; else PyTorch's answer is empty, or uninitialized memory."""
    pairs = list(zip(shape[::-1], widths[::2], widths[1::2]))
    left = [n + min(before, 0) + min(after, 0) for n, before, after in pairs]
    return min(left) > 0 and (mode != "circular" or all(max(pair[1:]) <= n for n, pair in zip(left, pairs)))


@given(st.lists(st.integers(0, 4), max_size=5), st.data())
def test_constants_against_everything_on_any_number_of_axes(shape, data):
    widths = data.draw(st.lists(st.integers(-2, 3), max_size=2 * len(shape)))[: 2 * len(shape)]
    value = data.draw(st.sampled_from([None, 0, 1.5, -np.inf]))
    x = np.asarray(np.random.default_rng(0).standard_normal(shape))
    if pytorch_accepts(shape, widths, "constant", value):
        prove(lambda x: F.pad(x, widths, value=value), lambda x: torch.nn.functional.pad(x, widths, value=value), x, finite=False)
    else:
        with pytest.raises(errors.Error, match="pad: "):
            F.pad(minicnn.Tensor(x), widths, value=value)


@pytest.mark.parametrize("mode, widths", [("reflect", (2, 1)), ("replicate", (4, 2)), ("circular", (3, 2)), ("reflect", (-1, 2)),
                                          ("replicate", (2, -3)), ("circular", (2, -1)), ("circular", (-1, 2)), ("replicate", (-3, 4))])
def test_the_pair_agrees_with_its_definition(mode, widths):
    x = np.random.default_rng(1).standard_normal((2, 1, 3, 4))
    agree(pad_border, x, widths=((0, 0), (0, 0), widths, (1, 1)) if widths[0] < 3 else ((0, 0), (0, 0), (1, 0), widths), mode=mode)


def test_what_the_modes_do():
    x = minicnn.tensor([[1, 2, 3, 4]])
    assert F.pad(x, (2, 1)).tolist() == [[0, 0, 1, 2, 3, 4, 0]]
    assert F.pad(x, (2, 1), "reflect").tolist() == [[3, 2, 1, 2, 3, 4, 3]]
    assert F.pad(x, (2, 1), "replicate").tolist() == [[1, 1, 1, 2, 3, 4, 4]]
    assert F.pad(x[None], (2, 1), "circular").tolist() == [[[3, 4, 1, 2, 3, 4, 1]]]
    assert F.pad(x > 2, (1, 0), value=True).tolist() == [[True, False, False, True, True]]


def test_padding_by_nothing_is_a_copy():
    x = minicnn.ones(2, 2)
    y = F.pad(x, (0, 0))
    y.add_(1)
    assert x.sum().item() == 4


@pytest.mark.parametrize("mode", MODES)
def test_channels_last_images_stay_channels_last(mode):
    x = np.zeros((2, 5, 6, 3), np.float32).transpose(0, 3, 1, 2)
    y, saved = pad_border.forward(x, widths=((0, 0), (0, 0), (2, 1), (1, 2)), mode=mode)
    (dx,) = pad_border.backward(y, saved, None)
    assert all(a.transpose(0, 2, 3, 1).flags.c_contiguous and a.dtype == x.dtype for a in (y, dx))


X = minicnn.zeros(2, 3, 4, 5)
REFUSED = [
    (lambda: F.pad(X, (5, 0, 0, 0), "reflect"), ValueError, "length 5 by at most 4, got .5, 0."),
    (lambda: F.pad(X, (0, 0, 5, 0), "circular"), ValueError, "length 4 by at most 4"),
    (lambda: F.pad(X, (1, 1), "reflect"), ValueError, "2 widths for each"),
    (lambda: F.pad(X, (1,)), ValueError, "two widths"),
    (lambda: F.pad(X, (1,) * 10), ValueError, "at most 4 axes"),
    (lambda: F.pad(X, (-3, -3)), RuntimeError, "too small"),
    (lambda: F.pad(X, (1, 1), "mirror"), ValueError, "'reflect'.*'mirror'"),
    (lambda: F.pad(X, (1, 1, 1, 1), "reflect", 2.0), ValueError, "takes no value"),
    (lambda: F.pad(X, 1), TypeError, "pad must be"),
    (lambda: F.pad(X, (0.5, 1)), TypeError, "pad must be"),
    (lambda: F.pad(np.ones(3), (1, 1)), TypeError, "ndarray"),
]


@pytest.mark.parametrize("call, kind, words", REFUSED)
def test_refusals_say_what_was_expected(call, kind, words):
    with pytest.raises(kind, match=words) as caught:
        call()
    assert isinstance(caught.value, errors.Error)
