"""The table of operators: ONNX's name -> a function on our tensors, whose signature says what a node may have.

    @operator("Transpose")
    def transpose(data, *, perm=None): ...

Positional parameters are the node's inputs, in ONNX's order and by ONNX's names; one with a default may be left out (it is None then),
one annotated with `Numbers` is read as plain numbers.
Keyword parameters are the attributes. Two keywords are no attributes: `opset` is the version of the operators that the node is meant
by, and `outputs` says how many outputs the node has. A function returns a tensor, or a tuple with one for each output.
"""

import inspect
from math import inf

from ...errors import BadType, BadValue, Error, UnsupportedOperator
from .values import Numbers

TABLE = {}
NOT_ATTRIBUTES = {"opset", "outputs"}
UNUSED = {"consumed_inputs"}            # attributes of old versions that never had a meaning for the result


def operator(*names):
    """Puts the function that follows into the table, under ONNX's name or names."""

    def register(function):
        for name in names:
            TABLE[name] = Operator(name, function)
        return function

    return register


class Operator:
    """One entry of the table.

    least, most  how many inputs a node must and may have
    numbers      the positions of those that are read as plain numbers: annotated with `Numbers`
    attributes   the names it may have; `required` are those that it must
    """

    def __init__(self, name, function):
        parameters = inspect.signature(function).parameters.values()
        inputs = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
        keywords = [p for p in parameters if p.kind is p.KEYWORD_ONLY]
        self.name, self.function = name, function
        self.inputs = [p.name for p in inputs]
        self.least = sum(p.default is p.empty for p in inputs)
        self.most = inf if any(p.kind is p.VAR_POSITIONAL for p in parameters) else len(inputs)
        self.numbers = {i for i, p in enumerate(inputs) if p.annotation is Numbers}
        self.wants = {p.name for p in keywords} & NOT_ATTRIBUTES
        self.attributes = {p.name for p in keywords} - NOT_ATTRIBUTES
        self.required = {p.name for p in keywords if p.default is p.empty} - NOT_ATTRIBUTES

    def check(self, node):
        """Raises ValueError for a node with inputs or attributes that its operator does not have, or without those that it needs."""
        given = len(node.inputs)
        if not self.least <= given <= self.most or "" in node.inputs[: self.least]:
            most = "" if self.most == self.least else " or more" if self.most == inf else f" to {self.most}"
            named = f" ({', '.join(self.inputs)})" if self.inputs else ""
            raise BadValue(f"{described(node)}: expected {self.least}{most} inputs{named}, got {given}: {node.inputs}")
        unknown = sorted(set(node.attributes) - self.attributes - UNUSED)
        missing = sorted(self.required - set(node.attributes))
        if unknown or missing:
            what = f"has no attribute {', '.join(unknown)}" if unknown else f"needs the attribute {', '.join(missing)}"
            raise BadValue(f"{described(node)}: the operator {what}; it has {', '.join(sorted(self.attributes)) or 'none'}")

    def compute(self, node, inputs, opset):
        """The node's outputs, as a tuple, for the inputs given (None where one is left out)."""
        attributes = {name: value for name, value in node.attributes.items() if name not in UNUSED}
        special = {"opset": opset, "outputs": len(node.outputs)}
        found = self.function(*inputs, **attributes, **{name: special[name] for name in self.wants})
        return found if type(found) is tuple else (found,)             # isinstance would have a waiting result computed


def described(node):
    """How an error names a node: "node 'features.0' (Conv)", or by its first output where it has no name."""
    name = f"node {node.name!r}" if node.name else f"the node that computes {node.outputs[0]!r}" if node.outputs else "a node"
    return f"{name} ({node.op_type})"


def compute(node, inputs, opset):
    """The outputs of a node as a tuple. An error says at which node it happened, and with which inputs."""
    entry = TABLE.get(node.op_type)
    if entry is None:
        raise UnsupportedOperator([node.op_type])
    try:
        return entry.compute(node, inputs, opset)
    except (Error, ValueError, TypeError, IndexError, KeyError, OverflowError, ZeroDivisionError) as error:
        given = ", ".join("none" if x is None else f"{x.dtype} {tuple(x.shape)}" for x in inputs)
        message = f"{described(node)}: {error} (inputs: {given})"
        if isinstance(error, Error):
            error.args = (message,)
            raise
        raise (BadType if isinstance(error, TypeError) else BadValue)(message) from error
