"""A trained model with all that is needed to use it: class names, what input it expects, how that is normalised."""

import math
import os
from copy import deepcopy

import numpy as np

from ..autograd import no_grad
from ..errors import DataError, Error
from ..nn import Module
from ..nn import functional as F
from ..nn.convert import device_of
from ..serialize import load, save
from ..tensor import Tensor, wrap
from . import registry
from .picture import BACKGROUNDS
from .transfer import find_head, replace_head

KIND = "minicnn classifier"
BATCH = 256                     # images that are classified at once


class Classifier:
    """An architecture of the registry, or any other network; its weights, and its input.

    name, arguments  what `models.create` is given; arguments None: the model is a network of its own, and is stored as a graph
    classes          K names
    input_shape      (C, H, W)
    mean, std        of the training images in 0..1, one number per channel
    style            how the training images look, as `picture.style_of` found it
    about            anything worth knowing of the training, JSON-ready
    model            the network; None: a fresh one by name and arguments

    `remarks` are sentences on what was assumed of a file that does not say it.
    """

    def __init__(self, name, arguments, classes, input_shape, mean, std, style, about=None, model=None):
        self.name, self.classes, self.input_shape = name, list(classes), tuple(input_shape)
        self.arguments = None if arguments is None else dict(arguments)
        self.mean, self.std, self.style, self.about = list(mean), list(std), dict(style), dict(about or {})
        self.model = registry.create(name, **self.arguments) if model is None else model
        self.remarks, self.compiled, self.batch = [], None, BATCH

    @classmethod
    def for_images(cls, name, images, classes, style, about=None):
        """A fresh model for training images (N, C, H, W) uint8, which also say how inputs are to be normalised."""
        channels, *size = images.shape[1:]
        mean, std = images.mean((0, 2, 3)) / 255, images.std((0, 2, 3)) / 255
        arguments = registry.arguments_for(name, channels, size, len(classes))
        return cls(name, arguments, classes, images.shape[1:], mean.tolist(), np.where(std > 0, std, 1).tolist(), style, about)

    def normalise(self, images):
        """(N, C, H, W) float32 with mean 0 and deviation 1 per channel, from uint8 in 0..255 or floats in 0..1."""
        pixels = images.transpose(0, 2, 3, 1)                   # whole rows of pixels at a time: three channels are too short a loop
        n, height, width, channels = pixels.shape
        rows = pixels.reshape(n, height, width * channels).astype(np.float32)
        rows -= self._of_a_row(self.mean, images)
        rows /= self._of_a_row(self.std, images)
        return rows.reshape(pixels.shape).transpose(0, 3, 1, 2)

    @staticmethod
    def _of_a_row(values, images):
        """(W·C,) the values of the channels, for each pixel of a row, in the images' units."""
        scale = np.float32(255 if images.dtype == np.uint8 else 1)
        return np.tile(np.broadcast_to(np.asarray(values, np.float32) * scale, images.shape[1]), images.shape[3])

    def probabilities(self, images):
        """(N, K) probabilities of the classes for images as `normalise` takes them."""
        device = device_of(self.model)
        model = self.model.eval() if self.compiled is None else self.compiled
        with no_grad():
            return np.concatenate([F.softmax(model(wrap(self.normalise(images[i : i + self.batch])).to(device)), 1).cpu().array
                                   for i in range(0, len(images), self.batch)])

    def compile(self):
        """From now on, `probabilities` are computed by the model as it is now, compiled for inference.

        A network for one image alone stays as it is: of such a one no graph for batches can be made.
        """
        if self.batch > 1:
            self.compiled = self.model.compile_for_inference(np.zeros((1, *self.input_shape), np.float32))

    def adapt(self, classes):
        """Make the model tell other classes apart: its head is replaced by a fresh one, unless the classes are those that it knows."""
        if list(classes) != self.classes:
            replace_head(self.model, len(classes))
            self.classes = list(classes)
            if self.arguments is not None:
                self.arguments["num_classes"] = len(classes)

    def head(self):
        """The path of the layer that tells the classes apart."""
        return find_head(self.model)

    def save(self, path, weights=None):
        """Write everything to one file, atomically; `weights`: a state_dict in place of the model's."""
        fields = {field: getattr(self, field) for field in FIELDS}
        if self.arguments is not None:
            save({"kind": KIND, **fields, "weights": self.model.state_dict() if weights is None else weights}, path)
            return
        model = self.model
        if weights is not None:
            model = deepcopy(model)
            model.load_state_dict(weights)
        save(model, path, self.input_shape, metadata={"kind": KIND, **fields})

    @classmethod
    def load(cls, path):
        """Read what `save` wrote. Raises DataError, naming the file, for any other file."""
        return cls.from_content(load(path, map_location="cpu"), path)

    @classmethod
    def from_content(cls, state, path):
        """The Classifier of what `load` gave for the file at a path."""
        model = state if isinstance(state, Module) else None
        state = _of_graph(model) if model is not None else state
        try:
            _check(state)
            classifier = cls(**{field: state[field] for field in FIELDS}, model=model)
            if model is None:
                classifier.model.load_state_dict(state["weights"])
            classifier.try_out()
        except Error as error:
            raise DataError(f"{os.fspath(path)} cannot be used as a classifier: {error}") from None
        return classifier

    def try_out(self):
        """Refuse a model that cannot take its own input, or has another number of outputs than there are names."""
        outputs = self.probabilities(np.zeros((1, *self.input_shape), np.uint8)).shape[1]
        if outputs != len(self.classes):
            raise DataError(f"the model tells {outputs} classes apart, but has names for {len(self.classes)}")


