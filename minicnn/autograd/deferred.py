"""Results that are computed when somebody looks at them, so that what follows at once can be computed along with them.

Batch norm is mostly followed by a ReLU. Each by itself goes over memory, which takes longer than the arithmetic; one pair that does
both saves a third of the way. So `batch_norm` returns a tensor without numbers yet. If `relu` gets it like this, it runs the pair for
both, and nobody misses the numbers in between. Whoever looks at anything of the tensor, at any time, finds a plain tensor: it is
computed then, and takes the place in the graph that it would have had from the beginning.
"""

from threading import RLock
from weakref import WeakValueDictionary, ref

from ..arrays import is_lent
from ..tensor import Tensor
from .graph import FREED, as_recorded, edge_of, next_number
from .mode import mode

PAIRS = {}                              # (operation, the one that follows) -> the pair that computes both
WAITING = WeakValueDictionary()         # tensors whose numbers are not computed, by their place in the order of the graph
_lock = RLock()                         # another thread may look at the same tensor, or have all of them computed


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
        self.operation, self.inputs, self.attributes = operation, [_as_it_is(x) for x in inputs], attributes
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


def _as_it_is(x):
    """A tensor with the array and the place in the graph that x has now; a vector, such as batch norm's weights, is copied."""
    if not isinstance(x, Tensor):
        return x
    kept = as_recorded(x.array.copy() if x.array.ndim == 1 else x.array, edge_of(x))
    kept._version = x.version_cell() if kept.array is x.array else None
    return kept


def deferred(operation, *inputs, **attributes):
    """`operation(*inputs, **attributes)`, computed later.

    The first input must be the result of an operation, recorded or computed by a kernel: what came from outside may lie in memory that
    somebody else writes to meanwhile, and nobody would notice. (Nor is noticed what NumPy writes into an activation by `x.numpy()`.)
    """
    if mode.anomaly or inputs[0].node is None and not is_lent(inputs[0].array):
        return operation(*inputs, **attributes)
    recipe, y = Recipe(operation, inputs, attributes), Tensor.__new__(Deferred)
    object.__setattr__(y, "recipe", recipe)
    with _lock:
        WAITING[recipe.number] = y
    return y


def followed_by(operation, y, inplace=False):
    """`operation(y)`, by a pair that computes y on the way; None where there is no such pair, or y has been looked at."""
    if type(y) is not Deferred:
        return None
    with _lock:
        recipe = object.__getattribute__(y, "__dict__").get("recipe")
        pair = recipe and PAIRS.get((recipe.operation, operation))
        if pair is None or recipe.recording is not mode.enabled:
            return None
        z = pair(*recipe.inputs, **recipe.attributes)
        if inplace:                     # what y was before is gone, whoever holds it
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
    with _lock:
        if type(y) is Deferred:
            recipe = object.__getattribute__(y, "__dict__")["recipe"]
            recipe.put_back(_turn_into(recipe.run(), y))


def settle_all():
    """Compute what waits, before something is changed in place that it may depend on."""
    if WAITING:
        with _lock:
            for y in list(WAITING.values()):
                settle(y)
