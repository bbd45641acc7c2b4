"""Schedules that multiply every group's rate by the same factor: in steps, at milestones, exponentially, linearly, ..."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable

from ...errors import BadType, BadValue
from ..hyperparameters import above_zero, at_least_zero, finite, zero_to_one
from .base import LRScheduler


class FactorLR(LRScheduler):
    """A schedule by factors: `change()` from the last epoch's rate to this one's, `total()` from the initial rate."""

    def get_lr(self):
        factor = self.change()
        return [group["lr"] * factor for group in self.optimizer.param_groups]

    def _get_closed_form_lr(self):
        factor = self.total()
        return [initial * factor for initial in self.base_lrs]


class StepLR(FactorLR):
    """Multiplies the rate by `gamma` every `step_size` epochs."""

    def __init__(self, optimizer, step_size, gamma=0.1, last_epoch=-1):
        above_zero("step_size", step_size)
        finite("gamma", gamma)
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, last_epoch)

    def change(self):
        return self.gamma if self.last_epoch != 0 and self.last_epoch % self.step_size == 0 else 1.0

    def total(self):
        return self.gamma ** (self.last_epoch // self.step_size)


class MultiStepLR(FactorLR):
    """Multiplies the rate by `gamma` at each of the epochs in `milestones` (twice at one that is there twice)."""

    def __init__(self, optimizer, milestones, gamma=0.1, last_epoch=-1):
        finite("gamma", gamma)
        if not isinstance(milestones, Iterable):
            raise BadType(f"milestones must be a list of epochs, got {type(milestones).__name__} {milestones!r}")
        self.milestones, self.gamma = Counter(milestones), gamma
        super().__init__(optimizer, last_epoch)

    def change(self):
        return self.gamma ** self.milestones.get(self.last_epoch, 0)

    def total(self):
        return self.gamma ** bisect_right(sorted(self.milestones.elements()), self.last_epoch)


class ExponentialLR(FactorLR):
    """Multiplies the rate by `gamma` every epoch."""

    def __init__(self, optimizer, gamma, last_epoch=-1):
        finite("gamma", gamma)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def change(self):
        return 1.0 if self._is_initial else self.gamma

    def total(self):
        return self.gamma**self.last_epoch


class ConstantLR(FactorLR):
    """Multiplies the rate by `factor` until epoch `total_iters`, when it goes back."""

    def __init__(self, optimizer, factor=1.0 / 3, total_iters=5, last_epoch=-1):
        zero_to_one("factor", factor)
        finite("total_iters", total_iters)
        self.factor, self.total_iters = factor, total_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        back_from_zero = self.factor == 0 and self.last_epoch == self.total_iters != 0
        return self._get_closed_form_lr() if back_from_zero else super().get_lr()

    def change(self):
        if self.last_epoch == 0:
            return self.factor
        return 1.0 / self.factor if self.last_epoch == self.total_iters else 1.0

    def total(self):
        return self.factor + (self.last_epoch >= self.total_iters) * (1 - self.factor)


class LinearLR(FactorLR):
    """Moves the rate's factor on a straight line from `start_factor` to `end_factor` in `total_iters` epochs."""

    def __init__(self, optimizer, start_factor=1.0 / 3, end_factor=1.0, total_iters=5, last_epoch=-1):
        if zero_to_one("start_factor", start_factor) == 0:
            raise BadValue("start_factor must be greater than 0: from a rate of 0 no factor leads on")
        zero_to_one("end_factor", end_factor)
        at_least_zero("total_iters", total_iters)
        self.start_factor, self.end_factor, self.total_iters = start_factor, end_factor, total_iters
        super().__init__(optimizer, last_epoch)

    def change(self):
        if self.last_epoch == 0:
            return self.start_factor
        if self._is_initial or self.last_epoch > self.total_iters:
            return 1.0
        rise = self.end_factor - self.start_factor
        return 1.0 + rise / (self.total_iters * self.start_factor + (self.last_epoch - 1) * rise)

    def total(self):
        done = min(self.total_iters, self.last_epoch)
        return self.start_factor + (self.end_factor - self.start_factor) * done / self.total_iters


class PolynomialLR(FactorLR):
    """Takes the rate to 0 in `total_iters` epochs, by the factor (1 − epoch / total_iters) ** power."""

    def __init__(self, optimizer, total_iters=5, power=1.0, last_epoch=-1):
        at_least_zero("total_iters", total_iters)
        at_least_zero("power", power)
        self.total_iters, self.power = total_iters, power
        super().__init__(optimizer, last_epoch)

    def change(self):
        if self._is_initial or self.last_epoch > self.total_iters:
            return 1.0
        left, before = (1.0 - epoch / self.total_iters for epoch in (self.last_epoch, self.last_epoch - 1))
        return (left / before) ** self.power

    def total(self):
        return (1.0 - min(self.total_iters, self.last_epoch) / self.total_iters) ** self.power
