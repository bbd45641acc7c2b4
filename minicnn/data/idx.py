"""The IDX file format of the MNIST family, read strictly: a file that is not exactly what its header says is refused.

    bytes 0-3   magic number: 0, 0, the element type (8 = unsigned byte), the number of dimensions D
    then        D sizes, each a big-endian 32-bit integer
    then        the elements, the last dimension fastest
"""

import gzip
import math
import os
import struct
import zlib

import numpy as np

from ..errors import DataError

UNSIGNED_BYTE = 8
# No deflate stream expands more than 1032-fold, so a header that promises more than that is a lie (or a bomb).
MAX_EXPANSION = 1032


def read_images(path, height, width):
    """(N, height, width) uint8 from a plain or gzipped IDX file. Raises DataError, naming the file and what is wrong."""
    return _read(path, (height, width))


def read_labels(path, classes):
    """(N,) int64, each in 0 .. classes − 1, from a plain or gzipped IDX file. Raises DataError."""
    labels = _read(path, ())
    check_labels(labels, classes, path)
    return labels.astype(np.int64)


def check_labels(labels, classes, origin):
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    if len(wrong):
        raise DataError(f"{origin}: label {labels[wrong[0]]} of sample {wrong[0]} is out of range: expected 0 to {classes - 1}")


def _read(path, item_shape):
    """(N, *item_shape) uint8."""
    try:
        with _open(path) as file:
            shape = _read_header(file, path, item_shape)
            _check_promise(file, path, shape)
            return _read_elements(file, path, shape)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path}: damaged gzip file: {error}") from None


def _open(path):
    with open(path, "rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
    return gzip.open(path) if zipped else open(path, "rb")


def _read_header(file, path, item_shape):
    ndim = 1 + len(item_shape)
    magic, expected = file.read(4), bytes([0, 0, UNSIGNED_BYTE, ndim])
    if not magic:
        raise DataError(f"{path}: is empty")
    if magic != expected:
        raise DataError(f"{path}: wrong magic number 0x{magic.hex()}; an IDX file of unsigned bytes with {ndim} dimensions "
                        f"starts with 0x{expected.hex()}")
    sizes = file.read(4 * ndim)
    if len(sizes) < 4 * ndim:
        raise DataError(f"{path}: truncated within its header")
    shape = struct.unpack(f">{ndim}I", sizes)
    if shape[1:] != item_shape:
        raise DataError(f"{path}: its images are {_times(shape[1:])}, expected {_times(item_shape)}")
    if shape[0] == 0:
        raise DataError(f"{path}: holds no samples")
    return shape


def _times(sizes):
    return " x ".join(map(str, sizes))


def _check_promise(file, path, shape):
    """Refuse, before any memory is taken, a header that promises what a file of this length cannot hold."""
    on_disk, promised = os.path.getsize(path), math.prod(shape)
    possible = on_disk * MAX_EXPANSION if isinstance(file, gzip.GzipFile) else on_disk
    if promised > possible:
        raise DataError(f"{path}: truncated, or its header is wrong: it promises {promised:,} bytes of data, but the file has "
                        f"{on_disk:,}")


def _read_elements(file, path, shape):
    promised = math.prod(shape)
    data = file.read(promised)
    if len(data) < promised:
        raise DataError(f"{path}: truncated: its header promises {promised:,} bytes of data, it has {len(data):,}")
    if file.read(1):                  # at the end of a gzip file, this also checks its checksum
        raise DataError(f"{path}: oversized: more data follows after the {promised:,} bytes that its header promises")
    return np.frombuffer(data, np.uint8).reshape(shape).copy()
