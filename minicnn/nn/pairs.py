"""Two modules in a row that are computed by one pair of functions: so what lies between them never reaches memory.

Nobody sees a difference but in time: where somebody looks, at either module by a hook, or at all operations, each is called by itself.
"""

from ..autograd.mode import mode
from ..errors import Error
from .activation import ReLU
from .functional.linear import linear_relu
from .linear import Linear
from .naming import add_path

FORWARD = {kind: kind.forward for kind in (Linear, ReLU)}


def is_pair(module, following):
    """Whether they are a dense layer and a ReLU, both as they are written here."""
    return _as_written(module, Linear) and _as_written(following, ReLU) and mode.watch is None


def _as_written(module, kind):
    return type(module) is kind and module._hooks is None and kind.forward is FORWARD[kind] and "forward" not in module.__dict__


def run_pair(module, input):
    """The dense layer, then the ReLU. An error is the dense layer's: it names that."""
    try:
        return linear_relu(input, module.weight, module.bias)
    except Error as error:
        add_path(error, module)
        raise
