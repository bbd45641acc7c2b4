"""Triangular cycles: the rate goes up and down between two bounds, by steps (not epochs).

Smith, "Cyclical learning rates for training neural networks", WACV 2017.
"""

import math

from ...errors import BadValue
from ..hyperparameters import above_zero, at_least_zero, finite
from .base import LRScheduler, check_optimizer, per_group, put
from .functions import attributes_of, check_callable, restore_attributes
from .momentum import can_cycle, set_momentum, start_at_highest

MODES = ("triangular", "triangular2", "exp_range")


class CyclicLR(LRScheduler):
    """From `base_lr` up to `max_lr` in `step_size_up` steps, and down again in `step_size_down`, over and over.

    mode      how high each triangle is: "triangular", all the same; "triangular2", half of the one before; "exp_range",
              gamma ** step
    scale_fn  the height as a function of one's own, of the cycle 1, 2, ... or, with scale_mode="iterations", of the step;
              `mode` is then ignored
    cycle_momentum  momentum (β₁ of an optimizer with betas) goes the other way, from max_momentum to base_momentum
    """

    def __init__(self, optimizer, base_lr, max_lr, step_size_up=2000, step_size_down=None, mode="triangular", gamma=1.0,
                 scale_fn=None, scale_mode="cycle", cycle_momentum=True, base_momentum=0.8, max_momentum=0.9, last_epoch=-1):
        check_optimizer(optimizer)
        self.optimizer = optimizer
        base_lrs = per_group("base_lr", optimizer, base_lr)
        self.max_lrs = per_group("max_lr", optimizer, max_lr)
        self._set_lengths(step_size_up, step_size_up if step_size_down is None else step_size_down)
        self._set_heights(mode, gamma, scale_fn, scale_mode)
        fresh = last_epoch == -1
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.use_beta1 = can_cycle(optimizer)
            self.base_momentums, self.max_momentums = start_at_highest(
                optimizer, base_momentum, max_momentum, self.use_beta1, fresh)
        if fresh:
            for group, rate in zip(optimizer.param_groups, base_lrs):
                put(group, "lr", rate)
        super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def _set_lengths(self, up, down):
        up, down = float(above_zero("step_size_up", up)), float(at_least_zero("step_size_down", down))
        self.total_size = up + down
        self.step_ratio = up / self.total_size

    def _set_heights(self, mode, gamma, scale_fn, scale_mode):
        if scale_fn is None:
            if mode not in MODES:
                raise BadValue(f"mode must be one of {', '.join(MODES)} when there is no scale_fn, got {mode!r}")
            scale_mode = "iterations" if mode == "exp_range" else "cycle"
        else:
            check_callable("scale_fn", scale_fn)
        if scale_mode not in ("cycle", "iterations"):
            raise BadValue(f"scale_mode must be 'cycle' or 'iterations', got {scale_mode!r}")
        finite("gamma", gamma)
        self.mode, self.gamma, self.scale_mode, self._scale_fn_custom = mode, gamma, scale_mode, scale_fn

    def scale_fn(self, x):
        """The height of the triangle at cycle (or step) x, as a fraction of max_lr − base_lr."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        if self.mode == "exp_range":
            return self.gamma**x
        return 1.0 if self.mode == "triangular" else 1 / 2.0 ** (x - 1)

    def get_lr(self):
        height = self._height()
        if self.cycle_momentum:
            for group, low, high in zip(self.optimizer.param_groups, self.base_momentums, self.max_momentums):
                set_momentum(group, high - (high - low) * height, self.use_beta1)
        return [low + (high - low) * height for low, high in zip(self.base_lrs, self.max_lrs)]

    def _height(self):
        """Where between the bounds the rate is now: 0 at base_lr, 1 at max_lr."""
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1.0 + self.last_epoch / self.total_size - cycle
        rising = x <= self.step_ratio
        triangle = x / self.step_ratio if rising else (x - 1) / (self.step_ratio - 1)
        return triangle * self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)

    def state_dict(self):
        """As of every schedule; of a custom scale_fn, an object's attributes and nothing of a function."""
        return {**super().state_dict(), "_scale_fn_custom": attributes_of(self._scale_fn_custom)}

    def load_state_dict(self, state_dict):
        super().load_state_dict({key: value for key, value in state_dict.items() if key != "_scale_fn_custom"})
        restore_attributes(self._scale_fn_custom, state_dict.get("_scale_fn_custom"))
