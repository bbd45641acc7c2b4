"""Digits, MNIST, Fashion-MNIST: what they hold, where they are looked for, and what is said when they are not there."""

import gzip
import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest

import minicnn
from minicnn import data, errors
from minicnn.data import catalogue, locate, transforms

DEBIAN = Path("/usr/share/datasets/fashion-mnist")
needs_debian = pytest.mark.skipif(not DEBIAN.exists(), reason="needs the package dataset-fashion-mnist")
NAMES = catalogue.MNIST.names


@pytest.fixture(autouse=True)
def nothing_else(tmp_path, monkeypatch):
    """No package, an empty cache, no network."""
    monkeypatch.setattr(locate, "cache_folder", lambda source: tmp_path / "cache" / source.name)
    for name in ("MNIST", "FASHION_MNIST"):
        source = getattr(catalogue, name)._replace(system_folders=(str(tmp_path / "system"),), mirrors=("http://127.0.0.1:9/",))
        monkeypatch.setattr(catalogue, name, source)
        monkeypatch.setattr(getattr(data, "MNIST" if name == "MNIST" else "FashionMNIST"), "source", source)
        monkeypatch.setitem(data.registry.SOURCES, source.name, source)


def write_part(folder, train, count=4, labels=None, pack=gzip.compress, suffix=".gz"):
    """The two files of one part, with `count` images whose pixels are their number."""
    folder.mkdir(parents=True, exist_ok=True)
    labels = range(count) if labels is None else labels
    image_name, label_name = catalogue.MNIST.pair(train)
    pixels = b"".join(bytes([i]) * 784 for i in range(count))
    write(folder, image_name, struct.pack(">4I", 0x803, count, 28, 28) + pixels, pack, suffix)
    write(folder, label_name, struct.pack(">2I", 0x801, len(labels)) + bytes(labels), pack, suffix)


def write(folder, name, content, pack, suffix):
    (folder / (name.removesuffix(".gz") + suffix)).write_bytes(pack(content))


# Digits

def test_digits_are_the_original_ones():
    digits = data.Digits()
    assert digits.data.shape == (1797, 8, 8) and digits.data.dtype == minicnn.uint8
    assert digits.targets.dtype == minicnn.int64 and digits.classes == list("0123456789")
    sklearn = pytest.importorskip("sklearn.datasets").load_digits()
    np.testing.assert_array_equal(digits.data.numpy(), np.rint(sklearn.images * 255 / 16))
    np.testing.assert_array_equal(digits.targets.numpy(), sklearn.target)


def test_digits_in_two_parts():
    train, test = data.Digits(train=True), data.Digits(train=False)
    assert len(train) + len(test) == 1797
    assert np.abs(np.bincount(test.targets.numpy()) / np.bincount(data.Digits().targets.numpy()) - 0.2).max() < 0.01
    np.testing.assert_array_equal(train.data.numpy(), data.Digits(train=True).data.numpy())


def test_samples_are_pillow_images_until_transformed():
    from PIL import Image

    image, label = data.Digits()[0]
    assert isinstance(image, Image.Image) and image.size == (8, 8) and image.mode == "L" and label == 0
    digits = data.Digits(transform=transforms.ToTensor(), target_transform=lambda label: label + 100)
    image, label = digits[-1]
    assert image.shape == (1, 8, 8) and image.dtype == minicnn.float32 and 0 <= image.array.min() < image.array.max() == 1
    assert label == 108
    with pytest.raises(IndexError):
        digits[1797]


def test_the_quick_way_gives_what_the_slow_way_gives():
    digits = data.Digits(transform=transforms.ToTensor())
    images, labels = next(iter(data.DataLoader(digits, batch_size=1797)))
    quick_images, quick_labels = digits.tensors()
    assert quick_images.shape == (1797, 1, 8, 8)
    np.testing.assert_array_equal(quick_images.numpy(), images.numpy())
    np.testing.assert_array_equal(quick_labels.numpy(), labels.numpy())


def test_digits_by_name():
    digits = data.load("digits")
    assert digits.train_images.shape == (1797, 1, 8, 8) and digits.train_images.dtype == np.uint8
    assert digits.test_images is digits.test_labels is None
    assert "CC BY 4.0" in digits.licence and len(digits.classes) == 10


# Files: found

