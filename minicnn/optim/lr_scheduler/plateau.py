"""A schedule that looks at the training: lower the rate when a metric has stopped getting better."""

import math

from ...errors import BadValue
from ..hyperparameters import at_least_zero, finite
from .base import LRScheduler, check_optimizer, of_groups, per_group, put, warn_of_epoch


class ReduceLROnPlateau(LRScheduler):
    """Multiplies the rates by `factor` when a metric has not improved for more than `patience` epochs.

    mode            "min" for a metric to be lowered, "max" for one to be raised
    threshold       what counts as better: by this fraction of the best value (threshold_mode "rel") or this much ("abs")
    cooldown        epochs after a reduction in which bad ones are not counted
    min_lr          no rate goes below it; one number, or a list with one for each group
    eps             a change of a rate smaller than this is not made
    """

    def __init__(self, optimizer, mode="min", factor=0.1, patience=10, threshold=1e-4, threshold_mode="rel", cooldown=0,
                 min_lr=0, eps=1e-8):
        check_optimizer(optimizer)
        if at_least_zero("factor", factor) >= 1:
            raise BadValue(f"factor must be below 1, got {factor}: the rate is to go down")
        for name, value in (("patience", patience), ("cooldown", cooldown), ("eps", eps)):
            at_least_zero(name, value)
        finite("threshold", threshold)
        _check_choice("mode", mode, ("min", "max"))
        _check_choice("threshold_mode", threshold_mode, ("rel", "abs"))
        self.optimizer, self.factor, self.patience, self.cooldown, self.eps = optimizer, factor, patience, cooldown, eps
        self.mode, self.threshold, self.threshold_mode = mode, threshold, threshold_mode
        self._set_lowest(min_lr)
        self.last_epoch = 0
        self._last_lr = of_groups(optimizer, "lr")
        self._reset()

    def _set_lowest(self, min_lr):
        self.min_lrs = per_group("min_lr", self.optimizer, min_lr)
        self.default_min_lr = None if isinstance(min_lr, (list, tuple)) else min_lr

    def _reset(self):
        """Forget the best value and start to count anew."""
        self.mode_worse = math.inf if self.mode == "min" else -math.inf
        self.best = self.mode_worse
        self.cooldown_counter = self.num_bad_epochs = 0

    @property
    def in_cooldown(self):
        return self.cooldown_counter > 0

    def step(self, metrics, epoch=None):
        """Take in an epoch's metric, a number or a one-element tensor."""
        if epoch is not None:
            warn_of_epoch()
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        self._count(float(metrics))
        if self.num_bad_epochs > self.patience:
            self._reduce_lr()
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
        self._last_lr = of_groups(self.optimizer, "lr")

    def _count(self, metric):
        if self._is_better(metric, self.best):
            self.best, self.num_bad_epochs = metric, 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0

    def _is_better(self, a, best):
        sign = 1 if self.mode == "max" else -1
        enough = best * (1.0 + sign * self.threshold) if self.threshold_mode == "rel" else best + sign * self.threshold
        return sign * a > sign * enough

    def _reduce_lr(self):
        groups = self.optimizer.param_groups
        if len(groups) != len(self.min_lrs):
            if self.default_min_lr is None:
                raise BadValue(f"the optimizer now has {len(groups)} parameter groups, but min_lr has {len(self.min_lrs)} "
                               "values; give this schedule's min_lrs one value for each group")
            self.min_lrs = [self.default_min_lr] * len(groups)
        for group, lowest in zip(groups, self.min_lrs):
            old = float(group["lr"])
            new = max(old * self.factor, lowest)
            if old - new > self.eps:
                put(group, "lr", new)


def _check_choice(name, value, choices):
    if value not in choices:
        raise BadValue(f"{name} must be one of {', '.join(choices)}, got {value!r}")
