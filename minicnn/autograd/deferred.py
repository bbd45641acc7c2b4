"""Results that are computed when somebody looks at them, so that what follows at once can be computed along with them.

Batch norm is mostly followed by a ReLU. Each by itself goes over memory, which takes longer than the arithmetic; one pair that does
both saves a third of the way. So `batch_norm` returns a tensor without numbers yet. If `relu` gets it like this, it runs the pair for
both, and nobody misses the numbers in between. Whoever looks at anything of the tensor, at any time, finds a plain tensor: it is
computed then, and takes the place in the graph that it would have had from the beginning.
"""

from weakref import WeakValueDictionary, ref

from ..tensor import Tensor
from .graph import FREED, edge_of, next_number
from .mode import mode

PAIRS = {}                              # (operation, the one that follows) -> the pair that computes both
WAITING = WeakValueDictionary()         # tensors whose numbers are not computed, by their place in the order of the graph


class Deferred(Tensor):
    """A tensor whose numbers have not been asked for. It turns into a plain Tensor when they are, or anything else of it."""

    def __getattribute__(self, name):
        settle(self)
        return getattr(self, name)

    def __setattr__(self, name, value):
        settle(self)
        setattr(self, name, value)


class Recipe:
    """How to compute a deferred tensor, and the nodes of the graph that have done without it."""

    def __init__(self, operation, inputs, attributes):
        self.operation, self.inputs, self.attributes = operation, inputs, attributes
        for x in inputs:
            edge_of(x)                  # their places in the order come first
        self.number, self.recording = next_number(), mode.enabled
        self.skipped_by = []            # (node, operation that it would have been)

    def run(self):
        """The tensor as it would have been computed at first, with its place in the graph."""
        before, mode.enabled = mode.enabled, self.recording
        try:
            result = self.operation(*self.inputs, **self.attributes)
        finally:
            mode.enabled = before
        if result.node is not None:
            result.node.number = self.number
        return result

    def put_back(self, y):
        """The operations that followed without y get it as their input after all, so that its gradient can be asked for."""
        for reference, operation in self.skipped_by:
            node = reference()
            if node is not None and y.node is not None:
                node.operation, node.edges, node.inputs, node.shapes = operation, [y.node], None, [y.array.shape]
                node.attributes = {}
                if node.saved is not FREED:
                    node.saved, node.versions = operation.forward(y.array)[1], ()


def deferred(operation, *inputs, **attributes):
    """`operation(*inputs, **attributes)`, computed later."""
    if mode.anomaly:
        return operation(*inputs, **attributes)
    recipe, y = Recipe(operation, inputs, attributes), Tensor.__new__(Deferred)
    object.__setattr__(y, "recipe", recipe)
    WAITING[recipe.number] = y
    return y


def followed_by(operation, y, inplace=False):
    """`operation(y)`, by a pair that computes y on the way; None where there is no such pair, or y has been looked at."""
    if type(y) is not Deferred:
        return None
    recipe = object.__getattribute__(y, "__dict__")["recipe"]
    pair = PAIRS.get((recipe.operation, operation))
    if pair is None or recipe.recording is not mode.enabled:
        return None
    z = pair(*recipe.inputs, **recipe.attributes)
    if inplace:                         # what y was before is gone, whoever holds it
        return _turn_into(z, y)
    if z.node is not None:
        recipe.skipped_by.append((ref(z.node), operation))
    return z


def _turn_into(result, y):
    """A deferred tensor becomes the plain one that `result` is."""
    object.__setattr__(y, "__class__", Tensor)
    y.__dict__.pop("recipe")
    y.__dict__.update(result.__dict__)
    return y


def settle(y):
    """Compute a deferred tensor: from now on it is a plain one."""
    recipe = object.__getattribute__(y, "__dict__")["recipe"]
    recipe.put_back(_turn_into(recipe.run(), y))


def settle_all():
    """Compute what waits, before something is changed in place that it may depend on."""
    for y in list(WAITING.values()):
        if type(y) is Deferred:
            settle(y)
