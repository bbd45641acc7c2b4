"""The exceptions of minicnn: each says what was expected, what came, and how to mend it.

Every one is also the built-in exception that PyTorch raises in its place, so that `except ValueError` written for
PyTorch goes on working; and all derive from `Error`, so that the command line can tell a mistake of the user's (one
line, exit status 2) from a defect of ours (a traceback).
"""


class Error(Exception):
    """Base of every exception that minicnn raises on purpose."""


class BadValue(Error, ValueError):
    """An argument's value is outside what is allowed: a learning rate of -1, a probability of 2, an unknown name."""


class BadType(Error, TypeError):
    """An argument is of a kind that the function cannot work with."""


class BadIndex(Error, IndexError):
    """A dimension, an index or a class label is out of range."""


class ShapeError(Error, ValueError, RuntimeError):
    """Shapes do not fit together; the message names the axes."""


class GraphError(Error, RuntimeError):
    """The autograd graph cannot do what was asked: backward twice, data changed in place, no gradient rule."""


class DeviceError(Error, RuntimeError):
    """A device is missing, unusable, or two operands lie on different ones."""


class DataError(Error, ValueError):
    """A data set or a file cannot be used: absent, truncated, of another format, empty."""


class UnsupportedOperator(Error):
    """Operators that cannot be expressed or computed; `operators` lists them all."""

    def __init__(self, operators, hint=""):
        self.operators = sorted(set(operators))
        super().__init__(f"unsupported operators: {', '.join(self.operators)}{hint}")
