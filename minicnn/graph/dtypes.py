"""Which type a node means by ONNX's number for one, as in Cast's `to`, and which dtype of ours holds it."""

from .. import arrays
from ..errors import BadType
from .ir import ELEMENT_TYPES

NAMES = {number: name for name, number in ELEMENT_TYPES.items()} | {16: "bfloat16"}
WORDS = {"float": "float32", "double": "float64"}

# What holds the numbers of types that a Tensor has not: the next wider one. uint64 has numbers that int64 cannot hold.
HELD = {"float16": "float32", "bfloat16": "float32", "uint16": "int32", "uint32": "int64", "uint64": "int64"}


def type_of(to):
    """The type's name: that of one of our dtypes, or one in HELD. Before version 6 of Cast it was given as a word, "FLOAT"."""
    name = NAMES.get(to) or str(to).lower()
    name = WORDS.get(name, name)
    if name not in arrays.DTYPES and name not in HELD:
        raise BadType(f"there are no tensors of type {name:.40}; the types are {', '.join([*arrays.DTYPES, *HELD])}")
    return name


def dtype_of(to):
    """The name of the dtype in which tensors of the type are held."""
    name = type_of(to)
    return HELD.get(name, name)
