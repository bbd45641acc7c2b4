"""Two modules in a row that are computed by one pair of functions: so what lies between them never reaches memory.

Nobody sees a difference but in time. Where somebody looks, at either module by a hook, or at all operations, each is called by itself,
and so it is where somebody has put something of his own in the place of what is called.
"""

from functools import partial

from ..autograd.mode import mode
from ..errors import Error
from . import functional as F
from .activation import ReLU
from .functional.linear import linear_relu
from .hooks import has_hooks
from .linear import Linear
from .naming import add_path


def _calls():
    """What is called for a dense layer and a ReLU, by their names as of now."""
    return Linear.__call__, Linear.forward, F.linear, ReLU.__call__, ReLU.forward, F.relu


AS_WRITTEN = _calls()


def steps(modules):
    """What to call for modules one after the other: each by itself, but a dense layer and the ReLU behind it together.

    A module is looked for when those before it have run, since their hooks may put another in its place; only behind a dense layer
    that has none, before.
    """
    dense = None                        # the module before, where it is such a layer: it has not run yet
    for module in modules:
        if dense is not None and _is_plain(module, ReLU):
            yield partial(_run_both, dense)
            dense = None
            continue
        if dense is not None:
            yield dense
        dense = module if _is_plain(module, Linear) and _nobody_looks() else None
        if dense is None:
            yield module
    if dense is not None:
        yield dense


def _is_plain(module, kind):
    return type(module) is kind and "forward" not in module.__dict__ and not has_hooks(module)


def _nobody_looks():
    return mode.watch is None and _calls() == AS_WRITTEN


def _run_both(dense, input):
    """The dense layer, then the ReLU. An error is the dense layer's: it names that."""
    try:
        return linear_relu(input, dense.weight, dense.bias)
    except Error as error:
        add_path(error, dense)
        raise
