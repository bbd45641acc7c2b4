"""Tensors whose numbers lie in another file, which must be inside the model's folder.

Neither an absolute path nor "..", nor a link that leads out of the folder, is followed; what is declared is compared with the
file's size before anything is read.
"""

import os
import re
import stat

from ..errors import DataError

KEYS = {"location", "offset", "length", "checksum", "basepath"}


def read(entries, folder, size):
    """The bytes of a tensor of `size` bytes.

    entries  {key: text} as the tensor has them: location, and optionally offset and length
    folder   where the model lies; None when it was not read from a path
    """
    if folder is None:
        raise DataError("its numbers lie in another file: read the model from a path, not from an open file")
    if not set(entries) <= KEYS or "location" not in entries:
        raise DataError(f"its external data is described by {', '.join(sorted(entries))[:80] or 'nothing'}; a location is needed")
    offset = number(entries, "offset", 0)
    if number(entries, "length", size) != size:
        raise DataError(f"its shape and type take {size:,} bytes, its external data is said to have {entries['length']:.40}")
    with opened(entries["location"], folder) as file:
        available = max(os.fstat(file.fileno()).st_size - offset, 0)
        if size > available:
            raise DataError(f"it needs {size:,} bytes from position {offset:,} of {entries['location']!r:.80}; {available:,} are there")
        file.seek(offset)
        return file.read(size)


def number(entries, key, default):
    text = entries.get(key, str(default))
    if not re.fullmatch("[0-9]{1,18}", text):
        raise DataError(f"its external data has the {key} {text!r:.40}, which is no number of bytes")
    return int(text)


def opened(location, folder):
    """The file of that name, open for reading; DataError where it is not a plain file inside the folder."""
    parts = re.split(r"[/\\]", location)
    if location.startswith(("/", "\\")) or ".." in parts or re.match("[A-Za-z]:", location) or "\0" in location:
        raise DataError(f"its external data is said to lie at {location!r:.80}: only files in the model's folder are read")
    root = os.path.realpath(folder)
    path = os.path.realpath(os.path.join(root, location))
    if os.path.commonpath([root, path]) != root:
        raise DataError(f"its external data {location!r:.80} is a link that leads out of the model's folder")
    if not os.path.isfile(path):
        raise DataError(f"its external data {location!r:.80} is not a file in the model's folder")
    return plain_file(path)


def plain_file(path):
    """Opened without following a link that was put there since, and without waiting for a pipe."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    file = os.fdopen(handle, "rb")
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        file.close()
        raise DataError(f"{path} is not a plain file")
    return file
