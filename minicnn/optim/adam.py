"""Adam, with AMSGrad, and AdamW: steps measured by running averages of the gradient and of its square."""

import numpy as np

from ..errors import BadValue
from ..tensor import Tensor
from .hyperparameters import at_least_zero, decay_rates
from .moments import average, average_square, count_step, descent_gradient, remembered
from .optimizer import Optimizer


def adam(p, g, m, v, v_max=None, *, step, lr, betas, eps, weight_decay, maximize, decoupled_weight_decay):
    """Step number t = 1, 2, ..., in place on p, m, v (both 0 at first) and v_max (None without AMSGrad):

        g ← ∇f(θ) + λ·θ                 weight decay; −∇f(θ) when maximizing
        θ ← θ − γ·λ·θ                   instead of the above, when weight decay is decoupled (AdamW)
        m ← β₁·m + (1 − β₁)·g           mean of the gradients
        v ← β₂·v + (1 − β₂)·g²          mean of their squares
        v_max ← max(v_max, v)           AMSGrad, which uses v_max in place of v below
        m̂ = m / (1 − β₁ᵗ)               both means start at 0; this
        v̂ = v / (1 − β₂ᵗ)               takes the bias towards 0 away
        θ ← θ − γ·m̂ / (√v̂ + ε)

    Kingma & Ba, "Adam", ICLR 2015, algorithm 1; Reddi, Kale & Kumar, "On the convergence of Adam and beyond", ICLR 2018;
    Loshchilov & Hutter, "Decoupled weight decay regularization", ICLR 2019, algorithm 2.
    """
    beta1, beta2 = betas
    if decoupled_weight_decay:
        p *= 1 - lr * weight_decay
        weight_decay = 0
    g = descent_gradient(p, g, weight_decay, maximize)
    scratch = np.empty_like(p)
    average(m, g, beta1, scratch)
    average_square(v, g, beta2, scratch)
    if v_max is not None:
        v = np.maximum(v_max, v, out=v_max)
    root = np.sqrt(v, out=scratch)
    root /= (1 - beta2**step) ** 0.5
    root += eps
    change = np.divide(m, root, out=scratch)
    change *= lr / (1 - beta1**step)
    p -= change


class Adam(Optimizer):
    """Adam. Arguments as in `torch.optim.Adam`; `foreach`, `fused` and `capturable` change nothing here.

    Raises BadValue for options that are negative or not finite, and for betas that are not two floats, or two
    Tensors, in 0 ≤ β < 1.
    """

    allowed = {"lr": at_least_zero, "betas": decay_rates, "eps": at_least_zero, "weight_decay": at_least_zero}
    rule_options = ("lr", "betas", "eps", "weight_decay", "maximize", "decoupled_weight_decay")
    kernel, counts_steps = "adam_steps", True

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, amsgrad=False, *, foreach=None,
                 maximize=False, capturable=False, differentiable=False, fused=None, decoupled_weight_decay=False):
        super().__init__(params, dict(
            lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, amsgrad=amsgrad, maximize=maximize, foreach=foreach,
            capturable=capturable, differentiable=differentiable, fused=fused,
            decoupled_weight_decay=decoupled_weight_decay))

    def check_options(self, options):
        super().check_options(options)
        betas = options["betas"]
        if not any(all(isinstance(beta, kind) for beta in betas) for kind in (float, Tensor)):
            raise BadValue(f"betas must be two floats or two Tensors, got {betas!r}")
        if options["foreach"] and not options["capturable"] and any(isinstance(x, Tensor) for x in (options["lr"], *betas)):
            raise BadValue("lr or betas as a Tensor cannot go with foreach=True, unless capturable=True")

    def update(self, p, g, state, group):
        step = count_step(state)
        m, v = remembered(state, "exp_avg", p), remembered(state, "exp_avg_sq", p)
        v_max = remembered(state, "max_exp_avg_sq", p) if group["amsgrad"] else None
        adam(p, g, m, v, v_max, step=step, **self.options(group))

    def kept(self, group):
        return ("exp_avg", "exp_avg_sq", *["max_exp_avg_sq"] * bool(group["amsgrad"]))

    def numbers(self, step, group):
        o = self.options(group)
        (beta1, beta2), decay = o["betas"], o["weight_decay"]
        coupled, shrink = (0, 1 - o["lr"] * decay) if o["decoupled_weight_decay"] else (decay, 1)
        return [-1 if o["maximize"] else 1, coupled, shrink, 1 - beta1, beta2, 1 - beta2, (1 - beta2**step) ** 0.5, o["eps"],
                o["lr"] / (1 - beta1**step)]


class AdamW(Adam):
    """Adam with decoupled weight decay. Arguments as in `torch.optim.AdamW`."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2, amsgrad=False, *, maximize=False,
                 foreach=None, capturable=False, differentiable=False, fused=None):
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, foreach=foreach, maximize=maximize,
                         capturable=capturable, differentiable=differentiable, fused=fused, decoupled_weight_decay=True)

    def _loaded_group(self, saved, current):
        return {**super()._loaded_group(saved, current), "decoupled_weight_decay": True}
