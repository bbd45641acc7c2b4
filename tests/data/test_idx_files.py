"""IDX files: the real ones are read right, and every way in which a file can be wrong is refused by name."""

import gzip
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minicnn import errors
from minicnn.data import idx

DEBIAN = Path("/usr/share/datasets/fashion-mnist")


def idx_bytes(array, magic=None, shape=None):
    """An IDX file's content; magic and shape may be told wrong."""
    shape = array.shape if shape is None else shape
    magic = bytes([0, 0, 8, array.ndim]) if magic is None else magic
    return magic + struct.pack(f">{len(shape)}I", *shape) + array.tobytes()


IMAGES = np.arange(5 * 3 * 4, dtype=np.uint8).reshape(5, 3, 4)
GOOD = idx_bytes(IMAGES)


@pytest.fixture
def write(tmp_path):
    def writer(content, name="images-idx3-ubyte"):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return writer


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lambda b: gzip.compress(b[:30]) + gzip.compress(b[30:])])
@pytest.mark.parametrize("name", ["images-idx3-ubyte", "images-idx3-ubyte.gz"])
def test_plain_and_gzipped_files_are_told_apart_by_content(write, pack, name):
    images = idx.read_images(write(pack(GOOD), name), 3, 4)
    np.testing.assert_array_equal(images, IMAGES)
    images[0] = 0                         # a copy of its own, to be written to


WRONG = {
    "empty": (b"", "is empty"),
    "cut in the header": (GOOD[:10], "truncated within its header"),
    "cut": (GOOD[:-1], "truncated"),
    "cut to the header": (GOOD[:16], "truncated"),
    "oversized": (GOOD + b"\0", "oversized"),
    "labels for images": (idx_bytes(np.zeros(9, np.uint8)), "wrong magic number 0x00000801"),
    "other element type": (idx_bytes(IMAGES, magic=b"\0\0\x0d\3"), "wrong magic number 0x00000d03"),
    "little-endian": (idx_bytes(IMAGES, magic=b"\3\x08\0\0"), "wrong magic number"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(100), "wrong magic number 0x89504e47"),
    "other size": (idx_bytes(IMAGES.reshape(5, 4, 3)), "its images are 4 x 3, expected 3 x 4"),
    "no samples": (idx_bytes(IMAGES[:0]), "holds no samples"),
    "too great a promise": (idx_bytes(IMAGES, shape=(2**32 - 1, 3, 4)), "it promises 51,539,607,540 bytes"),
}


@pytest.mark.parametrize("reason", WRONG)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_wrong_files_are_refused_by_name(write, reason, pack):
    content, message = WRONG[reason]
    path = write(pack(content))
    with pytest.raises(errors.DataError) as refusal:
        idx.read_images(path, 3, 4)
    assert str(path) in str(refusal.value) and message in str(refusal.value)


@pytest.mark.parametrize("damage", [
    lambda b: b[:-9], lambda b: b[:20], lambda b: b[:-8] + bytes(8), lambda b: b + b"garbage",
    lambda b: b[:15] + bytes([b[15] ^ 255]) + b[16:]], ids=["cut", "cut early", "checksum", "garbage behind", "bit rot"])
def test_damaged_gzip_is_refused_by_name(write, damage):
    path = write(damage(gzip.compress(GOOD)))
    with pytest.raises(errors.DataError, match="images-idx3-ubyte"):
        idx.read_images(path, 3, 4)


@settings(max_examples=300)
@given(position=st.integers(0, 200), value=st.integers(0, 255), cut=st.integers(0, 200), zipped=st.booleans())
def test_no_damage_gets_through_as_anything_but_pixels(tmp_path_factory, position, value, cut, zipped):
    """One byte changed, or the end cut off: refused, or (plain files have no checksum) only pixels differ."""
    content = bytearray(gzip.compress(GOOD) if zipped else GOOD)
    content = content[: max(0, len(content) - cut)] if cut % 2 else content
    if content:
        content[position % len(content)] = value
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(content)
    try:
        images = idx.read_images(path, 3, 4)
    except errors.DataError as refusal:
        assert str(path) in str(refusal)
    else:
        assert images.shape == IMAGES.shape
        assert (images != IMAGES).sum() <= (0 if zipped else 1)


def test_a_gzip_bomb_takes_no_more_memory_than_its_header_says(write):
    path = write(gzip.compress(GOOD + bytes(200 << 20)))
    tracemalloc.start()
    with pytest.raises(errors.DataError, match="oversized"):
        idx.read_images(path, 3, 4)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5 << 20


def test_labels(write):
    labels = idx.read_labels(write(idx_bytes(np.array([3, 0, 9], np.uint8))), 10)
    assert labels.tolist() == [3, 0, 9] and labels.dtype == np.int64
    with pytest.raises(errors.DataError, match="label 9 of sample 2 is out of range: expected 0 to 8"):
        idx.read_labels(write(idx_bytes(np.array([3, 0, 9], np.uint8))), 9)


def test_a_missing_file_is_the_systems_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        idx.read_images(tmp_path / "nothing", 3, 4)


@pytest.mark.skipif(not DEBIAN.exists(), reason="needs the package dataset-fashion-mnist")
def test_the_real_files():
    images = idx.read_images(DEBIAN / "t10k-images-idx3-ubyte.gz", 28, 28)
    labels = idx.read_labels(DEBIAN / "t10k-labels-idx1-ubyte.gz", 10)
    assert images.shape == (10000, 28, 28) and np.bincount(labels).tolist() == [1000] * 10
    assert round(float(images.mean()), 2) == 73.15          # the published mean of the test images, 0.2868 · 255
