"""Strict JSON: what is written can be read by a person; what is read is what was written, or is refused."""

import json
import math
import re

import numpy as np

from ..errors import BadValue, DataError

MAX_BYTES = 16 * 2**20          # of JSON; parsed, the worst case takes some twenty times as much memory
MAX_DEPTH = 100                 # lists and objects inside each other
MAX_DIGITS = 1000               # of an integer; reading one takes time that grows with the square
LINE = 120                      # characters: what fits stands on one line

NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def to_json(document):
    """UTF-8 bytes, indented for reading. Raises BadValue for what `from_json` would refuse."""
    data = (lay_out(document, "") + "\n").encode()
    if len(data) > MAX_BYTES:
        raise BadValue(f"the structure without its tensors takes {len(data) / 2**20:.0f} MiB, at most "
                       f"{MAX_BYTES / 2**20:.0f} are allowed; put long lists of numbers into tensors")
    if depth(data) > MAX_DEPTH:
        raise BadValue(f"the structure is nested more than {MAX_DEPTH} deep")
    return data


def lay_out(value, indent):
    """A value as JSON text: on one line where it fits, else one line for each of its parts."""
    if not isinstance(value, (dict, list)):
        return json.dumps(value, allow_nan=False)
    deeper = indent + "  "
    if isinstance(value, dict):
        parts, (left, right) = [f"{json.dumps(key)}: {lay_out(part, deeper)}" for key, part in value.items()], "{}"
    else:
        parts, (left, right) = [lay_out(part, deeper) for part in value], "[]"
    line = left + ", ".join(parts) + right
    if len(indent) + len(line) <= LINE and "\n" not in line:
        return line
    return f"{left}\n{deeper}" + f",\n{deeper}".join(parts) + f"\n{indent}{right}"


def from_json(data):
    """The object that at most MAX_BYTES of JSON describe.

    Raises DataError for anything but UTF-8 JSON of an object, and for what JSON's own parser lets pass: a key that
    occurs twice, NaN and Infinity, a number too large for a float, endless digits, nesting without end.
    """
    if depth(data) > MAX_DEPTH:
        raise DataError(f"is nested more than {MAX_DEPTH} deep")
    try:
        document = json.loads(data.decode(), object_pairs_hook=unique, parse_constant=refuse_constant,
                              parse_int=integer, parse_float=number)
    except RecursionError:
        raise DataError("is nested too deeply") from None
    except ValueError as error:
        raise DataError(str(error)) from None
    if not isinstance(document, dict):
        raise DataError("is not a JSON object")
    return document


def depth(data):
    """How deep brackets stand inside each other, outside strings: known before a recursive parser sees them."""
    bare = re.sub(rb'"[^"]*"', b"", data.replace(b"\\\\", b"").replace(b'\\"', b""))
    brackets = np.frombuffer(bare.translate(None, NOT_BRACKETS), np.uint8)
    opening = (brackets == ord("[")) | (brackets == ord("{"))
    return np.cumsum(np.where(opening, np.int8(1), np.int8(-1)), dtype=np.int32).max(initial=0)


def unique(pairs):
    found = {}
    for key, value in pairs:
        if key in found:
            raise DataError(f"has the key {key!r:.80} twice in one object")
        found[key] = value
    return found


def integer(digits):
    if len(digits) > MAX_DIGITS:
        raise DataError(f"has an integer of {len(digits)} digits")
    return int(digits)


def number(digits):
    value = float(digits)
    if not math.isfinite(value):
        raise DataError(f"has the number {digits:.40}, which no float can hold")
    return value


def refuse_constant(name):
    raise DataError(f"has {name}, which is not JSON")
