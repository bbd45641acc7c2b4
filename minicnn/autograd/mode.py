"""Whether operations are recorded: `no_grad`, `enable_grad`, `inference_mode`; and who watches them, such as the search for a NaN."""

import threading
from functools import wraps

from .watch import Anomaly


class _Mode(threading.local):
    """Each thread has its own switches, so that a loader thread cannot turn recording off for the training loop."""

    enabled = True
    watch = None                # a `Watch`, which is shown each result and gradient


mode = _Mode()


class _Switch:
    """Sets one switch inside a `with` block or a decorated function, and puts it back after."""

    def __init__(self, name, value):
        self.name, self.value, self.before = name, value, []

    def __enter__(self):
        self.before.append(getattr(mode, self.name))
        setattr(mode, self.name, self.value)

    def __exit__(self, *error):
        setattr(mode, self.name, self.before.pop())

    def __call__(self, function):
        @wraps(function)
        def switched(*args, **kwargs):
            with _Switch(self.name, self.value):
                return function(*args, **kwargs)

        return switched


def _recording(on, function):
    switch = _Switch("enabled", on)
    return switch if function is None else switch(function)


def no_grad(function=None):
    """Nothing is recorded inside: `with no_grad():`, or as a decorator with or without parentheses."""
    return _recording(False, function)


def enable_grad(function=None):
    """Recording is on inside, also within `no_grad`."""
    return _recording(True, function)


def inference_mode(mode=True):
    """As `no_grad` (PyTorch's further restrictions would bring nothing here); `inference_mode(False)` records."""
    return _recording(False, mode) if callable(mode) else _recording(not mode, None)


def detect_anomaly(check_nan=True):
    """Inside, the first operation that makes a NaN or an infinity out of finite numbers, forward or backward, is an error that
    names it."""
    return _Switch("watch", Anomaly() if check_nan else None)


class _Setter(_Switch):
    """Sets a switch at once; used as a `with` block or decorator, it puts the former state back at the end."""

    def __init__(self, name, value):
        super().__init__(name, value)
        self.before.append(getattr(mode, name))
        setattr(mode, name, self.value)

    def __enter__(self):
        setattr(mode, self.name, self.value)

    def __call__(self, function):
        self.__exit__()
        return super().__call__(function)


def set_grad_enabled(mode):
    """Turns recording on or off at once, or for a `with` block."""
    return _Setter("enabled", bool(mode))


def set_detect_anomaly(mode, check_nan=True):
    """Turns `detect_anomaly` on or off at once, or for a `with` block."""
    return _Setter("watch", Anomaly() if mode and check_nan else None)


def is_grad_enabled():
    """True where operations are recorded."""
    return mode.enabled


def watched_whole(function):
    """While a model is written down as a graph, a call of this function is one step of it, and not what the function is made of.

    For functions that say more than the operations they consist of: `batch_norm` knows the running statistics.
    """

    @wraps(function)
    def call(*args, **kwargs):
        if mode.watch is None:
            return function(*args, **kwargs)
        return mode.watch.call(function, args, kwargs)

    return call
