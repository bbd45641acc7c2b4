"""Classic mistakes in Adam, AdamW and Adamax. An update moves p and the running means m and v in place; steps count from 1."""

import numpy as np

from ...optim import adam as module
from ...optim import adamax as adamax_module
from ...optim.adam import adam
from ...optim.adamax import adamax
from ...optim.moments import average, average_square, descent_gradient
from .registry import mutants_of

mutant = mutants_of("Adam", module)
mutant_adamw = mutants_of("AdamW", module)
mutant_adamax = mutants_of("Adamax", adamax_module)

# Adam --------------------------------------------------------------------------------------------------------------------


@mutant("adam", "m and v start at 0 and are too small at first: divide them by 1 - βᵗ.")
def bias_not_corrected(p, g, m, v, v_max=None, *, step, **options):
    adam(p, g, m, v, v_max, step=np.inf, **options)


@mutant("adam", "Steps count from 1: β is raised to t, and you were one ahead.")
def bias_correction_one_step_ahead(p, g, m, v, v_max=None, *, step, **options):
    adam(p, g, m, v, v_max, step=step + 1, **options)


@mutant("adam", "v has a bias towards 0 as m has; you corrected m alone.")
def only_m_corrected(p, g, m, v, v_max=None, *, step, lr, betas, **options):
    adam(p, g, m, v, v_max, step=np.inf, lr=lr / (1 - betas[0] ** step), betas=betas, **options)


@mutant("adam", "β₁ belongs to the mean, β₂ to the mean square; you exchanged them.")
def betas_exchanged(p, g, m, v, v_max=None, *, betas, **options):
    adam(p, g, m, v, v_max, betas=betas[::-1], **options)


def adam_with(divisor, p, g, m, v, v_max, *, step, lr, betas, eps, weight_decay, maximize, decoupled_weight_decay):
    """Adam, but for what m̂ is divided by: a function of the corrected v̂ and eps."""
    p *= 1 - lr * weight_decay * decoupled_weight_decay
    g = descent_gradient(p, g, 0 if decoupled_weight_decay else weight_decay, maximize)
    average(m, g, betas[0], np.empty_like(p))
    average_square(v, g, betas[1], np.empty_like(p))
    v_hat = (v if v_max is None else np.maximum(v, v_max, out=v_max)) / (1 - betas[1] ** step)
    p -= lr * m / (1 - betas[0] ** step) / divisor(v_hat, eps)


@mutant("adam", "eps stands beside the root: √v̂ + eps, not √(v̂ + eps).")
def eps_inside_the_root(p, g, m, v, v_max=None, **options):
    adam_with(lambda v_hat, eps: np.sqrt(v_hat + eps), p, g, m, v, v_max, **options)


@mutant("adam", "Divide by the root of v̂; you divided by v̂.")
def root_forgotten(p, g, m, v, v_max=None, **options):
    adam_with(lambda v_hat, eps: v_hat + eps, p, g, m, v, v_max, **options)


@mutant("adam", "eps is added after the bias correction: √v̂ + eps; added to √v it is corrected too, and far larger at first.")
def eps_corrected_too(p, g, m, v, v_max=None, *, step, betas, eps, **options):
    adam(p, g, m, v, v_max, step=step, betas=betas, eps=eps / (1 - betas[1] ** step) ** 0.5, **options)


@mutant("adam", "AMSGrad keeps the largest mean square v; you kept the largest single g².")
def amsgrad_of_the_square(p, g, m, v, v_max=None, **options):
    if v_max is not None:
        np.maximum(v_max, g * g, out=v_max)
    adam(p, g, m, v, v_max, **options)


@mutant("adam", "AMSGrad divides by the largest v so far; you ignored it.")
def amsgrad_ignored(p, g, m, v, v_max=None, **options):
    adam(p, g, m, v, **options)


@mutant("adam", "AMSGrad takes the largest v and corrects it afterwards; you took the largest of the corrected v̂.")
def amsgrad_of_the_corrected(p, g, m, v, v_max=None, *, step, betas, **options):
    correction = 1 - betas[1] ** step
    if v_max is not None:
        v_max *= correction
    adam(p, g, m, v, v_max, step=step, betas=betas, **options)
    if v_max is not None:
        v_max /= correction


