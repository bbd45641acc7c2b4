"""The native file: a zip archive of one JSON document and one .npy per tensor, whatever the document says.

    graph.json         {"format": "minicnn", "version": 1, ..., "tensors": {"tensors/0.npy": {"dtype": ..., "shape": ...}}}
    tensors/0.npy      the arrays, under generated names, in C order, aligned for memory mapping
    tensors/1.npy      ...

`unzip -p model.mcnn graph.json` shows the structure; `numpy.load("model.mcnn")["tensors/0"]` opens an array. What the rest
of the document means is its `kind`'s affair (`state.py`); here it is written atomically and read strictly.
"""

import io
import mmap
import os
from contextlib import contextmanager

import numpy as np

from ..errors import BadType, BadValue, DataError
from . import archive, npy
from .archive import naming
from .atomic import replacing
from .document import MAX_BYTES, from_json, to_json

FORMAT, VERSION = "minicnn", 1
DOCUMENT = "graph.json"
OWN_KEYS = ("format", "version", "tensors")


def member_name(index):
    return f"tensors/{index}.npy"


# Writing

def write(f, document, tensors):
    """Write a JSON-ready dict and a list of ndarrays, to which the document refers by `member_name(index)`.

    f  a path, replaced atomically (see `atomic.replacing`), or an object with `write`, which gets all bytes at once
    """
    table = {member_name(i): {"dtype": str(a.dtype), "shape": list(a.shape)} for i, a in enumerate(tensors)}
    text = to_json({"format": FORMAT, "version": VERSION, **document, "tensors": table})
    if is_path(f):
        with replacing(f) as file:
            archive.write(file, members(text, tensors))
    else:
        buffer = io.BytesIO()
        archive.write(buffer, members(text, tensors))
        check_binary(f, "write").write(buffer.getvalue())


def members(text, tensors):
    """The (name, buffers) pairs; an array that lies otherwise in memory is copied only when its turn comes."""
    yield DOCUMENT, [text]
    for index, array in enumerate(tensors):
        yield member_name(index), [npy.header(array.dtype, array.shape), npy.content(array)]


# Reading

def read(f, memory_map=False):
    """(document, {name: ndarray}) of a file that `write` wrote; a file that it cannot have written is refused.

    f           a path, or an object with `read`, which is read to its end
    memory_map  leave the numbers on the disk until they are used (a path only). Writing to such an array changes the
                memory, never the file. Their CRC is not checked then, for that would read them all.

    Raises DataError that names the file and the reason; never runs code; never takes more memory than a small multiple
    of the file's size.
    """
    with opened(f) as file, naming(name_of(f)):
        found = archive.members(file)
        document = read_document(file, found)
        mapping = map_file(f, file) if memory_map else None
        tensors = {name: read_array(file, mapping, name, found[name], dtype, shape)
                   for name, (dtype, shape) in declared(document, found).items()}
    return {key: value for key, value in document.items() if key not in OWN_KEYS}, tensors


def read_document(file, found):
    if DOCUMENT not in found:
        raise DataError(f"it is a zip archive without {DOCUMENT}, so it is not a minicnn file")
    member = found[DOCUMENT]
    if member.size > MAX_BYTES:
        raise DataError(f"its {DOCUMENT} takes {member.size:,} bytes, at most {MAX_BYTES:,} are read")
    file.seek(member.offset)
    data = file.read(member.size)
    with naming(DOCUMENT, " "):
        archive.check_crc(member, data)
        document = from_json(data)
    check_version(document.get("format"), document.get("version"))
    return document


def check_version(form, version):
    if form != FORMAT or type(version) is not int or version < 1:
        raise DataError(f"its {DOCUMENT} does not say that it is a minicnn file")
    if version > VERSION:
        raise DataError(f"it is of version {version}, this minicnn reads up to {VERSION}; use a newer minicnn")


def declared(document, found):
    """{name: (dtype, shape)} of the document's tensors, which must be exactly the other members, by generated names."""
    table = document.get("tensors")
    if not isinstance(table, dict) or set(table) != {member_name(index) for index in range(len(table))}:
        raise DataError(f'its {DOCUMENT} has no list of "tensors" by generated names ({member_name(0)}, ...)')
    surplus = set(found) - set(table) - {DOCUMENT} or set(table) - set(found)
    if surplus:
        raise DataError(f"{min(surplus)!r:.80} is not both declared in {DOCUMENT} and in the archive")
    return {name: declaration(name, entry) for name, entry in table.items()}


def declaration(name, entry):
    with naming(name):
        if not isinstance(entry, dict) or set(entry) != {"dtype", "shape"} or not isinstance(entry["shape"], list):
            raise DataError('it is not declared as {"dtype": ..., "shape": [...]}')
        if not isinstance(entry["dtype"], str) or entry["dtype"] not in npy.DTYPES:
            raise DataError(f"dtype must be one of {', '.join(npy.DTYPES)}; got {str(entry['dtype']):.80}")
        npy.byte_count(npy.DTYPES[entry["dtype"]], entry["shape"])
    return npy.DTYPES[entry["dtype"]], tuple(entry["shape"])


def read_array(file, mapping, name, member, dtype, shape):
    with naming(name):
        file.seek(member.offset)
        header = npy.check_header(file, member.size, dtype, shape)
        if mapping is not None:
            return npy.check_values(np.ndarray(shape, dtype, mapping, member.offset + len(header)))
        array = np.empty(shape, dtype)
        file.readinto(npy.content(array))
        archive.check_crc(member, header, npy.content(array))
        return npy.check_values(array)


# Files and names

def is_path(f):
    return isinstance(f, (str, os.PathLike))


def check_binary(f, method):
    if not hasattr(f, method) or isinstance(f, io.TextIOBase):
        raise BadType(f"expected a path or a file opened in binary mode, got {type(f).__name__}")
    return f


@contextmanager
def opened(f):
    """A seekable binary file: the one at a path, or in memory what a file object still has to give."""
    if is_path(f):
        with open(f, "rb") as file:
            yield file
    else:
        yield io.BytesIO(check_binary(f, "read").read())


def map_file(f, file):
    if not is_path(f):
        raise BadValue("memory mapping needs the path of a file, not an open file")
    return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)


def name_of(f):
    return os.fspath(f) if is_path(f) else getattr(f, "name", "the file object")
