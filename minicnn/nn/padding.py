"""Padding layers for images: a margin on each side, as (left, right, top, bottom) or one number; negative ones crop."""

from . import functional as F
from .arguments import ntuple
from .module import Module


class _Pad2d(Module):
    mode = "constant"

    def __init__(self, padding):
        super().__init__()
        self.padding = ntuple(padding, 4)

    def forward(self, input):
        return F.pad(input, self.padding, self.mode)

    def extra_repr(self):
        return str(self.padding)


class ConstantPad2d(_Pad2d):
    """A margin of one value."""

    def __init__(self, padding, value):
        super().__init__(padding)
        self.value = value

    def forward(self, input):
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self):
        return f"padding={self.padding}, value={self.value}"


class ZeroPad2d(ConstantPad2d):
    """A margin of zeros."""

    def __init__(self, padding):
        super().__init__(padding, 0.0)

    def extra_repr(self):
        return str(self.padding)


class ReflectionPad2d(_Pad2d):
    """A margin that mirrors the image at its border pixels, which are not repeated."""

    mode = "reflect"


class ReplicationPad2d(_Pad2d):
    """A margin that repeats the border pixels."""

    mode = "replicate"


class CircularPad2d(_Pad2d):
    """A margin that goes on at the opposite side of the image."""

    mode = "circular"
