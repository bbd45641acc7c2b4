"""Convolution for inference: weights that stay the same are brought into each algorithm's order once, not with every batch.

And what mostly follows a convolution, a ReLU, is computed along with it, while its pixels are in the cache. For a batch of images
both are small change. For a single one, whose weights may outnumber its pixels, they are half of the time.
"""

from .. import algorithms, array
from ..inference import cut_array
from ..threads import get_num_threads
from . import conv, depthwise, winograd
from .memory import channels_first, channels_last, computable, contiguous, empty

SMALL = 4 << 20             # bytes: more weights, transformed, would come from memory, which takes longer than to transform them anew
MOST_RUNS = 32              # so many shapes of x, those used last, are remembered, and at most twice as many


class PreparedConv2d:
    """y = cut(conv2d(x, w, b)) for the same w (O, C/G, KH, KW) and b (O,) or None again and again.

    cut  0: nothing; 1: max(y, 0); 2: min(max(y, 0), 6)

    For each shape of x everything that does not depend on its numbers is worked out once. Several threads may call it at once.
    """

    def __init__(self, w, b, groups, cut=0):
        self.w, self.b, self.groups, self.cut = contiguous(w), b, groups, cut
        self.runs = {}                      # (shape of x, window, ...) -> what computes y from such an x
        self.older = {}                     # those that were used before them
        self.packed = {}                    # an order of the weights -> the weights in it; there may be one for each size of tiles

    def __call__(self, x, window):
        key = x.shape, window, x.dtype, get_num_threads(), algorithms.allowed["winograd"]
        run = self.runs.get(key)
        if run is None:
            run = self._found_again(key) or self._run_for(x, window)
            self.runs[key] = run
        return run(x)

    def _found_again(self, key):
        """What was used a while ago, or None. When enough is new, what has become old is forgotten."""
        found = self.older.get(key)
        if len(self.runs) >= MOST_RUNS:
            self.runs, self.older = {}, self.runs
        return found

    def _run_for(self, x, window):
        """The function that computes y from an x of this shape."""
        channels, outs = x.shape[1], len(self.w)
        if not computable(x, self.w, self.b):
            return lambda x: cut_array(array.conv2d(x, self.w, self.b, window, self.groups), self.cut)
        if depthwise.applies(channels, self.groups):
            return self._by_depthwise(x, window)
        case = len(x), window.output, channels, outs, window, self.groups, x.dtype
        if winograd.TRANSFORMED * self.w.nbytes <= SMALL:
            by_winograd = winograd.pays(*case, prepared=True)
            return self._by_winograd(x, window) if by_winograd else self._by_direct(x, window)
        if winograd.pays(*case):
            return lambda x: cut_array(winograd.conv2d(x, self.w, self.b, window), self.cut)
        return self._by_direct(x, window)

    def _in_order(self, key, make):
        if key not in self.packed:
            self.packed[key] = make()
        return self.packed[key]

    def _by_direct(self, x, window):
        w, b, plan = conv.made_ready(x, self.w, self.b, window, self.groups)
        plan, bias = plan._replace(cut=self.cut), conv.packed_bias(b, plan, x.dtype)
        order = "direct", w.shape, window.stride, plan.kind, plan.block, plan.run
        packed = self._in_order(order, lambda: conv.packed_weights(w, plan))
        shape = len(x), *window.output, len(self.w)

        def run(x):
            y = empty(shape, x.dtype)
            conv.run(channels_last(x), packed, bias, plan, y)
            return channels_first(y)
        return run

    def _by_winograd(self, x, window):
        bias, work = winograd.made_ready(x, self.w, self.b, window, self.cut)
        outs, order = len(self.w), ("winograd", work.tiling.tile, work.tiling.kind, work.tiling.block)
        packed = self._in_order(order, lambda: winograd.transformed(winograd.a_vector_of(self.w, 0, 1), work))

        def run(x):
            y = winograd.correlated(winograd.a_vector_of(channels_last(x), 3), packed, bias, work)
            return channels_first(y if y.shape[3] == outs else contiguous(y[..., :outs]))
        return run

    def _by_depthwise(self, x, window):
        outs, plans = len(self.w), depthwise.made_ready(x, len(self.w), window, self.cut)
        wide = self._in_order("depthwise", lambda: depthwise.wide(self.w, self.b, plans))
        return lambda x: depthwise.run(x, wide, outs, window, plans)
