"""Files of parameters, whoever wrote them: PyTorch's `.pth`, `.safetensors`, `.npz`, and our own. What a file is, its bytes say.

Nothing in any of them is ever run, and none is given more memory than its size allows.
"""

import os
import zipfile
import zlib
from math import prod

import numpy as np

from ..errors import DataError
from ..tensor import Tensor
from . import container, graph, pytorch, state
from .archive import naming

ZIP = b"PK"                     # the first bytes of a zip archive, be it whole or not
UNPACKED = 20                   # how many times its size a compressed .npz may become


def read_weights(path):
    """{name: ndarray} of the parameters in a file.

    path  a `.pth` or `.pt` of PyTorch's (a state_dict, or a checkpoint with one), a `.safetensors`, a `.npz`, a file of
          `minicnn.save` (a state_dict, or a checkpoint or a classifier with one)

    float16 and bfloat16 become float32. Raises DataError that names the file and says what is wrong with it.
    """
    size = os.path.getsize(path)
    with open(path, "rb") as file, naming(os.fspath(path)):
        return _reader(file)(file, size)


def _reader(file):
    """Which function reads this file."""
    start = file.read(9)
    file.seek(0)
    if not start:
        raise DataError("it is empty")
    if start[8:] == b"{":
        return _read_safetensors
    try:
        if not zipfile.is_zipfile(file) and start[:2] != ZIP:
            return pytorch.read_legacy
        names = {name.rpartition("/")[2] for name in zipfile.ZipFile(file).namelist()}
    except Exception as error:          # zipfile lets several kinds out of malformed fields
        raise DataError(f"it is not a whole zip archive ({error})") from None
    return _read_own if container.DOCUMENT in names else pytorch.read_zip if "data.pkl" in names else _read_npz


def _read_own(file, size):
    file.seek(0)
    document, tensors = container.read(file)
    if document.get("kind") == "graph":
        found = graph.decode(document, tensors)
        return {name: found.initializers[name] for name in (*found.parameters, *found.buffers)}
    if document.get("kind") != "state":
        raise DataError(f"it holds a {str(document.get('kind'))!r:.40}, not a state_dict")
    found = pytorch.state_dict_in(state.decode(document, tensors, "cpu"), Tensor)
    return {name: tensor.array for name, tensor in found.items()}


def _read_npz(file, size):
    """The members of an archive of .npy files, read without NumPy's reader of pickled objects."""
    try:
        with zipfile.ZipFile(file) as archive:
            members = [info for info in archive.infolist() if info.filename.endswith(".npy")]
            if not members:
                raise DataError("it is a zip archive, but neither PyTorch's, NumPy's nor minicnn's")
            if sum(info.file_size for info in archive.infolist()) > UNPACKED * size:
                raise DataError(f"it would become more than {UNPACKED} times as large when unpacked")
            return {info.filename.removesuffix(".npy"): _npy(archive, info) for info in members}
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, RuntimeError, zlib.error) as error:
        raise DataError(f"it is not a whole zip archive ({error})") from None


def _npy(archive, info):
    """One array, whose header may not claim more than there is."""
    with archive.open(info) as file, naming(f"its member {info.filename!r:.80}", " "):
        try:
            version = np.lib.format.read_magic(file)
            header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
            shape, fortran, dtype = header(file)
        except (ValueError, KeyError, SyntaxError) as error:
            raise DataError(f"is not an array ({error})"[:200]) from None
        data = file.read(info.file_size)
        if dtype.kind not in "fiub" or len(data) != dtype.itemsize * prod(shape):
            raise DataError(f"does not hold numbers of dtype {dtype} and shape {shape}")
        array = np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")
        return array.astype(np.float32 if dtype == np.float16 else dtype.newbyteorder("="))


SAFETENSORS = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": pytorch.BFLOAT16, "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
               "U8": "u1", "BOOL": "?"}


def _read_safetensors(file, size):
    try:
        import safetensors
    except ImportError:
        raise DataError("to read .safetensors, install the package: pip install 'minicnn[safetensors]'") from None
    try:
        entries = safetensors.deserialize(file.read())
    except safetensors.SafetensorError as error:
        raise DataError(f"it is not a whole .safetensors file ({error})") from None
    return {name: _of_safetensors(name, entry) for name, entry in entries}


def _of_safetensors(name, entry):
    if entry["dtype"] not in SAFETENSORS:
        raise DataError(f"its tensor {name!r:.80} has the dtype {entry['dtype']}, which minicnn does not know")
    return pytorch.numbers_of(bytes(entry["data"]), SAFETENSORS[entry["dtype"]]).reshape(entry["shape"])
