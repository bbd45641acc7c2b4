"""How long training steps take on each device: the first one, which compiles kernels, apart from the steady state, and layer by layer.

On the CPU each step is timed by the clock. A GPU is given step after step without waiting for it, as in training; events in the stream
of its work, which the GPU passes when a step is done, say afterwards how long each took.
"""

import sys
import time
from statistics import median
from typing import NamedTuple

import numpy as np

from .. import cuda
from ..arrays import device as as_device
from ..errors import DeviceError
from ..nn.functional import cross_entropy
from ..optim import SGD
from ..tensor import Tensor
from .profile import clock, profile

WARM = 3                    # steps before the steady state
LEAST, MOST = 5, 1000       # steps that are timed


class Timing(NamedTuple):
    """Training steps of one model on one device with one size of the batch."""

    model: str
    batch: int
    device: str
    first: float            # seconds of the first step: kernels are compiled or loaded, memory is got
    step: float             # seconds of a step afterwards, the median
    steps: int              # how many were timed
    memory: float           # MB: on a GPU of all arrays at the most; on the CPU of the whole process so far
    layers: list            # dicts of path, kind, forward and backward (seconds)

    @property
    def images_per_second(self):
        return self.batch / self.step


def available():
    """(devices, why the GPU is not among them, or None). One that is simulated is no device: it has no speed."""
    reason = cuda.why_not_available()
    if reason is None and cuda.is_simulated():
        reason = "what looks like a GPU is simulated on the CPU, and its speed would say nothing"
    return (["cpu"] if reason else ["cpu", "cuda"]), reason


def measure(name, model, input_size, batch, device, seconds=1.0, repeat=5):
    """The Timing of a model's training steps (forward, cross-entropy, backward, SGD with momentum) on noise. The model is moved.

    seconds  of timing whole steps
    repeat   how many steps are timed layer by layer

    Raises DeviceError for a GPU that is not there or simulated.
    """
    if as_device(device).type == "cuda" and cuda.is_available() and cuda.is_simulated():
        raise DeviceError(f"no usable GPU: {available()[1]}")
    model.to(device).train()
    cuda.reset_peak_memory_stats()
    step, now = training_step(model, input_size, batch, device), clock(as_device(device))
    began = now()
    step()
    first = now() - began
    for _ in range(WARM):
        step()
    times = (_times_on_the_gpu if as_device(device).type == "cuda" else _times)(step, seconds)
    memory = cuda.max_memory_allocated() if as_device(device).type == "cuda" else _resident()
    layers = [{"path": row.path, "kind": row.kind, "forward": row.forward, "backward": row.backward}
              for row in profile(model, input_size, batch, repeat).rows]
    return Timing(name, batch, device, first, median(times), len(times), memory / 1e6, layers)


def measure_if_it_fits(name, model, input_size, batch, device, seconds=1.0):
    """The Timing, as of `measure`; None where there is not enough memory for so large a batch."""
    try:
        return measure(name, model, input_size, batch, device, seconds)
    except MemoryError:                     # NumPy's and CuPy's errors are of this kind
        cuda.empty_cache()
        return None


def training_step(model, input_size, batch, device):
    """A function that makes one step; the learning rate is so small that after thousands of steps nothing has become denormal."""
    optimizer, rng = SGD(model.parameters(), lr=1e-9, momentum=0.9), np.random.default_rng(0)
    x = Tensor(rng.standard_normal((batch, *input_size), np.float32)).to(device)
    labels = []

    def step():
        optimizer.zero_grad()
        logits = model(x)
        if not labels:
            labels.append(Tensor(rng.integers(0, logits.shape[1], batch)).to(device))
        cross_entropy(logits, labels[0]).backward()
        optimizer.step()

    return step


def _times(step, seconds):
    times, end = [], time.perf_counter() + seconds
    while len(times) < MOST and (len(times) < LEAST or time.perf_counter() < end):
        began = time.perf_counter()
        step()
        times.append(time.perf_counter() - began)
    return times


def _times_on_the_gpu(step, seconds):
    """From event to event. The GPU is waited for at the end only; before, Python runs ahead of it as it does in training."""
    cuda.synchronize()
    began = time.perf_counter()
    step()
    cuda.synchronize()
    count = int(min(max(seconds / (time.perf_counter() - began), LEAST), MOST))
    events = [cuda.Event(enable_timing=True) for _ in range(count + 1)]
    events[0].record()
    for event in events[1:]:
        step()
        event.record()
    cuda.synchronize()
    return [one.elapsed_time(other) / 1e3 for one, other in zip(events, events[1:])]


def _resident():
    """Bytes of the process's memory at the most so far; 0 where the system does not say."""
    try:
        import resource
    except ImportError:
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def overtaken(timings):
    """{model: the smallest batch from which on the GPU takes less time}; None where it never does, or was not there.

    Only batches that were timed on both count: the largest may not fit into a GPU's memory.
    """
    found = {}
    for name in dict.fromkeys(t.model for t in timings):
        step = {(t.batch, t.device): t.step for t in timings if t.model == name}
        best = None
        for batch in sorted({batch for batch, device in step if {(batch, "cpu"), (batch, "cuda")} <= step.keys()}, reverse=True):
            if not step[batch, "cuda"] < step[batch, "cpu"]:
                break
            best = batch
        found[name] = best
    return found
