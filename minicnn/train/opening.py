"""Any file that holds a network, as a Classifier: our own, ONNX, or weights for one of our architectures.

What a file does not say of its input and its classes is assumed, and said (`Classifier.remarks`), unless it is given.
"""

import json
from pathlib import Path

import numpy as np

from .. import arrays, nn, onnx
from ..autograd import no_grad
from ..errors import BadValue, DataError, Error
from ..graph.module import GraphModule
from ..models import Classifier, registry
from ..models.classifier import KIND
from ..models.googlenet import IMAGENET
from ..models.transfer import AUXILIARY, find_head
from ..models.weights import copy_weights, named_weights
from ..nn.init import skipped
from ..serialize import container, load
from ..tensor import wrap

SIDE = 224                      # pixels, where neither the file nor the user says it
ANY = {"background": "any", "fill": 1.0}


def open_classifier(path, model=None, classes=None, input_size=None, mean=None, std=None, device=None):
    """The Classifier in a file or a run folder.

    path        a run folder, a `.mcnn` of any kind, an `.onnx`, or weights: `.pth`, `.pt`, `.safetensors`, `.npz`
    model       for weights, the architecture that they are of; None: the file's name, where it is one
    classes     names of the classes, or a file with one name a line or a JSON list; None: as the file says, else numbers
    input_size  side of the images in pixels
    mean, std   of what the model takes for 0 and for 1, in 0..1: one number, or one for each channel; None: as the file says, else
                ImageNet's for three channels, 0 and 1 for one
    device      where the network is put; None: "cpu"

    Raises DataError for a file that is none of these or no classifier of images; DeviceError without a usable GPU where one is asked for;
    UnsupportedOperator; OSError.
    """
    arrays.module_for(device)                       # or an error, before anything is read
    path = network_file(path)
    content = read_network(path, model)
    ours = not isinstance(content, nn.Module) or isinstance(content, GraphModule) and content.graph.metadata.get("kind") == KIND
    classifier = Classifier.from_content(content, path) if ours else foreign(content, path, model, input_size)
    classifier = with_options(classifier, path, classes, input_size, mean, std)
    if device is not None:
        classifier.model.to(device)
    return classifier


def network_file(path):
    """The file itself, or the model in a run folder."""
    path = Path(path)
    if not path.exists():
        raise DataError(f"there is no run folder or model file {path}")
    if path.is_dir() and not (path / "model.mcnn").is_file():
        raise DataError(f"{path} has no model.mcnn: it is not the folder of a run")
    return path / "model.mcnn" if path.is_dir() else path


def read_network(path, model):
    """What a file holds: a module, or the content of a classifier's file."""
    ours = holds_a_document(path)
    if path.suffix.lower() == ".onnx" and not ours:
        return onnx.load(path)
    if ours:
        content = load(path, map_location="cpu")
        if isinstance(content, nn.Module) or isinstance(content, dict) and content.get("kind") == KIND or model is None:
            return content
    return with_weights_of(path, model or path.stem)


def holds_a_document(path):
    """Whether it is a file of minicnn's."""
    import zipfile

    try:
        with zipfile.ZipFile(path) as archive:
            return container.DOCUMENT in archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        return False


def with_weights_of(path, name):
    """A model of the registry with a file's weights, for as many classes and channels as these are for."""
    given = named_weights(path)
    if name not in registry.names():
        raise DataError(f"{path} holds parameters, not a network: say which architecture they are for, one of `minicnn models` "
                        f"(--model NAME{'; there is no ' + repr(name) if name != path.stem else ''})")
    with skipped():
        usual = registry.create(name)
    head, first = find_head(usual) + ".weight", next(iter(usual.state_dict()))
    sizes = {}
    if head in given and given[head].ndim:
        sizes["num_classes"] = len(given[head])
    if first in given and given[first].ndim > 1:
        sizes["in_channels"] = given[first].shape[1]
    try:
        network = registry.create(name, **sizes)
    except Error as error:
        raise DataError(f"{path} does not fit {name}: {error}") from None
    if any(not key.startswith(AUXILIARY) for key in copy_weights(network, given, path, strict=False)):
        copy_weights(network, given, path)          # says what does not fit
    network.arguments = sizes
    return network


# Networks that know nothing of pictures and classes ---------------------------------------------------------------------------


