"""Pieces that the update rules share: the direction to descend, and running averages in place.

`scratch` is an array like the parameter whose content is free to be overwritten, so that a step makes no more temporary
arrays than it needs.
"""

import numpy as np

from ..tensor import Tensor


def descent_gradient(p, g, weight_decay, maximize):
    """The gradient of what is minimized: f + λ/2·|p|², or −f + λ/2·|p|² to maximize f. Leaves `g` itself as it is."""
    if maximize:
        g = np.negative(g, out=np.empty_like(g))
    if weight_decay:
        decay = np.multiply(p, weight_decay, out=np.empty_like(p))
        g = np.add(g, decay, out=decay)
    return g


def average(mean, value, beta, scratch):
    """mean ← β·mean + (1 − β)·value, written as mean + (1 − β)·(value − mean)."""
    step = np.subtract(value, mean, out=scratch)
    step *= 1 - beta
    mean += step


def average_square(mean, value, beta, scratch):
    """mean ← β·mean + (1 − β)·value²."""
    square = np.multiply(value, 1 - beta, out=scratch)
    square *= value
    mean *= beta
    mean += square


def remembered(state, name, p, start=0.0):
    """The array kept under `name` in a parameter's state, made at the first call: like p, filled with `start`."""
    if state.get(name) is None:
        state[name] = Tensor(np.full_like(p, start))
    return state[name].array


def remembered_number(state, name, start):
    """The 0-d float32 array kept under `name`, made at the first call or of a number that an old state_dict had there."""
    if not isinstance(state.get(name), Tensor):
        state[name] = Tensor(np.array(state.get(name, start), np.float32))
    return state[name].array


def count_step(state):
    """Count one more step. Returns the count t = 1, 2, ..."""
    steps = remembered_number(state, "step", 0)
    steps += 1
    return float(steps)
