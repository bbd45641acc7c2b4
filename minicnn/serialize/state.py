"""Nested states as a document: dicts, lists and tuples of tensors, arrays, numbers, strings, True, False and None.

JSON says most of it in its own words. What it has no words for is an object with one key that begins with "$":

    {"$tensor": "tensors/0.npy"}                  a Tensor; "requires_grad" and "device" stand beside it where they matter
    {"$array": "tensors/1.npy"}                   a numpy.ndarray
    {"$float": "nan"}                             nan, inf, -inf
    {"$tuple": [...]}                             a tuple
    {"$dict": [[key, value], ...]}                a dict with keys that are not strings, or begin with "$"
    {"$OrderedDict": [[key, value], ...]}         a collections.OrderedDict
"""

import math
from collections import OrderedDict

import numpy as np

from .. import arrays
from ..errors import BadType, BadValue, DataError, DeviceError
from ..tensor import Size, Tensor
from .container import member_name
from .document import MAX_DEPTH, MAX_DIGITS
from .npy import DTYPES

MAX_BITS = int((MAX_DIGITS - 2) * math.log2(10))        # of an integer with fewer than MAX_DIGITS digits and a sign
DEVICES = ("cpu", "cuda", "cuda:0")
SCALARS = (str, int, float, bool, type(None))


class Writer:
    """Turns values into the document's words, and collects the arrays that these refer to, each once."""

    def __init__(self):
        self.arrays, self.index = [], {}

    def encode(self, value, path, depth=0):
        """JSON-ready words for a value that stands at `path` in what is saved. Raises BadType, BadValue."""
        if depth > MAX_DEPTH:
            raise BadValue(f"obj is nested more than {MAX_DEPTH} deep, or contains itself, at obj{path:.80}...")
        if isinstance(value, np.generic):
            value = value.item()
        encoder = ENCODERS.get(Tensor if isinstance(value, Tensor) else type(value))
        if encoder is None:
            raise BadType(f"cannot save obj{path}, of type {type(value).__name__}: a file holds dict, list, tuple, "
                          "tensors, arrays, numbers, strings, bool and None (of a module, save its state_dict())")
        return encoder(self, value, path, depth + 1)

    def store(self, array, dtypes, path):
        """The name under which an array will be stored; tensors that share one array share it in the file."""
        if str(array.dtype) not in dtypes:
            raise BadType(f"cannot save obj{path} of dtype {array.dtype}; it must be one of {', '.join(dtypes)}")
        if id(array) not in self.index:
            self.index[id(array)] = len(self.arrays)
            self.arrays.append(array)                   # keeps it alive, and so its id its own
        return member_name(self.index[id(array)])

    def write_tensor(self, tensor, path, depth):
        words = {"$tensor": self.store(tensor.array, arrays.DTYPES, path)}
        if tensor.requires_grad:
            words["requires_grad"] = True
        if str(tensor.device) != "cpu":
            words["device"] = str(tensor.device)
        return words

    def write_array(self, array, path, depth):
        return {"$array": self.store(array, DTYPES, path)}

    def write_same(self, value, path, depth):
        return value

    def write_integer(self, value, path, depth):
        if value.bit_length() > MAX_BITS:
            raise BadValue(f"cannot save obj{path}: an integer of {value.bit_length()} bits; at most {MAX_BITS} are read")
        return value

    def write_number(self, value, path, depth):
        return value if math.isfinite(value) else {"$float": repr(value)}

    def write_list(self, values, path, depth):
        return [self.encode(value, f"{path}[{i}]", depth) for i, value in enumerate(values)]

    def write_tuple(self, values, path, depth):
        return {"$tuple": self.write_list(values, path, depth)}

    def write_dict(self, mapping, path, depth):
        if any(type(key) is not str or key.startswith("$") for key in mapping):
            return {"$dict": self.write_pairs(mapping, path, depth)}
        return {key: self.encode(value, f"{path}[{key!r}]", depth) for key, value in mapping.items()}

    def write_ordered(self, mapping, path, depth):
        return {"$OrderedDict": self.write_pairs(mapping, path, depth)}

    def write_pairs(self, mapping, path, depth):
        return [[self.write_key(key, path, depth), self.encode(value, f"{path}[{key!r}]", depth)]
                for key, value in mapping.items()]

    def write_key(self, key, path, depth):
        if type(key) not in SCALARS and not isinstance(key, np.generic):
            raise BadType(f"cannot save obj{path}: its key {key!r:.80} is neither a string, a number, bool nor None")
        return self.encode(key, path, depth)


