"""Work along one axis of an array, whatever its order in memory, and leave the result in that same order."""

from math import prod


def memory_order(x):
    """The axes, from the one with the longest steps in memory to the one with the shortest: (0, 2, 3, 1) for channels-last."""
    return sorted(range(x.ndim), key=lambda axis: -x.strides[axis])


def along(x, axis, function):
    """`function` maps (before, n, after) to (before, m, after), where n is the length of `axis`; x of length m there."""
    order = memory_order(x)
    lying = x.transpose(order)
    place = order.index(axis)
    before, after = lying.shape[:place], lying.shape[place + 1 :]
    y = function(lying.reshape(prod(before), x.shape[axis], prod(after)))
    return y.reshape(*before, y.shape[1], *after).transpose(sorted(range(x.ndim), key=order.__getitem__))
