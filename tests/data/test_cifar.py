"""CIFAR from binary archives that are made here: good ones, and those that nobody should trust."""

import gzip
import hashlib
import io
import pickle
import tarfile

import numpy as np
import pytest

from minicnn import data, errors
from minicnn.data import catalogue, cifar, locate, transforms


@pytest.fixture(autouse=True)
def no_network(tmp_path, monkeypatch):
    monkeypatch.setattr(locate, "cache_folder", lambda source: tmp_path / "cache" / source.name)
    for name in ("CIFAR10", "CIFAR100"):
        source = getattr(catalogue, name)._replace(mirrors=("http://127.0.0.1:9/",))
        monkeypatch.setattr(getattr(data, name), "source", source)
        monkeypatch.setitem(data.registry.SOURCES, source.name, source)


def records(count, labels, first=0):
    """Records whose red is the record's number, green its row, blue its column."""
    rows, columns = np.mgrid[:32, :32].astype(np.uint8)
    return b"".join(bytes(labels(i)) + bytes([i]) * 1024 + rows.tobytes() + columns.tobytes() for i in range(first, first + count))


def contents10():
    return {f"data_batch_{b}.bin": records(4, lambda i: [i % 10], 4 * b) for b in range(1, 6)} | {
        "test_batch.bin": records(3, lambda i: [9 - i]), "batches.meta.txt": b"airplane\n", "readme.html": b"<html>"}


def contents100():
    return {"train.bin": records(6, lambda i: [19 - i, 99 - i]), "test.bin": records(2, lambda i: [i, i])}


def pack(path, contents, folder="cifar-10-batches-bin", extra=()):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        for info, content in [(tarfile.TarInfo(f"{folder}/{name}"), content) for name, content in contents.items()] + list(extra):
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def cifar10(folder, **options):
    return pack(folder / "cifar-10-binary.tar.gz", contents10(), **options)


# Good archives

@pytest.mark.parametrize("place", ["given", "cache/cifar10"])
def test_images_and_labels(tmp_path, place):
    cifar10(tmp_path / place)
    root = tmp_path / "given" if place == "given" else None
    train, test = data.CIFAR10(root), data.CIFAR10(root, train=False)
    assert train.data.shape == (20, 32, 32, 3) and train.data.dtype == np.uint8 and len(test) == 3
    assert train.targets == [i % 10 for i in range(4, 24)] and test.targets == [9, 8, 7]
    assert train.data[0, 5, 7].tolist() == [4, 5, 7], "red, green, blue at row 5, column 7"
    assert train.classes[:2] == ["airplane", "automobile"] and train.class_to_idx["truck"] == 9
    image, label = train[-1]
    assert image.mode == "RGB" and image.getpixel((7, 5)) == (23, 5, 7) and label == 3
    assert "20 images of 32 x 32, 10 classes" in repr(train) and "CIFAR-10" in train.origin and train.licence
    images, labels = train.tensors()
    assert images.shape == (20, 3, 32, 32) and round(255 * images[0, 1, 5, 7].item()) == 5 and labels.tolist() == train.targets
    with pytest.raises(IndexError):
        train[20]


def test_transforms(tmp_path):
    cifar10(tmp_path)
    dataset = data.CIFAR10(tmp_path, transform=transforms.ToTensor(), target_transform=str)
    image, label = dataset[0]
    assert image.shape == (3, 32, 32) and label == "4"


def test_a_hundred_classes_are_the_fine_ones(tmp_path):
    pack(tmp_path / "cifar-100-binary.tar.gz", contents100(), "cifar-100-binary")
    dataset = data.CIFAR100(tmp_path)
    assert dataset.targets == [99, 98, 97, 96, 95, 94] and len(dataset.classes) == 100
    assert dataset.data[3, 0, 0].tolist() == [3, 0, 0] and data.CIFAR100(tmp_path, train=False).targets == [0, 1]
    assert dataset.classes == sorted(dataset.classes)


@pytest.mark.parametrize("place", ["", "cifar-10-batches-bin"])
def test_unpacked_files_are_read_too(tmp_path, place):
    (tmp_path / place).mkdir(exist_ok=True)
    for name, content in contents10().items():
        (tmp_path / place / name).write_bytes(content)
    assert len(data.CIFAR10(tmp_path)) == 20
    (tmp_path / place / "data_batch_3.bin").write_bytes(b"\0" * 3072)
    with pytest.raises(errors.DataError, match="data_batch_3.bin: 3,072 bytes are not a number of records of 3,073"):
        data.CIFAR10(tmp_path)


def test_by_name(tmp_path):
    cifar10(tmp_path)
    found = data.load("cifar10", tmp_path)
    assert found.train_images.shape == (20, 3, 32, 32) and found.test_labels.tolist() == [9, 8, 7]
    assert found.train_images[0, :, 5, 7].tolist() == [4, 5, 7]
    assert data.load("cifar10", tmp_path, image_size=16).test_images.shape == (3, 3, 16, 16)


def test_an_archive_is_downloaded_and_checked(tmp_path, monkeypatch):
    path = cifar10(tmp_path / "server")
    content, asked = path.read_bytes(), []
    file = catalogue.File(path.name, len(content), hashlib.sha256(content).hexdigest())
    monkeypatch.setattr(data.CIFAR10, "source", data.CIFAR10.source._replace(files=(file,), mirrors=("https://example.org/",)))

    def respond(request, timeout):
        asked.append(request.full_url)
        response = io.BytesIO(content)
        response.status = 200
        return response

    monkeypatch.setattr("urllib.request.urlopen", respond)
    assert len(data.CIFAR10(tmp_path / "mine", download=True)) == 20
    assert len(data.CIFAR10(tmp_path / "mine", download=True)) == 20
    assert asked == ["https://example.org/cifar-10-binary.tar.gz"] and (tmp_path / "mine" / path.name).is_file()


