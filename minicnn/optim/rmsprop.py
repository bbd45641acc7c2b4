"""RMSprop: the gradient divided by a running estimate of its size."""

import numpy as np

from .hyperparameters import at_least_zero
from .moments import average, average_square, count_step, descent_gradient, remembered
from .optimizer import Optimizer


def rmsprop(p, g, s, buffer=None, mean=None, *, lr, alpha, eps, weight_decay, momentum, maximize):
    """One step, in place on p, s, buffer (None without momentum) and mean (None when not centered), all but p 0 at first:

        g ← ∇f(θ) + λ·θ                 weight decay; −∇f(θ) when maximizing
        s ← α·s + (1 − α)·g²
        ḡ ← α·ḡ + (1 − α)·g             centered: the spread √(s − ḡ²) takes the place of √s
        b ← μ·b + g / (√s + ε)          with momentum μ
        θ ← θ − γ·b

    Tieleman & Hinton, "Neural networks for machine learning", Coursera 2012, lecture 6.5; centered: Graves,
    "Generating sequences with recurrent neural networks", 2013, equations 38 to 45, with ε outside the root.
    """
    g = descent_gradient(p, g, weight_decay, maximize)
    scratch = np.empty_like(p)
    average_square(s, g, alpha, scratch)
    if mean is not None:
        average(mean, g, alpha, scratch)
        s = np.subtract(s, np.multiply(mean, mean, out=scratch), out=scratch)
        s = np.maximum(s, 0, out=scratch)       # rounding must not make a variance of 0 negative
    root = np.sqrt(s, out=scratch)
    root += eps
    change = np.divide(g, root, out=scratch)
    if buffer is not None:
        buffer *= momentum
        buffer += change
        change = buffer
    p -= np.multiply(change, lr, out=scratch)


class RMSprop(Optimizer):
    """RMSprop. Arguments as in `torch.optim.RMSprop`; `foreach` and `capturable` change nothing here.

    Raises BadValue for options that are negative or not finite.
    """

    allowed = {name: at_least_zero for name in ("lr", "alpha", "eps", "weight_decay", "momentum")}
    rule_options = ("lr", "alpha", "eps", "weight_decay", "momentum", "maximize")
    kernel, counts_steps = "rmsprop_steps", True

    def __init__(self, params, lr=1e-2, alpha=0.99, eps=1e-8, weight_decay=0, momentum=0, centered=False, capturable=False,
                 foreach=None, maximize=False, differentiable=False):
        super().__init__(params, dict(
            lr=lr, momentum=momentum, alpha=alpha, eps=eps, centered=centered, weight_decay=weight_decay,
            capturable=capturable, foreach=foreach, maximize=maximize, differentiable=differentiable))

    def update(self, p, g, state, group):
        count_step(state)
        s = remembered(state, "square_avg", p)
        buffer = remembered(state, "momentum_buffer", p) if group["momentum"] > 0 else None
        mean = remembered(state, "grad_avg", p) if group["centered"] else None
        rmsprop(p, g, s, buffer, mean, **self.options(group))

    def kept(self, group):
        return ("square_avg", *["momentum_buffer"] * (group["momentum"] > 0), *["grad_avg"] * bool(group["centered"]))

    def numbers(self, step, group):
        o = self.options(group)
        return [-1 if o["maximize"] else 1, o["weight_decay"], o["alpha"], 1 - o["alpha"], o["eps"], o["momentum"], o["lr"],
                bool(group["centered"])]
