"""What the simulated device was asked to do: every launch, copy, wait and allocation, and who asked for it."""

import sys
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

EVENTS = ("launch", "host to device", "device to host", "device to device", "synchronisation", "allocation")

errors = []             # (function, exception) of what failed inside a replaced function: CuPy may not have passed it on
products = [lambda: 0]  # the function that says how many matrix products cuBLAS was asked for
_recorders = []
PACKAGE = str(Path(__file__).parents[3] / "minicnn")


class Event(NamedTuple):
    """One thing that the device was asked to do."""

    kind: str           # one of EVENTS
    what: str           # the kernel's name, or the number of bytes
    where: str          # file:line of the innermost frame inside the package

    def __str__(self):
        return f"{self.kind}: {self.what} at {self.where}"


class Events(list):
    """The events in their order; `products` says how often cuBLAS was called beside them."""

    products = 0

    def count(self, kind):
        return sum(event.kind == kind for event in self)

    def of(self, kind):
        return [event for event in self if event.kind == kind]

    def launches(self):
        """How often each kernel was launched, most often first."""
        return Counter(event.what for event in self if event.kind == "launch")


def note(kind, what):
    """Write an event down for whoever records."""
    if _recorders:
        event = Event(kind, str(what), _caller())
        for events in _recorders:
            events.append(event)


def _caller():
    frame = sys._getframe(2)
    while frame and not frame.f_code.co_filename.startswith(PACKAGE):
        frame = frame.f_back
    return f"{Path(frame.f_code.co_filename).relative_to(Path(PACKAGE).parent)}:{frame.f_lineno}" if frame else "outside the package"


@contextmanager
def recorded():
    """Gives the Events of what happens inside the block."""
    events, before = Events(), products[0]()
    _recorders.append(events)
    try:
        yield events
    finally:
        events.products = products[0]() - before
        _recorders[:] = [other for other in _recorders if other is not events]
