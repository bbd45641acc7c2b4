"""Configurations of the optimizers: the options that change the algorithm, one by one and together."""

from collections.abc import Callable
from typing import NamedTuple

from ... import optim
from ...optim import definitions
from .case import CASES

STARTS = (-2.0, -0.3, 0.5, 1.7, 40.0)       # one number each; the algorithms move every number by itself
STEPS = 25


def slope(p, t):
    """A gradient with all that can go wrong: both signs, a turn in every fifth step, a jump in every seventh, and fading."""
    return (0.2 * p + (1 - p * p) / (1 + p * p)) * 0.9**t * (-1 if t % 5 == 0 else 1) * (6 if t % 7 == 0 else 1)


class OptimizerCase(NamedTuple):
    """An optimizer and its definition, under the same options."""

    operation: str
    label: str
    optimizer: type
    definition: Callable        # generator of positions
    options: dict
    layer, smooth, edge, laws = None, False, True, ()       # what a Case has besides


def optimizer(name, *options):
    """Configurations of `optim.<name>`: the defaults, and each of the given options."""
    algorithm, definition = getattr(optim, name), getattr(definitions, name.lower())
    for chosen in ({}, *options):
        label = ", ".join(f"{key} {value}" for key, value in chosen.items()) or "defaults"
        CASES.append(OptimizerCase(name, label, algorithm, definition, chosen))


DECAY = {"weight_decay": 0.1, "lr": 0.05}
UPHILL = {"maximize": True, "weight_decay": 0.1, "lr": 0.05}
COARSE = {"eps": 0.1, "lr": 0.05}

optimizer("SGD", {"lr": 0.1}, DECAY, UPHILL, {"lr": 0.1, "momentum": 0.9}, {"lr": 0.1, "momentum": 0.8, "dampening": 0.3},
          {"momentum": 0.9, "nesterov": True, **DECAY}, {"momentum": 0.9, "weight_decay": 0.3, "lr": 0.1})
for name in ("Adam", "AdamW"):
    optimizer(name, DECAY, UPHILL, COARSE, {"betas": (0.6, 0.9), "lr": 0.05}, {"amsgrad": True, "betas": (0.8, 0.7), "lr": 0.05},
              {"amsgrad": True, **UPHILL})
optimizer("NAdam", DECAY, UPHILL, COARSE, {"betas": (0.6, 0.9), "momentum_decay": 0.1}, {"decoupled_weight_decay": True, **DECAY})
optimizer("RAdam", DECAY, UPHILL, COARSE, {"betas": (0.6, 0.9)}, {"betas": (0.9, 0.6)}, {"decoupled_weight_decay": True, **DECAY})
optimizer("RMSprop", DECAY, UPHILL, COARSE, {"alpha": 0.6}, {"momentum": 0.8, **DECAY}, {"centered": True, "alpha": 0.7},
          {"centered": True, "momentum": 0.9})
optimizer("Adagrad", {"lr_decay": 0.2, "lr": 0.1}, DECAY, UPHILL, COARSE, {"initial_accumulator_value": 0.5})
optimizer("Adadelta", {"rho": 0.6}, {"lr": 0.3, "rho": 0.8}, {"eps": 0.01}, DECAY, UPHILL)
optimizer("Adamax", DECAY, UPHILL, COARSE, {"betas": (0.6, 0.7), "lr": 0.05})

