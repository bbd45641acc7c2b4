"""Layers that drop values at random in training, and do nothing in evaluation."""

from . import functional as F
from .functional.arguments import number
from .module import Module


class _Dropout(Module):
    def __init__(self, p=0.5, inplace=False):
        super().__init__()
        number(type(self).__name__, "p", p, least=0, most=1)
        self.p, self.inplace = p, inplace

    def extra_repr(self):
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_Dropout):
    """Each value becomes zero with probability p, else it is divided by 1 − p (Srivastava et al. 2014)."""

    def forward(self, input):
        return F.dropout(input, self.p, self.training, self.inplace)


class Dropout2d(_Dropout):
    """Each channel of each example becomes zero with probability p, else it is divided by 1 − p (Tompson et al. 2015)."""

    def forward(self, input):
        return F.dropout2d(input, self.p, self.training, self.inplace)
