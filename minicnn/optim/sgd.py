"""Stochastic gradient descent, with momentum in the two classic forms."""

import numpy as np

from ..errors import BadValue
from .hyperparameters import at_least_zero, finite
from .moments import descent_gradient, remembered
from .optimizer import Optimizer


def sgd(p, g, buffer=None, *, lr, momentum, dampening, weight_decay, nesterov, maximize):
    """One step, in place on p and buffer (None without momentum):

        g ← ∇f(θ) + λ·θ                 weight decay; −∇f(θ) when maximizing
        b ← μ·b + (1 − τ)·g             momentum μ, dampening τ (none at the first step, where b is 0)
        θ ← θ − γ·b                     classic, or
        θ ← θ − γ·(g + μ·b)             Nesterov's: the gradient as seen from one momentum step ahead

    Sutskever, Martens, Dahl & Hinton, "On the importance of initialization and momentum in deep learning", ICML 2013,
    with γ applied to the whole of b, as PyTorch does.
    """
    scratch = np.empty_like(p)
    g = descent_gradient(p, g, weight_decay, maximize)
    if buffer is not None:
        buffer *= momentum
        buffer += np.multiply(g, 1 - dampening, out=scratch)
        g = np.add(g, np.multiply(buffer, momentum, out=scratch), out=scratch) if nesterov else buffer
    p -= np.multiply(g, lr, out=scratch)


class SGD(Optimizer):
    """Stochastic gradient descent. Arguments as in `torch.optim.SGD`; `foreach` and `fused` change nothing here.

    Raises BadValue for options that are negative or not finite, and for `nesterov` without momentum or with dampening.
    """

    allowed = {"lr": at_least_zero, "momentum": at_least_zero, "dampening": finite, "weight_decay": at_least_zero}
    rule_options = ("lr", "momentum", "dampening", "weight_decay", "nesterov", "maximize")
    kernel = "sgd_steps"

    def __init__(self, params, lr=1e-3, momentum=0, dampening=0, weight_decay=0, nesterov=False, *, maximize=False,
                 foreach=None, differentiable=False, fused=None):
        super().__init__(params, dict(
            lr=lr, momentum=momentum, dampening=dampening, weight_decay=weight_decay, nesterov=nesterov,
            maximize=maximize, foreach=foreach, differentiable=differentiable, fused=fused))

    def check_options(self, options):
        super().check_options(options)
        if options["nesterov"] and (options["momentum"] <= 0 or options["dampening"] != 0):
            raise BadValue(f"nesterov needs momentum > 0 and dampening = 0; got momentum {options['momentum']} and "
                           f"dampening {options['dampening']}")

    def update(self, p, g, state, group):
        options = self.options(group)
        if options["momentum"] == 0:
            return sgd(p, g, **options)
        if state.get("momentum_buffer") is None:
            options["dampening"] = 0
        sgd(p, g, remembered(state, "momentum_buffer", p), **options)

    def kept(self, group):
        return () if group["momentum"] == 0 else ("momentum_buffer",)

    def numbers(self, step, group):
        o = self.options(group)
        kept = 1 if step == 1 else 1 - o["dampening"]
        return [-1 if o["maximize"] else 1, o["weight_decay"], o["momentum"], kept, o["lr"], o["nesterov"]]
