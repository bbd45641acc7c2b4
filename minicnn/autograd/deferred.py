"""Results that are computed when somebody looks at them, so that what follows at once can be computed along with them.

Batch norm is mostly followed by a ReLU. Each by itself goes over memory, which takes longer than the arithmetic; one pair that does
both saves a third of the way. So `batch_norm` returns a tensor without numbers yet. If `relu` gets it like this, it runs the pair for
both, and nobody misses the numbers in between. Whoever looks at anything of the tensor, at any time, finds a plain tensor: it is
computed then, and takes the place in the graph that it would have had from the beginning.
"""

from threading import RLock
from weakref import WeakValueDictionary, ref

from ..arrays import is_lent
from ..tensor import Tensor, wrap
from .graph import as_recorded, edge_of, next_number
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
    """How to compute a deferred tensor, and what has followed without it."""

    def __init__(self, operation, inputs, attributes):
        self.operation, self.inputs, self.attributes = operation, inputs, attributes
        self.number, self.recording = next_number(), mode.enabled
        self.skipped_by = []            # a Follower for each operation that did without the numbers
        self.node = _nothing            # what stands in its place in the graph, once it is computed

    def run(self):
        """The tensor as it would have been computed at first, with its place in the graph."""
        before, mode.enabled = mode.enabled, self.recording
        try:
            result = self.operation(*self.inputs, **self.attributes)
        finally:
            mode.enabled = before
        if result.node is not None:
            result.node.number, self.node = self.number, ref(result.node)
        return result

    def put_back(self, y):
        """The operations that followed without y get it as their input after all, so that its gradient can be asked for."""
        for follower in self.skipped_by:
            follower.start_from(y)


class Follower:
    """`operation(y, *others, **attributes)`, which was computed by a pair, or waits to be: its node or its recipe."""

    def __init__(self, operation, others, attributes, node=None, recipe=None):
        self.operation, self.others, self.attributes = operation, others, attributes
        self.node, self.recipe = node and ref(node), recipe

    def start_from(self, y):
        """From now on it is computed from y, and what followed it without waiting for it from y by a pair of two."""
        if self.recipe is None:
            return _become(self.node(), self.operation, (y, *self.others), self.attributes)
        if self.recipe.node is not _nothing:
            return _become(self.recipe.node(), self.operation, (y, *self.others), self.attributes)
        self.recipe.operation, self.recipe.attributes = self.operation, self.attributes
        self.recipe.inputs = [_as_it_is(y), *self.others]
        for last in self.recipe.skipped_by:
            pair = PAIRS[self.operation, last.operation]
            _become(last.node(), pair, (y, *self.others, *last.others), self.attributes | last.attributes)


def _nothing():
    """As a dead reference: no node."""


def _become(node, operation, inputs, attributes):
    """Another operation takes the place of a node in the graph, the result of which is the same."""
    if node is None or all(edge_of(x) is None for x in inputs):
        return
    arrays = [x.array if isinstance(x, Tensor) else x for x in inputs]
    node.operation, node.attributes, node.edges = operation, attributes, [edge_of(x) for x in inputs]
    node.shapes, node.inputs, node.versions = [getattr(a, "shape", ()) for a in arrays], None, ()
    node.saved = None
    if operation.saves:
        result = operation.forward(*arrays, **attributes)
        result, saved = result if operation.pair else (result, None)
        operation.save(node, inputs, arrays, saved, wrap(result))


def _as_it_is(x):
    """A tensor with the array and the place in the graph that x has now; a vector, such as batch norm's weights, is copied."""
    if not isinstance(x, Tensor):
        return x
    kept = as_recorded(x.array.copy() if x.array.ndim == 1 else x.array, edge_of(x))
    kept._version = x.version_cell() if kept.array is x.array else None
    return kept


def deferred(operation, *inputs, **attributes):
    """`operation(*inputs, **attributes)`, computed later.

    The first input must be the result of an operation: what came from outside may lie in memory that somebody else writes to meanwhile,
    and nobody would notice. (Nor is noticed what NumPy writes into an activation by `x.numpy()`.)
    """
    if mode.watch is not None or not is_result(inputs[0]):
        return operation(*inputs, **attributes)
    return _waiting(Recipe(operation, [_as_it_is(x) for x in inputs], attributes))


def is_result(x):
    """Whether a tensor is what an operation has made, recorded or computed by a kernel: nobody else has its memory."""
    return x.node is not None or is_lent(x.array)


def _waiting(recipe):
    y = Tensor.__new__(Deferred)
    object.__setattr__(y, "recipe", recipe)
    with _lock:
        WAITING[recipe.number] = y
    return y


def followed_by(operation, y, inplace=False, **attributes):
    """`operation(y, **attributes)`, by a pair that computes y on the way; None where there is no such pair, or y has been looked at."""
    if type(y) is not Deferred:
        return None
    with _lock:
        recipe, pair = _pair_for(y, operation)
        if pair is None:
            return None
        z = pair(*recipe.inputs, **recipe.attributes, **attributes)
        if z.node is not None:
            recipe.skipped_by.append(Follower(operation, (), attributes, node=z.node))
        return _turn_into(z, y) if inplace else z       # in place: what y was before is gone, whoever holds it


def joined_by(operation, y, other):
    """`operation(y, other)` of two images, computed later, by a pair that computes y on the way if y has not been looked at by then.

    None where there is no such pair, or the other does not fit: it must be the result of an operation, as for `deferred`.
    """
    if type(y) is not Deferred or not isinstance(other, Tensor):
        return None
    with _lock:
        recipe, pair = _pair_for(y, operation)
        if pair is None or not _fit(recipe.inputs[0], other) or type(y) is not Deferred:    # the other may be y itself
            return None
        kept = _as_it_is(other)
        both = Recipe(pair, [*recipe.inputs, kept], recipe.attributes)
        recipe.skipped_by.append(Follower(operation, (kept,), {}, recipe=both))
        return _waiting(both)


def like(operation, y):
    """A tensor with y's shape and dtype, for `followed_by`: what y is computed from where it waits for the operation, else y."""
    if type(y) is not Deferred:
        return y
    with _lock:
        recipe, pair = _pair_for(y, operation)
        return recipe.inputs[0] if pair else y


def _pair_for(y, operation):
    """The recipe of a deferred tensor, and the pair that computes both it and the operation; else None."""
    recipe = object.__getattribute__(y, "__dict__").get("recipe")
    pair = recipe and PAIRS.get((recipe.operation, operation))
    return recipe, pair if pair and recipe.recording is mode.enabled else None


def _fit(x, y):
    """Whether two tensors have one shape and dtype, and the second is an operation's result."""
    return x.array.shape == y.array.shape and x.array.dtype is y.array.dtype and is_result(y)


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
