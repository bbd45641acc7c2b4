"""Classic mistakes in RMSprop, Adagrad and Adadelta. An update moves p and what it remembers in place."""

import numpy as np

from ...optim import adadelta as adadelta_module
from ...optim import adagrad as adagrad_module
from ...optim import rmsprop as rmsprop_module
from ...optim.adadelta import adadelta
from ...optim.adagrad import adagrad
from ...optim.moments import average_square, descent_gradient
from ...optim.rmsprop import rmsprop
from .registry import mutants_of

mutant_rmsprop = mutants_of("RMSprop", rmsprop_module)
mutant_adagrad = mutants_of("Adagrad", adagrad_module)
mutant_adadelta = mutants_of("Adadelta", adadelta_module)

# RMSprop: s is the mean square ---------------------------------------------------------------------------------------------


@mutant_rmsprop("rmsprop", "eps stands beside the root: √s + eps, not √(s + eps).")
def rmsprop_eps_inside(p, g, s, buffer=None, mean=None, *, lr, alpha, eps, weight_decay, momentum, maximize):
    g = descent_gradient(p, g, weight_decay, maximize)
    average_square(s, g, alpha, np.empty_like(p))
    step = g / np.sqrt(s + eps)
    if buffer is not None:
        step = np.add(buffer * momentum, step, out=buffer)
    p -= lr * step


@mutant_rmsprop("rmsprop", "alpha weighs what was, 1 - alpha the new square; you exchanged them.")
def alpha_exchanged(p, g, s, buffer=None, mean=None, *, alpha, **options):
    rmsprop(p, g, s, buffer, mean, alpha=1 - alpha, **options)


@mutant_rmsprop("rmsprop", "Centered means √(s - ḡ²): the squared mean is subtracted. You left it out.")
def centered_ignored(p, g, s, buffer=None, mean=None, **options):
    rmsprop(p, g, s, buffer, None, **options)


@mutant_rmsprop("rmsprop", "The mean ḡ is a running one, and is kept from step to step; you started it anew.")
def mean_not_kept(p, g, s, buffer=None, mean=None, **options):
    rmsprop(p, g, s, buffer, None if mean is None else np.zeros_like(mean), **options)


@mutant_rmsprop("rmsprop", "The momentum collects g / √s; you ignored it.")
def rmsprop_momentum_ignored(p, g, s, buffer=None, mean=None, **options):
    rmsprop(p, g, s, None, mean, **options)


@mutant_rmsprop("rmsprop", "The weight decay is part of the gradient, before it is squared; you shrank the weights beside it.")
def rmsprop_decay_decoupled(p, g, s, buffer=None, mean=None, *, lr, weight_decay, **options):
    p *= 1 - lr * weight_decay
    rmsprop(p, g, s, buffer, mean, lr=lr, weight_decay=0, **options)

# Adagrad: total is the sum of all squares --------------------------------------------------------------------------------


def adagrad_with(divisor, p, g, total, *, step, lr, lr_decay, weight_decay, eps, maximize):
    """Adagrad, but for what g is divided by: a function of the sum so far, which it also moves on, and of g²."""
    g = descent_gradient(p, g, weight_decay, maximize)
    p -= lr / (1 + (step - 1) * lr_decay) * g / (divisor(total, g * g) + eps)


@mutant_adagrad("adagrad", "Adagrad adds up all squares; you averaged them, as RMSprop does.")
def squares_averaged(p, g, total, *, step, **options):
    adagrad_with(lambda s, square: np.sqrt(np.add(s, (square - s) / step, out=s)), p, g, total, step=step, **options)


@mutant_adagrad("adagrad", "Divide by the root of the sum; you divided by the sum.")
def adagrad_root_forgotten(p, g, total, **options):
    adagrad_with(lambda s, square: np.add(s, square, out=s), p, g, total, **options)


@mutant_adagrad("adagrad", "The sum includes the present square; you divided by that of the step before, which is 0 at first.")
def sum_one_step_behind(p, g, total, **options):
    before = np.sqrt(total)
    adagrad_with(lambda s, square: before + 0 * np.add(s, square, out=s), p, g, total, **options)


@mutant_adagrad("adagrad", "The first step has the full rate: the divisor is 1 + (t - 1)·η, and you were one step ahead.")
def decay_one_step_ahead(p, g, total, *, step, **options):
    adagrad(p, g, total, step=step + 1, **options)


@mutant_adagrad("adagrad", "lr_decay lets the rate fall; you ignored it.")
def lr_decay_ignored(p, g, total, *, lr_decay, **options):
    adagrad(p, g, total, lr_decay=0, **options)


@mutant_adagrad("adagrad", "maximize turns the gradient around; you ignored it.")
def adagrad_maximize_ignored(p, g, total, *, maximize, **options):
    adagrad(p, g, total, maximize=False, **options)


# Adadelta: s is the mean square of the gradients, u of the steps ---------------------------------------------------------


def adadelta_with(step_of, p, g, s, u, *, lr, rho, eps, weight_decay, maximize):
    """Adadelta, but with another step Δ: a function of g, s, u and eps, once s is up to date."""
    g = descent_gradient(p, g, weight_decay, maximize)
    average_square(s, g, rho, np.empty_like(p))
    step = step_of(g, s, u, eps)
    average_square(u, step, rho, np.empty_like(p))
    p -= lr * step


@mutant_adadelta("adadelta", "First average g² into s, then divide by its root; you divided by that of the step before.")
def gradient_averaged_too_late(p, g, s, u, **options):
    before = s.copy()
    adadelta_with(lambda g, s, u, eps: np.sqrt(u + eps) / np.sqrt(before + eps) * g, p, g, s, u, **options)


@mutant_adadelta("adadelta", "eps stands inside both roots, √(u + eps): outside, the first steps would be next to nothing.")
def adadelta_eps_outside(p, g, s, u, **options):
    adadelta_with(lambda g, s, u, eps: (np.sqrt(u) + eps) / (np.sqrt(s) + eps) * g, p, g, s, u, **options)


@mutant_adadelta("adadelta", "The root of u goes on top, that of s below; you exchanged them.")
def roots_exchanged(p, g, s, u, **options):
    adadelta_with(lambda g, s, u, eps: np.sqrt(s + eps) / np.sqrt(u + eps) * g, p, g, s, u, **options)


@mutant_adadelta("adadelta", "The step is in units of the weights only with √(u + eps) on top; you left it out, as in RMSprop.")
def numerator_forgotten(p, g, s, u, **options):
    adadelta_with(lambda g, s, u, eps: g / np.sqrt(s + eps), p, g, s, u, **options)


@mutant_adadelta("adadelta", "u averages the steps Δ; you averaged lr·Δ.")
def learning_rate_in_the_average(p, g, s, u, *, lr, **options):
    kept, before = u.copy(), p.copy()
    adadelta(p, g, s, u, lr=lr, **options)
    u[...] = options["rho"] * kept + (1 - options["rho"]) * (p - before) ** 2


@mutant_adadelta("adadelta", "rho weighs what was, 1 - rho the new square; you exchanged them.")
def rho_exchanged(p, g, s, u, *, rho, **options):
    adadelta(p, g, s, u, rho=1 - rho, **options)
