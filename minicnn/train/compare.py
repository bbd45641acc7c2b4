"""Optimizers and schedules side by side: each pair trained with several seeds, judged on the validation images; the test is not touched."""

import time
from dataclasses import replace
from itertools import product
from typing import NamedTuple

import numpy as np

from .. import plot
from ..errors import BadValue
from .choices import OPTIMIZERS
from .job import prepare
from .results import make_output, write_csv, write_json
from .trainer import Diverged


class Outcome(NamedTuple):
    """What S seeds of one optimizer and schedule reached on the validation images."""

    optimizer: str
    scheduler: str
    lr: float
    accuracy: np.ndarray        # (S, epochs); 0 from where a training diverged on
    loss: np.ndarray            # (S, epochs); inf likewise
    diverged: int               # trainings
    seconds: float              # of an epoch, the median

    @property
    def name(self):
        return f"{self.optimizer}, {self.scheduler}"

    @property
    def final(self):
        """(mean, deviation over seeds) of the accuracy after the last epoch."""
        last = self.accuracy[:, -1]
        return float(last.mean()), float(last.std(ddof=1)) if len(last) > 1 else 0.0

    def as_row(self):
        mean, deviation = self.final
        loss = None if self.diverged else float(self.loss[:, -1].mean())
        return {"optimizer": self.optimizer, "scheduler": self.scheduler, "lr": self.lr, "seeds": len(self.accuracy),
                "accuracy": mean, "deviation": deviation, "lowest": float(self.accuracy[:, -1].min()),
                "highest": float(self.accuracy[:, -1].max()), "best_epoch_accuracy": float(self.accuracy.max(1).mean()),
                "loss": loss, "diverged": self.diverged, "seconds_per_epoch": self.seconds}


def settings(config, optimizers, schedulers, rates=None):
    """The Configs of all pairs; each optimizer at its usual learning rate, unless `rates` {optimizer: rate} says otherwise."""
    rates = rates or {}
    if set(rates) - set(optimizers):
        raise BadValue(f"a learning rate is given for {', '.join(sorted(set(rates) - set(optimizers)))}, which is not compared")
    return [replace(config, optimizer=optimizer, scheduler=scheduler, lr=rates.get(optimizer, OPTIMIZERS[optimizer][1]))
            for optimizer, scheduler in product(optimizers, schedulers)]


def compare(configs, seeds, on_training=lambda config, seed: None, progress=None, source=None):
    """Yields the Outcome of each Config with seeds 0 to seeds − 1, which stand for its own.

    on_training       called before each training
    progress, source  as of `prepare`
    """
    for config in configs:
        records, took = [], []
        for seed in range(seeds):
            on_training(config, seed)
            records.append(_history(replace(config, seed=seed), progress, took, source))
        accuracy, loss = (_filled(records, key, missing, config.epochs) for key, missing in (("val_accuracy", 0.0), ("val_loss", np.inf)))
        diverged = sum(len(history) < config.epochs for history in records)
        yield Outcome(config.optimizer, config.scheduler, config.lr, accuracy, loss, diverged, float(np.median(took)))


def _filled(histories, key, missing, epochs):
    """(S, epochs) numbers of the histories, `missing` where one ends before."""
    return np.array([[record[key] for record in history] + [missing] * (epochs - len(history)) for history in histories])


def _history(config, progress, took, source):
    """The history of one training, as far as it came; its seconds per epoch go to `took`."""
    job = prepare(config, progress, source=source)
    began = time.perf_counter()
    try:
        job.fit()
    except Diverged:
        pass
    took.append((time.perf_counter() - began) / max(len(job.trainer.history), 1))
    return job.trainer.history


def ranked(outcomes):
    """The best mean accuracy first; of equals, the lower loss."""
    return sorted(outcomes, key=lambda outcome: (-outcome.final[0], outcome.loss[:, -1].mean()))


def write_comparison(outcomes, title, folder):
    """comparison.csv, comparison.json with every epoch of every seed, and comparison.png. Returns the files."""
    folder, outcomes = make_output(folder), ranked(outcomes)
    write_csv([outcome.as_row() for outcome in outcomes], folder / "comparison.csv")
    write_json([{**outcome.as_row(), "epochs": outcome.accuracy.tolist()} for outcome in outcomes], folder / "comparison.json")
    plot.save(plot.comparison({outcome.name: outcome.accuracy for outcome in outcomes}, title), folder / "comparison.png")
    return [folder / f"comparison.{ending}" for ending in ("csv", "json", "png")]
