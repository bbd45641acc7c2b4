"""RAdam: Adam that steps like plain momentum until its estimate of the gradient's scale can be trusted."""

import numpy as np

from .hyperparameters import at_least_zero, decay_rates
from .moments import average, average_square, count_step, descent_gradient, remembered
from .optimizer import Optimizer


def radam(p, g, m, v, *, step, lr, betas, eps, weight_decay, decoupled_weight_decay, maximize):
    """Step number t = 1, 2, ..., in place on p, m and v (both 0 at first):

        g ← ∇f(θ) + λ·θ                 weight decay; −∇f(θ) when maximizing
        θ ← θ − γ·λ·θ                   instead of the above, when weight decay is decoupled
        m ← β₁·m + (1 − β₁)·g,    v ← β₂·v + (1 − β₂)·g²,    m̂ = m / (1 − β₁ᵗ)
        θ ← θ − γ·r·m̂·√(1 − β₂ᵗ) / (√v + ε)     when v averages over enough steps to be rectified by r,
        θ ← θ − γ·m̂                             in the first few steps

    Liu et al., "On the variance of the adaptive learning rate and beyond", ICLR 2020, algorithm 2.
    """
    beta1, beta2 = betas
    if decoupled_weight_decay:
        p *= 1 - lr * weight_decay
        weight_decay = 0
    g = descent_gradient(p, g, weight_decay, maximize)
    scratch = np.empty_like(p)
    average(m, g, beta1, scratch)
    average_square(v, g, beta2, scratch)
    rate = lr / (1 - beta1**step)
    r = rectification(beta2, step)
    if r is None:
        change = np.multiply(m, rate, out=scratch)
    else:
        root = np.sqrt(v, out=scratch)
        root += eps
        change = np.divide(m, root, out=scratch)
        change *= rate * r * (1 - beta2**step) ** 0.5
    p -= change


def rectification(beta2, step):
    """r = √[ (ρ−4)(ρ−2)ρ∞ / ((ρ∞−4)(ρ∞−2)ρ) ], or None where the variance of 1/√v is not finite (ρ ≤ 5, as in PyTorch).

    ρ∞ = 2/(1 − β₂) − 1 is the length of v's average in the long run, ρ = ρ∞ − 2t·β₂ᵗ/(1 − β₂ᵗ) its length by now.
    """
    longest = 2 / (1 - beta2) - 1
    length = longest - 2 * step * beta2**step / (1 - beta2**step)
    if length <= 5:
        return None
    return ((length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)) ** 0.5


class RAdam(Optimizer):
    """RAdam. Arguments as in `torch.optim.RAdam`; `foreach` and `capturable` change nothing here.

    Raises BadValue for options that are negative or not finite, and for betas outside 0 ≤ β < 1.
    """

    allowed = {"lr": at_least_zero, "betas": decay_rates, "eps": at_least_zero, "weight_decay": at_least_zero}
    rule_options = ("lr", "betas", "eps", "weight_decay", "decoupled_weight_decay", "maximize")

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, decoupled_weight_decay=False, *,
                 foreach=None, maximize=False, capturable=False, differentiable=False):
        super().__init__(params, dict(
            lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, maximize=maximize, foreach=foreach,
            capturable=capturable, decoupled_weight_decay=decoupled_weight_decay, differentiable=differentiable))

    def update(self, p, g, state, group):
        step = count_step(state)
        m, v = remembered(state, "exp_avg", p), remembered(state, "exp_avg_sq", p)
        radam(p, g, m, v, step=step, **self.options(group))
