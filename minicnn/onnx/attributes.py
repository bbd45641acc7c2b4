"""A node's attributes -> Python: ints, floats, strings, lists of these, ndarrays and Graphs."""

from ..errors import DataError
from ..serialize.archive import naming
from .functions import Reference

# AttributeProto's types by their numbers; of the plain ones the field, and how its value becomes ours.
STRING, TENSOR, GRAPH, STRINGS = 3, 4, 5, 8
PLAIN = {1: ("f", float), 2: ("i", int), 6: ("floats", list), 7: ("ints", list)}
REFUSED = {9: "a list of tensors", 10: "a list of graphs", 11: "a sparse tensor", 12: "a list of sparse tensors", 13: "a type",
           14: "a list of types"}


def attributes(protos, reader, graph_of):
    """{name: value} of AttributeProtos.

    graph_of  what makes a Graph of a GraphProto
    """
    found = {}
    for attribute in protos:
        with naming(f"attribute {attribute.name!r:.80}"):
            if attribute.name in found or not attribute.name:
                raise DataError("it is given twice" if attribute.name else "it has no name")
            refers = attribute.ref_attr_name
            found[attribute.name] = Reference(refers) if refers else value(attribute, reader, graph_of)
    return found


def value(attribute, reader, graph_of):
    kind = attribute.type
    if kind in PLAIN:
        field, convert = PLAIN[kind]
        return convert(getattr(attribute, field))
    if kind == STRING:
        return attribute.s.decode(errors="replace")
    if kind == STRINGS:
        return [text.decode(errors="replace") for text in attribute.strings]
    if kind == TENSOR:
        return reader.tensors.array(attribute.t)
    if kind == GRAPH:
        return graph_of(attribute.g, reader)
    raise DataError(f"it is {REFUSED.get(kind, 'of no known type')}, which cannot be read")
