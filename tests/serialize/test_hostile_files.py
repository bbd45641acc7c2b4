"""A file from a stranger is refused with DataError, or it is right: never a crash, never code, never much memory."""

import io
import json
import pickle
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from minicnn.errors import DataError
from minicnn.serialize import archive, container, document, load, npy, save
from minicnn.tensor import Tensor

STATE = {"w": Tensor(np.arange(6, dtype=np.float32).reshape(2, 3)), "n": np.array([1, -2]), "epoch": 3}


def saved(state=STATE):
    file = io.BytesIO()
    save(state, file)
    return file.getvalue()


def words(**changes):
    """The document of a state of one float32 tensor of shape (2,), with keys replaced; None removes a key."""
    table = {"tensors/0.npy": {"dtype": "float32", "shape": [2]}}
    doc = {"format": "minicnn", "version": 1, "kind": "state", "value": {"$tensor": "tensors/0.npy"}, "tensors": table}
    return {key: value for key, value in {**doc, **changes}.items() if value is not None}


def declared(shape=(2,), dtype="float32", name="tensors/0.npy"):
    return words(tensors={name: {"dtype": dtype, "shape": list(shape) if isinstance(shape, tuple) else shape}})


NUMBERS = npy.header(np.dtype("float32"), (2,)) + struct.pack("<2f", 1, 2)


def built(doc=None, members=None, **zip_options):
    """A zip archive made by Python's zipfile, as a stranger would: a document and other members."""
    file = io.BytesIO()
    text = doc if isinstance(doc, bytes) else json.dumps(words() if doc is None else doc).encode()
    with zipfile.ZipFile(file, "w", **zip_options) as zipped:
        for name, data in [("graph.json", text)] + ([("tensors/0.npy", NUMBERS)] if members is None else members):
            zipped.writestr(name, data)
    return file.getvalue()


def npy_file(array, **options):
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


def doubled():
    """One member under the same name twice."""
    with pytest.warns(UserWarning, match="Duplicate name"):
        return built(members=[("tensors/0.npy", NUMBERS)] * 2)


def hiding():
    """Bytes between the last member and the directory, whose place is corrected."""
    data = built()
    start = data.index(b"PK\1\2")
    end = data[-6:-2]
    return data[:start] + b"hidden" + data[start:-6] + struct.pack("<I", struct.unpack("<I", end)[0] + 6) + data[-2:]


def lying_alike():
    """The first member claims to reach past the file's end, in both headers, and the second to begin there."""
    data, size = bytearray(built()), 10**6
    directory = data.index(b"PK\1\2")
    for at in (18, 22, directory + 20, directory + 24):
        struct.pack_into("<I", data, at, size)
    struct.pack_into("<I", data, data.rindex(b"tensors/0.npy") - 46 + 42, 30 + len("graph.json") + size)
    return bytes(data)


def npz(write=np.savez, **arrays):
    file = io.BytesIO()
    write(file, **arrays)
    return file.getvalue()


def test_a_file_built_by_hand_loads():
    assert load(io.BytesIO(built())).tolist() == [1, 2]


class Evil:
    def __reduce__(self):
        return (pytest.fail, ("code in a file was run",))


def flipped(name, header, form, at, value):
    """A good archive with one field of a member's header changed: in the directory ("central") or its own ("local")."""
    data = bytearray(built())
    own = zipfile.ZipFile(io.BytesIO(data)).getinfo(name).header_offset
    start = own if header == "local" else data.rindex(name.encode()) - 46
    struct.pack_into(form, data, start + at, value)
    return bytes(data)


def overlapping():
    """Both directory entries point at one member: the start of a zip bomb."""
    data = bytearray(built(members=[("tensors/0.npy", NUMBERS), ("tensors/1.npy", NUMBERS)]))
    entries = [i for i in range(len(data)) if data[i:i + 4] == b"PK\1\2"]
    data[entries[2] + 42:entries[2] + 46] = data[entries[1] + 42:entries[1] + 46]
    return bytes(data)


