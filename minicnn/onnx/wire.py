"""How much a protocol-buffer message would unpack to, counted before it is unpacked.

Few bytes can say much: an empty message takes two bytes in the file and a hundred in memory. So the wire format (a field's
number and kind, then its length or value) is walked first, without unpacking anything.
"""

from ..errors import DataError

MAX_FIELDS = 1_000_000              # of all messages together; the largest published networks have some ten thousand nodes
MAX_PACKED = 64 * 2**20             # bytes of integers of variable length, each of which may take eight in memory

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
FIXED_SIZES = {FIXED64: 8, FIXED32: 4}
PACKED = {"int32_data", "int64_data", "uint64_data"}


def check(data, descriptor):
    """Raises DataError where the bytes are no message of this kind, or one of more parts than any network has."""
    fields = packed = 0
    kinds = {}
    stack = [(0, len(data), descriptor)]
    while stack:
        position, end, kind = stack.pop()
        known = kinds.setdefault(kind.full_name, kind.fields_by_number)
        while position < end:
            number, wire, position, stop = next_field(data, position, end)
            field = known.get(number) if wire == BYTES else None
            if field is not None and field.message_type is not None:
                stack.append((position, stop, field.message_type))
            elif field is not None and field.name in PACKED:
                packed += stop - position
            elif field is not None and field.type == field.TYPE_STRING:
                check_text(data[position:stop])
            position, fields = stop, fields + 1
            if fields > MAX_FIELDS or packed > MAX_PACKED:
                raise DataError("it has more parts than any network has")


def check_text(data):
    try:
        data.decode()
    except UnicodeDecodeError:
        raise DataError(f"it has a name that is not UTF-8: {data[:40]!r}") from None


def next_field(data, position, end):
    """(number, kind, where its content begins, where it ends) of the field at a position."""
    tag, position = varint(data, position, end)
    wire = tag & 7
    if wire == VARINT:
        stop = varint(data, position, end)[1]
    elif wire == BYTES:
        length, position = varint(data, position, end)
        stop = position + length
    elif wire in FIXED_SIZES:
        stop = position + FIXED_SIZES[wire]
    else:
        raise DataError("it is no ONNX network: not a protocol-buffer message")
    if tag < 8:
        raise DataError("it is no ONNX network: not a protocol-buffer message")
    if stop > end:
        raise DataError("it ends in the middle of a message: it was cut off, or it is of another format")
    return tag >> 3, wire, position, stop


def varint(data, position, end):
    """(an integer of 7 bits a byte, lowest first, the position after it)."""
    value = 0
    for shift in range(0, 70, 7):
        if position >= end:
            raise DataError("it ends in the middle of a number: it was cut off, or it is of another format")
        byte = data[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
    raise DataError("it is no ONNX network: not a protocol-buffer message")


def last_bytes(data, number):
    """The content of a message's field of that number, empty where there is none: repeated numbers of a fixed length are one such field."""
    found, position = b"", 0
    while position < len(data):
        field, wire, begin, position = next_field(data, position, len(data))
        if field == number and wire == BYTES:
            found = data[begin:position]
    return found
