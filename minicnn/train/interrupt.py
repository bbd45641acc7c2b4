"""Ctrl-C as a wish to stop in good order: after the current step, with everything kept."""

import signal
import threading
from contextlib import contextmanager


@contextmanager
def stop_on_interrupt(trainer):
    """Within the block the first Ctrl-C calls `trainer.stop()`; the second raises KeyboardInterrupt at once.

    Outside the main thread, where Python handles no signals, the block changes nothing.
    """
    def stop(number, frame):
        if trainer.stopping:
            raise KeyboardInterrupt
        trainer.stop()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