def foreign(network, path, model, input_size):
    """A Classifier around a module, with what can be told from it."""
    named = getattr(network, "arguments", None)
    name = path.stem if named is None else model or path.stem
    shape, remarks = input_of(network, path, name, named, input_size)
    known = {} if named is not None else properties(network.graph)
    mean, std, remark = normalisation(name, shape[0], known, takes_bytes(network))
    if named is None:
        network = adapted(network, path, shape)
    classifier = Classifier(name, named, [], shape, mean, std, ANY, {}, model=network.eval())
    count = outputs_of(classifier, path)
    names = known.get("classes", ())
    classifier.classes = [str(c) for c in names] if len(names) == count else [f"class {i}" for i in range(count)]
    classifier.remarks = [*remarks, remark]
    return classifier


def properties(graph):
    """What a graph's file knows besides the graph, of that which is a list: {"classes": [...], "mean": [...], "std": [...]}."""
    found = {}
    for key, value in graph.metadata.items():
        try:
            found[key] = json.loads(value) if isinstance(value, str) else value        # ONNX's properties are texts
        except (ValueError, RecursionError):
            continue
    return {key: value for key, value in found.items() if isinstance(value, list)}


def input_of(network, path, name, named, input_size):
    """((C, H, W), remarks)"""
    if named is not None:
        channels, *size = registry.usual_input(name)
        channels = named.get("in_channels", channels)
        found, said = (channels, *size), "as usual for " + name
    else:
        found, said = graph_input(network, path)
    if input_size is not None:
        return (found[0], input_size, input_size), []
    if None in found:
        return (found[0], SIDE, SIDE), [f"input {SIDE}x{SIDE}, since the file leaves it open (--input-size)"]
    return found, [f"input {found[2]}x{found[1]}, {said}"]


def graph_input(network, path):
    """((C, H or None, W or None), "as the file says") of a graph that takes images."""
    values = network.graph.inputs
    shape = values[0].shape
    if len(values) != 1 or shape is None or len(shape) != 4:
        taken = ", ".join(f"{value.name} {value.shape}" for value in values)
        raise DataError(f"{path} is no classifier of images: it takes {taken}, not one batch of images")
    numbers = [n if isinstance(n, int) else None for n in shape[1:]]
    return tuple(numbers[-1:] + numbers[:-1] if channels_last(shape) else [numbers[0] or 3, *numbers[1:]]), "as the file says"


def channels_last(shape):
    """Whether images of this shape are (N, H, W, C)."""
    return shape[3] in (1, 3) and shape[1] not in (1, 3)


class Adapted(nn.Module):
    """A network that takes images (N, C, H, W) and gives logits (N, K), around one that takes or gives something else.

    channels_last  it takes (N, H, W, C)
    whole          it takes uint8 in 0..255, not fractions in 0..1: the normalisation is inside
    output         which of several outputs are the classes
    probabilities  it gives these, whose logarithms are logits
    """

    def __init__(self, network, channels_last, whole, output, probabilities):
        super().__init__()
        self.network = network
        self.channels_last, self.whole, self.output, self.probabilities = channels_last, whole, output, probabilities

    def forward(self, x):
        x = (x * 255).round().clamp(0, 255).to("uint8") if self.whole else x
        y = self.network(x.permute(0, 2, 3, 1) if self.channels_last else x)
        y = (y if self.output is None else y[self.output]).flatten(1)
        return y.clamp(min=1e-12).log() if self.probabilities else y


def adapted(network, path, shape):
    """The network itself where it takes images and gives logits, else Adapted around it. A last softmax is taken out."""
    last, whole = channels_last(network.graph.inputs[0].shape), takes_bytes(network)
    x = wrap(np.zeros((1, *(shape[1:] + shape[:1] if last else shape)), np.uint8 if whole else np.float32))
    try:
        with no_grad():
            given = network(x)
    except Error as error:
        batch = network.graph.inputs[0].shape[0]
        hint = f"it is made for {batch} images at once" if isinstance(batch, int) and batch > 1 else "another --input-size?"
        raise DataError(f"{path} cannot be used on images of {shape[2]}x{shape[1]}: {error} ({hint})") from None
    outputs = given if isinstance(given, tuple) else (given,)
    chosen = next((i for i, y in enumerate(outputs) if y.ndim > 1 and y.numel() == y.shape[1]), None)
    if chosen is None:
        raise DataError(f"{path} is no classifier: for one image it gives {', '.join(str(tuple(y.shape)) for y in outputs)}")
    squashed = ends_with_softmax(network, network.graph.outputs[chosen].name)
    removed = squashed and remove_layer(network, squashed)
    plain = not (last or whole) and len(outputs) == 1 and (not squashed or removed) and outputs[0].ndim == 2
    return network if plain else Adapted(network, last, whole, None if len(outputs) == 1 else chosen, bool(squashed) and not removed)


