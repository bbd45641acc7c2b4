"""Schedules made of schedules: one after another, or all at once."""

from bisect import bisect_right

from ...errors import BadType, BadValue
from .base import LRScheduler, of_groups, put
from .plateau import ReduceLROnPlateau


class CombinedLR(LRScheduler):
    """Keeps several schedules of one optimizer, and saves them with itself."""

    def _take(self, schedulers, optimizer):
        if len(schedulers) < 1:
            raise BadValue(f"{type(self).__name__} needs at least one schedule")
        self.optimizer = schedulers[0].optimizer if optimizer is None and hasattr(schedulers[0], "optimizer") else optimizer
        for number, scheduler in enumerate(schedulers):
            self._check(number, scheduler)
        self._schedulers = schedulers

    def _check(self, number, scheduler):
        kind, given = type(self).__name__, type(scheduler).__name__
        if not hasattr(scheduler, "optimizer"):
            raise BadType(f"{kind} needs schedules, but number {number} is of type {given}")
        if isinstance(scheduler, ReduceLROnPlateau):
            raise BadValue(f"{kind} cannot hold ReduceLROnPlateau (number {number}), whose step() needs a metric")
        if scheduler.optimizer is not self.optimizer:
            raise BadValue(f"{kind} needs schedules of one and the same optimizer; number {number}, {given}, is of another")

    def state_dict(self):
        """Everything but the optimizer, with the state_dicts of the schedules inside."""
        return {**super().state_dict(), "_schedulers": [scheduler.state_dict() for scheduler in self._schedulers]}

    def load_state_dict(self, state_dict):
        super().load_state_dict({key: value for key, value in state_dict.items() if key != "_schedulers"})
        for scheduler, state in zip(self._schedulers, state_dict["_schedulers"]):
            scheduler.load_state_dict(state)


class SequentialLR(CombinedLR):
    """One schedule after another: number i + 1 takes over, from its own epoch 0, at epoch milestones[i]."""

    def __init__(self, optimizer, schedulers, milestones, last_epoch=-1):
        self._take(schedulers, optimizer)
        if len(milestones) != len(schedulers) - 1:
            raise BadValue(f"{len(schedulers)} schedules need {len(schedulers) - 1} milestones, got {len(milestones)}")
        if list(milestones) != sorted(milestones):
            raise BadValue(f"milestones must be in rising order, got {milestones}")
        self._milestones = milestones
        self.last_epoch = last_epoch + 1
        self._start_over()

    def _start_over(self):
        """Undo the first steps that the schedules made when they were constructed, and let only the first one make it."""
        for group in self.optimizer.param_groups:
            put(group, "lr", group["initial_lr"])
        self.recursive_undo()
        first = self._schedulers[bisect_right(self._milestones, 0)]
        first._initial_step()
        self._last_lr = first.get_last_lr()

    def recursive_undo(self, sched=None):
        """Take every schedule in here one epoch back."""
        sched = self if sched is None else sched
        for scheduler in getattr(sched, "_schedulers", ()):
            self.recursive_undo(scheduler)
        if not hasattr(sched, "_schedulers"):
            sched.last_epoch -= 1

    def step(self):
        """Go on to the next epoch with the schedule whose turn it is."""
        self.last_epoch += 1
        turn = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[turn]
        if turn > 0 and self._milestones[turn - 1] == self.last_epoch:
            scheduler._update_lr(0)
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()


class ChainedScheduler(CombinedLR):
    """All schedules at once: each step is a step of every one of them, in order, on the rates that the one before left."""

    def __init__(self, schedulers, optimizer=None):
        self._take(schedulers, optimizer)
        self._last_lr = of_groups(self.optimizer, "lr")

    def step(self):
        """Go on to the next epoch with all of them."""
        for scheduler in self._schedulers:
            scheduler.step()
        self._last_lr = of_groups(self.optimizer, "lr")
