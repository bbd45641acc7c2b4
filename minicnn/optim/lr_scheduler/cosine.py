"""Schedules along a half cosine, from the initial rate down to `eta_min`.

Loshchilov & Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017, equation 5.
"""

import math

from ...errors import BadValue
from ..hyperparameters import above_zero, count, finite
from .base import LRScheduler


def half_cosine(start, end, fraction):
    """From `start` at fraction 0 to `end` at fraction 1, level at both ends."""
    return end + (start - end) * (1 + math.cos(math.pi * fraction)) / 2


class CosineAnnealingLR(LRScheduler):
    """Down the cosine in `T_max` epochs, and up again in the next `T_max`; without restarts."""

    def __init__(self, optimizer, T_max, eta_min=0.0, last_epoch=-1):
        above_zero("T_max", T_max)
        finite("eta_min", eta_min)
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        rates = [group["lr"] for group in self.optimizer.param_groups]
        if self._is_initial:
            return rates
        if (self.last_epoch - 1 - self.T_max) % (2 * self.T_max) == 0:
            return [rate + self._first_rise(initial) for rate, initial in zip(rates, self.base_lrs)]
        height, before = (1 + math.cos(math.pi * epoch / self.T_max) for epoch in (self.last_epoch, self.last_epoch - 1))
        return [height / before * (rate - self.eta_min) + self.eta_min for rate in rates]

    def _first_rise(self, initial):
        """The step out of the valley, where the height before it is 0 and no factor leads on."""
        return (initial - self.eta_min) * (1 - math.cos(math.pi / self.T_max)) / 2

    def _get_closed_form_lr(self):
        return [half_cosine(initial, self.eta_min, self.last_epoch / self.T_max) for initial in self.base_lrs]


class CosineAnnealingWarmRestarts(LRScheduler):
    """Down the cosine in `T_0` epochs, then again from the top, each cycle `T_mult` times as long as the one before.

    T_i is the length of the present cycle and T_cur the epochs since it began; `step(epoch)` takes fractions of an epoch too.
    """

    def __init__(self, optimizer, T_0, T_mult=1, eta_min=0.0, last_epoch=-1):
        finite("eta_min", eta_min)
        self.T_0 = self.T_i = count("T_0", T_0, least=1)
        self.T_mult = count("T_mult", T_mult, least=1)
        self.eta_min, self.T_cur = eta_min, last_epoch
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        return [half_cosine(initial, self.eta_min, self.T_cur / self.T_i) for initial in self.base_lrs]

    def step(self, epoch=None):
        """Go on by one epoch, or to the given one."""
        if epoch is None and self.last_epoch < 0:
            epoch = 0
        if epoch is None:
            epoch = self.last_epoch + 1
            self._advance()
        else:
            self._jump(epoch)
        self.last_epoch = math.floor(epoch)
        self._set_rates(self.get_lr())

    def _advance(self):
        self.T_cur += 1
        if self.T_cur >= self.T_i:
            self.T_cur %= self.T_i
            self.T_i *= self.T_mult

    def _jump(self, epoch):
        """The cycle in which an epoch lies: before cycle n there were T_0·(1 + T_mult + ... + T_mult^(n−1)) epochs."""
        if epoch < 0:
            raise BadValue(f"epoch must be 0 or more, got {epoch}")
        if self.T_mult == 1:
            self.T_cur = epoch % self.T_0
            return
        n = int(math.log(epoch / self.T_0 * (self.T_mult - 1) + 1, self.T_mult)) if epoch >= self.T_0 else 0
        self.T_i = self.T_0 * self.T_mult**n
        self.T_cur = epoch - self.T_0 * (self.T_mult**n - 1) / (self.T_mult - 1)
