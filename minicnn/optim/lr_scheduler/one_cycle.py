"""One cycle over the whole training: the rate up, down, and far down at the end, by steps (not epochs).

Smith & Topin, "Super-convergence: very fast training of neural networks using large learning rates", 2018.
"""


from ...errors import BadValue
from ..hyperparameters import above_zero, count, zero_to_one
from .base import LRScheduler, check_optimizer, per_group
from .cosine import half_cosine
from .momentum import can_cycle, set_momentum, start_at_highest


class OneCycleLR(LRScheduler):
    """From max_lr / div_factor up to max_lr in the first `pct_start` of the steps, then down by another final_div_factor.

    total_steps      the length of the cycle; or `epochs` and `steps_per_epoch`, whose product it is
    anneal_strategy  "cos" or "linear"
    three_phase      down to the initial rate as fast as up, and only then to the lowest
    cycle_momentum   momentum (β₁ of an optimizer with betas) goes the other way, between max_momentum and base_momentum

    Raises BadValue for a step beyond total_steps.
    """

    def __init__(self, optimizer, max_lr, total_steps=None, epochs=None, steps_per_epoch=None, pct_start=0.3,
                 anneal_strategy="cos", cycle_momentum=True, base_momentum=0.85, max_momentum=0.95, div_factor=25.0,
                 final_div_factor=1e4, three_phase=False, last_epoch=-1):
        check_optimizer(optimizer)
        self.optimizer = optimizer
        self.total_steps = _length(total_steps, epochs, steps_per_epoch)
        self._schedule_phases = _phases(self.total_steps, pct_start, three_phase)
        if anneal_strategy not in ("cos", "linear"):
            raise BadValue(f"anneal_strategy must be 'cos' or 'linear', got {anneal_strategy!r}")
        self._anneal_func_type = anneal_strategy
        max_lrs = per_group("max_lr", optimizer, max_lr)
        above_zero("div_factor", div_factor)
        above_zero("final_div_factor", final_div_factor)
        self.cycle_momentum = cycle_momentum
        fresh = last_epoch == -1
        if cycle_momentum:
            self.use_beta1 = can_cycle(optimizer)
            start_at_highest(optimizer, base_momentum, max_momentum, self.use_beta1, fresh)
        if fresh:
            for group, highest in zip(optimizer.param_groups, max_lrs):
                group["initial_lr"], group["max_lr"] = highest / div_factor, highest
                group["min_lr"] = group["initial_lr"] / final_div_factor
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        phase, fraction = self._position()
        rates = []
        for group in self.optimizer.param_groups:
            rates.append(self._anneal(group[phase["start_lr"]], group[phase["end_lr"]], fraction))
            if self.cycle_momentum:
                start, end = group[phase["start_momentum"]], group[phase["end_momentum"]]
                set_momentum(group, self._anneal(start, end, fraction), self.use_beta1)
        return rates

    def _position(self):
        """The present phase, and how much of it is over."""
        step = self.last_epoch
        if step > self.total_steps:
            raise BadValue(f"this schedule has {self.total_steps} steps; this would be step {step}")
        start = 0.0
        for phase in self._schedule_phases:
            if step <= phase["end_step"]:
                break
            before, start = start, phase["end_step"]
        else:
            start = before          # one step past the end goes on with the last phase
        if phase["end_step"] == start:
            raise BadValue(f"a phase of this schedule has no length; choose another pct_start for {self.total_steps} steps")
        return phase, (step - start) / (phase["end_step"] - start)

    def _anneal(self, start, end, fraction):
        return half_cosine(start, end, fraction) if self._anneal_func_type == "cos" else (end - start) * fraction + start


def _length(total_steps, epochs, steps_per_epoch):
    if total_steps is not None:
        return count("total_steps", total_steps, least=1)
    if epochs is None or steps_per_epoch is None:
        raise BadValue("pass total_steps, or both epochs and steps_per_epoch")
    return count("epochs", epochs, least=1) * count("steps_per_epoch", steps_per_epoch, least=1)


def _phases(total_steps, pct_start, three_phase):
    """What each phase goes from and to (names of the groups' entries), and the step at which it ends."""
    if not isinstance(pct_start, float):
        raise BadValue(f"pct_start must be a float between 0 and 1, got {pct_start!r}")
    rise = zero_to_one("pct_start", pct_start) * total_steps
    up = _phase(rise - 1, "initial_lr", "max_lr", "max_momentum", "base_momentum")
    if not three_phase:
        return [up, _phase(total_steps - 1, "max_lr", "min_lr", "base_momentum", "max_momentum")]
    return [up, _phase(2 * rise - 2, "max_lr", "initial_lr", "base_momentum", "max_momentum"),
            _phase(total_steps - 1, "initial_lr", "min_lr", "max_momentum", "max_momentum")]


def _phase(end_step, start_lr, end_lr, start_momentum, end_momentum):
    return {"end_step": end_step, "start_lr": start_lr, "end_lr": end_lr,
            "start_momentum": start_momentum, "end_momentum": end_momentum}
