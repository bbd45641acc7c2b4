"""Samplers: each index as often as it should come, in an order that the seed decides, beside PyTorch's."""

from collections import Counter

import numpy as np
import pytest

import minicnn
from minicnn import data

torch = pytest.importorskip("torch")
theirs = torch.utils.data


def seeded(seed=0):
    return minicnn.Generator().manual_seed(seed)


@pytest.mark.parametrize("count, batch_size, drop_last", [(10, 3, False), (10, 3, True), (9, 3, True), (2, 3, True), (0, 3, False)])
def test_batch_sampler_cuts_as_pytorch_does(count, batch_size, drop_last):
    ours, reference = (lib.BatchSampler(lib.SequentialSampler(range(count)), batch_size, drop_last) for lib in (data, theirs))
    assert list(ours) == list(reference) and len(ours) == len(reference)


@pytest.mark.parametrize("num_samples", [None, 3, 7, 15])
def test_random_sampler_draws_every_index_before_any_again(num_samples):
    sampler = data.RandomSampler(range(7), num_samples=num_samples, generator=seeded())
    drawn = list(sampler)
    assert len(drawn) == len(sampler) == (num_samples or 7)
    for start in range(0, len(drawn), 7):
        assert len(set(drawn[start : start + 7])) == len(drawn[start : start + 7])


def test_random_sampler_with_replacement_repeats():
    drawn = list(data.RandomSampler(range(5), replacement=True, num_samples=1000, generator=seeded()))
    assert set(drawn) == set(range(5)) and max(Counter(drawn).values()) < 260


def test_epochs_differ_and_seeds_repeat():
    sampler = data.RandomSampler(range(20), generator=seeded(3))
    first, second = list(sampler), list(sampler)
    assert first != second and sorted(first) == list(range(20))
    assert list(data.RandomSampler(range(20), generator=seeded(3))) == first


def test_manual_seed_decides_where_no_generator_is_given():
    def order():
        minicnn.manual_seed(5)
        return list(data.RandomSampler(range(20)))

    assert order() == order()


def test_the_order_does_not_hang_on_draws_during_the_epoch():
    """A model that draws from the default stream (dropout) must not change which samples come later."""
    def order(disturb):
        minicnn.manual_seed(5)
        drawn = []
        for index in data.RandomSampler(range(4), num_samples=12):
            drawn.append(index)
            if disturb:
                minicnn.rand(1)
        return drawn

    assert order(False) == order(True)


def test_subset_random_sampler_draws_its_indices():
    sampler = data.SubsetRandomSampler([3, 30, 300], seeded())
    assert sorted(sampler) == [3, 30, 300] and len(sampler) == 3


def test_weighted_sampler_follows_the_weights():
    drawn = Counter(data.WeightedRandomSampler([1, 0, 3], 4000, generator=seeded()))
    assert drawn[1] == 0 and abs(drawn[2] / drawn[0] - 3) < 0.4


def test_weighted_sampler_without_replacement_draws_each_once():
    assert sorted(data.WeightedRandomSampler([1, 2, 0, 3], 3, replacement=False, generator=seeded())) == [0, 1, 3]


REFUSED = [
    ("RandomSampler", (range(3),), dict(replacement=1)),
    ("RandomSampler", (range(3),), dict(num_samples=0)),
    ("RandomSampler", (range(3),), dict(num_samples=1.5)),
    ("RandomSampler", ([],), {}),
    ("BatchSampler", (range(3), 0, False), {}),
    ("BatchSampler", (range(3), True, False), {}),
    ("BatchSampler", (range(3), 2, None), {}),
    ("WeightedRandomSampler", ([1, 2], 0), {}),
    ("WeightedRandomSampler", ([1, 2], True), {}),
    ("WeightedRandomSampler", ([1, 2], 1, 1), {}),
    ("WeightedRandomSampler", ([[1, 2]], 1), {}),
]


@pytest.mark.parametrize("name, args, options", REFUSED)
def test_refused_as_by_pytorch(name, args, options):
    with pytest.raises((ValueError, TypeError)) as reference:
        getattr(theirs, name)(*args, **options)
    with pytest.raises(reference.type):
        getattr(data, name)(*args, **options)


@pytest.mark.parametrize("weights, replacement", [([0, 0], True), ([1, -1], True), ([1, np.nan], True), ([1, 0], False)])
def test_impossible_weights_are_refused_when_drawing(weights, replacement):
    sampler = data.WeightedRandomSampler(weights, 2, replacement)
    with pytest.raises(ValueError):
        list(sampler)
