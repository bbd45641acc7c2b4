"""An uncompressed zip archive that any unzip program opens, read as if its author meant harm.

Python's `zipfile` writes it and lists it. What `zipfile` lets pass is checked here: the members must fill the file from
its first byte to the directory at its end, each where the previous one stops, and each must say the same of itself in
both places. So nothing overlaps, hides between members or unpacks to more than the file holds.
"""

import struct
import zipfile
import zlib
from contextlib import contextmanager
from typing import NamedTuple

from ..errors import DataError
from .npy import ALIGNMENT

LOCAL_HEADER = struct.Struct("<4s5H3I2H")     # signature; version, flags, method, time, date; crc, two sizes; two lengths
EXTRA = struct.Struct("<HH")                  # an extra field's number and length
PADDING = 0xD935                              # the number by which Android's zipalign marks padding
END = b"PK\x05\x06"                           # the end record, 22 bytes when no comment follows
ZIP64_FIELD = 20                              # bytes that zipfile adds to the header of a large member
LARGE = 2**30                                 # from this size on a member gets zip64 fields
NO_SIZE = 0xFFFFFFFF                          # stands in the plain size fields when zip64 fields hold the size


class Member(NamedTuple):
    """Where the bytes of a member are in the file, how many, and their CRC-32."""

    offset: int
    size: int
    crc: int


def write(file, members):
    """Write (name, [buffers]) pairs, stored and aligned to 64 bytes, into a new seekable file."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, buffers in members:
            write_member(archive, name, buffers, file.tell())


def write_member(archive, name, buffers, position):
    large = sum(len(buffer) for buffer in buffers) >= LARGE
    info = zipfile.ZipInfo(name)              # dated 1980: the same content gives the same bytes
    info.create_system, info.external_attr = 3, 0o644 << 16
    info.extra = padding(position + LOCAL_HEADER.size + len(name) + EXTRA.size + (ZIP64_FIELD if large else 0))
    with archive.open(info, "w", force_zip64=large) as out:
        for buffer in buffers:
            out.write(buffer)


def padding(position):
    """An extra field that ends at a multiple of 64 bytes when its content begins at `position`."""
    length = -position % ALIGNMENT
    return EXTRA.pack(PADDING, length) + bytes(length)


def members(file):
    """{name: Member} of an open file that is a strict archive, wholly. Raises DataError."""
    infos, end = directory(file)
    found, position = {}, 0
    for info in sorted(infos, key=lambda info: info.header_offset):
        if info.orig_filename in found:
            raise DataError(f"it has the member {info.orig_filename!r:.80} twice")
        if info.header_offset != position:
            raise DataError(f"its member {info.orig_filename!r:.80} does not begin where the previous one ends")
        found[info.orig_filename] = member = check_member(file, info)
        position = member.offset + member.size
    if position != end:
        raise DataError("its members do not fill it up to the directory at its end")
    return found


def directory(file):
    """The entries of the directory at the file's end, and where it begins."""
    try:
        archive = zipfile.ZipFile(file)
        file.seek(-22, 2)
    except Exception as error:                # zipfile lets several kinds out of malformed fields
        raise DataError(f"it is not a whole zip archive ({error})") from None
    last = file.read()
    if not last.startswith(END) or last[-2:] != b"\0\0":
        raise DataError("it has more bytes after the end of the zip archive")
    return archive.infolist(), archive.start_dir


def check_member(file, info):
    """A Member, whose own header must repeat what the directory says of it: stored, plain, of one size."""
    file.seek(info.header_offset)
    header = file.read(LOCAL_HEADER.size)
    with naming(f"its member {info.orig_filename!r:.80}", " "):
        if len(header) < LOCAL_HEADER.size:
            raise DataError("is cut off")
        signature, _, flags, method, _, _, crc, stored, size, name_length, extra_length = LOCAL_HEADER.unpack(header)
        if method or flags or info.compress_type or info.flag_bits:
            raise DataError("is compressed, encrypted or streamed; only plainly stored ones are read")
        sizes = (NO_SIZE, NO_SIZE) if stored == NO_SIZE else (info.file_size, info.file_size)
        if (signature, crc, stored, size) != (b"PK\3\4", info.CRC, *sizes) or info.compress_size != info.file_size:
            raise DataError("says one thing of itself and the archive's directory another")
        if file.read(name_length) != info.orig_filename.encode():
            raise DataError("has another name in its own header")
    return Member(info.header_offset + LOCAL_HEADER.size + name_length + extra_length, info.file_size, info.CRC)


def check_crc(member, *buffers):
    """Raise DataError unless the buffers, end to end, are the bytes that were written."""
    crc = 0
    for buffer in buffers:
        crc = zlib.crc32(buffer, crc)
    if crc != member.crc:
        raise DataError("its bytes are not the ones that were written (CRC-32 differs)")


@contextmanager
def naming(subject, separator=": "):
    """Put the name of a file or of a member before the reason why it is refused."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{subject}{separator}{error}") from None
