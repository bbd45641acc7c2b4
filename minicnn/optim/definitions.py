"""Every optimizer as its paper writes it: one parameter, one plain number. What the fast updates are checked against.

Each takes the first position p and the gradient's function (p, t) -> slope at p in step t = 1, 2, ..., and yields the position
after every step:

    >>> from itertools import islice
    >>> [round(p, 4) for p in islice(sgd(1.0, lambda p, t: 2 * p, lr=0.1), 3)]
    [0.8, 0.64, 0.512]
"""

from itertools import count
from math import sqrt


def _slope(gradient, p, t, weight_decay, maximize):
    """∇f + λ·p, the slope of f + λ/2·p²; with maximize, of -f + λ/2·p²."""
    g = gradient(p, t)
    return (-g if maximize else g) + weight_decay * p


def sgd(p, gradient, *, lr=1e-3, momentum=0, dampening=0, weight_decay=0, nesterov=False, maximize=False):
    """Momentum as Sutskever et al. 2013 describe it, with lr applied to the whole step."""
    b = 0.0
    for t in count(1):
        g = _slope(gradient, p, t, weight_decay, maximize)
        b = g if t == 1 else momentum * b + (1 - dampening) * g
        p -= lr * (g + momentum * b if nesterov else b)
        yield p


def adam(p, gradient, *, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, amsgrad=False, maximize=False,
         decoupled_weight_decay=False):
    """Kingma & Ba 2015, algorithm 1; AMSGrad: Reddi et al. 2018; decoupled: Loshchilov & Hutter 2019."""
    (beta1, beta2), m, v, v_max = betas, 0.0, 0.0, 0.0
    for t in count(1):
        g = _slope(gradient, p, t, 0 if decoupled_weight_decay else weight_decay, maximize)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g * g
        v_max = max(v_max, v)
        m_hat = m / (1 - beta1**t)
        v_hat = (v_max if amsgrad else v) / (1 - beta2**t)
        decay = lr * weight_decay * p if decoupled_weight_decay else 0
        p -= decay + lr * m_hat / (sqrt(v_hat) + eps)
        yield p


def adamw(p, gradient, *, weight_decay=1e-2, **options):
    """Adam with decoupled weight decay."""
    return adam(p, gradient, weight_decay=weight_decay, decoupled_weight_decay=True, **options)


def nadam(p, gradient, *, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, momentum_decay=4e-3, maximize=False,
          decoupled_weight_decay=False):
    """Dozat 2016, algorithm 2, with the paper's schedule for the momentum."""
    (beta1, beta2), m, v, product = betas, 0.0, 0.0, 1.0
    for t in count(1):
        g = _slope(gradient, p, t, 0 if decoupled_weight_decay else weight_decay, maximize)
        mu, mu_next = (beta1 * (1 - 0.96 ** (step * momentum_decay) / 2) for step in (t, t + 1))
        product *= mu
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g * g
        m_hat = mu_next * m / (1 - product * mu_next) + (1 - mu) * g / (1 - product)
        v_hat = v / (1 - beta2**t)
        decay = lr * weight_decay * p if decoupled_weight_decay else 0
        p -= decay + lr * m_hat / (sqrt(v_hat) + eps)
        yield p


def radam(p, gradient, *, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, maximize=False, decoupled_weight_decay=False):
    """Liu et al. 2020, algorithm 2; rectified from a length of 5 on, as PyTorch does, and with eps beside √v."""
    (beta1, beta2), m, v = betas, 0.0, 0.0
    longest = 2 / (1 - beta2) - 1
    for t in count(1):
        g = _slope(gradient, p, t, 0 if decoupled_weight_decay else weight_decay, maximize)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g * g
        step = m / (1 - beta1**t)
        length = longest - 2 * t * beta2**t / (1 - beta2**t)
        if length > 5:
            r = sqrt((length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length))
            step *= r * sqrt(1 - beta2**t) / (sqrt(v) + eps)
        p -= lr * step + (lr * weight_decay * p if decoupled_weight_decay else 0)
        yield p


def rmsprop(p, gradient, *, lr=1e-2, alpha=0.99, eps=1e-8, weight_decay=0, momentum=0, centered=False, maximize=False):
    """Tieleman & Hinton 2012, lecture 6.5; centered as in Graves 2013, with eps outside the root."""
    s = mean = b = 0.0
    for t in count(1):
        g = _slope(gradient, p, t, weight_decay, maximize)
        s = alpha * s + (1 - alpha) * g * g
        mean = alpha * mean + (1 - alpha) * g
        b = momentum * b + g / (sqrt(s - mean * mean if centered else s) + eps)
        p -= lr * b
        yield p


def adagrad(p, gradient, *, lr=1e-2, lr_decay=0, weight_decay=0, initial_accumulator_value=0, eps=1e-10, maximize=False):
    """Duchi et al. 2011."""
    s = initial_accumulator_value
    for t in count(1):
        g = _slope(gradient, p, t, weight_decay, maximize)
        s += g * g
        p -= lr / (1 + (t - 1) * lr_decay) * g / (sqrt(s) + eps)
        yield p


def adadelta(p, gradient, *, lr=1.0, rho=0.9, eps=1e-6, weight_decay=0, maximize=False):
    """Zeiler 2012, algorithm 1."""
    s = u = 0.0
    for t in count(1):
        g = _slope(gradient, p, t, weight_decay, maximize)
        s = rho * s + (1 - rho) * g * g
        step = sqrt(u + eps) / sqrt(s + eps) * g
        u = rho * u + (1 - rho) * step * step
        p -= lr * step
        yield p


def adamax(p, gradient, *, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, maximize=False):
    """Kingma & Ba 2015, algorithm 2; eps keeps the divisor above 0."""
    (beta1, beta2), m, u = betas, 0.0, 0.0
    for t in count(1):
        g = _slope(gradient, p, t, weight_decay, maximize)
        m = beta1 * m + (1 - beta1) * g
        u = max(beta2 * u, abs(g) + eps)
        p -= lr / (1 - beta1**t) * m / u
        yield p
