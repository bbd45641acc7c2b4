"""Adadelta: steps in the units of the weights, with hardly a learning rate to choose."""

import numpy as np

from .hyperparameters import at_least_zero, zero_to_one
from .moments import average_square, count_step, descent_gradient, remembered
from .optimizer import Optimizer


def adadelta(p, g, s, u, *, lr, rho, eps, weight_decay, maximize):
    """One step, in place on p, s and u (both 0 at first):

        g ← ∇f(θ) + λ·θ                 weight decay; −∇f(θ) when maximizing
        s ← ρ·s + (1 − ρ)·g²            mean square of the gradients
        Δ = √(u + ε) / √(s + ε) · g
        u ← ρ·u + (1 − ρ)·Δ²            mean square of the steps
        θ ← θ − γ·Δ

    Zeiler, "ADADELTA: an adaptive learning rate method", 2012, algorithm 1.
    """
    g = descent_gradient(p, g, weight_decay, maximize)
    scratch, change = np.empty_like(p), np.empty_like(p)
    average_square(s, g, rho, scratch)
    np.sqrt(np.add(u, eps, out=change), out=change)
    change /= np.sqrt(np.add(s, eps, out=scratch), out=scratch)
    change *= g
    average_square(u, change, rho, scratch)
    change *= lr
    p -= change


class Adadelta(Optimizer):
    """Adadelta. Arguments as in `torch.optim.Adadelta`; `foreach` and `capturable` change nothing here.

    Raises BadValue for options that are negative or not finite, and for rho outside 0 ≤ ρ ≤ 1.
    """

    allowed = {"lr": at_least_zero, "rho": zero_to_one, "eps": at_least_zero, "weight_decay": at_least_zero}
    rule_options = ("lr", "rho", "eps", "weight_decay", "maximize")

    def __init__(self, params, lr=1.0, rho=0.9, eps=1e-6, weight_decay=0, foreach=None, *, capturable=False, maximize=False,
                 differentiable=False):
        super().__init__(params, dict(
            lr=lr, rho=rho, eps=eps, weight_decay=weight_decay, maximize=maximize, capturable=capturable, foreach=foreach,
            differentiable=differentiable))

    def update(self, p, g, state, group):
        count_step(state)
        adadelta(p, g, remembered(state, "square_avg", p), remembered(state, "acc_delta", p), **self.options(group))
