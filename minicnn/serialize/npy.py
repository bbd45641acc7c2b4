"""The .npy form of one array, as `numpy.save` writes it: a short header in words, then the numbers in C order.

Only version 1.0 and only the dtypes below; numpy's own reader takes more (pickled objects among them), so a file from a
stranger is never given to it.
"""

import math
import struct

import numpy as np

from .. import arrays
from ..errors import DataError

MAGIC = b"\x93NUMPY\x01\x00"                            # the last two bytes are the version, 1.0
START = struct.Struct(f"<{len(MAGIC)}sH")               # magic, length of the words that follow
ALIGNMENT = 64                                          # bytes; what numpy.save keeps, and a cache line
MAX_DIMENSIONS = 32
MAX_BYTES = 2**48                                       # of one array, counting an empty dimension as 1

EXTRA = (np.dtype(name) for name in ("uint16", "uint32", "uint64", "float16"))    # for arrays; no Tensor has them
DTYPES = {**arrays.DTYPES, **{str(d): d for d in EXTRA}}


def header(dtype, shape):
    """The bytes before the numbers, padded so that the numbers begin at a multiple of 64 bytes."""
    text = words(dtype, shape)
    text += b" " * (-(START.size + len(text) + 1) % ALIGNMENT) + b"\n"
    return START.pack(MAGIC, len(text)) + text


def words(dtype, shape):
    return f"{{'descr': '{dtype.str}', 'fortran_order': False, 'shape': {tuple(shape)}, }}".encode()


def content(array):
    """The numbers in C order as one flat buffer of bytes; a copy only where the array lies otherwise in memory."""
    return np.asarray(array, order="C").reshape(-1).view(np.uint8).data


def byte_count(dtype, shape):
    """How many bytes the numbers take, in exact arithmetic. Raises DataError for a shape that no array can have."""
    if len(shape) > MAX_DIMENSIONS:
        raise DataError(f"an array has at most {MAX_DIMENSIONS} dimensions, not {len(shape)}")
    if any(type(length) is not int or length < 0 for length in shape):
        raise DataError(f"a shape is a list of integers from 0 up, not {str(shape):.80}")
    if math.prod(max(length, 1) for length in shape) * dtype.itemsize > MAX_BYTES:
        raise DataError(f"no array can have the shape {str(shape):.80}")
    return math.prod(shape) * dtype.itemsize


def check_header(file, size, dtype, shape):
    """Read the header of a member of `size` bytes, which must say exactly (dtype, shape) and nothing else.

    Returns the header's bytes. The size is compared before anything of that size is made. Raises DataError.
    """
    start = file.read(START.size)
    magic, length = START.unpack(start) if len(start) == START.size else (b"", 0)
    if magic != MAGIC:
        raise DataError("it is not a version 1.0 .npy array")
    expected = START.size + length + byte_count(dtype, shape)
    if size != expected:
        raise DataError(f"{dtype} of shape {tuple(shape)} takes {expected:,} bytes with its header, it has {size:,}")
    text = file.read(length)
    if text.rstrip(b" \n") != words(dtype, shape):
        raise DataError(f"its header does not say {dtype} of shape {tuple(shape)} in C order")
    return start + text


def check_values(array):
    """A bool is stored as one byte, 0 or 1; any other byte would make an array that disagrees with itself."""
    if array.dtype == bool and array.size and array.view(np.uint8).max() > 1:
        raise DataError("it has booleans that are neither 0 nor 1")
    return array
