"""Every sample has a stream of its own: the same in any batch, order and thread, and to be had again alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minicnn
from minicnn import data
from minicnn.data import seeding
from minicnn.data.loader import DataLoader


class Noisy(data.Dataset):
    """i -> (i, a random number)."""

    def __len__(self):
        return 23

    def __getitem__(self, i):
        return i, minicnn.rand(()).item()


def drawn(**options):
    """{(epoch, index, occurrence): number} of two epochs."""
    loader, found = DataLoader(Noisy(), seed=5, **{"batch_size": 4, **options}), {}
    for epoch in range(2):
        seen = []
        for batch in loader:
            for i, value in zip(*(np.atleast_1d(part.numpy() if hasattr(part, "numpy") else part).tolist() for part in batch)):
                found[epoch, i, seen.count(i)] = value
                seen.append(i)
    return found, loader


@settings(max_examples=25)
@given(batch_size=st.sampled_from([None, 1, 5, 50]), shuffle=st.booleans(), workers=st.integers(0, 3))
def test_neither_batch_nor_order_nor_threads_matter(batch_size, shuffle, workers):
    expected, _ = drawn()
    assert drawn(batch_size=batch_size, shuffle=shuffle, num_workers=workers)[0] == expected
    assert len(set(expected.values())) == 46


def test_any_sample_can_be_made_again():
    found, loader = drawn(sampler=[3, 7, 3, 3, 9, 7])
    assert set(found) == {(e, i, n) for e in range(2) for i, n in ((3, 0), (3, 1), (3, 2), (7, 0), (7, 1), (9, 0))}
    assert len(set(found.values())) == 12, "an index that comes again is augmented anew"
    assert {key: loader.sample(*key)[1] for key in found} == found
    assert DataLoader(Noisy(), seed=6).sample(0, 3)[1] != loader.sample(0, 3)[1]


def test_a_subset_numbers_its_own_samples():
    subset = data.Subset(data.Subset(Noisy(), range(10, 23)), [5, 2])
    loader = DataLoader(subset, batch_size=2, seed=1)
    ((indices, values),) = loader
    assert indices.tolist() == [15, 12] and [loader.sample(0, i)[1] for i in range(2)] == values.tolist()


def test_epochs_are_counted_and_can_be_set():
    first, second = (list(DataLoader(Noisy(), seed=1)) for _ in range(2))
    loader = DataLoader(Noisy(), seed=1)
    epochs = [list(loader) for _ in range(2)]
    loader.set_epoch(0)
    assert text(first) == text(second) == text(epochs[0]) == text(list(loader)) != text(epochs[1])
    assert loader.epoch == 1 and loader.seed == 1


def text(batches):
    return [[part.tolist() for part in batch] for batch in batches]


def test_without_a_seed_one_is_drawn_once():
    def epochs(make=dict):
        minicnn.manual_seed(3)
        loaders = [DataLoader(Noisy(), **make()) for _ in range(2)]
        return [text(list(loader)) for loader in loaders for _ in range(2)]

    assert epochs() == epochs() and len({str(epoch) for epoch in epochs()}) == 4
    generator = minicnn.Generator().manual_seed(1)
    assert epochs(lambda: {"generator": generator}) != epochs()
    with pytest.raises(TypeError, match="seed must be an integer"):
        DataLoader(Noisy(), seed=1.5)


def test_keys_that_are_no_integers():
    dataset = {"a": 1, "b": 2}
    assert [batch.tolist() for batch in DataLoader(dataset, sampler=["b", "a"], batch_size=2)] == [[2, 1]]
    assert seeding.number("a") != seeding.number("b") and seeding.number(np.int64(3)) == 3


def test_seeds_do_not_collide_and_are_as_random_as_they_must_be():
    found = np.concatenate([seeding.sample_seeds(seed, epoch, range(-50, 2000)) for seed in range(3) for epoch in range(5)])
    assert len(np.unique(found)) == len(found)
    assert (seeding.seeds(1, 2) != seeding.seeds(2, 1)).all() and (seeding.seeds(-1) == seeding.seeds(2**64 - 1)).all()
    x = seeding.uniform(found, 0)
    assert abs(x.mean() - 0.5) < 0.01 and abs(x.var() - 1 / 12) < 0.002 and 0 <= x.min() <= x.max() < 1
    assert abs(np.corrcoef(x, seeding.uniform(found, 1))[0, 1]) < 0.02 and abs(np.corrcoef(x[1:], x[:-1])[0, 1]) < 0.02
    bits = (found[:, None] >> np.arange(64, dtype=np.uint64)) & np.uint64(1)
    assert np.abs(bits.mean(0) - 0.5).max() < 0.015
