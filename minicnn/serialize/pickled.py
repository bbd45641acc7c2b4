"""The part of Python's pickle format that PyTorch's files of tensors use, read by a machine that can run no code.

A pickle is a program for a small stack machine. Python's own `pickle` lets it call any function that can be imported; this machine
knows the instructions below alone, and "call" means one of the few constructors that the caller offers. `pickletools` takes the
bytes apart, without running anything.
"""

import pickletools
from io import BytesIO

from ..errors import DataError

MARK = object()             # what "(" leaves on the stack, until an instruction takes everything above it


class Machine:
    """Runs one pickle.

    constructors  {"module name": function}: what may be called, and by what name the pickle calls it
    persistent    called with the argument of a persistent id, which is how PyTorch refers to the numbers of a tensor
    """

    def __init__(self, constructors, persistent):
        self.constructors, self.persistent = constructors, persistent
        self.stack, self.memo = [], {}

    def run(self, file):
        """The object that a pickle in an open file describes; the file stands behind it then. Raises DataError."""
        try:
            for opcode, argument, _ in pickletools.genops(file):
                if opcode.name == "STOP":
                    return self.stack.pop()
                self.step(opcode.name, argument)
        except DataError:
            raise
        except (IndexError, KeyError, ValueError, TypeError, AttributeError, OverflowError, MemoryError) as error:
            raise DataError(f"its pickle is damaged ({type(error).__name__}: {error})"[:300]) from None
        raise DataError("its pickle has no end")

    def step(self, name, argument):
        if name in PUSHES_ITS_ARGUMENT:
            self.stack.append(argument)
        elif name in CONSTANTS:
            self.stack.append(CONSTANTS[name]())
        elif name in INSTRUCTIONS:
            INSTRUCTIONS[name](self, argument)
        elif name not in WITHOUT_EFFECT:
            raise DataError(f"its pickle has the instruction {name}, which no file of tensors needs")

    def above_mark(self):
        """Everything above the last mark, which goes too."""
        taken = []
        while (value := self.stack.pop()) is not MARK:
            taken.append(value)
        return taken[::-1]

    # Instructions

    def find(self, name):
        """Push a constructor by its name, "module name"."""
        if name not in self.constructors:
            raise DataError(f"its pickle asks for {name.replace(' ', '.')!r:.100}, which is not a part of a tensor; nothing was run")
        self.stack.append(self.constructors[name])

    def call(self, _):
        arguments, function = self.stack.pop(), self.stack.pop()
        if function not in self.constructors.values() or not isinstance(arguments, tuple):
            raise DataError("its pickle calls what is no constructor")
        self.stack.append(function(*arguments))

    def set_state(self, _):
        """What an object is to have as attributes. An OrderedDict's are the versions of its modules, which we do not need."""
        self.stack.pop()
        if not isinstance(self.stack[-1], dict):
            raise DataError("its pickle gives a state to what has none")

    def tuple_of(self, count):
        self.stack[len(self.stack) - count:] = [tuple(self.stack[len(self.stack) - count:])]

    def append(self, values):
        self.the_last(list).extend(values)

    def set_items(self, values):
        self.the_last(dict).update(zip(checked_keys(values[::2]), values[1::2], strict=True))

    def the_last(self, kind):
        """The value on top of the stack, which must be of a kind."""
        if not isinstance(self.stack[-1], kind):
            raise DataError(f"its pickle puts something into what is no {kind.__name__}")
        return self.stack[-1]


def checked_keys(keys):
    """The keys of a dict, if they are plain: the hash of a tuple in a tuple, a million deep, would overflow the stack of C."""
    if not all(isinstance(key, str | int | float | None) for key in keys):
        raise DataError("its pickle has a dict whose keys are neither names nor numbers")
    return keys


PUSHES_ITS_ARGUMENT = {"INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT", "UNICODE", "BINUNICODE",
                       "SHORT_BINUNICODE", "BINUNICODE8", "STRING", "BINSTRING", "SHORT_BINSTRING"}
CONSTANTS = {"NONE": lambda: None, "NEWTRUE": lambda: True, "NEWFALSE": lambda: False, "EMPTY_TUPLE": tuple, "EMPTY_LIST": list,
             "EMPTY_DICT": dict, "MARK": lambda: MARK}
WITHOUT_EFFECT = {"PROTO", "FRAME"}
INSTRUCTIONS = {
    "GLOBAL": Machine.find,
    "STACK_GLOBAL": lambda m, _: m.find(" ".join([m.stack.pop(), m.stack.pop()][::-1])),
    "REDUCE": Machine.call,
    "BUILD": Machine.set_state,
    "BINPERSID": lambda m, _: m.stack.append(m.persistent(m.stack.pop())),
    "TUPLE": lambda m, _: m.stack.append(tuple(m.above_mark())),
    "TUPLE1": lambda m, _: m.tuple_of(1), "TUPLE2": lambda m, _: m.tuple_of(2), "TUPLE3": lambda m, _: m.tuple_of(3),
    "LIST": lambda m, _: m.stack.append(m.above_mark()),
    "APPEND": lambda m, _: m.append([m.stack.pop()]), "APPENDS": lambda m, _: m.append(m.above_mark()),
    "SETITEM": lambda m, _: m.set_items([m.stack.pop(), m.stack.pop()][::-1]), "SETITEMS": lambda m, _: m.set_items(m.above_mark()),
    "BINPUT": lambda m, n: m.memo.update({n: m.stack[-1]}), "LONG_BINPUT": lambda m, n: m.memo.update({n: m.stack[-1]}),
    "MEMOIZE": lambda m, _: m.memo.update({len(m.memo): m.stack[-1]}),
    "BINGET": lambda m, n: m.stack.append(m.memo[n]), "LONG_BINGET": lambda m, n: m.stack.append(m.memo[n]),
    "POP": lambda m, _: m.stack.pop(),
}


def load(data, constructors, persistent):
    """The object that the pickle in some bytes describes."""
    return Machine(constructors, persistent).run(BytesIO(data))
