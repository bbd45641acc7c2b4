"""Adamax: Adam with the largest gradient of late in place of the root mean square."""

import numpy as np

from .hyperparameters import at_least_zero, decay_rates
from .moments import average, count_step, descent_gradient, remembered
from .optimizer import Optimizer


def adamax(p, g, m, u, *, step, lr, betas, eps, weight_decay, maximize):
    """Step number t = 1, 2, ..., in place on p, m and u (both 0 at first):

        g ← ∇f(θ) + λ·θ                 weight decay; −∇f(θ) when maximizing
        m ← β₁·m + (1 − β₁)·g
        u ← max(β₂·u, |g| + ε)
        θ ← θ − γ / (1 − β₁ᵗ) · m / u

    Kingma & Ba, "Adam", ICLR 2015, algorithm 2, with an ε that keeps u above 0.
    """
    beta1, beta2 = betas
    g = descent_gradient(p, g, weight_decay, maximize)
    scratch = np.empty_like(p)
    average(m, g, beta1, scratch)
    size = np.abs(g, out=scratch)
    size += eps
    u *= beta2
    np.maximum(u, size, out=u)
    change = np.divide(m, u, out=scratch)
    change *= lr / (1 - beta1**step)
    p -= change


class Adamax(Optimizer):
    """Adamax. Arguments as in `torch.optim.Adamax`; `foreach` and `capturable` change nothing here.

    Raises BadValue for options that are negative or not finite, and for betas outside 0 ≤ β < 1.
    """

    allowed = {"lr": at_least_zero, "betas": decay_rates, "eps": at_least_zero, "weight_decay": at_least_zero}
    rule_options = ("lr", "betas", "eps", "weight_decay", "maximize")

    def __init__(self, params, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, foreach=None, *, maximize=False,
                 differentiable=False, capturable=False):
        super().__init__(params, dict(
            lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, foreach=foreach, maximize=maximize,
            differentiable=differentiable, capturable=capturable))

    def update(self, p, g, state, group):
        step = count_step(state)
        m, u = remembered(state, "exp_avg", p), remembered(state, "exp_inf", p)
        adamax(p, g, m, u, step=step, **self.options(group))
