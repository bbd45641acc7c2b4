"""What data sets, loaders and transforms cannot work with is refused when it is given, by a sentence."""

import pytest

import minicnn
from minicnn import data, errors
from minicnn.data import transforms

ROWS = data.TensorDataset(minicnn.ones(10, 2))


@pytest.mark.parametrize("options, message", [
    (dict(dataset=3), "dataset must have __getitem__"),
    (dict(dataset=None, shuffle=True), "dataset must have __getitem__"),
    (dict(timeout="a"), "timeout must be a number of seconds; got str 'a'"),
    (dict(timeout=float("nan")), "timeout must be a number"),
    (dict(collate_fn=3), "collate_fn must be a function"),
    (dict(generator=3), "generator must be a minicnn.Generator"),
])
def test_options_of_a_loader(options, message):
    with pytest.raises(errors.BadType, match=message):
        data.DataLoader(**{"dataset": ROWS, **options})


def test_a_batch_larger_than_any_data_set_is_the_whole_data_set():
    assert [len(batch) for (batch,) in data.DataLoader(ROWS, 2**70)] == [10]


@pytest.mark.parametrize("batch, error", [
    ([], errors.BadValue), ([minicnn.ones(2), 3], errors.BadType), ([{"a": 1}, {"b": 1}], errors.BadValue),
])
def test_samples_that_make_no_batch(batch, error):
    with pytest.raises(error):
        data.default_collate(batch)


@pytest.mark.parametrize("lengths, error", [
    (3, errors.BadType), (["a"], errors.BadType), ("ab", errors.BadType), ([2.5, 7.5], errors.BadValue), ([-1, 11], errors.BadValue),
])
def test_lengths_that_split_nothing(lengths, error):
    with pytest.raises(error, match="lengths must"):
        data.random_split(ROWS, lengths)


def test_whole_lengths_may_be_floats():
    assert [len(part) for part in data.random_split(ROWS, [4.0, 6.0])] == [4, 6]


@pytest.mark.parametrize("fractions", [3, ["a"], [None]])
def test_fractions_that_are_no_numbers(fractions):
    with pytest.raises(errors.BadValue, match="fractions must be"):
        data.stratified_split([0, 1], fractions)


@pytest.mark.parametrize("index", [1797, -1798])
def test_an_index_beyond_the_images(index):
    with pytest.raises(errors.BadIndex, match="out of range for 1797 samples"):
        data.Digits()[index]


@pytest.mark.parametrize("mean, std", [([0], [float("nan")]), ([float("inf")], [1]), ("a", [1]), ([0], [0])])
def test_normalization_by_what_is_no_number(mean, std):
    with pytest.raises(errors.BadValue, match="mean|std"):
        transforms.Normalize(mean, std)


def test_a_folder_must_be_a_path():
    with pytest.raises(errors.BadType, match="must be a path, got 5"):
        data.load("mnist", 5)