@pytest.mark.parametrize("pack, suffix", [(gzip.compress, ".gz"), (bytes, "")])
@pytest.mark.parametrize("place", ["given", "given/MNIST/raw", "system", "cache/mnist"])
def test_files_are_found(tmp_path, place, pack, suffix):
    for train, count in ((True, 6), (False, 3)):
        write_part(tmp_path / place, train, count, pack=pack, suffix=suffix)
    root = tmp_path / "given" if place.startswith("given") else None
    assert len(data.MNIST(root)) == 6 and len(data.MNIST(root, train=False)) == 3
    images, labels = data.MNIST(root)[5]
    assert np.unique(np.asarray(images)).tolist() == [5] and labels == 5
    whole = data.load("mnist", data_dir=root, download=False)
    assert whole.train_images.shape == (6, 1, 28, 28) and whole.test_labels.tolist() == [0, 1, 2]


def test_a_given_folder_is_the_only_one_looked_into(tmp_path):
    """A mistyped folder must not quietly give the system's files; download=True says that any place will do."""
    write_part(tmp_path / "system", True)
    (tmp_path / "given").mkdir()
    with pytest.raises(errors.DataError):
        data.MNIST(tmp_path / "given")
    assert len(data.MNIST(tmp_path / "given", download=True)) == 4


def test_torchvisions_attributes(tmp_path):
    write_part(tmp_path, True)
    dataset = data.FashionMNIST(tmp_path)
    assert dataset.train and dataset.class_to_idx["Ankle boot"] == 9 and dataset.data.shape == (4, 28, 28)
    assert "4 images of 28 x 28" in repr(dataset) and "MIT" in dataset.licence


# Files: absent or wrong

def test_absent_files_are_named_with_their_places(tmp_path):
    with pytest.raises(errors.DataError) as refusal:
        data.FashionMNIST()
    for words in (*catalogue.FASHION_MNIST.pair(True), "system", "cache", "dataset-fashion-mnist", "download=True"):
        assert words in str(refusal.value)
    write_part(tmp_path, True)
    with pytest.raises(errors.DataError) as refusal:
        data.load("mnist", data_dir=tmp_path)
    assert "t10k-images-idx3-ubyte.gz" in str(refusal.value) and "train-images" not in str(refusal.value)


def test_offline_says_what_to_put_where(tmp_path):
    with pytest.raises(errors.DataError) as refusal:
        data.load("mnist")
    for words in ("could not download train-images-idx3-ubyte.gz", "refused", *NAMES, str(tmp_path / "cache" / "mnist")):
        assert words in str(refusal.value)
    with pytest.raises(errors.DataError, match=str(tmp_path / "mine" / "MNIST" / "raw")):
        data.MNIST(tmp_path / "mine", download=True)


def test_what_is_no_folder(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(errors.DataError, match="is not a folder"):
        data.load("mnist", data_dir=tmp_path / "file")
    with pytest.raises(errors.DataError, match="there is no folder"):
        data.load("mnist", data_dir=tmp_path / "absent")


def test_counts_that_differ_are_refused_by_name(tmp_path):
    write_part(tmp_path, True, count=4, labels=[1, 2, 3])
    with pytest.raises(errors.DataError, match="train-images-idx3-ubyte.gz has 4 images.*train-labels-idx1-ubyte.gz has 3 labels"):
        data.MNIST(tmp_path)


def test_labels_out_of_range_are_refused_by_name(tmp_path):
    write_part(tmp_path, True, labels=[0, 1, 10, 2])
    with pytest.raises(errors.DataError, match="train-labels.*label 10 of sample 2"):
        data.MNIST(tmp_path)


def test_an_unknown_name():
    with pytest.raises(errors.BadValue, match="digits, fashion-mnist, mnist, cifar10, cifar100, folder"):
        data.load("imagenet")


# The real ones

@needs_debian
def test_fashion_mnist_of_the_debian_package():
    fashion = data.load("fashion-mnist", data_dir=DEBIAN)
    assert fashion.train_images.shape == (60000, 1, 28, 28) and fashion.test_images.shape == (10000, 1, 28, 28)
    assert np.bincount(fashion.train_labels).tolist() == [6000] * 10
    assert [fashion.classes[label] for label in fashion.train_labels[:3]] == ["Ankle boot", "T-shirt/top", "T-shirt/top"]


@needs_debian
def test_the_published_hashes_are_those_of_debians_content():
    """Debian took name and time out of the gzip headers; with them put back, size and SHA-256 are the published ones."""
    for file, time in zip(catalogue.FASHION_MNIST.files, (1504176606, 1504176606, 1504176627, 1504176627)):
        packed = (DEBIAN / file.name).read_bytes()
        header = b"\x1f\x8b\x08\x08" + struct.pack("<I", time) + packed[8:10] + file.name.removesuffix(".gz").encode() + b"\0"
        original = header + packed[10:]
        assert (len(original), hashlib.sha256(original).hexdigest()) == (file.size, file.sha256)
