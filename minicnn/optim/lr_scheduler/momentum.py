"""Momentum that moves against the rate: high where the rate is low. For SGD's `momentum` and the first of Adam's `betas`."""

from ...errors import BadValue
from .base import per_group


def can_cycle(optimizer):
    """True when it is β₁ that stands for momentum, False when it is `momentum`; refused when there is neither."""
    if "momentum" not in optimizer.defaults and "betas" not in optimizer.defaults:
        raise BadValue(f"cycle_momentum needs an optimizer with momentum or betas; {type(optimizer).__name__} has neither, "
                       "so pass cycle_momentum=False")
    return "betas" in optimizer.defaults


def set_momentum(group, value, use_beta1):
    if use_beta1:
        group["betas"] = (value, *group["betas"][1:])
    else:
        group["momentum"] = value


def start_at_highest(optimizer, base_momentum, max_momentum, use_beta1, fresh):
    """The lists of lowest and highest momenta of the groups; a fresh schedule notes them in the groups and starts high."""
    lowest = per_group("base_momentum", optimizer, base_momentum)
    highest = per_group("max_momentum", optimizer, max_momentum)
    if fresh:
        for group, low, high in zip(optimizer.param_groups, lowest, highest):
            set_momentum(group, high, use_beta1)
            group["base_momentum"], group["max_momentum"] = low, high
    return lowest, highest
