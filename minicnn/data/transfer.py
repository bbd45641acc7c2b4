"""Batches on their way to a GPU: in pinned memory, which it reads by itself, and each copied while the one before is computed with.

The copies run in a stream of their own. It waits for what was given to the GPU before a copy began, since the memory that the copy
writes to may be in use till then; what the GPU is given afterwards, which is the training step on the batch before, runs meanwhile. The
step on a batch waits, on the GPU, for its copy. Python waits for neither.
"""

import warnings
from collections.abc import Mapping, Sequence

from .. import arrays
from ..tensor import Tensor


def mapped(batch, function):
    """The batch with `function` applied to every tensor in it; mappings, tuples and lists are gone through."""
    if isinstance(batch, Tensor):
        return function(batch)
    if isinstance(batch, Mapping):
        return {key: mapped(value, function) for key, value in batch.items()}
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*[mapped(value, function) for value in batch])
    if isinstance(batch, Sequence) and not isinstance(batch, (str, bytes)):
        return type(batch)(mapped(value, function) for value in batch) if isinstance(batch, (tuple, list)) else batch
    return batch


def pinned(batch):
    """The batch in pinned memory; an object with a method `pin_memory` is asked to do it itself."""
    if not isinstance(batch, Tensor) and hasattr(batch, "pin_memory"):
        return batch.pin_memory()
    return mapped(batch, lambda t: t.pin_memory())


def can_pin():
    """Whether there is a GPU to pin memory for; without one, say once that there is none, as PyTorch does."""
    reason = arrays.why_no_gpu()
    if reason:
        warnings.warn(f"pin_memory=True has no effect: {reason}", UserWarning, stacklevel=3)
    return reason is None


def on_device(batches, device):
    """The batches of an iterable with their tensors on a device; on a GPU, one is copied ahead."""
    device = arrays.device(device)
    if device.type == "cpu":
        return batches
    return _ahead(batches, Copies())


def _ahead(batches, copies):
    before = None
    for batch in batches:
        following = copies.start(batch)
        if before is not None:
            yield copies.arrived(before)
        before = following
    if before is not None:
        yield copies.arrived(before)


class Copies:
    """Copies to the GPU in a stream of their own."""

    def __init__(self):
        self.cuda = arrays.module_for("cuda").cuda
        self.stream = self.cuda.Stream(non_blocking=True)

    def start(self, batch):
        """Begin to copy a batch. Returns what `arrived` takes."""
        self.stream.wait_event(self.cuda.get_current_stream().record())
        with arrays.copying_in(self.stream):
            moved = mapped(batch, lambda t: t if t.is_cuda else t.pin_memory().to("cuda", non_blocking=True))
        return moved, self.stream.record()

    def arrived(self, started):
        """The batch, on which the GPU will work once its copy is complete."""
        moved, event = started
        self.cuda.get_current_stream().wait_event(event)
        return moved