ENCODERS = {
    type(None): Writer.write_same,
    bool: Writer.write_same,
    str: Writer.write_same,
    int: Writer.write_integer,
    float: Writer.write_number,
    list: Writer.write_list,
    tuple: Writer.write_tuple,
    Size: Writer.write_tuple,
    dict: Writer.write_dict,
    OrderedDict: Writer.write_ordered,
    Tensor: Writer.write_tensor,
    np.ndarray: Writer.write_array,
}


class Reader:
    """Turns the document's words back into values; refuses words that `Writer` does not use, with DataError."""

    def __init__(self, tensors, map_location):
        self.arrays, self.map_location = tensors, map_location

    def decode(self, words):
        if isinstance(words, list):
            return [self.decode(part) for part in words]
        if not isinstance(words, dict):
            return words
        mark = next((key for key in words if key.startswith("$")), None)
        if mark is None:
            return {key: self.decode(part) for key, part in words.items()}
        if mark not in DECODERS or (len(words) > 1 and mark != "$tensor"):
            raise DataError(f"the state has words that this minicnn does not know: {str(words):.80}")
        return DECODERS[mark](self, words[mark], words)

    def read_tensor(self, name, words):
        grad, device = words.get("requires_grad", False), words.get("device", "cpu")
        if set(words) - {"$tensor", "requires_grad", "device"} or type(grad) is not bool or device not in DEVICES:
            raise DataError(f"the state has a tensor that this minicnn does not know: {str(words):.80}")
        array = self.read_array(name)
        if str(array.dtype) not in arrays.DTYPES or (grad and array.dtype.kind != "f"):
            raise DataError(f"the state has a tensor of dtype {array.dtype}{' that requires a gradient' if grad else ''}")
        return Tensor(self.place(array, device), requires_grad=grad)

    def place(self, array, device):
        """The array of a tensor that was saved on `device`, where `map_location` wants it."""
        where = self.map_location
        where = where.get(device, device) if isinstance(where, dict) else where
        try:
            return arrays.to_device(array, device if where is None else where)
        except DeviceError as error:
            raise DeviceError(f"{error}. To load tensors onto the CPU, pass map_location='cpu'") from None

    def read_array(self, name, words=None):
        if not isinstance(name, str) or name not in self.arrays:
            raise DataError(f"the state refers to {str(name)!r:.80}, which is not among its tensors")
        return self.arrays[name]

    def read_float(self, text, words):
        if text not in ("nan", "inf", "-inf"):
            raise DataError(f"the state has the number {str(text)!r:.80}")
        return float(text)

    def read_tuple(self, parts, words):
        return tuple(self.decode(check_list(parts)))

    def read_dict(self, pairs, words):
        return dict(self.read_pairs(pairs))

    def read_ordered(self, pairs, words):
        return OrderedDict(self.read_pairs(pairs))

    def read_pairs(self, pairs):
        found = [tuple(self.decode(pair)) for pair in map(check_list, check_list(pairs))]
        if any(len(pair) != 2 or type(pair[0]) not in SCALARS for pair in found):
            raise DataError("the state has a dict that is not made of pairs of a plain key and a value")
        if len({key for key, _ in found}) != len(found):
            raise DataError("the state has a dict with one key twice")
        return found


def check_list(parts):
    if not isinstance(parts, list):
        raise DataError(f"the state has {str(parts):.80} where a list was expected")
    return parts


DECODERS = {
    "$tensor": Reader.read_tensor,
    "$array": Reader.read_array,
    "$float": Reader.read_float,
    "$tuple": Reader.read_tuple,
    "$dict": Reader.read_dict,
    "$OrderedDict": Reader.read_ordered,
}


def encode(obj):
    """(document, [arrays]) that say what `obj` is; arrays on a GPU are copied to the computer's own memory."""
    writer = Writer()
    value = writer.encode(obj, "")
    return {"kind": "state", "value": value}, [arrays.to_numpy(array) for array in writer.arrays]


def decode(document, tensors, map_location):
    """What `encode` was given. Raises DataError; DeviceError where a tensor's device is not there."""
    if set(document) != {"kind", "value"}:
        raise DataError(f'the document of a state has the keys "kind" and "value", not {", ".join(sorted(document)):.80}')
    return Reader(tensors, map_location).decode(document["value"])