ARCHIVES = {
    "nothing": (b"", "not a whole zip archive"),
    "text": (b"hello\n" * 100, "not a whole zip archive"),
    "a pickle": (pickle.dumps(Evil()), "not a whole zip archive"),
    "a lone npy": (npy_file(np.zeros(3)), "not a whole zip archive"),
    "an npz": (npz(a=np.ones(2)), "without graph.json"),
    "a compressed npz": (npz(np.savez_compressed, a=np.ones(2)), "compressed"),
    "a member twice": (doubled(), "'tensors/0.npy' twice"),
    "hidden bytes": (hiding(), "do not fill it"),
    "sizes that lie alike": (lying_alike(), "is cut off"),
    "half": (saved()[:len(saved()) // 2], "not a whole zip archive"),
    "bytes before": (b"#!/bin/sh\n" + built(), "does not begin where"),
    "bytes after": (built() + b"\0", "after the end"),
    "a comment": (built()[:-2] + b"\5\0hello", "after the end"),
    "a cut comment": (built()[:-2] + b"\5\0", "after the end|not a whole"),
    "method in the member": (flipped("tensors/0.npy", "local", "<H", 8, 8), "compressed"),
    "method in the directory": (flipped("tensors/0.npy", "central", "<H", 10, 8), "compressed"),
    "lying stored size": (flipped("tensors/0.npy", "central", "<I", 20, 5), "says one thing"),
    "compressed": (built(compression=zipfile.ZIP_DEFLATED), "compressed"),
    "bzip2": (built(compression=zipfile.ZIP_BZIP2), "compressed"),
    "encrypted flag": (flipped("graph.json", "central", "<H", 8, 1), "encrypted"),
    "streamed flag": (flipped("graph.json", "local", "<H", 6, 8), "streamed"),
    "lying size in the member": (flipped("graph.json", "local", "<I", 22, 5), "says one thing"),
    "lying size in the directory": (flipped("tensors/0.npy", "central", "<I", 24, 5), "says one thing"),
    "lying CRC in the member": (flipped("tensors/0.npy", "local", "<I", 14, 5), "says one thing"),
    "huge size": (flipped("tensors/0.npy", "central", "<I", 24, 0xFFFFFFF0), "says one thing"),
    "other name inside": (flipped("tensors/0.npy", "local", "<B", 30, ord("x")), "another name"),
    "offset outside": (flipped("tensors/0.npy", "central", "<I", 42, 0xFFFFFF), "does not begin"),
    "offset in the middle": (flipped("tensors/0.npy", "central", "<I", 42, 20), "does not begin"),
    "overlap": (overlapping(), "does not begin"),
    "no document": (built().replace(b"graph.json", b"graph.jsox"), "without graph.json"),
    "an extra member": (built(members=[("tensors/0.npy", NUMBERS), ("evil.py", b"")]), "'evil.py' is not both"),
    "a folder": (built(members=[("tensors/", b""), ("tensors/0.npy", NUMBERS)]), "'tensors/' is not both"),
    "a missing member": (built(members=[]), "'tensors/0.npy' is not both"),
    "a path that climbs": (built(declared(name="../0.npy"), [("../0.npy", NUMBERS)]), "generated names"),
    "an absolute path": (built(declared(name="/etc/passwd"), [("/etc/passwd", NUMBERS)]), "generated names"),
    "another number": (built(declared(name="tensors/1.npy"), [("tensors/1.npy", NUMBERS)]), "generated names"),
    "a padded number": (built(declared(name="tensors/00.npy"), [("tensors/00.npy", NUMBERS)]), "generated names"),
    "a name with a NUL": (built().replace(b"graph.json", b"graph.\0son"), "without graph.json"),
}

DOCUMENTS = {
    "no JSON": (b"not json", "graph.json Expecting value"),
    "two keys": (b'{"format": "minicnn", "format": "minicnn"}', "the key 'format' twice"),
    "NaN": (json.dumps(words(value=float("nan"))).encode(), "NaN"),
    "Infinity": (json.dumps(words(value=float("-inf"))).encode(), "Infinity"),
    "1e999": (json.dumps(words(value="@")).replace('"@"', "1e999").encode(), "1e999"),
    "many digits": (json.dumps(words(value="@")).replace('"@"', "1" * 2000).encode(), "2000 digits"),
    "deep lists": (b"[" * 10**6, "nested more than"),
    "deep objects": (b'{"a":' * 10**5, "nested more than"),
    "deep and hidden by quotes": (b'["\\"", "\\\\", ' + b"[" * 500, "nested more than"),
    "too long": (b" " * (document.MAX_BYTES + 1), "at most 16,777,216 are read"),
    "UTF-16": (json.dumps(words()).encode("utf-16"), "codec can't decode"),
    "a byte order mark": (b"\xef\xbb\xbf" + json.dumps(words()).encode(), "BOM|Expecting value"),
    "a list": (b"[]", "not a JSON object"),
    "another format": (words(format="onnx"), "does not say"),
    "no format": (words(format=None), "does not say"),
    "no version": (words(version=None), "does not say"),
    "version 0": (words(version=0), "does not say"),
    "version true": (words(version=True), "does not say"),
    "version 2": (words(version=2), "use a newer minicnn"),
    "another kind": (words(kind="program"), "holds a 'program'"),
    "a surplus key": (words(extra=1), '"kind" and "value"'),
    "no tensors": (words(tensors=None), 'no list of "tensors"'),
    "tensors a list": (words(tensors=["tensors/0.npy"]), 'no list of "tensors"'),
    "an entry that is a list": (words(tensors={"tensors/0.npy": ["dtype", "shape"]}), "not declared as"),
    "an entry too short": (words(tensors={"tensors/0.npy": {"dtype": "float32"}}), "not declared as"),
    "an entry too long": (words(tensors={"tensors/0.npy": {"dtype": "float32", "shape": [2], "offset": 0}}), "not declared as"),
    "a list as dtype": (declared(dtype=["float32"]), "dtype must be one of"),
    "dtype object": (declared(dtype="object"), "dtype must be one of"),
    "dtype |O": (declared(dtype="|O"), "dtype must be one of"),
    "dtype complex": (declared(dtype="complex128"), "dtype must be one of"),
    "dtype by another name": (declared(dtype="<f4"), "dtype must be one of"),
    "a negative side": (declared((-2,)), "integers from 0"),
    "two negative sides": (declared((-1, -2)), "integers from 0"),
    "a fractional side": (declared((2.0,)), "integers from 0"),
    "a side true": (declared((True, 2)), "integers from 0"),
    "a nested side": (declared(([2],)), "integers from 0"),
    "a shape in words": (declared("2"), "not declared as"),
    "too many dimensions": (declared((1,) * 33), "at most 32"),
    "a huge side": (declared((2**40,)), "takes 4,398"),
    "huge sides": (declared((2**62, 2**62)), "no array can"),
    "sides that overflow to 8 bytes": (declared((2**62, 4, 2)), "no array can"),
    "a huge side and an empty one": (declared((2**62, 0)), "no array can"),
    "one number too many": (declared((3,)), "takes 140 bytes"),
    "another dtype of that size": (declared(dtype="int32"), "does not say int32"),
    "another shape of that size": (declared((1, 2)), "does not say float32 of shape"),
}

ARRAYS = {
    "objects": (np.array([Evil(), 1]), "takes|does not say"),
    "fortran order": (np.asfortranarray(np.ones((2, 3), np.float32)), "takes|does not say"),
    "big endian": (np.ones(2, ">f4"), "does not say"),
}

VALUES = {
    "an unknown mark": ({"$evil": 1}, "does not know"),
    "two marks": ({"$tuple": [], "$float": "nan"}, "does not know"),
    "a key beside a mark": ({"$tuple": [], "a": 1}, "does not know"),
    "a missing tensor": ({"$tensor": "tensors/1.npy"}, "not among its tensors"),
    "the document as tensor": ({"$tensor": "graph.json"}, "not among its tensors"),
    "a list as tensor": ({"$tensor": ["tensors/0.npy"]}, "not among its tensors"),
    "a surplus word": ({"$tensor": "tensors/0.npy", "hook": "os.system"}, "does not know"),
    "a device that is a path": ({"$tensor": "tensors/0.npy", "device": "/dev/sda"}, "does not know"),
    "a gradient flag of 1": ({"$tensor": "tensors/0.npy", "requires_grad": 1}, "does not know"),
    "a float in words": ({"$float": "1.5"}, "the number"),
    "a float as a list": ({"$float": [1]}, "the number"),
    "a tuple of a string": ({"$tuple": "abc"}, "a list was expected"),
    "pairs of one": ({"$dict": [[1]]}, "pairs"),
    "pairs of three": ({"$dict": [[1, 2, 3]]}, "pairs"),
    "pairs of text": ({"$dict": ["ab"]}, "a list was expected"),
    "a list as key": ({"$dict": [[[1], 2]]}, "pairs"),
    "a tensor as key": ({"$dict": [[{"$tensor": "tensors/0.npy"}, 2]]}, "pairs"),
    "a key twice": ({"$OrderedDict": [["a", 1], ["a", 2]]}, "one key twice"),
    "a key twice, spelled otherwise": ({"$dict": [[1, 1], [True, 2]]}, "one key twice"),
}


def refused(data, words, tmp_path):
    """From a file object, a path and a mapped path: DataError that names the file and says why."""
    path = tmp_path / "stranger.mcnn"
    path.write_bytes(data)
    for load_it in (lambda: load(io.BytesIO(data)), lambda: load(path), lambda: load(path, mmap=True)):
        with pytest.raises(DataError, match=words):
            load_it()
    with pytest.raises(DataError, match="stranger.mcnn: "):
        load(path)


@pytest.mark.parametrize("name", ARCHIVES)
def test_hostile_archives(name, tmp_path):
    refused(*ARCHIVES[name], tmp_path)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_hostile_documents(name, tmp_path):
    doc, reason = DOCUMENTS[name]
    refused(built(doc), reason, tmp_path)


@pytest.mark.parametrize("name", VALUES)
def test_hostile_values(name, tmp_path):
    value, reason = VALUES[name]
    refused(built(words(value=value)), reason, tmp_path)


@pytest.mark.parametrize("name", ARRAYS)
def test_hostile_arrays(name, tmp_path):
    array, reason = ARRAYS[name]
    refused(built(declared(array.shape), [("tensors/0.npy", npy_file(array, allow_pickle=True))]), reason, tmp_path)


@pytest.mark.parametrize("member, reason", [
    (b"", "not a version 1.0"),
    (b"\x93NUMPY", "not a version 1.0"),
    (b"\x93NUMPY\2\0" + NUMBERS[8:], "not a version 1.0"),
    (NUMBERS[:8] + struct.pack("<H", 60000) + NUMBERS[10:], "takes"),
    (NUMBERS[:-1], "takes"),
    (NUMBERS + b"\0", "takes"),
    (NUMBERS.replace(b"False", b"True "), "does not say"),
    (NUMBERS.replace(b"'<f4'", b"'|O4'"), "does not say"),
    (NUMBERS.replace(b"(2,)", b"9**9"), "does not say"),
])
def test_hostile_npy_members(member, reason, tmp_path):
    refused(built(members=[("tensors/0.npy", member)]), reason, tmp_path)


def test_a_tensor_of_a_dtype_that_tensors_do_not_have(tmp_path):
    doc = declared(dtype="float16")
    data = npy_file(np.ones(2, np.float16))
    refused(built(doc, [("tensors/0.npy", data)]), "dtype float16", tmp_path)


def test_integers_have_no_gradient(tmp_path):
    doc = {**declared(dtype="int64"), "value": {"$tensor": "tensors/0.npy", "requires_grad": True}}
    refused(built(doc, [("tensors/0.npy", npy_file(np.ones(2, np.int64)))]), "requires a gradient", tmp_path)


def test_booleans_are_0_or_1(tmp_path):
    member = npy.header(np.dtype(bool), (2,)) + b"\1\2"
    refused(built(declared(dtype="bool"), [("tensors/0.npy", member)]), "neither 0 nor 1", tmp_path)


def test_a_missing_file_is_the_system_s_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "nothing.mcnn")


def test_a_truncated_file_is_refused_at_every_byte():
    data = saved()
    for length in range(len(data)):
        with pytest.raises(DataError):
            load(io.BytesIO(data[:length]))


@pytest.mark.parametrize("change", [lambda byte: byte ^ 0xFF, lambda byte: byte ^ 1, lambda byte: 0])
def test_one_wrong_byte_anywhere_is_noticed_or_harmless(change):
    """Harmless are the dates, versions and padding of the archive, which say nothing about the state."""
    data, harmless = saved(), 0
    for index, byte in enumerate(data):
        damaged = data[:index] + bytes([change(byte)]) + data[index + 1:]
        try:
            state = load(io.BytesIO(damaged))
        except DataError:
            continue
        harmless += 1
        assert (state["w"].tolist(), state["n"].tolist(), state["epoch"]) == ([[0, 1, 2], [3, 4, 5]], [1, -2], 3)
    assert harmless < len(data) / 2 or change(3) == 0


def test_random_damage_is_noticed_or_harmless():
    """Wider damage than one byte: pieces overwritten, cut out and doubled."""
    random, data = np.random.default_rng(0), saved()
    for _ in range(300):
        start, length = random.integers(len(data)), random.integers(1, 40)
        filling = [random.bytes(length), b"", data[start:start + length] * 2][random.integers(3)]
        damaged = data[:start] + filling + data[start + length:]
        try:
            assert load(io.BytesIO(damaged))["epoch"] == 3
        except DataError:
            pass


LIMITED = """
import resource, sys
from minicnn.errors import DataError
from minicnn.serialize import load
limit = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize() + 2**29
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
try:
    load(sys.argv[1])
except DataError as error:
    print(error)
"""

GREEDY = {
    "terabytes in words": lambda: built(declared((2**40,))),
    "many small objects": lambda: built(b'{"a": [' + b"{}," * (document.MAX_BYTES // 3 - 10) + b"{}]}"),
    "many keys": lambda: built(b"{" + b",".join(b'"%d":0' % i for i in range(10**6)) + b"}"),
    "brackets alone": lambda: built(b"[" * document.MAX_BYTES),
    "escaped quotes alone": lambda: built(b'"\\' * (document.MAX_BYTES // 2)),
}


@pytest.mark.skipif(sys.platform != "linux", reason="limits memory the Linux way")
@pytest.mark.parametrize("name", GREEDY)
def test_small_files_take_little_memory(name, tmp_path):
    """In a process that may take half a gigabyte more."""
    path = tmp_path / "greedy.mcnn"
    path.write_bytes(GREEDY[name]())
    done = subprocess.run([sys.executable, "-c", LIMITED, path], capture_output=True, text=True, timeout=60,
                          cwd=Path(__file__).parents[2])
    assert (done.returncode, done.stderr) == (0, "")
    assert "greedy.mcnn: " in done.stdout


def test_large_members_have_zip64_fields(monkeypatch):
    """The form that members above a gigabyte take, with the limit lowered."""
    monkeypatch.setattr(archive, "LARGE", 1)
    data = saved()
    assert load(io.BytesIO(data))["epoch"] == 3
    assert all(member.offset % 64 == 0 for member in archive.members(io.BytesIO(data)).values())
    with zipfile.ZipFile(io.BytesIO(data)) as zipped:
        assert zipped.testzip() is None


def test_a_document_may_come_from_other_rooms():
    """The container keeps what it does not understand, for other kinds of document."""
    file = io.BytesIO()
    container.write(file, {"kind": "other", "nodes": [1]}, [np.ones(2)])
    doc, tensors = container.read(io.BytesIO(file.getvalue()))
    assert doc == {"kind": "other", "nodes": [1]}
    assert tensors["tensors/0.npy"].tolist() == [1, 1]
