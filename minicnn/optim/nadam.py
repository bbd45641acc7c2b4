"""NAdam: Adam with Nesterov's momentum."""

import numpy as np

from .hyperparameters import at_least_zero, decay_rates
from .moments import average, average_square, count_step, descent_gradient, remembered, remembered_number
from .optimizer import Optimizer


def nadam(p, g, m, v, mu_product, *, step, lr, betas, eps, weight_decay, momentum_decay, decoupled_weight_decay, maximize):
    """Step number t = 1, 2, ..., in place on p, m, v (both 0 at first) and mu_product (a 0-d array, 1 at first):

        g  ← ∇f(θ) + λ·θ                weight decay; −∇f(θ) when maximizing
        θ  ← θ − γ·λ·θ                  instead of the above, when weight decay is decoupled
        μₜ = β₁·(1 − ½·0.96^(t·ψ))      momentum that grows towards β₁, at the speed of momentum_decay ψ
        m  ← β₁·m + (1 − β₁)·g,    v ← β₂·v + (1 − β₂)·g²,    v̂ = v / (1 − β₂ᵗ)
        m̂  = μₜ₊₁·m / (1 − μ₁···μₜ₊₁) + (1 − μₜ)·g / (1 − μ₁···μₜ)
        θ  ← θ − γ·m̂ / (√v̂ + ε)

    Dozat, "Incorporating Nesterov momentum into Adam", ICLR 2016 workshop, algorithm 2.
    """
    beta1, beta2 = betas
    if decoupled_weight_decay:
        p *= 1 - lr * weight_decay
        weight_decay = 0
    g = descent_gradient(p, g, weight_decay, maximize)
    scratch = np.empty_like(p)
    average(m, g, beta1, scratch)
    average_square(v, g, beta2, scratch)
    mu, mu_next = (beta1 * (1 - 0.5 * 0.96 ** (t * momentum_decay)) for t in (step, step + 1))
    mu_product *= mu
    ahead = np.multiply(m, mu_next / (1 - float(mu_product) * mu_next), out=np.empty_like(p))
    ahead += np.multiply(g, (1 - mu) / (1 - float(mu_product)), out=scratch)
    root = np.sqrt(v, out=scratch)
    root /= (1 - beta2**step) ** 0.5
    root += eps
    ahead /= root
    ahead *= lr
    p -= ahead


class NAdam(Optimizer):
    """NAdam. Arguments as in `torch.optim.NAdam`; `foreach` and `capturable` change nothing here.

    Raises BadValue for options that are negative or not finite, and for betas outside 0 ≤ β < 1.
    """

    allowed = {"lr": at_least_zero, "betas": decay_rates, "eps": at_least_zero, "weight_decay": at_least_zero,
               "momentum_decay": at_least_zero}
    rule_options = ("lr", "betas", "eps", "weight_decay", "momentum_decay", "decoupled_weight_decay", "maximize")

    def __init__(self, params, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, momentum_decay=4e-3,
                 decoupled_weight_decay=False, *, foreach=None, maximize=False, capturable=False, differentiable=False):
        super().__init__(params, dict(
            lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, momentum_decay=momentum_decay,
            decoupled_weight_decay=decoupled_weight_decay, maximize=maximize, foreach=foreach, capturable=capturable,
            differentiable=differentiable))

    def update(self, p, g, state, group):
        step = count_step(state)
        mu_product = remembered_number(state, "mu_product", 1)
        m, v = remembered(state, "exp_avg", p), remembered(state, "exp_avg_sq", p)
        nadam(p, g, m, v, mu_product, step=step, **self.options(group))
