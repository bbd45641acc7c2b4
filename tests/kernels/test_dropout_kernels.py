"""Dropout's mask: Philox's published numbers, the same bits from both forms, whatever the layout and the number of threads."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minicnn
from minicnn import kernels, nn
from minicnn.kernels import array
from minicnn.kernels.philox import philox

pytest.importorskip("numba")
cpu = pytest.importorskip("minicnn.kernels.cpu")
from helpers.threads import threads_set_to  # noqa: E402

F = nn.functional
LIKE = np.empty(0, np.float32)


@pytest.mark.parametrize("counter, key, wanted", [
    ([0] * 4, [0] * 2, [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
    ([0xFFFFFFFF] * 4, [0xFFFFFFFF] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
    ([0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344], [0xA4093822, 0x299F31D0], [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1]),
], ids=["zeros", "ones", "pi"])
def test_the_numbers_that_its_authors_published(counter, key, wanted):
    assert list(philox([np.uint64(c) for c in counter], [np.uint64(k) for k in key])) == wanted
    assert list(philox(counter, key)) == wanted


@settings(max_examples=100)
@given(key=st.integers(0, 2**64 - 1), shape=st.lists(st.integers(0, 40), max_size=4).map(tuple), threads=st.integers(1, 3), large=st.booleans(),
       alone=st.booleans(),
       p=st.one_of(st.sampled_from([1e-12, 0.5, 1 - 1e-12, 1.0]), st.floats(0.01, 0.99)))
def test_both_forms_give_the_same_bits(key, shape, threads, large, alone, p):
    shape = (*shape[:2], 300, 130) if large else shape
    with threads_set_to(threads, alone):
        found = cpu.dropout_mask(key, shape, p, LIKE)
    wanted = array.dropout_mask(key, shape, p, LIKE)
    assert found.shape == wanted.shape == shape and found.dtype == wanted.dtype == bool
    np.testing.assert_array_equal(found, wanted)


def dropped(x, form, layer=F.dropout, p=0.4):
    minicnn.manual_seed(5)
    with kernels.using(form):
        return layer(minicnn.Tensor(x), p).array


@pytest.mark.parametrize("layer", [F.dropout, F.dropout2d])
def test_a_seed_says_what_is_dropped(layer):
    x = np.random.default_rng(0).standard_normal((6, 5, 4, 3)).astype("f")
    lies_otherwise = np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    results = [dropped(data, form, layer) for data in (x, lies_otherwise) for form in ("array", "numba")]
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])
    kept = results[0] != 0
    np.testing.assert_allclose(results[0][kept], (x / np.float32(0.6))[kept], rtol=1e-6)
    assert layer is F.dropout or (kept.all((2, 3)) | ~kept.any((2, 3))).all()


def test_every_call_drops_others():
    minicnn.manual_seed(0)
    x = minicnn.ones(1000)
    first, second = (F.dropout(x, 0.5).array for _ in range(2))
    assert 400 < (first != second).sum() < 600


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_how_many_are_kept_and_that_neighbours_do_not_know_of_each_other(p):
    keep = cpu.dropout_mask(12345678901234567890, (512, 512), p, LIKE).astype(float)
    deviation = (p * (1 - p) / keep.size) ** 0.5
    assert abs(keep.mean() - (1 - p)) < 4 * deviation
    for step in (1, 2, 3, 4, 5, 512):
        pairs = keep.reshape(-1)[:-step] - (1 - p), keep.reshape(-1)[step:] - (1 - p)
        assert abs((pairs[0] * pairs[1]).mean()) < 4 * p * (1 - p) / keep.size**0.5
