"""The base of every schedule: counts epochs and sets the learning rates of an optimizer's groups."""

import warnings

from ...errors import BadType, BadValue
from ...tensor import Tensor
from ..hyperparameters import finite, scalar
from ..optimizer import Optimizer


class MissingInitialRate(BadValue, KeyError):
    """A schedule is to go on from a later epoch, but the optimizer does not know the rates it started from."""

    __str__ = Exception.__str__         # KeyError would show the message in quotes


class LRScheduler:
    """Sets the rates of an optimizer's groups, at once and then at every `step()`. A subclass defines `get_lr`.

    optimizer   an Optimizer; each group gets "initial_lr", its rate as of now, where it has none yet
    last_epoch  the epoch to go on from, -1 to start; another one needs "initial_lr" in every group

    Most schedules have two forms. `get_lr` goes from the rate that each group has now to the next one, so that schedules can
    be chained and a rate set by hand counts; the closed form, taken by `step(epoch)`, goes from the initial rate.
    """

    _is_initial = False

    def __init__(self, optimizer, last_epoch=-1):
        check_optimizer(optimizer)
        self.optimizer = optimizer
        for number, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", own(group["lr"]))
            elif "initial_lr" not in group:
                raise MissingInitialRate(f"last_epoch={last_epoch} goes on with a schedule, but group {number} has no "
                                         "'initial_lr'; load the optimizer's state_dict first, or start with last_epoch=-1")
        self.base_lrs = of_groups(optimizer, "initial_lr")
        self.last_epoch = last_epoch
        self._initial_step()

    def _initial_step(self):
        """Set the rates of the epoch to start with."""
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    def get_lr(self):
        """The rate of each group at `last_epoch`, from the rates they have before it."""
        raise NotImplementedError(f"{type(self).__name__} must define get_lr()")

    def _get_closed_form_lr(self):
        """The rate of each group at `last_epoch`, from the initial rates; the same as `get_lr` where there is no other way."""
        return self.get_lr()

    def get_last_lr(self):
        """The rates that were set last, one for each group."""
        return self._last_lr

    def step(self, epoch=None):
        """Go on to the next epoch; or, by the closed form, to the given one (which PyTorch advises against)."""
        if self._step_count == 1 and not getattr(self.optimizer, "_opt_called", False):
            warnings.warn("scheduler.step() came before optimizer.step(): the first rate of the schedule is never used; "
                          "call optimizer.step() first", UserWarning, stacklevel=2)
        if epoch is not None:
            warn_of_epoch()
        self._step_count += 1
        self._update_lr(epoch)

    def _update_lr(self, epoch=None):
        if epoch is None:
            self.last_epoch += 1
            rates = self.get_lr()
        else:
            self.last_epoch = epoch
            rates = self._get_closed_form_lr()
        self._set_rates(rates)

    def _set_rates(self, rates):
        groups = self.optimizer.param_groups
        if len(rates) != len(groups):
            raise BadValue(f"this schedule has rates for {len(rates)} parameter groups, the optimizer has {len(groups)} "
                           "groups; add all groups before making the schedule")
        for group, rate in zip(groups, rates):
            put(group, "lr", rate)
        self._last_lr = of_groups(self.optimizer, "lr")

    def state_dict(self):
        """Everything but the optimizer."""
        return {name: value for name, value in self.__dict__.items() if name != "optimizer"}

    def load_state_dict(self, state_dict):
        """Go on where another schedule stood. The optimizer's rates come from the optimizer's own state_dict."""
        self.__dict__.update(state_dict)


def check_optimizer(optimizer):
    if not isinstance(optimizer, Optimizer):
        raise BadType(f"a schedule needs an Optimizer, got {type(optimizer).__name__}")


def warn_of_epoch():
    warnings.warn("step(epoch) jumps to an epoch by the schedule's closed form; call step() to go on from the present rate",
                  UserWarning, stacklevel=3)


def own(value):
    """A value that later changes in place cannot reach."""
    return Tensor(value.array.copy()) if isinstance(value, Tensor) else value


def of_groups(optimizer, key):
    """The option of each group, as of now."""
    return [own(group[key]) for group in optimizer.param_groups]


def put(group, key, value):
    """Set a group's option; one that is a Tensor stays that Tensor and is filled."""
    if isinstance(group[key], Tensor):
        group[key].array[...] = scalar(value)
        group[key].bump_version()
    else:
        group[key] = value


def per_group(name, optimizer, value, check=finite):
    """A list with one value for each group, each checked, from such a list or from one value for all."""
    groups = len(optimizer.param_groups)
    values = list(value) if isinstance(value, (list, tuple)) else [value] * groups
    if len(values) != groups:
        raise BadValue(f"{name} has {len(values)} values, but the optimizer has {groups} parameter groups")
    for item in values:
        check(name, item)
    return [own(item) for item in values]
