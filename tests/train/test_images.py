"""The data on its way into training: parts that share nothing, shifts that move whole images, batches that can be made again."""

import numpy as np
import pytest

import minicnn
from minicnn import data
from minicnn.data.seeding import sample_seeds
from minicnn.train.augmentation import shifted
from minicnn.train.images import Part, divide, loader


def test_shifted_moves_each_image_as_a_whole_and_lets_zeros_in():
    images = np.arange(1, 1 + 40 * 2 * 5 * 6, dtype=np.int64).reshape(40, 2, 5, 6)
    seeds = sample_seeds(1, 0, range(40))
    moved = shifted(images, 1, seeds)
    seen = set()
    for before, after in zip(images, moved):
        padded = np.pad(before, ((0, 0), (1, 1), (1, 1)))
        places = [(i, j) for i in range(3) for j in range(3) if (padded[:, i : i + 5, j : j + 6] == after).all()]
        assert len(places) == 1
        seen |= set(places)
    assert len(seen) == 9
    np.testing.assert_array_equal(shifted(images, 0, seeds), images)
    for i in (0, 7, 39):
        np.testing.assert_array_equal(shifted(images[[i]], 1, seeds[[i]])[0], moved[i])


def test_digits_are_divided_by_class_without_overlap_and_always_alike():
    source = data.load("digits")
    parts = divide(source)
    minicnn.manual_seed(123)
    again = divide(source)
    assert list(map(len, parts)) == [1294, 144, 359]
    for part, same in zip(parts, again):
        np.testing.assert_array_equal(part.images, same.images)
        share = np.bincount(part.labels) / len(part)
        np.testing.assert_allclose(share, 0.1, atol=0.012)
    np.testing.assert_array_equal(parts.test.images[:, 0], data.Digits(train=False).data.numpy())
    together = np.sort(np.concatenate([part.images for part in parts]).reshape(1797, -1).view("V64").ravel())
    np.testing.assert_array_equal(together, np.sort(source.train_images.reshape(1797, -1).view("V64").ravel()))


def test_a_data_sets_own_test_part_is_kept():
    images, labels = np.arange(40, dtype=np.uint8).reshape(40, 1, 1, 1), np.arange(40) % 2
    source = data.ImageData("x", ("a", "b"), images, labels, images[:3], labels[:3], "", "")
    train, validation, test = divide(source)
    assert (len(train), len(validation), len(test)) == (36, 4, 3)
    assert test.images is source.test_images


@pytest.mark.parametrize("shuffle", [False, True])
def test_loader_prepares_whole_batches_with_a_seed_for_each_image(shuffle):
    part = Part(np.arange(10, dtype=np.uint8).reshape(10, 1, 1, 1), np.arange(10))
    drawn = []

    def prepare(images, seeds):
        drawn.append(dict(zip(images.ravel().tolist(), seeds.tolist())))
        return images.astype(np.float32) * 2

    minicnn.manual_seed(5)
    batches = list(loader(part, prepare, 4, shuffle))
    assert [x.shape for x, _ in batches] == [(4, 1, 1, 1), (4, 1, 1, 1), (2, 1, 1, 1)]
    labels = np.concatenate([y.numpy() for _, y in batches])
    assert sorted(labels) == list(range(10)) and (list(labels) == list(range(10))) != shuffle
    np.testing.assert_array_equal(np.concatenate([x.numpy() for x, _ in batches]).ravel(), labels * 2)
    first = {**drawn[0], **drawn[1], **drawn[2]}
    assert len(set(first.values())) == 10
    minicnn.manual_seed(5)
    list(loader(part, prepare, 3, not shuffle))
    assert {**drawn[3], **drawn[4], **drawn[5], **drawn[6]} == first, "whatever the batches, and the order"
