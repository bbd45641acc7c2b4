"""The optimizers and learning-rate schedules that a training can be asked for by name."""

from ..errors import BadValue
from ..models.transfer import layerwise_lr
from ..optim import RMSprop, SGD, Adam, AdamW, NAdam, RAdam
from ..optim.lr_scheduler import (CosineAnnealingLR, ExponentialLR, LinearLR, OneCycleLR, PolynomialLR, ReduceLROnPlateau, SequentialLR,
                                  StepLR)


def sgd(parameters, lr, weight_decay):
    """Gradient descent with Nesterov's momentum of 0.9."""
    return SGD(parameters, lr=lr, momentum=0.9, nesterov=True, weight_decay=weight_decay)


def rmsprop(parameters, lr, weight_decay):
    return RMSprop(parameters, lr=lr, momentum=0.9, weight_decay=weight_decay)


def with_defaults(optimizer):
    return lambda parameters, lr, weight_decay: optimizer(parameters, lr=lr, weight_decay=weight_decay)


# name: (how to make it, the learning rate when none is given)
OPTIMIZERS = {
    "sgd": (sgd, 0.1),
    "adam": (with_defaults(Adam), 0.003),
    "adamw": (with_defaults(AdamW), 0.003),
    "nadam": (with_defaults(NAdam), 0.003),
    "radam": (with_defaults(RAdam), 0.003),
    "rmsprop": (rmsprop, 0.001),
}

WARM_UP = 0.05                  # share of the steps


def warm_up_cosine(optimizer, lr, steps):
    """From a hundredth of the rate up to it, in a straight line; then down along a cosine."""
    up = max(1, round(WARM_UP * steps))
    parts = [LinearLR(optimizer, 0.01, total_iters=up), CosineAnnealingLR(optimizer, T_max=max(1, steps - up))]
    return SequentialLR(optimizer, parts, [up])


# name: how to make one that is stepped `steps` times in all, once after every step of the optimizer; "plateau" is told the validation
# loss after every epoch, and lowers the rate to a fifth when that has not fallen for more than two
SCHEDULERS = {
    "one-cycle": lambda optimizer, lr, steps: OneCycleLR(optimizer, [group["lr"] for group in optimizer.param_groups],
                                                         total_steps=max(steps, 2) + 1),
    "cosine": lambda optimizer, lr, steps: CosineAnnealingLR(optimizer, T_max=steps),
    "warmup-cosine": warm_up_cosine,
    "linear": lambda optimizer, lr, steps: PolynomialLR(optimizer, total_iters=steps),
    "exponential": lambda optimizer, lr, steps: ExponentialLR(optimizer, 0.01 ** (1 / steps)),     # to a hundredth at the end
    "step": lambda optimizer, lr, steps: StepLR(optimizer, step_size=-(-steps // 3)),
    "plateau": lambda optimizer, lr, steps: ReduceLROnPlateau(optimizer, factor=0.2, patience=2),
    "constant": lambda optimizer, lr, steps: None,
}


def groups_for(model, lr, weight_decay, decay_biases=True, layer_decay=None):
    """Groups for an optimizer, of the parameters that are trained: by layer with other rates, and biases apart, where this is asked for."""
    if layer_decay is None:
        return [p for p in model.parameters() if p.requires_grad] if decay_biases else parameter_groups(model, weight_decay)
    groups = layerwise_lr(model, lr, layer_decay)
    if decay_biases:
        return groups
    parts = [{**part, "lr": group["lr"]} for group in groups for part in with_biases_apart(group["params"], weight_decay)]
    return [part for part in parts if part["params"]]


def parameter_groups(model, weight_decay):
    """Two groups for an optimizer: matrices and kernels with this weight decay; biases and the weights of norm layers without.

    Those have one dimension: they scale and move whole channels, and to shrink them restrains what the network can compute, not how
    large its weights are (He et al., "Bag of tricks for image classification", CVPR 2019, section 3.1).
    """
    return with_biases_apart([p for p in model.parameters() if p.requires_grad], weight_decay)


def with_biases_apart(parameters, weight_decay):
    return [{"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
            {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0}]


def make_optimizer(name, parameters, lr, weight_decay):
    return known("optimizer", name, OPTIMIZERS)[0](parameters, lr, weight_decay)


def make_scheduler(name, optimizer, lr, steps):
    """A schedule for so many steps of the optimizer, or None for a constant rate."""
    return known("scheduler", name, SCHEDULERS)(optimizer, lr, steps)


def known(what, name, table):
    """The entry of a table; BadValue that lists the names for one that is not there."""
    if not isinstance(name, str) or name not in table:
        raise BadValue(f"unknown {what} {name!r}; there are {', '.join(table)}")
    return table[name]
