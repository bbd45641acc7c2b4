"""Schedules that are given as functions of the epoch."""

from types import FunctionType

from ...errors import BadType
from .base import LRScheduler, check_optimizer, per_group


class FunctionsLR(LRScheduler):
    """Keeps one function of the epoch for each group. In a state_dict, functions stay out; objects leave their attributes."""

    def __init__(self, optimizer, lr_lambda, last_epoch=-1):
        check_optimizer(optimizer)
        self.lr_lambdas = per_group("lr_lambda", optimizer, lr_lambda, check_callable)
        super().__init__(optimizer, last_epoch)

    def state_dict(self):
        return {**super().state_dict(), "lr_lambdas": [attributes_of(function) for function in self.lr_lambdas]}

    def load_state_dict(self, state_dict):
        super().load_state_dict({key: value for key, value in state_dict.items() if key != "lr_lambdas"})
        for function, attributes in zip(self.lr_lambdas, state_dict["lr_lambdas"]):
            restore_attributes(function, attributes)


class LambdaLR(FunctionsLR):
    """The initial rate times `lr_lambda(epoch)`."""

    def get_lr(self):
        return [initial * function(self.last_epoch) for function, initial in zip(self.lr_lambdas, self.base_lrs)]


class MultiplicativeLR(FunctionsLR):
    """Multiplies the rate by `lr_lambda(epoch)` at each epoch from 1 on."""

    def get_lr(self):
        rates = [group["lr"] for group in self.optimizer.param_groups]
        if self._is_initial:
            return rates
        return [rate * function(self.last_epoch) for function, rate in zip(self.lr_lambdas, rates)]


def check_callable(name, function):
    if not callable(function):
        raise BadType(f"{name} must be a function, got {type(function).__name__} {function!r}")


def attributes_of(function):
    """What can be saved of a callable: None for a plain function, an object's attributes."""
    return None if function is None or isinstance(function, FunctionType) else dict(getattr(function, "__dict__", {}))


def restore_attributes(function, attributes):
    if attributes:
        function.__dict__.update(attributes)
