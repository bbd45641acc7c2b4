"""What a training run is made of, as plain values: checked, completed by defaults, written as JSON to be repeated."""

from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path

from .. import __version__
from ..data import NAMES
from ..data.registry import FOLDER
from ..errors import BadValue, DataError
from ..models import registry
from ..optim.hyperparameters import above_zero, at_least_zero, count, finite
from .augmentation import draws_singly, names_of
from .choices import OPTIMIZERS, SCHEDULERS, known
from .results import read_json, write_json

LARGEST_SIDE, MOST_WORKERS = 4096, 64
MOST = 10**9                    # epochs, images per step: beyond any training, within what indices and floats can count


@dataclass(frozen=True)
class Config:
    """One training run. The same Config gives the same history, bit for bit.

    dataset     a name of `data.NAMES`; "folder" for the images in data_dir
    image_size  side to which images are brought; None: as they are
    shift       the training images are moved by up to so many pixels, at random, in every epoch anew
    augment     names of `augmentation.AUGMENTATIONS`, with commas between them: what else is done to them
    broken      "raise" or "skip": what is done about files of a folder that cannot be read
    decay_biases    whether weight decay also shrinks biases and the weights of norm layers
    class_weight    None, or "balanced": the loss weighs classes by the inverse of their frequency
    clip_norm       the gradients' greatest norm, all together; None: any
    ema             decay of the moving average of weights that is validated and kept; None: the weights themselves
    early_stopping  epochs without a new best one, after which the training ends; None: never
    checkpoint_every  steps from one checkpoint within an epoch to the next; None: there is one after each epoch only
    pretrained      file of a network, or run folder, that is trained further (see `opening.open_classifier`); None: a fresh one. `model`
                    is then the architecture that a file of weights is for, else any name
    freeze          what of it stays as it is: "none", "features" (all but the last layer), or all before the module with this path
    layer_decay     the rate of each block of layers is so many times that of the next one; None: one rate for all
    unfreeze_every  epochs from one more block that is trained to the next, from the last one to the first; None: all of them at once
    mean, std       what the pretrained network takes for 0 and for 1, in 0..1, a list; None: as its file says
    workers     threads that load and augment batches ahead of time; the outcome does not depend on it
    device      "cpu" or "cuda"; the bits of the history are the same on the same device only

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
    image_size: int | None = None
    augment: str = ""
    broken: str = "raise"
    workers: int = 0
    decay_biases: bool = True
    class_weight: str | None = None
    clip_norm: float | None = None
    ema: float | None = None
    early_stopping: int | None = None
    device: str = "cpu"
    checkpoint_every: int | None = None
    pretrained: str | None = None
    freeze: str = "none"
    layer_decay: float | None = None
    unfreeze_every: int | None = None
    mean: list | None = None
    std: list | None = None

    def __post_init__(self):
        known("data set", self.dataset, dict.fromkeys(NAMES))
        known("optimizer", self.optimizer, OPTIMIZERS)
        known("scheduler", self.scheduler, SCHEDULERS)
        if self.pretrained is None:
            registry.builder(self.model)
        known("device", self.device, dict.fromkeys(("cpu", "cuda")))
        if not isinstance(self.data_dir, str | None):
            raise BadValue(f"data_dir must be a path or null, got {self.data_dir!r}")
        for name in ("epochs", "batch_size"):
            if count(name, getattr(self, name), least=1) > MOST:
                raise BadValue(f"{name} must be {MOST:,} or less, got {getattr(self, name)}")
        if self.image_size is not None and count("image_size", self.image_size, least=1) > LARGEST_SIDE:
            raise BadValue(f"image_size must be {LARGEST_SIDE:,} or less, got {self.image_size}")
        if count("workers", self.workers) > MOST_WORKERS:
            raise BadValue(f"workers must be {MOST_WORKERS} or less, got {self.workers}")
        known("way with broken files", self.broken, dict.fromkeys(("raise", "skip")))
        names_of(self.augment)
        count("shift", self.shift)
        count("seed", self.seed)
        above_zero("lr", self.lr)
        at_least_zero("weight_decay", self.weight_decay)
        self._check_practice()
        self._check_pretrained()
        if not 0 <= finite("label_smoothing", self.label_smoothing) < 1:
            raise BadValue(f"label_smoothing must be at least 0 and below 1, got {self.label_smoothing}")

    def _check_practice(self):
        if not isinstance(self.decay_biases, bool):
            raise BadValue(f"decay_biases must be true or false, got {self.decay_biases!r}")
        if self.class_weight is not None:
            known("class weight", self.class_weight, {"balanced": None})
        if self.clip_norm is not None:
            above_zero("clip_norm", self.clip_norm)
        if self.ema is not None and not 0 < finite("ema", self.ema) < 1:
            raise BadValue(f"ema must be above 0 and below 1, got {self.ema}")
        for name in ("early_stopping", "checkpoint_every", "unfreeze_every"):
            if getattr(self, name) is not None:
                count(name, getattr(self, name), least=1)

    def _check_pretrained(self):
        for name in ("model", "freeze"):
            if not isinstance(getattr(self, name), str):
                raise BadValue(f"{name} must be a name, got {getattr(self, name)!r}")
        if self.layer_decay is not None and not 0 < finite("layer_decay", self.layer_decay) <= 1:
            raise BadValue(f"layer_decay must be above 0 and at most 1, got {self.layer_decay}")
        for name in ("mean", "std"):
            values = getattr(self, name)
            if values is not None and (not isinstance(values, list) or not values or any(type(v) not in (int, float) for v in values)):
                raise BadValue(f"{name} must be a list of numbers, got {values!r}")
        if self.pretrained is None and (self.freeze, self.layer_decay, self.unfreeze_every, self.mean, self.std) != ("none", *[None] * 4):
            raise BadValue("freeze, layer_decay, unfreeze_every, mean and std are for a network that is trained further: there is none")
        if self.unfreeze_every is not None and self.freeze != "none":
            raise BadValue("unfreeze_every says when what is frozen; leave out freeze")

    @property
    def name(self):
        """What the data is called: the data set's name, or the folder's."""
        return self.dataset if self.dataset != FOLDER or not self.data_dir else Path(self.data_dir).resolve().name or FOLDER


WORKERS = 2                     # threads that augment ahead, where images are augmented one by one
COMMON = {
    "data_dir": None, "optimizer": "sgd", "scheduler": "one-cycle", "weight_decay": 5e-4,
    "label_smoothing": 0.1, "shift": 1, "seed": 0, "image_size": None, "augment": "", "broken": "raise", "device": "cpu",
}
BY_DATASET = {
    "digits": {"model": "small_cnn", "epochs": 30, "batch_size": 64},
    "fashion-mnist": {"model": "lenet5", "epochs": 10, "batch_size": 128},
    "mnist": {"model": "lenet5", "epochs": 5, "batch_size": 128},
    "cifar10": {"model": "small_cnn", "epochs": 20, "batch_size": 128, "shift": 2, "augment": "flip"},
    "cifar100": {"model": "small_cnn", "epochs": 20, "batch_size": 128, "shift": 2, "augment": "flip"},
    "folder": {"model": "small_cnn", "epochs": 20, "batch_size": 64},
}


def complete(dataset="digits", **given):
    """A Config from what was asked for; the rest are the defaults for this data set and this optimizer."""
    values = {**COMMON, **known("data set", dataset, BY_DATASET), **given}
    values.setdefault("lr", known("optimizer", values["optimizer"], OPTIMIZERS)[1])
    values.setdefault("workers", WORKERS if draws_singly(values["augment"]) else 0)
    return Config(dataset=dataset, **values)


# A network that has learnt is changed in small steps, and its images are as large as those that it knows.
FINE_TUNING = {"epochs": 10, "batch_size": 32, "optimizer": "adamw", "weight_decay": 0.01, "shift": 0}
HEAD_ALONE, EVERYTHING = {"freeze": "features", "lr": 0.01}, {"freeze": "none", "lr": 0.001}


def complete_further(pretrained, dataset=FOLDER, **given):
    """A Config for training a network further, from what was asked for. Rates by layer, or blocks one by one, want nothing frozen."""
    head_alone = given.get("freeze", "features") == "features" and not {"layer_decay", "unfreeze_every"} & set(given)
    usual = {**FINE_TUNING, **(HEAD_ALONE if head_alone else EVERYTHING), "model": Path(pretrained).stem}
    return complete(dataset, **{**usual, **given}, pretrained=str(pretrained))


def write(config, path):
    """The configuration as JSON."""
    write_json({"minicnn": __version__, **asdict(config)}, path)


def read(path):
    """The Config in a JSON file. Raises DataError for a file that `write` did not write, BadValue for bad values.

    Entries that have come since the file was written may be missing.
    """
    values = read_json(path, "a configuration")
    names = {field.name for field in fields(Config)}
    needed = {field.name for field in fields(Config) if field.default is MISSING}
    if not isinstance(values, dict) or not needed <= set(values) - {"minicnn"} <= names:
        raise DataError(f"{path} is not a configuration: it must have the entries {', '.join(sorted(names))}")
    return Config(**{name: values[name] for name in names if name in values})
