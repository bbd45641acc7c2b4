"""stratified_split: nothing lost, nothing twice, every class in its share, tiny classes where they can be learnt from."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minicnn
from minicnn import data, errors

FRACTIONS = [(1.0,), (0.5, 0.5), (0.8, 0.2), (0.7, 0.15, 0.15), (0.6, 0.2, 0.1, 0.1)]


def split(labels, fractions, seed=0):
    return data.stratified_split(labels, fractions, minicnn.Generator().manual_seed(seed))


@given(st.lists(st.integers(0, 6), min_size=1, max_size=120), st.sampled_from(FRACTIONS), st.integers(0, 5))
def test_every_part_has_its_share(labels, fractions, seed):
    labels = np.array(labels)
    try:
        parts = split(labels, fractions, seed)
    except errors.DataError:
        assert len(labels) < 7 * len(fractions) / min(fractions)
        return
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(labels)))
    assert set(labels[parts[0]]) == set(labels), "every class is in the part to train on"
    classes = len(set(labels))
    for part, fraction in zip(parts, fractions):
        assert abs(len(part) - fraction * len(labels)) <= classes + 1
        for label in set(labels):
            assert abs((labels[part] == label).sum() - fraction * (labels == label).sum()) <= len(fractions) + 1


def test_large_classes_are_divided_exactly():
    labels = np.repeat(np.arange(10), 600)
    for part, size in zip(split(labels, (0.8, 0.1, 0.1)), (480, 60, 60)):
        assert np.bincount(labels[part]).tolist() == [size] * 10


def test_the_seed_decides():
    labels = np.arange(200) % 5
    first, again, other = split(labels, (0.8, 0.2), 1), split(labels, (0.8, 0.2), 1), split(labels, (0.8, 0.2), 2)
    assert all(np.array_equal(a, b) for a, b in zip(first, again))
    assert not np.array_equal(first[1], other[1])
    assert not np.array_equal(first[1], np.arange(4, 200, 5)), "drawn, not every fifth"


@pytest.mark.parametrize("labels, fractions, error", [
    ([], (0.5, 0.5), errors.DataError),
    ([0], (0.5, 0.5), errors.DataError),
    ([0, 1, 2], (0.5, 0.5), errors.DataError),
    ([0, -1], (0.5, 0.5), errors.DataError),
    ([0.5, 1.0], (0.5, 0.5), errors.DataError),
    ([[0, 1]], (0.5, 0.5), errors.DataError),
    ([0, 0, 0, 0], (0.5, 0.4), errors.BadValue),
    ([0, 0, 0, 0], (1.5, -0.5), errors.BadValue),
    ([0, 0, 0, 0], (1.0, 0.0), errors.BadValue),
    ([0, 0, 0, 0], (float("nan"), 0.5), errors.BadValue),
    ([0, 0, 0, 0], (), errors.BadValue),
])
def test_what_cannot_be_split_is_refused(labels, fractions, error):
    with pytest.raises(error):
        split(labels, fractions)
