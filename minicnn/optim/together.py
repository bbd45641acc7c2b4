"""Many parameters moved at once: when that may be done, and what the compiled kernel is told about each parameter.

A step of a small network has little to compute and many parameters, so that what it costs is Python: a dozen NumPy calls for each of
them. One call of a compiled kernel moves them all. Nothing is copied to one place for it: the kernel gets the addresses at which
parameters, gradients and running averages lie. (Moving the parameters into one flat buffer, each becoming a view of it, would
tear them from everything that shares their memory: a `state_dict()` taken before, a tied weight, the NumPy array that a Tensor was
made of. And big gradients would have to be copied beside them.)

The update rules as functions on arrays, one in each optimizer's file, are what the kernels must equal, bit for bit; they move
whatever is not fit for this: other layouts, empty parameters, a mixture of dtypes.
"""

from ctypes import addressof, c_char
from operator import is_

import numpy as np

from .. import kernels
from ..arrays import address, float32, float64, is_array
from .moments import remembered, remembered_number


def move_together(optimizer, number, group, params):
    """Move the parameters (all with a gradient) of group `number` that one kernel can move. Returns the others."""
    kernel = getattr(kernels.of(params[0].array), optimizer.kernel, None) if params else None
    if kernel is None or not _gradients_fit(params):
        return params
    tables = optimizer.__dict__.setdefault("_tables", {})       # not there after unpickling
    names, table = optimizer.kept(group), tables.get(number)
    if table is None or not table.is_current(optimizer, names, params):
        table = tables[number] = Table(optimizer, names, params)
    if table.fit:
        table.move(kernel, optimizer, group)
    return table.rest


class Table:
    """What the kernel is told about each parameter: a row (size, place of its numbers, p, g, kept arrays ...), addresses as integers.

    params  all parameters that were given, in their order
    fit     those that the kernel moves; rest: those that it does not
    arrays  where the addresses lead: the parameters' own and what is kept of each. As long as they are these, so are the addresses
    """

    def __init__(self, optimizer, names, params):
        self.params, self.names, self.state = params, names, optimizer.state
        self.fit, self.rest = _sorted_out(params, names, optimizer.state)
        self.states = [optimizer.state[p] for p in self.fit]
        self.steps = [1 if names and s.get(names[-1]) is None else 2 for s in self.states]      # where uncounted; 2: any but the first
        self.counts = self._common_counts() if optimizer.counts_steps else None
        kept = [[remembered(s, name, p.array) for name in names] for p, s in zip(self.fit, self.states)]
        self.arrays = self._arrays()
        self.rows = np.array([[p.array.size, 0, _address(p.array), 0, *map(_address, arrays)] for p, arrays in zip(self.fit, kept)])

    def _common_counts(self):
        """The step counts of all parameters as one array, of which each state's "step" becomes a view."""
        counts = np.array([remembered_number(s, "step", 0) for s in self.states], np.float32)
        for i, s in enumerate(self.states):
            s["step"].array = counts[i, ...]
        return counts

    def _arrays(self):
        names = self.names if self.counts is None else (*self.names, "step")
        return [*[p.array for p in self.fit], *[s[name].array for name in names for s in self.states]]

    def is_current(self, optimizer, names, params):
        """Whether the parameters are the same, and they and what is kept of them lie where they lay."""
        if optimizer.state is not self.state or names != self.names or not _same(params, self.params):
            return False
        try:
            return _same([optimizer.state[p] for p in self.fit], self.states) and _same(self._arrays(), self.arrays)
        except (KeyError, AttributeError):                      # something was taken away, or is None
            return False

    def move(self, kernel, optimizer, group):
        """Run the kernel."""
        gradients = [p._grad.array for p in self.fit]
        try:
            addresses = [addressof(c_char.from_buffer(g)) for g in gradients]
        except (TypeError, ValueError):                         # on the GPU, read-only or not in one piece
            gradients = [g if _in_one_piece(g) else g.copy(order="C") for g in gradients]
            addresses = [_address(g) for g in gradients]
        self.rows[:, 3] = addresses
        kernel(self.rows, self._numbers(optimizer, group))
        for p in self.fit:
            p.bump_version()

    @np.errstate(all="ignore")                                  # a rate may be infinity in float32
    def _numbers(self, optimizer, group):
        """Rows of numbers, of which parameters at the same step share one; where each finds its own is put down."""
        if self.counts is not None:
            self.counts += 1
        steps = self.steps if self.counts is None else self.counts.tolist()
        different = list(dict.fromkeys(steps))
        numbers = np.array([optimizer.numbers(step, group) for step in different], self.fit[0].array.dtype)
        self.rows[:, 1] = 0 if len(different) == 1 else [different.index(step) * numbers.shape[1] for step in steps]
        self.steps = [2] * len(steps)
        return numbers


# What a kernel can work on -------------------------------------------------------------------------------------------------


def _sorted_out(params, names, state):
    """The parameters that one kernel can move, none sharing memory with another; and the rest of them."""
    first = params[0].array
    fit = [p for p in params if _fits(p.array, first) and all(
        _fits(a, first) and a.shape == p.array.shape for a in _arrays_of(state.get(p), names))]
    places = sorted((_address(p.array), p.array.nbytes) for p in fit)
    apart = all(start + length <= following for (start, length), (following, _) in zip(places, places[1:]))
    if first.dtype not in (float32, float64) or not apart:
        return [], params
    chosen = set(map(id, fit))
    return fit, [p for p in params if id(p) not in chosen]


def _gradients_fit(params):
    """Whether each gradient is of its parameter's kind, dtype and shape."""
    for p in params:
        x, g = p.array, p._grad.array
        if type(g) is not type(x) or g.dtype != x.dtype or g.shape != x.shape:
            return False
    return True


def _arrays_of(state, names):
    """The arrays that are kept of a parameter already."""
    return [state[name].array for name in names if state.get(name) is not None] if state else []


def _fits(a, like):
    return _is_alike(a, like) and a.size > 0 and _in_one_piece(a)


def _is_alike(a, like):
    """Whether an array is of the kind of another, NumPy's (no subclass) or CuPy's, and of its dtype."""
    return type(a) is type(like) and a.dtype == like.dtype and (type(a) is np.ndarray or is_array(a))


def _in_one_piece(a):
    flags = a.flags
    return flags.c_contiguous and (type(a) is not np.ndarray or flags.writeable)


def _address(a):
    return addressof(c_char.from_buffer(a)) if type(a) is np.ndarray else address(a)


def _same(some, others):
    """Whether two lists hold the same objects."""
    return len(some) == len(others) and all(map(is_, some, others))