@mutant("adam", "maximize turns the gradient around; you ignored it.")
def adam_maximize_ignored(p, g, m, v, v_max=None, *, maximize, **options):
    adam(p, g, m, v, v_max, maximize=False, **options)


@mutant("adam", "Adam's weight decay is part of the gradient, and goes through m and v; you decoupled it, as AdamW does.")
def decoupled_in_adam(p, g, m, v, v_max=None, *, decoupled_weight_decay, **options):
    adam(p, g, m, v, v_max, decoupled_weight_decay=True, **options)

# AdamW: the same function, with decoupled_weight_decay -------------------------------------------------------------------


@mutant_adamw("adam", "AdamW's weight decay must not go through m and v, where the steepest weights would decay least.")
def coupled_in_adamw(p, g, m, v, v_max=None, *, decoupled_weight_decay, **options):
    adam(p, g, m, v, v_max, decoupled_weight_decay=False, **options)


@mutant_adamw("adam", "The weights shrink by γ·λ, with the learning rate; you shrank them by λ.")
def decay_without_learning_rate(p, g, m, v, v_max=None, *, lr, weight_decay, decoupled_weight_decay, **options):
    p *= 1 - weight_decay * decoupled_weight_decay
    weight_decay = 0 if decoupled_weight_decay else weight_decay
    adam(p, g, m, v, v_max, lr=lr, weight_decay=weight_decay, decoupled_weight_decay=decoupled_weight_decay, **options)


@mutant_adamw("adam", "The decay is taken from θ as it was before the step; you shrank it afterwards.")
def decay_after_the_step(p, g, m, v, v_max=None, *, lr, weight_decay, decoupled_weight_decay, **options):
    coupled = 0 if decoupled_weight_decay else weight_decay
    adam(p, g, m, v, v_max, lr=lr, weight_decay=coupled, decoupled_weight_decay=False, **options)
    p *= 1 - lr * (weight_decay - coupled)


@mutant_adamw("adam", "Weight decay comes in once: beside the gradient or in it. You did both.")
def decay_twice(p, g, m, v, v_max=None, *, lr, weight_decay, decoupled_weight_decay, **options):
    p *= 1 - lr * weight_decay * decoupled_weight_decay
    adam(p, g, m, v, v_max, lr=lr, weight_decay=weight_decay, decoupled_weight_decay=False, **options)


@mutant_adamw("adam", "The weights shrink: θ - γ·λ·θ. Yours grow.")
def decay_grows(p, g, m, v, v_max=None, *, weight_decay, decoupled_weight_decay, **options):
    weight_decay = -weight_decay if decoupled_weight_decay else weight_decay
    adam(p, g, m, v, v_max, weight_decay=weight_decay, decoupled_weight_decay=decoupled_weight_decay, **options)

# Adamax ------------------------------------------------------------------------------------------------------------------


@mutant_adamax("adamax", "m starts at 0: divide it by 1 - β₁ᵗ.")
def adamax_bias_not_corrected(p, g, m, u, *, step, **options):
    adamax(p, g, m, u, step=np.inf, **options)


@mutant_adamax("adamax", "u decays by β₂ before the largest is taken; yours remembers the largest gradient for ever.")
def largest_for_ever(p, g, m, u, *, betas, **options):
    adamax(p, g, m, u, betas=(betas[0], 1.0), **options)


@mutant_adamax("adamax", "u is a maximum and has no bias towards 0; you corrected it like Adam's v.")
def maximum_corrected(p, g, m, u, *, step, lr, betas, **options):
    adamax(p, g, m, u, step=step, lr=lr * (1 - betas[1] ** step), betas=betas, **options)


@mutant_adamax("adamax", "u holds the largest size |g|; you took the gradient with its sign.")
def sign_kept_in_the_maximum(p, g, m, u, *, step, lr, betas, eps, weight_decay, maximize):
    g = descent_gradient(p, g, weight_decay, maximize)
    average(m, g, betas[0], np.empty_like(p))
    np.maximum(u * betas[1], g + eps, out=u)
    p -= lr / (1 - betas[0] ** step) * m / u


@mutant_adamax("adamax", "maximize turns the gradient around; you ignored it.")
def adamax_maximize_ignored(p, g, m, u, *, maximize, **options):
    adamax(p, g, m, u, maximize=False, **options)