FIELDS = ("name", "arguments", "classes", "input_shape", "mean", "std", "style", "about")
# A file must not make us build a network without bounds.
LARGEST = 4096                  # channels, pixels in a row, classes
LARGEST_INPUT = 2**24           # numbers in one image


def _of_graph(model):
    """The entries of a classifier from what a graph's file knows of it, in the types that `save` writes else."""
    known = dict(model.graph.metadata)
    if isinstance(known.get("input_shape"), list):
        known["input_shape"] = tuple(known["input_shape"])
    return {**known, "weights": {}}


def _check(state):
    """Refuse what `save` cannot have written; the weights' names and shapes are checked where they are loaded."""
    if not isinstance(state, dict) or state.get("kind") != KIND:
        raise DataError("it holds something else, such as a checkpoint or a state_dict (for that, say which architecture: --model NAME)")
    if set(state) != {"kind", "weights", *FIELDS}:
        raise DataError("its entries are not those of a classifier")
    for name, holds in RULES.items():
        if not holds(state[name]):
            raise DataError(f"its {name} is not what it must be: {str(state[name]):.60}")
    channels = state["input_shape"][0]
    if not len(state["mean"]) == len(state["std"]) == channels:
        raise DataError(f"its mean and std must have one number for each of {channels} channels")


def _is_list_of(kind, values):
    return isinstance(values, list) and 0 < len(values) <= LARGEST and all(type(value) is kind for value in values)


def _are_sizes(values):
    return all(type(value) is int and 1 <= value <= LARGEST for value in values)


RULES = {
    "name": lambda v: isinstance(v, str),
    "arguments": lambda v: v is None or isinstance(v, dict) and all(_are_sizes(x if isinstance(x, list) else [x]) for x in v.values()),
    "classes": lambda v: _is_list_of(str, v),
    "input_shape": lambda v: isinstance(v, tuple) and len(v) == 3 and _are_sizes(v) and math.prod(v) <= LARGEST_INPUT,
    "mean": lambda v: _is_list_of(float, v) and all(map(math.isfinite, v)),
    "std": lambda v: _is_list_of(float, v) and all(0 < x < math.inf for x in v),
    "style": lambda v: isinstance(v, dict) and v.get("background") in BACKGROUNDS and type(v.get("fill")) is float,
    "about": lambda v: isinstance(v, dict),
    "weights": lambda v: isinstance(v, dict) and all(isinstance(x, Tensor) for x in v.values()),
}