def takes_bytes(network):
    """Whether a graph takes images uint8."""
    return isinstance(network, GraphModule) and network.graph.inputs[0].dtype == "uint8"


def ends_with_softmax(network, name):
    """The step that computes an output, if it is a softmax; else None."""
    step = next((step for step in network._steps if name in step.node.outputs), None)
    return step if step is not None and step.node.op_type == "Softmax" and not step.node.domain else None


def remove_layer(network, step):
    """Put Identity in the place of a step's layer, if it is one."""
    if step.path is None:
        return False
    *above, last = step.path
    setattr(network.get_submodule(".".join(above)), last, nn.Identity())
    return True


def outputs_of(classifier, path):
    """How many classes there are. A network for batches of one image alone gets them one by one."""
    zeros = np.zeros((2, *classifier.input_shape), np.uint8)
    try:
        found = classifier.probabilities(zeros)
        if len(found) == len(zeros):
            return found.shape[1]
    except Error:
        pass
    classifier.batch = 1
    try:
        return classifier.probabilities(zeros).shape[1]
    except Error as error:
        raise DataError(f"{path} cannot be used as a classifier: {error}") from None


# What is assumed, and what is given ---------------------------------------------------------------------------------------------


def normalisation(name, channels, known, inside):
    """(mean, std, a remark); `inside`: the network does it itself."""
    if inside:
        return [0.0] * channels, [1.0] * channels, "pixels as they are: the network takes whole numbers, and normalises them"
    if len(known.get("mean", ())) == len(known.get("std", ())) == channels:
        mean, std = (per_channel(key, known[key], channels) for key in ("mean", "std"))
        return mean, std, "mean and deviation as the file says"
    if name in registry.NORMALIZATION:
        return *registry.NORMALIZATION[name], f"mean and deviation as {name} was trained"
    if channels == 3:
        return *IMAGENET, "mean and deviation are assumed to be ImageNet's (--mean, --std)"
    return [0.0] * channels, [1.0] * channels, "pixels are assumed to be taken in 0..1 (--mean, --std)"


def with_options(classifier, path, classes, input_size, mean, std):
    """What the user says of a classifier wins."""
    channels, *size = classifier.input_shape
    if input_size is not None and size != [input_size] * 2:
        resize(classifier, path, input_size)
    for name, values in (("mean", mean), ("std", std)):
        if values is not None:
            setattr(classifier, name, per_channel(name, values, channels))
            classifier.remarks = [remark for remark in classifier.remarks if not remark.startswith(("mean", "pixels"))]
    if classes is not None:
        names = class_names(classes)
        if len(names) != len(classifier.classes):
            raise BadValue(f"{path} tells {len(classifier.classes)} classes apart, but {len(names)} names are given")
        classifier.classes = names
    return classifier


def resize(classifier, path, side):
    """Have a classifier take images of another size; DataError where it cannot."""
    classifier.input_shape = (classifier.input_shape[0], side, side)
    try:
        classifier.try_out()
    except Error as error:
        raise DataError(f"{path} cannot be used on images of {side}x{side}: {error}") from None


def per_channel(name, values, channels):
    """One finite number for each channel; deviations above 0."""
    values = list(values) * channels if len(values) == 1 else list(values)
    if not all(isinstance(v, (int, float)) for v in values):
        raise BadValue(f"{name} must be numbers, got {values}")
    if len(values) != channels or not np.isfinite(values).all() or name == "std" and min(values) <= 0:
        raise BadValue(f"{name} must be one number or {channels}{', above 0' * (name == 'std')}, got {values}")
    return [float(v) for v in values]


def class_names(classes):
    """Names, or those in a file: one a line, or a JSON list."""
    if not isinstance(classes, (str, Path)):
        return [str(name) for name in classes]
    try:
        text = Path(classes).read_text(encoding="utf-8")
        names = json.loads(text) if text.lstrip().startswith("[") else [line.strip() for line in text.splitlines() if line.strip()]
    except ValueError as error:
        raise DataError(f"{classes} has no names of classes: {error}") from None
    return [str(name) for name in names]
