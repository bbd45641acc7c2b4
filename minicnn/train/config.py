"""What a training run is made of, as plain values: checked, completed by defaults, written as JSON to be repeated."""

import json
from dataclasses import asdict, dataclass, fields

from .. import __version__
from ..data import NAMES
from ..errors import BadValue, DataError
from ..models import registry
from ..optim.hyperparameters import above_zero, at_least_zero, count, finite
from ..serialize.atomic import replacing
from .choices import OPTIMIZERS, SCHEDULERS, known


MOST = 10**9                    # epochs, images per step: beyond any training, within what indices and floats can count


@dataclass(frozen=True)
class Config:
    """One training run. The same Config gives the same history, bit for bit.

    shift   the training images are moved by up to so many pixels, at random, in every epoch anew
    device  "cpu" or "cuda"; the bits of the history are the same on the same device only

    Raises BadValue for names that are not known and numbers that make no sense.
    """

    dataset: str
    data_dir: str | None
    model: str
    epochs: int
    batch_size: int
    optimizer: str
    lr: float
    scheduler: str
    weight_decay: float
    label_smoothing: float
    shift: int
    seed: int
    device: str = "cpu"

    def __post_init__(self):
        known("data set", self.dataset, dict.fromkeys(NAMES))
        known("optimizer", self.optimizer, OPTIMIZERS)
        known("scheduler", self.scheduler, SCHEDULERS)
        registry.builder(self.model)
        known("device", self.device, dict.fromkeys(("cpu", "cuda")))
        if not isinstance(self.data_dir, str | None):
            raise BadValue(f"data_dir must be a path or null, got {self.data_dir!r}")
        for name in ("epochs", "batch_size"):
            if count(name, getattr(self, name), least=1) > MOST:
                raise BadValue(f"{name} must be {MOST:,} or less, got {getattr(self, name)}")
        count("shift", self.shift)
        count("seed", self.seed)
        above_zero("lr", self.lr)
        at_least_zero("weight_decay", self.weight_decay)
        if not 0 <= finite("label_smoothing", self.label_smoothing) < 1:
            raise BadValue(f"label_smoothing must be at least 0 and below 1, got {self.label_smoothing}")


COMMON = {
    "data_dir": None, "optimizer": "sgd", "scheduler": "one-cycle", "weight_decay": 5e-4,
    "label_smoothing": 0.1, "shift": 1, "seed": 0, "device": "cpu",
}
BY_DATASET = {
    "digits": {"model": "small_cnn", "epochs": 30, "batch_size": 64},
    "fashion-mnist": {"model": "lenet5", "epochs": 10, "batch_size": 128},
    "mnist": {"model": "lenet5", "epochs": 5, "batch_size": 128},
}


def complete(dataset="digits", **given):
    """A Config from what was asked for; the rest are the defaults for this data set and this optimizer."""
    values = {**COMMON, **known("data set", dataset, BY_DATASET), **given}
    values.setdefault("lr", known("optimizer", values["optimizer"], OPTIMIZERS)[1])
    return Config(dataset=dataset, **values)


def write(config, path):
    """The configuration as JSON."""
    with replacing(path) as file:
        file.write((json.dumps({"minicnn": __version__, **asdict(config)}, indent=2) + "\n").encode())


def read(path):
    """The Config in a JSON file. Raises DataError for a file that `write` did not write, BadValue for bad values."""
    try:
        with open(path, encoding="utf-8") as file:
            values = json.load(file)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is not a configuration: {error}") from None
    names = {field.name for field in fields(Config)}
    if isinstance(values, dict):
        values.setdefault("device", "cpu")          # as it was before there was a choice
    if not isinstance(values, dict) or set(values) - {"minicnn"} != names:
        raise DataError(f"{path} is not a configuration: it must have the entries {', '.join(sorted(names))}")
    return Config(**{name: values[name] for name in names})
