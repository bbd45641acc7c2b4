"""The learning-rate range test: raise the rate from step to step, and see where the loss falls fastest and where it explodes.

Smith, "Cyclical learning rates for training neural networks", WACV 2017, section 3.3.
"""

import math
from typing import NamedTuple

import numpy as np

from ...autograd import no_grad
from ...tensor import wrap
from .pipeline import check, step

LOW, HIGH, STEPS = 1e-5, 100.0, 120
MEMORY = 0.85                   # of the running mean
STOP = 3.0                      # times the loss at the start: no need to go on
SETTLED = 10                    # steps after which the running mean can be trusted
LEARNS = 0.95                   # of the loss of guessing: what the loss must fall below
LOST = 0.8                      # share of what was gained; when it is lost again, the loss explodes


class RangeTest(NamedTuple):
    """The rates that were tried, and what the loss did."""

    rates: np.ndarray           # (S,)
    losses: np.ndarray          # (S,)
    smooth: np.ndarray          # (S,) running mean
    suggestion: float | None    # where the loss falls fastest; None where it does not fall
    limit: float                # where it begins to explode
    guessing: float             # the loss without looking at the images


def learning_rate_range(pipeline, low=LOW, high=HIGH, steps=STEPS):
    """The RangeTest of a pipeline's model, data and optimizer; the rate of all parameter groups is raised from low to high."""
    model, optimizer = pipeline.fresh()
    rates, losses, rng = low * (high / low) ** (np.arange(steps) / (steps - 1)), [], np.random.default_rng([pipeline.seed, 4])
    with np.errstate(all="ignore"):
        for rate in rates:
            for group in optimizer.param_groups:
                group["lr"] = float(rate)
            chosen = rng.choice(len(pipeline.labels), min(pipeline.batch_size, len(pipeline.labels)), replace=False)
            losses.append(step(model, optimizer, pipeline.criterion, *pipeline.batch(chosen)))
            if not math.isfinite(losses[-1]) or (len(losses) > 10 and _running_mean(losses)[-1] > STOP * losses[0]):
                break
    return _judged(rates, np.array(losses), guessing(pipeline))


@no_grad()
def guessing(pipeline):
    """The loss of who knows at most how frequent the classes are."""
    labels = pipeline.labels[pipeline.some(512)]
    frequency = np.bincount(labels, minlength=pipeline.classes) / len(labels)
    logits = (np.zeros(pipeline.classes), np.log(np.maximum(frequency, 1e-6)))
    rows = (np.tile(row.astype(np.float32), (len(labels), 1)) for row in logits)
    return min(pipeline.criterion(wrap(row), wrap(labels)).item() for row in rows)


def _running_mean(losses):
    """Exponentially weighted, and corrected for its start."""
    mean, means = 0.0, []
    for k, loss in enumerate(losses, start=1):
        mean = MEMORY * mean + (1 - MEMORY) * loss
        means.append(mean / (1 - MEMORY**k))
    return np.array(means)


def _judged(rates, losses, guess):
    finite = losses[np.isfinite(losses)]
    if not len(finite):
        return RangeTest(rates[:0], finite, finite, None, float(rates[0]), guess)
    smooth, rates = _running_mean(finite), rates[: len(finite)]
    lowest = int(smooth.argmin())
    learns = lowest > SETTLED and smooth[lowest] < LEARNS * min(finite[:SETTLED].mean(), guess)
    fastest = SETTLED + int(np.gradient(smooth[SETTLED : lowest + 1]).argmin()) if learns else None
    lost = smooth[lowest] + LOST * max(finite[0] - smooth[lowest], 0.1)
    above = np.flatnonzero((np.arange(len(smooth)) > lowest) & (smooth > lost))
    limit = float(rates[above[0]]) if len(above) else float(rates[-1]) if len(finite) < len(losses) else math.inf
    return RangeTest(rates, finite, smooth, float(rates[fastest]) if learns else None, limit, guess)


def learning_rate(pipeline):
    """The training's highest rate lies below the one at which the loss explodes, and not orders of magnitude below."""
    _, optimizer = pipeline.fresh()
    rate, found = float(optimizer.param_groups[0]["lr"]), learning_rate_range(pipeline)
    if found.suggestion is None:
        return _does_not_fall(rate, found)
    too_high, too_low = rate >= found.limit, rate < found.suggestion / 100
    saw = f"{rate:.3g}; the loss falls fastest at {found.suggestion:.2g} and explodes from {found.limit:.2g} on"
    return check("learning rate", not (too_high or too_low), saw, f"at least {found.suggestion / 100:.1g}, below {found.limit:.2g}",
                 "the rate of another optimizer (Adam's are a tenth to a hundredth of SGD's), or of another batch size",
                 warn=not too_high, rate=rate, range=found)


def _does_not_fall(rate, found):
    """No rate can be judged by a loss that does not fall at any."""
    if len(found.losses):
        first, lowest = found.losses[:SETTLED].mean(), found.smooth.min()
        saw = f"the loss does not fall at any rate up to {found.rates[-1]:.2g}: {first:.3g} at first, {lowest:.3g} at the lowest"
    else:
        saw = "the loss is no finite number at any rate"
    return check("learning rate", False, f"{rate:.3g}; {saw}", f"a loss clearly below that of guessing, {found.guessing:.3g}",
                 "labels that have nothing to do with the images, a gradient that does not reach the weights (a detach, frozen or dead "
                 f"layers), inputs that are all alike; or a task so hard that it does not show within {STEPS} steps",
                 warn=rate < found.limit, rate=rate, range=found)