def test_what_was_published():
    """Sizes and hashes as in TensorFlow Datasets and other catalogues; never the archives with pickles."""
    for source, size in ((catalogue.CIFAR10, 170_052_171), (catalogue.CIFAR100, 168_513_733)):
        (file,) = source.files
        assert file.size == size and len(file.sha256) == 64 and "binary" in file.name and "python" not in file.name
        assert len(set(source.classes)) == source.label_classes[-1]


# Archives that are absent, damaged, or made to harm

def test_absent(tmp_path):
    with pytest.raises(errors.DataError, match="cifar-10-binary.tar.gz not found in"):
        data.CIFAR10(tmp_path)
    with pytest.raises(errors.DataError, match="could not download cifar-10-binary.tar.gz"):
        data.load("cifar10")
    with pytest.raises(errors.DataError, match="there is no folder"):
        data.CIFAR10(tmp_path / "absent")


@pytest.mark.parametrize("name", ["../evil.bin", "/etc/evil.bin", "cifar-10-batches-bin/../../evil", "..", "C:/evil", "\\evil"])
def test_members_that_lead_out_are_refused(tmp_path, name):
    cifar10(tmp_path, extra=[(tarfile.TarInfo(name), b"x")])
    with pytest.raises(errors.DataError, match="leads out of the archive"):
        data.CIFAR10(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"cifar-10-binary.tar.gz"}, "nothing is unpacked"


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.DIRTYPE])
def test_members_that_are_no_files_are_refused(tmp_path, kind):
    contents = contents10()
    del contents["data_batch_5.bin"]
    info = tarfile.TarInfo("cifar-10-batches-bin/data_batch_5.bin")
    info.type, info.linkname = kind, "/etc/passwd"
    pack(tmp_path / "cifar-10-binary.tar.gz", contents, extra=[(info, b"")])
    with pytest.raises(errors.DataError, match="is no plain file"):
        data.CIFAR10(tmp_path)


def change(**contents):
    return {**contents10(), **{f"{name}.bin": content for name, content in contents.items()}}


@pytest.mark.parametrize("contents, message", [
    (change(data_batch_2=b""), "data_batch_2.bin: 0 bytes are not a number of records"),
    (change(data_batch_2=records(2, lambda i: [1])[:-1]), "6,145 bytes are not a number of records of 3,073 bytes"),
    (change(data_batch_2=records(3, lambda i: [10 * (i == 2)])), "data_batch_2.bin: label 10 of sample 2 is out of range: expected 0 to 9"),
    ({name: content for name, content in contents10().items() if name != "data_batch_4.bin"}, "data_batch_4.bin is not in it"),
    ({}, "data_batch_1.bin, .* are not in it"),
])
def test_contents_that_are_wrong(tmp_path, contents, message):
    pack(tmp_path / "cifar-10-binary.tar.gz", contents)
    with pytest.raises(errors.DataError, match=message):
        data.CIFAR10(tmp_path)


def test_coarse_labels_are_checked(tmp_path):
    pack(tmp_path / "cifar-100-binary.tar.gz", {**contents100(), "train.bin": records(2, lambda i: [20, 3])}, "cifar-100-binary")
    with pytest.raises(errors.DataError, match="label 20 of sample 0 is out of range: expected 0 to 19"):
        data.CIFAR100(tmp_path)


def test_twice_the_same_member(tmp_path):
    cifar10(tmp_path, extra=[(tarfile.TarInfo("cifar-10-batches-bin/data_batch_1.bin"), records(1, lambda i: [0]))])
    with pytest.raises(errors.DataError, match="is in it twice"):
        data.CIFAR10(tmp_path)


def test_damaged_archives(tmp_path):
    good = cifar10(tmp_path).read_bytes()
    for content in (b"", b"no archive", good[: len(good) // 2], good[:200] + bytes(50) + good[250:], gzip.compress(b"no archive")):
        (tmp_path / "cifar-10-binary.tar.gz").write_bytes(content)
        with pytest.raises(errors.DataError, match="cifar-10-binary.tar.gz"):
            data.CIFAR10(tmp_path)


def test_a_promise_of_too_much_is_refused_before_it_is_read(tmp_path, monkeypatch):
    cifar10(tmp_path)
    monkeypatch.setattr(cifar, "MOST_RECORDS", 3)
    with pytest.raises(errors.DataError, match="are not a number of records"):
        data.CIFAR10(tmp_path)


def test_nothing_is_ever_unpickled(tmp_path, monkeypatch):
    monkeypatch.setattr(pickle, "loads", lambda *args: pytest.fail("unpickled"))
    monkeypatch.setattr(pickle, "load", lambda *args: pytest.fail("unpickled"))
    contents = change(data_batch_1=pickle.dumps({b"data": np.zeros((2, 3072), np.uint8), b"labels": [0, 1]}))
    pack(tmp_path / "cifar-10-binary.tar.gz", contents)
    with pytest.raises(errors.DataError):
        data.CIFAR10(tmp_path)
