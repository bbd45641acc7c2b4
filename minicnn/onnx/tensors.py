"""TensorProto -> ndarray: the declared shape and type are compared with the numbers that are there before any array is made.

Types that a Tensor has not are kept in the next that holds their values: half precision as float32, unsigned integers as wider ones.
"""

import numpy as np

from ..errors import DataError
from ..graph import dtypes
from ..serialize.npy import byte_count
from . import external, wire

MAX_BYTES = 3 * 2**29               # of one file's tensors: VGG-19, the largest network of this kind, has a third of it

BFLOAT16 = 16
STORED = {                          # number in the file: (name, how the numbers lie, field that may hold them)
    1: ("float", "<f4", "float_data"), 2: ("uint8", "u1", "int32_data"), 3: ("int8", "i1", "int32_data"),
    4: ("uint16", "<u2", "int32_data"), 5: ("int16", "<i2", "int32_data"), 6: ("int32", "<i4", "int32_data"),
    7: ("int64", "<i8", "int64_data"), 9: ("bool", "u1", "int32_data"), 10: ("float16", "<f2", "int32_data"),
    11: ("double", "<f8", "double_data"), 12: ("uint32", "<u4", "uint64_data"), 13: ("uint64", "<u8", "uint64_data"),
    BFLOAT16: ("bfloat16", "<u2", "int32_data"),
}
OTHERS = {8: "string", 14: "complex64", 15: "complex128", 17: "float8e4m3fn", 18: "float8e4m3fnuz", 19: "float8e5m2",
          20: "float8e5m2fnuz", 21: "uint4", 22: "int4", 23: "float4e2m1", 24: "float8e8m0"}
PACKED = ("float_data", "double_data")              # numbers of a fixed length lie there as in an array: there can be a hundred million
INTEGERS = {"int32_data": "i4", "int64_data": "i8", "uint64_data": "u8"}
FIELDS = ("float_data", "int32_data", "int64_data", "double_data", "uint64_data", "string_data")


class Tensors:
    """Makes arrays of one file's tensors, and counts what they take together.

    folder  where external data may lie; None: nowhere
    """

    def __init__(self, folder):
        self.folder, self.taken = folder, 0

    def array(self, proto):
        """A fresh array. Raises DataError with the reason."""
        stored, field = storage(proto.data_type)
        shape = tuple(int(length) for length in proto.dims)
        size = byte_count(np.dtype(stored), shape)
        self.taken += size
        if self.taken > MAX_BYTES:
            raise DataError(f"the file's tensors take more than {MAX_BYTES / 2**30} GiB together")
        return converted(self.numbers(proto, stored, field, size), proto.data_type).reshape(shape)

    def numbers(self, proto, stored, field, size):
        if proto.HasField("segment"):
            raise DataError("it is stored in segments, which no known program writes")
        filled = [name for name in (*FIELDS, "raw_data") if len(getattr(proto, name))]
        if proto.data_location == proto.EXTERNAL:
            check_fields(filled, [])
            return np.frombuffer(external.read(entries(proto.external_data), self.folder, size), stored)
        check_fields(filled, ["raw_data", field])
        if filled == ["raw_data"]:
            check_size(len(proto.raw_data), size, "bytes")
            return np.frombuffer(proto.raw_data, stored)
        check_size(len(getattr(proto, field)), size // np.dtype(stored).itemsize, "numbers")
        if field in PACKED:
            return np.frombuffer(wire.last_bytes(proto.SerializeToString(), proto.DESCRIPTOR.fields_by_name[field].number), stored)
        return narrowed(np.fromiter(getattr(proto, field), INTEGERS[field]), stored)


def storage(data_type):
    """(how it lies, field) of a data type."""
    if data_type not in STORED:
        known = ", ".join(name for name, *_ in STORED.values())
        raise DataError(f"it has the data type {OTHERS.get(data_type, f'number {data_type}')}; those that can be read are {known}")
    return STORED[data_type][1:]


def dtype_of(data_type):
    """The name of our dtype that holds a data type's numbers."""
    storage(data_type)
    return dtypes.dtype_of(data_type)


def entries(pairs):
    found = {}
    for pair in pairs:
        if pair.key in found:
            raise DataError(f"its external data has {pair.key!r:.40} twice")
        found[pair.key] = pair.value
    return found


def check_fields(filled, allowed):
    if len(filled) > 1 or not set(filled) <= set(allowed):
        raise DataError(f"its numbers are said to lie in {' and '.join(filled)}, expected {' or '.join(allowed) or 'external data alone'}")


def check_size(given, expected, what):
    if given != expected:
        raise DataError(f"its shape and type take {expected:,} {what}, it has {given:,}")


def narrowed(values, stored):
    """Numbers from a field of wider ones: each must be one that the narrow type holds."""
    stored = np.dtype("u2") if stored == "<f2" else np.dtype(stored)         # half precision stands there as its bits
    if values.size and stored.kind in "iu" and not np.iinfo(stored).min <= int(values.min()) <= int(values.max()) <= np.iinfo(stored).max:
        raise DataError(f"it has a number that {stored} cannot hold")
    return values.astype(stored)


def converted(values, data_type):
    """As an array of our dtype that can be written to."""
    dtype = dtype_of(data_type)
    if data_type == BFLOAT16:                                               # the upper half of a float32
        return (values.astype("u4") << 16).view("f4")
    if STORED[data_type][1] == "<f2":
        return values.view("<f2").astype(dtype)
    if dtype == "bool" and values.size and values.max() > 1:
        raise DataError("it has booleans that are neither 0 nor 1")
    if data_type == 13 and values.size and int(values.max()) >= 2**63:
        raise DataError("it has a number that int64 cannot hold")
    return values.astype(dtype)
