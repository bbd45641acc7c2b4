"""Data sets, their unions and divisions, beside PyTorch's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minicnn
from minicnn import data, errors
from minicnn.utils.data import TensorDataset as FromUtils

torch = pytest.importorskip("torch")
theirs = torch.utils.data


def rows(count):
    """A TensorDataset of (features (count, 2), numbers (count,))."""
    return data.TensorDataset(minicnn.from_numpy(np.arange(2.0 * count).reshape(count, 2)), minicnn.arange(count))


def test_pytorchs_paths_lead_to_the_same_classes():
    from minicnn.utils.data.dataloader import DataLoader
    from minicnn.utils.data.dataset import Dataset
    from minicnn.utils.data.sampler import SubsetRandomSampler

    assert (FromUtils, DataLoader, Dataset) == (data.TensorDataset, data.DataLoader, data.Dataset)
    assert SubsetRandomSampler is data.SubsetRandomSampler


def test_tensor_dataset_reads_rows():
    features, number = rows(5)[3]
    assert features.tolist() == [6.0, 7.0] and number.item() == 3
    assert len(rows(5)) == 5
    with pytest.raises(IndexError):
        rows(5)[5]


@pytest.mark.parametrize("tensors", [(), (minicnn.zeros(2), minicnn.zeros(3)), (minicnn.tensor(1.0),)])
def test_tensor_dataset_refuses_what_has_no_common_length(tensors):
    with pytest.raises(errors.ShapeError):
        data.TensorDataset(*tensors)


def test_tensor_dataset_refuses_arrays_and_says_what_to_do():
    with pytest.raises(TypeError, match="from_numpy"):
        data.TensorDataset(np.zeros(3))


def test_subset_keeps_its_order_and_reads_lists():
    subset = data.Subset(rows(6), [4, 0, 5])
    assert [number.item() for _, number in subset] == [4, 0, 5]
    assert subset[[0, 2]][1].tolist() == [4, 5]


@given(st.lists(st.integers(0, 4), min_size=1, max_size=5), st.integers(-15, 15))
def test_concat_dataset_finds_what_pytorch_finds(sizes, index):
    parts = [[f"{which}:{i}" for i in range(size)] for which, size in enumerate(sizes)]
    ours, reference = data.ConcatDataset(parts), theirs.ConcatDataset(parts)
    assert len(ours) == len(reference) and ours.cumulative_sizes == reference.cumulative_sizes
    try:
        expected = reference[index]
    except (ValueError, IndexError) as error:
        with pytest.raises(type(error)):
            ours[index]
    else:
        assert ours[index] == expected


def test_addition_concatenates():
    assert [number.item() for _, number in rows(2) + rows(3)] == [0, 1, 0, 1, 2]


def test_concat_refuses_nothing_and_streams():
    class Stream(data.IterableDataset):
        def __iter__(self):
            return iter("ab")

    with pytest.raises(errors.DataError):
        data.ConcatDataset([])
    with pytest.raises(errors.BadType):
        data.ConcatDataset([Stream()])
    assert list(Stream() + Stream()) == list("abab")


@given(st.integers(0, 40), st.lists(st.integers(1, 20), min_size=1, max_size=4))
def test_random_split_by_fractions_has_pytorchs_lengths(count, parts):
    fractions = [part / sum(parts) for part in parts]
    if sum(fractions) > 1:
        return
    with pytest.warns(UserWarning) if _any_empty(count, fractions) else _nothing():
        ours = data.random_split(range(count), fractions)
    assert [len(part) for part in ours] == _reference_lengths(count, fractions)
    assert sorted(i for part in ours for i in part) == list(range(count))


def _reference_lengths(count, fractions):
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [len(part) for part in theirs.random_split(range(count), fractions)]


def _any_empty(count, fractions):
    return 0 in _reference_lengths(count, fractions)


def _nothing():
    import contextlib

    return contextlib.nullcontext()


def test_random_split_is_repeatable_and_random():
    def split(seed):
        return [list(part) for part in data.random_split(range(50), [30, 20], minicnn.Generator().manual_seed(seed))]

    assert split(1) == split(1) != split(2)


@pytest.mark.parametrize("lengths", [[3, 3], [0.5, 0.4], [1.5, -0.5], [12, -2], [0.5, 0.6]])
def test_random_split_refuses_wrong_lengths(lengths):
    with pytest.raises(ValueError):
        data.random_split(range(10), lengths)
