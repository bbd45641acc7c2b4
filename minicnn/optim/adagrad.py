"""Adagrad: each weight's own rate falls with the sum of its squared gradients."""

import numpy as np

from .hyperparameters import at_least_zero
from .moments import count_step, descent_gradient, remembered, remembered_number
from .optimizer import Optimizer


def adagrad(p, g, total, *, step, lr, lr_decay, weight_decay, eps, maximize):
    """Step number t = 1, 2, ..., in place on p and total:

        g ← ∇f(θ) + λ·θ                 weight decay; −∇f(θ) when maximizing
        s ← s + g²
        θ ← θ − γ / (1 + (t − 1)·η) · g / (√s + ε)      lr_decay η

    Duchi, Hazan & Singer, "Adaptive subgradient methods for online learning and stochastic optimization", JMLR 2011.
    """
    g = descent_gradient(p, g, weight_decay, maximize)
    scratch = np.empty_like(p)
    total += np.multiply(g, g, out=scratch)
    root = np.sqrt(total, out=scratch)
    root += eps
    change = np.divide(g, root, out=scratch)
    change *= lr / (1 + (step - 1) * lr_decay)
    p -= change


class Adagrad(Optimizer):
    """Adagrad. Arguments as in `torch.optim.Adagrad`; `foreach` and `fused` change nothing here.

    Raises BadValue for options that are negative or not finite.
    """

    allowed = {name: at_least_zero for name in ("lr", "lr_decay", "weight_decay", "initial_accumulator_value", "eps")}
    rule_options = ("lr", "lr_decay", "weight_decay", "eps", "maximize")

    def __init__(self, params, lr=1e-2, lr_decay=0, weight_decay=0, initial_accumulator_value=0, eps=1e-10, foreach=None, *,
                 maximize=False, differentiable=False, fused=None):
        super().__init__(params, dict(
            lr=lr, lr_decay=lr_decay, eps=eps, weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value, foreach=foreach, maximize=maximize,
            differentiable=differentiable, fused=fused))
        for group in self.param_groups:
            for p in group["params"]:
                self._start(p.array, self.state[p])

    def _start(self, p, state):
        """The state before the first step, which PyTorch shows as soon as the optimizer is made."""
        remembered_number(state, "step", 0)
        return remembered(state, "sum", p, self.defaults["initial_accumulator_value"])

    def update(self, p, g, state, group):
        total = self._start(p, state)
        adagrad(p, g, total, step=count_step(state), **self.options(group))
