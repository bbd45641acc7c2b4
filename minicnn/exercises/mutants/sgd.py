"""Classic mistakes in stochastic gradient descent. An update moves p, and the momentum's buffer, in place."""

import numpy as np

from ...optim import sgd as module
from ...optim.sgd import SGD, sgd
from .registry import mutants_of

mutant = mutants_of("SGD", module)


@mutant("sgd", "Go against the gradient: θ - γ·g. You went uphill.")
def uphill(p, g, buffer=None, *, lr, **options):
    sgd(p, g, buffer, lr=-lr, **options)


@mutant("sgd", "maximize turns the gradient around; you ignored it.")
def maximize_ignored(p, g, buffer=None, *, maximize, **options):
    sgd(p, g, buffer, maximize=False, **options)


@mutant("sgd", "maximize turns the gradient around, not the weight decay: that still pulls towards 0.")
def weight_decay_maximized(p, g, buffer=None, *, maximize, weight_decay, **options):
    sgd(p, g, buffer, maximize=maximize, weight_decay=-weight_decay if maximize else weight_decay, **options)


@mutant("sgd", "Weight decay belongs to the gradient, and so to the momentum; you shrank the weights beside it.")
def weight_decay_beside_the_momentum(p, g, buffer=None, *, lr, weight_decay, **options):
    p *= 1 - lr * weight_decay
    sgd(p, g, buffer, lr=lr, weight_decay=0, **options)


@mutant("sgd", "b ← μ·b + g; you averaged, μ·b + (1 - μ)·g, which is another learning rate.")
def momentum_averaged(p, g, buffer=None, *, momentum, dampening, **options):
    sgd(p, g, buffer, momentum=momentum, dampening=1 - (1 - dampening) * (1 - momentum), **options)


@mutant("sgd", "The buffer must be kept from step to step; you started it anew.")
def momentum_not_kept(p, g, buffer=None, **options):
    sgd(p, g, None if buffer is None else np.zeros_like(buffer), **options)


@mutant("sgd", "Nesterov's step is g + μ·b; you took b, as without it.")
def nesterov_ignored(p, g, buffer=None, *, nesterov, **options):
    sgd(p, g, buffer, nesterov=False, **options)


@mutant("sgd", "Nesterov looks ahead from the new b, in which g already is; you took the b of the step before.")
def nesterov_with_the_old_buffer(p, g, buffer=None, *, lr, momentum, nesterov, **options):
    old = np.copy(buffer)
    sgd(p, g, buffer, lr=lr, momentum=momentum, nesterov=nesterov, **options)
    if nesterov:
        p += lr * momentum * (buffer - old)


@mutant("update", "At the first step the buffer is the gradient itself: dampening starts with the second.", SGD)
def dampened_at_the_first_step(self, p, g, state, group):
    buffer = module.remembered(state, "momentum_buffer", p) if group["momentum"] else None
    sgd(p, g, buffer, **self.options(group))
